// The state machine of one instance: level-triggered between what shall be and the run in hand.

#include <fmt/format.h>

#include <algorithm>

#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
constexpr Duration obstacle_backoff = 1s, obstacle_backoff_max = 30s;

/// Why the run in hand must go; nullopt: it may stay.
bool must_stop(const Instance& instance) {
  if (instance.deleting) return true;
  if (instance.orphan) return false;
  return !instance.row.run || instance.row.finished || instance.restart_wanted ||
         !instance.unhealthy.empty() || instance.other_run();
}

/// Of the task that has begun on it.
std::string correlation_of(Step& step, const Instance& instance) {
  const Attempt* attempt = instance.task ? step.find(*instance.task) : nullptr;
  return attempt ? attempt->row.assign.who.correlation : std::string();
}

StopRun stop_order(Step& step, const Instance& instance) {
  StopRun order{instance.run(), instance.live_service.stop, {}, correlation_of(step, instance)};
  if (!order.stop.before.empty()) order.of = live_spawn(instance);
  return order;
}

void stop_run(Step& step, Instance& instance) {
  instance.phase = Phase::ending;
  instance.exited = false;
  end_probes(instance);
  end_upkeep(step, instance);
  step.then(stop_order(step, instance));
  bool again = wants_run(instance);
  step.show(instance, again ? InstanceState::restarting : InstanceState::stopping,
            instance.unhealthy.empty() ? instance.planned : instance.unhealthy);
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
    return fail_for_good(step, instance, {.reason = ports.error().message});
  if (!ports) {
    instance.waits_for_ours = true;
    return wait_for_obstacle(step, instance, InstanceState::waiting, ports.error().message);
  }
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
  instance.planned.clear();
  instance.spawn_at.reset();
  instance.retry_at.reset();
  instance.automatic = instance.has_turn = false;
  instance.waits_for_ours = false;
  instance.live_ports = instance.row.ports;
  instance.seen.pid.reset();
  instance.seen.started_at.reset();
  instance.seen.degraded.clear();
  instance.troubles = {};
  instance.seen.ready_at.reset();
  instance.seen.reloaded_at.reset();
  instance.seen.next_try.reset();
  instance.seen.health = Health::none;
  step.show(instance, InstanceState::configuring);
  step.mark(instance);
  auto order = live_spawn(instance);
  order.correlation = correlation_of(step, instance);
  step.then(std::move(order));
  forget_last(step, instance);  // behind the start, which need not wait for it
}

void show_finished(Step& step, Instance& instance) {
  const Observed& finished = *instance.row.finished;
  instance.seen.last_exit = finished.last_exit;
  instance.seen.last_lines = finished.last_lines;
  instance.seen.next_try = finished.next_try;
  if (finished.next_try && !instance.retry_at)
    instance.retry_at = step.now.boot + std::max<Duration>(*finished.next_try - step.now.wall, Duration(0));
  step.show(instance, finished.state, finished.reason);
}

/// Nothing of it runs: what now?
void at_rest(Step& step, Instance& instance) {
  if (instance.row.finished && !tries_again(step, instance)) return show_finished(step, instance);
  if (!instance.row.run) {
    forget_last(step, instance);
    instance.spawn_at.reset();
    instance.seen.next_try.reset();
    if (instance.seen.state != InstanceState::stopped || instance.seen.version == 0)
      step.show(instance, InstanceState::stopped);
    return;
  }
  if (instance.spawn_at && *instance.spawn_at > step.now.boot) return;
  if (waits_for_turn(step, instance)) return;
  spawn(step, instance);
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

bool wants_run(const Instance& instance) {
  return instance.row.run && !instance.deleting && !instance.row.finished && !instance.orphan;
}

void drive(Step& step, InstanceId id) {
  Instance* instance = step.find(id);
  if (!instance) return;
  if (instance->phase == Phase::running && !instance->orphan) take_settings(step, *instance);
  if (!instance->deleting) reload_due(step, *instance);
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
  begin_upkeep(step, *instance, Duration(0));
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
  if (!instance.orphan && !instance.other_run()) {
    // Which settings the host was told last is not written down.
    instance.live_digest = instance.row.placement.digest;
    step.then(AdjustRun{instance.run(), instance.row.service.logs});
  }
  Duration age = started ? std::max<Duration>(step.now.wall - *started, Duration(0)) : Duration(0);
  begin_upkeep(step, instance, age);
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
      case SpawnFailed::Why::permanent: fail_for_good(step, *instance, {.reason = event.reason}); break;
    }
  }
  wake_port_waiters(step);
  drive(step, event.run.instance);
}

void exited(Step& step, const Exited& event) {
  Instance* instance = current(step, event.run);
  if (!instance || (instance->phase == Phase::ending && instance->exited)) return;
  instance->lines_due = event.more ? std::optional(event.run) : std::nullopt;
  main_ended(step, *instance, event.exit, event.last_lines);
  drive(step, event.run.instance);
}

void emptied(Step& step, const Run& run) {
  if (step.world.leftovers.erase(run) > 0) return step.then(ForgetRun{run});
  Instance* instance = current(step, run);
  if (!instance) return;
  if (instance->phase != Phase::ending || !instance->exited)
    main_ended(step, *instance, Exit{.code = -1, .known = false, .at = step.now.wall}, {});
  bool on_order = instance->restart_wanted || instance->other_run();
  instance->waits_for_lines =
      instance->lines_due == run && instance->ended && wants_run(*instance) && !on_order;
  if (instance->waits_for_lines) return;
  instance->phase = Phase::none;
  instance->exited = false;
  instance->restart_wanted = false;
  instance->planned.clear();
  instance->unhealthy.clear();
  auto ended = std::exchange(instance->ended, std::nullopt);
  step.world.touched.insert(run.instance);  // its timer
  if (instance->live_digest != instance->row.placement.digest)
    step.mark(*instance);  // the record turns to the new
  if (ended && wants_run(*instance) && !on_order) fail_for_good(step, *instance, std::move(*ended));
  if (on_order) {
    instance->spawn_at.reset();
    instance->automatic = false;
  }
  instance->unforgotten = run;
  // Until its successor starts the record stays: an agent that dies meanwhile takes the same end in again.
  if (!instance->orphan && !(wants_run(*instance) && instance->spawn_at)) forget_last(step, *instance);
  if (instance->orphan && !instance->deleting) orphan_ended(step, run.instance);
  else drive(step, run.instance);
  wake_port_waiters(step);
}

/// A restart does not wait for them: they may be those of the run before.
void last_lines(Step& step, const LastLines& event) {
  Instance* instance = step.find(event.run.instance);
  if (!instance || instance->lines_due != event.run) return;
  instance->lines_due.reset();
  if (!event.lines.empty()) {
    keep_lines(*instance, event.lines);
    step.mark(*instance);
  }
  if (instance->waits_for_lines) emptied(step, event.run);
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
  if (instance->phase == Phase::running) upkeep_due(step, *instance);
  if (instance->phase == Phase::running) reload_overdue(step, *instance);
  drive(step, id);
}

std::optional<BootTime> due(const Instance& instance) {
  if (instance.phase == Phase::running) {
    std::optional<BootTime> first;
    for (const auto& at : {probes_timer(instance), upkeep_timer(instance), instance.reload_by})
      if (at && (!first || *at < *first)) first = at;
    return first;
  }
  if (instance.phase == Phase::none && wants_run(instance)) return instance.spawn_at;
  bool given_up = instance.row.run && !instance.deleting && !instance.orphan && instance.row.finished;
  if (instance.phase == Phase::none && given_up) return instance.retry_at;
  return std::nullopt;
}

}  // namespace drover::agent
