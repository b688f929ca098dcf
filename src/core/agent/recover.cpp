// The first event: what the journal says against what the host still has.

#include <algorithm>

#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
constexpr const char* job_lost =
    "outcome unknown: the host restarted while the job ran, or just before it was started";

/// How long it was well, if that can be known: without probes, since its start.
std::optional<BootTime> healthy_since(const Step& step, const Instance& instance, const Found& found) {
  const Probes& probes = instance.row.service.probes;
  if (probes.start || probes.ready || probes.live || !found.started_at || !found.exit) return std::nullopt;
  return step.now.boot - std::max<Duration>(found.exit->at - *found.started_at, Duration(0));
}

void take_in(Step& step, Instance& instance, const Found& found) {
  instance.row.incarnation = found.run.incarnation;
  instance.live_digest = found.digest;
  instance.live_service = instance.row.service;
  instance.live_ports = found.ports.empty() ? instance.row.ports : found.ports;
  if (found.alive && !instance.other_run()) instance.row.ports = instance.live_ports;
  if (found.alive) return adopt(step, instance, found);
  if (instance.row.finished && found.empty) return step.then(ForgetRun{found.run});
  // It ended while nobody looked: taken in as if it were seen now.
  instance.phase = Phase::running;
  instance.seen.started_at = found.started_at;
  instance.healthy_since = healthy_since(step, instance, found);
  exited(step,
         Exited{found.run, found.exit.value_or(Exit{.code = -1, .known = false, .at = step.now.wall}), {}});
  if (found.empty) emptied(step, found.run);
}

/// Of ours, but no placement asks for it: shown to the hub, which has it deleted or placed.
void take_orphan(Step& step, const Found& found) {
  Instance& instance = step.world.instances[found.run.instance];
  instance.orphan = true;
  instance.row.placement.instance = found.run.instance;
  instance.row.placement.digest = found.digest;
  instance.row.incarnation = found.run.incarnation;
  instance.row.ports = instance.live_ports = found.ports;
  instance.live_digest = found.digest;
  step.note("warn",
            "A run without a known placement was found; it is left alone until the hub says what it is.",
            found.run.instance);
  if (found.alive) return adopt(step, instance, found);
  instance.seen.last_exit = found.exit;
  instance.seen.started_at = found.started_at;
  instance.phase = found.empty ? Phase::none : Phase::ending;
  instance.exited = true;
  if (found.empty) instance.unforgotten = found.run;
  step.show(instance, InstanceState::stopped, "ended; no placement is known");
}

/// Nothing of it is there: the host restarted, or it was never started.
void not_found(Step& step, Instance& instance) {
  bool job = instance.row.service.kind == ServiceKind::job;
  if (!job || !instance.row.run || instance.row.finished || instance.row.incarnation == 0) return;
  if (instance.deleting) return;
  // Written down before it began: whether it did cannot be known, and it happens at most once.
  if (instance.task) end_attempt(step, *instance.task, TaskMove::attempt_lost, job_lost);
  instance.seen.started_at = step.now.wall;  // it counts as having run
  fail_for_good(step, instance, {.reason = job_lost});
}

/// What had not begun is not ours to remember: the hub assigns it again, if it is still wanted.
void drop_unbegun(Step& step) {
  std::erase_if(step.world.attempts, [&](const auto& pair) {
    if (pair.second.stage != Stage::queued) return false;
    step.write(EraseAttempt{pair.first.first, pair.first.second});
    return true;
  });
}

/// Who works on what; carried on when all that was found has been taken in.
void attach_attempts(Step& step) {
  std::vector<AttemptKey> without;
  for (auto& [key, attempt] : step.world.attempts) {
    if (attempt.stage != Stage::active) continue;
    const Assign& order = attempt.row.assign;
    if (is_errand(order.type)) continue;
    Instance* instance = step.find(order.placement.instance);
    if (!instance || (instance->orphan && order.type != TaskType::delete_)) {
      without.push_back(key);
      continue;
    }
    instance->task = key;
    instance->deleting = order.type == TaskType::delete_;
  }
  for (const AttemptKey& key : without) {
    bool gone = step.find(key)->row.assign.type == TaskType::delete_;
    end_attempt(step, key, gone ? TaskMove::succeed : TaskMove::attempt_lost,
                gone ? "" : "the journal has the attempt but not its placement");
  }
}

void resume_attempts(Step& step) {
  std::vector<AttemptKey> begun;
  for (const auto& [key, attempt] : step.world.attempts)
    if (attempt.stage == Stage::active) begun.push_back(key);
  for (const AttemptKey& key : begun)
    if (Attempt* attempt = step.find(key); attempt->stage == Stage::active) {
      if (is_errand(attempt->row.assign.type)) run_errand(step, *attempt, true);
      else apply(step, *attempt);
    }
}

/// The newest run of each instance; older ones are what a former life left behind.
std::map<InstanceId, Found> newest(Step& step, const std::vector<Found>& all) {
  std::map<InstanceId, Found> out;
  auto left_behind = [&](const Found& older) {
    if (!step.find(older.run.instance)) return;  // nothing of ours to touch
    if (older.empty) return step.then(ForgetRun{older.run});
    step.world.leftovers.insert(older.run);
    step.then(StopRun{older.run, Stop{}, {}});
  };
  for (const Found& found : all) {
    auto [at, fresh] = out.try_emplace(found.run.instance, found);
    if (fresh) continue;
    if (found.run.incarnation > at->second.run.incarnation) {
      left_behind(at->second);
      at->second = found;
    } else if (found.run.incarnation < at->second.run.incarnation) {
      left_behind(found);
    }
  }
  return out;
}
}  // namespace

void recover(Step& step, const Recovered& event) {
  World& world = step.world;
  if (std::exchange(world.recovered, true)) return;
  auto found = newest(step, event.found);
  std::vector<InstanceId> known;
  for (auto& [id, instance] : world.instances) {
    known.push_back(id);
    step.mark(instance);
  }
  for (const auto& [id, run] : found)
    if (!step.find(id)) take_orphan(step, run);
  drop_unbegun(step);
  attach_attempts(step);
  // What still holds ports comes first: taking in an end may start the next run at once.
  for (bool empty : {false, true})
    for (InstanceId id : known)
      if (auto run = found.find(id); run != found.end() && run->second.empty == empty)
        if (Instance* instance = step.find(id)) take_in(step, *instance, run->second);
  for (InstanceId id : known)
    if (Instance* instance = step.find(id); instance && !found.contains(id)) not_found(step, *instance);
  resume_attempts(step);
  for (InstanceId id : known) drive(step, id);
}

}  // namespace drover::agent
