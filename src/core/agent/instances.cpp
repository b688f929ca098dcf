// The state machine of one instance: level-triggered between what shall be and the run in hand.

#include <fmt/format.h>

#include <algorithm>

#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
constexpr Duration obstacle_backoff = 1s, obstacle_backoff_max = 30s;

bool wants_run(const Instance& instance) {
  return instance.row.run && !instance.deleting && !instance.row.finished && !instance.orphan;
}

/// Why the run in hand must go; nullopt: it may stay.
bool must_stop(const Instance& instance) {
  if (instance.deleting) return true;
  if (instance.orphan) return false;
  return !instance.row.run || instance.row.finished || instance.restart_wanted ||
         !instance.unhealthy.empty() || instance.live_digest != instance.row.placement.digest;
}

/// The run in hand, as it was started.
Spawn live_spawn(const Instance& instance) {
  Placement placement = instance.row.placement;
  placement.digest = instance.live_digest;
  return Spawn{.run = instance.run(),
               .placement = std::move(placement),
               .stack = instance.row.stack,
               .instance_name = instance.row.instance_name,
               .index = instance.row.index,
               .service = instance.live_service,
               .ports = instance.live_ports};
}

StopRun stop_order(const Instance& instance) {
  StopRun order{instance.run(), instance.live_service.stop, {}};
  if (!order.stop.before.empty()) order.of = live_spawn(instance);
  return order;
}

void stop_run(Step& step, Instance& instance) {
  instance.phase = Phase::ending;
  instance.exited = false;
  end_probes(instance);
  step.then(stop_order(instance));
  bool again = wants_run(instance);
  step.show(instance, again ? InstanceState::restarting : InstanceState::stopping, instance.unhealthy);
  progress(step, instance, "stopping what runs");
  step.mark(instance);
}

void forget_last(Step& step, Instance& instance) {
  if (auto run = std::exchange(instance.unforgotten, std::nullopt))
    step.then(ForgetRun{*run, !wants_run(instance)});
}

/// Nothing is left of it and nothing shall be.
void erase(Step& step, InstanceId id) {
  World& world = step.world;
  Instance& instance = world.instances.at(id);
  forget_last(step, instance);
  step.then(RemoveFiles{id, instance.row.stack, instance.row.instance_name});
  step.write(ErasePlacement{id});
  auto task = instance.task;
  if (instance.timer) world.timers.erase({*instance.timer, id});
  world.instances.erase(id);
  world.unreported.erase(id);
  if (task) end_attempt(step, *task, TaskMove::succeed);
}

/// It cannot be started now, and it is not its fault: again later, no restart is counted.
void wait_for_obstacle(Step& step, Instance& instance, InstanceState state, std::string reason) {
  auto exponent = std::min<std::uint32_t>(instance.spawn_tries++, 10);
  Duration delay = std::min<Duration>(obstacle_backoff * (1 << exponent), obstacle_backoff_max);
  instance.spawn_at = step.now.boot + jitter(delay, 0.2, step.rng);
  instance.phase = Phase::none;
  step.show(instance, state, reason);
  step.world.touched.insert(instance.row.placement.instance);  // its timer
  progress(step, instance, std::move(reason));
}

void spawn(Step& step, Instance& instance) {
  auto ports = give_ports(step.world, instance.row, step.now.boot);
  if (!ports && ports.error().code == Errc::invalid)
    return fail_for_good(step, instance, InstanceState::failed, ports.error().message);
  if (!ports) {
    instance.waits_for_ours = true;
    return wait_for_obstacle(step, instance, InstanceState::waiting, ports.error().message);
  }
  forget_last(step, instance);
  bool new_ports = instance.row.ports != *ports;
  instance.row.ports = std::move(*ports);
  instance.row.incarnation += 1;
  bool job = instance.row.service.kind == ServiceKind::job;
  if (new_ports || (job && instance.journaled_incarnation < instance.row.incarnation))
    step.write_placement(instance);
  instance.phase = Phase::spawning;
  instance.live_digest = instance.row.placement.digest;
  instance.live_service = instance.row.service;
  instance.exited = false;
  instance.unhealthy.clear();
  instance.ended.reset();
  instance.restart_wanted = false;
  instance.spawn_at.reset();
  instance.waits_for_ours = false;
  instance.live_ports = instance.row.ports;
  instance.seen.pid.reset();
  instance.seen.started_at.reset();
  instance.seen.degraded.clear();
  instance.seen.ready_at.reset();
  instance.seen.next_try.reset();
  instance.seen.health = Health::none;
  step.show(instance, InstanceState::configuring);
  step.mark(instance);
  step.then(live_spawn(instance));
}

void show_finished(Step& step, Instance& instance) {
  const Observed& finished = *instance.row.finished;
  instance.seen.last_exit = finished.last_exit;
  instance.seen.last_lines = finished.last_lines;
  instance.seen.next_try.reset();
  step.show(instance, finished.state, finished.reason);
}

/// Nothing of it runs: what now?
void at_rest(Step& step, Instance& instance) {
  if (instance.row.finished) return show_finished(step, instance);
  if (!instance.row.run) {
    forget_last(step, instance);
    instance.spawn_at.reset();
    instance.seen.next_try.reset();
    if (instance.seen.state != InstanceState::stopped || instance.seen.version == 0)
      step.show(instance, InstanceState::stopped);
    return;
  }
  if (instance.spawn_at && *instance.spawn_at > step.now.boot) return;
  spawn(step, instance);
}

Duration healthy_for(const Step& step, const Instance& instance) {
  return instance.healthy_since ? step.now.boot - *instance.healthy_since : Duration(0);
}

std::string why_ended(const Instance& instance) {
  if (!instance.unhealthy.empty()) return instance.unhealthy;
  return instance.seen.last_exit ? describe(*instance.seen.last_exit) : "ended";
}

bool restarts(RestartPolicy policy, bool well) {
  switch (policy) {
    case RestartPolicy::no: return false;
    case RestartPolicy::on_failure: return !well;
    case RestartPolicy::always:
    case RestartPolicy::unless_stopped: return true;
  }
  std::unreachable();
}

/// Shown as such when nothing of it is left.
void end_as(Step& step, Instance& instance, Ended ended) {
  step.show(instance, InstanceState::stopping, ended.reason);
  instance.ended = std::move(ended);
}

/// The main process ended though it should run: by policy.
void judge_end(Step& step, Instance& instance) {
  const Service& service = instance.row.service;
  bool well = instance.unhealthy.empty() && instance.seen.last_exit && succeeded(*instance.seen.last_exit);
  if (well && (service.kind == ServiceKind::job || !restarts(service.restart.policy, well))) {
    return end_as(step, instance, {InstanceState::completed, why_ended(instance)});
  }
  if (!restarts(service.restart.policy, well)) {
    return end_as(step, instance, {InstanceState::failed, why_ended(instance)});
  }
  auto delay =
      next_delay(service.restart, instance.book, step.now.boot, healthy_for(step, instance), step.rng);
  if (!delay) {
    return end_as(step, instance,
                  {InstanceState::failed,
                   fmt::format("{}; last: {}", give_up_text(service.restart), why_ended(instance))});
  }
  instance.seen.restarts += 1;
  instance.spawn_at = step.now.boot + *delay;
  instance.seen.next_try = step.now.wall + *delay;
  step.show(instance, InstanceState::backoff, why_ended(instance));
  step.mark(instance);
}

void main_ended(Step& step, Instance& instance, Exit exit, std::vector<std::string> lines) {
  bool on_order = instance.phase == Phase::ending && instance.unhealthy.empty();
  instance.phase = Phase::ending;
  instance.exited = true;
  instance.seen.last_exit = exit;
  instance.seen.pid.reset();
  if (lines.size() > 20) lines.erase(lines.begin(), lines.end() - 20);
  instance.seen.last_lines = std::move(lines);
  end_probes(instance);
  step.mark(instance);
  bool wanted = wants_run(instance) && !instance.restart_wanted &&
                instance.live_digest == instance.row.placement.digest;
  if (wanted && !on_order) judge_end(step, instance);
  else if (instance.seen.state != InstanceState::restarting && instance.seen.state != InstanceState::stuck)
    step.show(instance, InstanceState::stopping);
  instance.healthy_since.reset();
}

Instance* current(Step& step, const Run& run) {
  Instance* instance = step.find(run.instance);
  return instance && instance->row.incarnation == run.incarnation && instance->phase != Phase::none ? instance
                                                                                                    : nullptr;
}

void drop_orphan(Step& step, InstanceId id) {
  World& world = step.world;
  Instance& instance = world.instances.at(id);
  forget_last(step, instance);
  if (instance.timer) world.timers.erase({*instance.timer, id});
  world.instances.erase(id);
  world.unreported.erase(id);
}

/// Before the hub has said anything even the record of what has ended is left alone.
void orphan_ended(Step& step, InstanceId id) {
  if (step.world.welcomed_once) drop_orphan(step, id);
  else step.show(step.world.instances.at(id), InstanceState::stopped, "ended; no placement is known");
}
}  // namespace

void forget_dead_orphans(Step& step) {
  std::vector<InstanceId> dead;
  for (const auto& [id, instance] : step.world.instances)
    if (instance.orphan && instance.phase == Phase::none) dead.push_back(id);
  for (InstanceId id : dead) drop_orphan(step, id);
}

void fail_for_good(Step& step, Instance& instance, InstanceState state, std::string reason) {
  instance.phase = Phase::none;
  instance.spawn_at.reset();
  instance.seen.next_try.reset();
  step.show(instance, state, std::move(reason));
  instance.row.finished = instance.seen;
  if (instance.seen.started_at) instance.row.finished->incarnation = instance.row.incarnation;
  step.write_placement(instance);
  step.mark(instance);
  if (instance.task && state == InstanceState::failed && !instance.seen.started_at) {
    auto lines = instance.seen.last_lines;
    end_attempt(step, *instance.task, TaskMove::attempt_failed, instance.seen.reason, std::move(lines));
  }
}

void drive(Step& step, InstanceId id) {
  Instance* instance = step.find(id);
  if (!instance) return;
  if (instance->phase == Phase::running && must_stop(*instance)) stop_run(step, *instance);
  if (instance->phase == Phase::none) {
    if (instance->deleting) return erase(step, id);
    if (!instance->orphan) at_rest(step, *instance);
  }
  settle(step, *instance);
}

void spawned(Step& step, const Spawned& event) {
  Instance* instance = current(step, event.run);
  if (!instance || instance->phase != Phase::spawning) return;
  instance->phase = Phase::running;
  instance->spawn_tries = 0;
  instance->seen.pid = event.pid;
  instance->seen.started_at = event.started_at;
  instance->seen.degraded = event.degraded;
  step.mark(*instance);
  begin_probes(step, *instance, Duration(0));
  drive(step, event.run.instance);
}

void adopt(Step& step, Instance& instance, const Found& found) {
  const auto& started = found.started_at;
  instance.phase = Phase::running;
  instance.live_service = instance.row.service;
  instance.seen.pid = found.pid;
  instance.seen.started_at = started;
  instance.seen.degraded = found.degraded;
  step.mark(instance);
  Duration age = started ? std::max<Duration>(step.now.wall - *started, Duration(0)) : Duration(0);
  begin_probes(step, instance, age);
}

void spawn_failed(Step& step, const SpawnFailed& event) {
  Instance* instance = current(step, event.run);
  if (!instance || instance->phase != Phase::spawning) return;
  instance->phase = Phase::none;
  step.mark(*instance);
  if (wants_run(*instance)) {
    switch (event.why) {
      case SpawnFailed::Why::port_busy:
        port_taken(step, *instance, event.port);
        wait_for_obstacle(step, *instance, InstanceState::waiting, event.reason);
        break;
      case SpawnFailed::Why::transient:
        wait_for_obstacle(step, *instance, InstanceState::backoff, event.reason);
        instance->seen.next_try = step.now.wall + (*instance->spawn_at - step.now.boot);
        break;
      case SpawnFailed::Why::permanent:
        fail_for_good(step, *instance, InstanceState::failed, event.reason);
        break;
    }
  }
  wake_port_waiters(step);
  drive(step, event.run.instance);
}

void exited(Step& step, const Exited& event) {
  Instance* instance = current(step, event.run);
  if (!instance || (instance->phase == Phase::ending && instance->exited)) return;
  main_ended(step, *instance, event.exit, event.last_lines);
  drive(step, event.run.instance);
}

void emptied(Step& step, const Run& run) {
  if (step.world.leftovers.erase(run) > 0) return step.then(ForgetRun{run});
  Instance* instance = current(step, run);
  if (!instance) return;
  if (instance->phase != Phase::ending || !instance->exited)
    main_ended(step, *instance, Exit{.code = -1, .known = false, .at = step.now.wall}, {});
  instance->phase = Phase::none;
  instance->exited = false;
  bool on_order = instance->restart_wanted || instance->live_digest != instance->row.placement.digest;
  instance->restart_wanted = false;
  instance->unhealthy.clear();
  auto ended = std::exchange(instance->ended, std::nullopt);
  step.world.touched.insert(run.instance);  // its timer
  if (instance->live_digest != instance->row.placement.digest)
    step.mark(*instance);  // the record turns to the new
  if (ended && wants_run(*instance) && !on_order)
    fail_for_good(step, *instance, ended->state, std::move(ended->reason));
  if (on_order) instance->spawn_at.reset();
  instance->unforgotten = run;
  // Until its successor starts the record stays: an agent that dies meanwhile takes the same end in again.
  if (!instance->orphan && !(wants_run(*instance) && instance->spawn_at)) forget_last(step, *instance);
  if (instance->orphan && !instance->deleting) orphan_ended(step, run.instance);
  else drive(step, run.instance);
  wake_port_waiters(step);
}

void hook_failed(Step& step, const HookFailed& event) {
  step.note("warn", "The command before the stop failed; the stop goes on. " + event.reason,
            event.run.instance);
  Instance* instance = current(step, event.run);
  if (instance && instance->phase == Phase::ending) step.show(*instance, instance->seen.state, event.reason);
}

void stuck(Step& step, const Stuck& event) {
  Instance* instance = current(step, event.run);
  if (!instance) return;
  step.show(*instance, InstanceState::stuck, event.reason);
  progress(step, *instance, event.reason);
}

void instance_due(Step& step, InstanceId id) {
  Instance* instance = step.find(id);
  if (!instance) return;
  if (instance->phase == Phase::running) probes_due(step, *instance);
  drive(step, id);
}

std::optional<BootTime> due(const Instance& instance) {
  if (instance.phase == Phase::running) return probes_timer(instance);
  if (instance.phase == Phase::none && wants_run(instance)) return instance.spawn_at;
  return std::nullopt;
}

}  // namespace drover::agent
