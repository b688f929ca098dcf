// What an attempt asks of its placement, and when that is reached or out of reach.

#include <fmt/format.h>

#include <algorithm>

#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
Wish refuse(std::string why) { return {Wish::Kind::refused, std::move(why), {}}; }
Wish change(PlacementRow wanted) { return {Wish::Kind::change, {}, std::move(wanted)}; }

bool alive_as(const Instance& instance, const std::string& digest) {
  return instance.phase == Phase::running && instance.live_digest == digest && !instance.deleting &&
         !instance.restart_wanted && instance.unhealthy.empty();
}
/// It has run and ended: a job's start happens at most once for a placement.
bool has_run(const Instance& instance) {
  return instance.row.finished && instance.row.finished->started_at.has_value();
}
bool at_rest(const Instance& instance) { return instance.phase == Phase::none && !instance.row.run; }

bool same_wish(const PlacementRow& a, const PlacementRow& b) {
  return a.placement == b.placement && a.run == b.run && a.restart_generation == b.restart_generation &&
         a.reload_generation == b.reload_generation && a.service == b.service && a.index == b.index &&
         a.finished.has_value() == b.finished.has_value();
}

/// A service that failed starts anew under new settings: they may be what it failed for. A job never does.
bool tried_again(const Instance& instance, const Assign& order) {
  return order.service->kind == ServiceKind::service && instance.row.finished &&
         instance.row.finished->state == InstanceState::failed &&
         instance.row.placement.digest != order.placement.digest;
}

/// A finished one that is wanted again with the same digest stays finished, if it has run.
void forget_end(PlacementRow& wanted, const Instance* instance, bool same) {
  if (!wanted.finished || (same && has_run(*instance))) return;
  wanted.finished.reset();
}

/// The start of a job is written down before it happens: it happens at most once.
void write_down_start(PlacementRow& wanted) {
  if (wanted.service.kind == ServiceKind::job && wanted.run && !wanted.finished) wanted.incarnation += 1;
}

Wish judge_placing(Step& step, const Assign& order, const Instance* instance) {
  if (!order.service) return refuse("the assignment carries no service");
  PlacementRow wanted = instance ? instance->row : PlacementRow{};
  bool fresh = !instance || !same_run(wanted.placement.digest, order.placement.digest);
  bool same = !fresh && !instance->orphan && wanted.placement.epoch == order.placement.epoch &&
              !tried_again(*instance, order);
  wanted.placement = order.placement;
  wanted.stack = order.stack;
  wanted.instance_name = order.instance_name;
  wanted.index = order.index;
  wanted.service = *order.service;
  wanted.run = order.run;
  if (fresh) {
    wanted.restart_generation = std::max(wanted.restart_generation, order.restart_generation);
    wanted.reload_generation = std::max(wanted.reload_generation, order.reload_generation);
  }
  forget_end(wanted, instance, same);
  // What cannot be given now is waited for; see spawn().
  if (auto ports = give_ports(step.world, wanted, step.now.boot)) wanted.ports = std::move(*ports);
  write_down_start(wanted);
  if (same && same_wish(wanted, instance->row) &&
      (alive_as(*instance, wanted.placement.digest) || has_run(*instance) || at_rest(*instance)))
    return {.kind = Wish::Kind::reached, .why = {}, .wanted = {}};
  return change(std::move(wanted));
}

Wish judge_run(const Assign& order, const Instance& instance) {
  PlacementRow wanted = instance.row;
  wanted.placement.epoch = std::max(wanted.placement.epoch, order.placement.epoch);
  wanted.run = order.type == TaskType::start;
  bool completed = wanted.finished && wanted.finished->state == InstanceState::completed;
  if (!completed) wanted.finished.reset();
  if (wanted.run && instance.phase == Phase::none && !completed)
    wanted.restart_generation = std::max(wanted.restart_generation, order.restart_generation);
  bool there =
      wanted.run ? completed || alive_as(instance, wanted.placement.digest) : instance.phase == Phase::none;
  if (there && same_wish(wanted, instance.row)) return {.kind = Wish::Kind::reached, .why = {}, .wanted = {}};
  write_down_start(wanted);
  return change(std::move(wanted));
}

Wish judge_restart(const Assign& order, const Instance& instance) {
  if (instance.row.restart_generation >= order.restart_generation)
    return {.kind = Wish::Kind::reached, .why = {}, .wanted = {}};
  // The count is raised when the new run has been started, so that a crash in between does not lose it.
  PlacementRow wanted = instance.row;
  wanted.placement.epoch = std::max(wanted.placement.epoch, order.placement.epoch);
  wanted.finished.reset();
  if (!wanted.run)
    wanted.restart_generation = order.restart_generation;  // the next start is a new one anyway
  write_down_start(wanted);
  return change(std::move(wanted));
}

Wish judge_reload(const Assign& order, const Instance& instance) {
  if (instance.row.reload_generation >= order.reload_generation)
    return {.kind = Wish::Kind::reached, .why = {}, .wanted = {}};
  // The count is raised when the run has been told, so that a crash in between does not lose it.
  PlacementRow wanted = instance.row;
  wanted.placement.epoch = std::max(wanted.placement.epoch, order.placement.epoch);
  return change(std::move(wanted));
}
}  // namespace

Wish judge(Step& step, const Assign& order) {
  Instance* instance = step.find(order.placement.instance);
  if (instance && !instance->orphan && order.placement.epoch < instance->row.placement.epoch)
    return refuse(fmt::format("epoch {} is older than {}, which this node holds", order.placement.epoch,
                              instance->row.placement.epoch));
  bool known = instance && !instance->orphan;
  switch (order.type) {
    case TaskType::deploy:
    case TaskType::update: return judge_placing(step, order, instance);
    case TaskType::start:
    case TaskType::restart:
      if (!known) return refuse("this node does not have the instance");
      return order.type == TaskType::start ? judge_run(order, *instance) : judge_restart(order, *instance);
    case TaskType::reload:
      if (!known) return refuse("this node does not have the instance");
      return judge_reload(order, *instance);
    case TaskType::stop:
      if (!known) return {.kind = Wish::Kind::reached, .why = {}, .wanted = {}};
      return judge_run(order, *instance);
    case TaskType::delete_:
      if (!instance) return {.kind = Wish::Kind::reached, .why = {}, .wanted = {}};
      return {.kind = Wish::Kind::change, .why = {}, .wanted = {}};
    case TaskType::exec:
    case TaskType::probe:
    case TaskType::collect: break;  // errands.cpp
  }
  std::unreachable();
}

namespace {
/// Takes the row over. What the journal has may be older by now (an end came in between): then it is written
/// again.
void take_over(Step& step, Attempt& attempt, Instance& instance, PlacementRow wanted) {
  auto written = std::exchange(attempt.wanted, std::nullopt);
  // The run in hand is what it is; the journal may count one more, for a job that is about to start.
  std::uint64_t incarnation = instance.row.incarnation;
  bool write_again = instance.rewritten || !written || !same_wish(*written, wanted);
  instance.journaled_incarnation =
      std::max({instance.journaled_incarnation, wanted.incarnation, written ? written->incarnation : 0});
  instance.row = std::move(wanted);
  instance.row.incarnation = incarnation;
  if (!instance.row.service.depends_on.empty()) step.world.needy.insert(instance.row.placement.instance);
  if (write_again) step.write_placement(instance);
}
}  // namespace

void apply(Step& step, Attempt& attempt) {
  const Assign& order = attempt.row.assign;
  InstanceId id = order.placement.instance;
  AttemptKey key{order.task, order.attempt};
  // Judged again: while the rows were on their way its run may have ended, or begun anew.
  Wish wish = judge(step, order);
  if (wish.kind == Wish::Kind::refused) return end_attempt(step, key, TaskMove::refused, std::move(wish.why));
  if (wish.kind == Wish::Kind::reached) return end_attempt(step, key, TaskMove::succeed);
  Instance& instance = step.world.instances[id];
  bool was_orphan = instance.orphan && wish.wanted;
  if (wish.wanted) {
    instance.orphan = false;
    take_over(step, attempt, instance, std::move(*wish.wanted));
  }
  instance.task = key;
  if (order.type == TaskType::reload) {
    instance.reload_to = order.reload_generation;
    return drive(step, id);
  }
  begin_anew(instance);
  instance.waits_for_ours = false;
  instance.spawn_tries = 0;
  instance.deleting = order.type == TaskType::delete_;
  if (order.type == TaskType::restart)
    instance.restart_wanted = instance.row.run && instance.phase != Phase::none &&
                              instance.row.incarnation <= attempt.row.incarnation;
  if (was_orphan && instance.phase == Phase::running)
    adopt(step, instance,
          Found{.pid = instance.seen.pid,
                .started_at = instance.seen.started_at,
                .degraded = instance.seen.degraded});
  step.mark(instance);
  drive(step, id);
}

bool reached(const Step&, const Attempt& attempt, const Instance& instance) {
  const Assign& order = attempt.row.assign;
  switch (order.type) {
    case TaskType::deploy:
    case TaskType::update:
    case TaskType::start:
      if (!instance.row.run) return instance.phase == Phase::none;
      return instance.row.finished ? true : alive_as(instance, instance.row.placement.digest);
    case TaskType::restart:
      if (!instance.row.run) return instance.phase == Phase::none;
      return alive_as(instance, instance.row.placement.digest) &&
             instance.row.incarnation > attempt.row.incarnation;
    case TaskType::stop: return instance.phase == Phase::none && !instance.row.run;
    case TaskType::reload: return instance.row.reload_generation >= order.reload_generation;
    case TaskType::delete_:  // ended where the instance is erased
    case TaskType::exec:
    case TaskType::probe:
    case TaskType::collect: return false;
  }
  std::unreachable();
}

void settle(Step& step, Instance& instance) {
  if (!instance.task) return;
  AttemptKey key = *instance.task;
  Attempt* attempt = step.find(key);
  if (!attempt) return;
  if (!reached(step, *attempt, instance)) return;
  const Assign& order = attempt->row.assign;
  if (order.type == TaskType::restart && instance.row.restart_generation < order.restart_generation) {
    instance.row.restart_generation = order.restart_generation;
    step.write_placement(instance);
    step.mark(instance);
  }
  end_attempt(step, key, TaskMove::succeed);
}

}  // namespace drover::agent
