// Attempts: from Assign to OutcomeRecorded.

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
bool starts(TaskType type) {
  switch (type) {
    case TaskType::deploy:
    case TaskType::update:
    case TaskType::start:
    case TaskType::restart: return true;
    case TaskType::reload:
    case TaskType::stop:
    case TaskType::delete_:
    case TaskType::exec:
    case TaskType::probe:
    case TaskType::collect: return false;
  }
  std::unreachable();
}

/// It cannot begin what it wants: a port is busy, or the host cannot spawn now. Nothing of it runs.
bool held_up(const Instance& instance) {
  return instance.phase == Phase::none && instance.spawn_at.has_value() && !instance.deleting;
}

std::string full_disk(const World& world) { return "disk full under the agent: " + world.journal_error; }

/// A newer attempt of the same task: what is left of the older ones is of no interest any more.
void replace_older(Step& step, const Assign& frame) {
  std::vector<AttemptKey> older;
  for (auto it = step.world.attempts.lower_bound({frame.task, 0});
       it != step.world.attempts.end() && it->first.first == frame.task; ++it)
    if (it->first.second < frame.attempt && it->second.stage != Stage::ended) older.push_back(it->first);
  for (const AttemptKey& key : older) {
    if (Attempt* attempt = step.find(key); is_errand(attempt->row.assign.type))
      cancel_errand(step, key, *attempt);
    end_attempt(step, key, TaskMove::attempt_failed, "replaced by a newer attempt");
  }
}

bool newer_known(const World& world, const Assign& frame) {
  auto next = world.attempts.upper_bound({frame.task, frame.attempt});
  return next != world.attempts.end() && next->first.first == frame.task;
}

void note_task(Step& step, const Attempt& attempt, std::string level, std::string message) {
  const auto& order = attempt.row.assign;
  step.then(Note{std::move(level), std::move(message), order.placement.instance, order.task,
                 order.who.correlation});
}

void make_way(Step& step, const Attempt& attempt) {
  TaskType type = attempt.row.assign.type;
  Instance* instance = step.find(attempt.row.assign.placement.instance);
  if ((type != TaskType::stop && type != TaskType::delete_) || !instance || !instance->task) return;
  const Attempt* active = step.find(*instance->task);
  if (!active) return;
  const bool reloads = active->row.assign.type == TaskType::reload;
  if (!reloads && (!starts(active->row.assign.type) || !held_up(*instance))) return;
  if (reloads) drop_reload(*instance);
  end_attempt(step, *instance->task, TaskMove::attempt_failed,
              type == TaskType::stop ? "superseded by a stop" : "superseded by a delete");
}

void begin(Step& step, const AttemptKey& key, Attempt& attempt) {
  World& world = step.world;
  const Assign& order = attempt.row.assign;
  step.send(TaskStarted{key.first, key.second});
  Wish wish = judge(step, order);
  if (wish.kind == Wish::Kind::refused) return end_attempt(step, key, TaskMove::refused, std::move(wish.why));
  if (wish.kind == Wish::Kind::reached) return end_attempt(step, key, TaskMove::succeed);
  if (!world.journal_error.empty()) return end_attempt(step, key, TaskMove::refused, full_disk(world));
  Instance* instance = step.find(order.placement.instance);
  note_task(step, attempt, "info", "A task begins.");
  attempt.row.begun = true;
  attempt.row.incarnation = instance ? instance->row.incarnation : 0;
  attempt.wanted = std::move(wish.wanted);
  attempt.stage = Stage::confirming;
  step.write_attempt(attempt);
  if (attempt.wanted) step.write(*attempt.wanted);
  if (instance && attempt.wanted) {
    instance->rewritten = false;
    instance->journaled_incarnation = std::max(instance->journaled_incarnation, attempt.wanted->incarnation);
  }
  attempt.serial = step.confirm();
}

/// Counted against max_parallel, and the instances that are busy.
struct Load {
  std::uint32_t count = 0;
  std::set<InstanceId> busy;
};
Load load(Step& step) {
  Load out;
  for (const auto& [key, attempt] : step.world.attempts) {
    if (attempt.stage != Stage::confirming && attempt.stage != Stage::active) continue;
    InstanceId id = attempt.row.assign.placement.instance;
    out.busy.insert(id);
    Instance* instance = step.find(id);
    if (!instance || !held_up(*instance)) ++out.count;
  }
  return out;
}
}  // namespace

void assign(Step& step, const Assign& frame) {
  World& world = step.world;
  AttemptKey key{frame.task, frame.attempt};
  if (Attempt* known = step.find(key)) {
    if (known->row.outcome) step.send(*known->row.outcome);
    return;
  }
  if (newer_known(world, frame)) return;
  replace_older(step, frame);
  Attempt& attempt = world.attempts[key];
  attempt.row.assign = frame;
  if (!world.journal_error.empty()) {
    end_attempt(step, key, TaskMove::refused, full_disk(world));
  }
  // Written down when it begins: until then the hub's own record is enough, it assigns it again.
}

void schedule(Step& step) {
  World& world = step.world;
  std::vector<std::pair<int, AttemptKey>> order;
  for (const auto& [key, attempt] : world.attempts)
    if (attempt.stage == Stage::queued) order.emplace_back(10 - attempt.row.assign.priority, key);
  if (order.empty()) return;
  std::ranges::sort(order);
  for (const auto& [rank, key] : order)
    if (Attempt* attempt = step.find(key); attempt->stage == Stage::queued) make_way(step, *attempt);
  Load now = load(step);
  for (const auto& [rank, key] : order) {
    Attempt* attempt = step.find(key);
    if (attempt->stage != Stage::queued) continue;
    if (now.count >= world.settings.max_parallel) return;
    if (now.busy.contains(attempt->row.assign.placement.instance)) continue;
    if (!is_errand(attempt->row.assign.type)) begin(step, key, *attempt);
    else if (!begin_errand(step, key, *attempt)) continue;
    if (attempt->stage == Stage::ended) continue;
    ++now.count;
    now.busy.insert(attempt->row.assign.placement.instance);
  }
}

void durable(Step& step, std::uint64_t serial) {
  World& world = step.world;
  if (serial == world.journal_serial && serial != 0) {
    world.journal_serial = 0;
    world.journal_tries = 0;
    world.journal_error.clear();
    world.journal_retry.reset();
    step.note("info", "The journal can be written again.");
    return;
  }
  for (auto& [key, attempt] : world.attempts) {
    if (attempt.stage != Stage::confirming || attempt.serial != serial) continue;
    attempt.stage = Stage::active;
    if (is_errand(attempt.row.assign.type)) run_errand(step, attempt, false);
    else apply(step, attempt);
    return;
  }
}

void cancel(Step& step, const Cancel& frame) {
  World& world = step.world;
  AttemptKey key{frame.task, frame.attempt};
  Attempt* attempt = step.find(key);
  if (!attempt) {
    // Never seen: not done. Remembered, so that the assignment may come later than its end.
    Attempt& unseen = world.attempts[key];
    unseen.row.assign.task = frame.task;
    unseen.row.assign.attempt = frame.attempt;
    return end_attempt(step, key, TaskMove::cancel_confirmed);
  }
  if (attempt->row.outcome) return step.send(*attempt->row.outcome);
  if (attempt->stage == Stage::queued) return end_attempt(step, key, TaskMove::cancel_confirmed);
  if (is_errand(attempt->row.assign.type)) return cancel_errand(step, key, *attempt);
  Instance* instance = step.find(attempt->row.assign.placement.instance);
  if (attempt->stage != Stage::active || !instance || instance->task != key) return;
  if (attempt->row.assign.type == TaskType::reload) {
    drop_reload(*instance);
    return end_attempt(step, key, TaskMove::cancel_confirmed);
  }
  if (!starts(attempt->row.assign.type) || !held_up(*instance)) return;  // begun: it ends as it ends
  instance->row.run = false;
  instance->spawn_at.reset();
  step.write_placement(*instance);
  step.mark(*instance);
  step.show(*instance, InstanceState::stopped, "cancelled while it waited: " + instance->seen.reason);
  end_attempt(step, key, TaskMove::cancel_confirmed);
}

void outcome_recorded(Step& step, const OutcomeRecorded& frame) {
  auto found = step.world.attempts.find({frame.task, frame.attempt});
  if (found == step.world.attempts.end() || found->second.stage != Stage::ended) return;
  if (found->second.stored) step.write(EraseAttempt{frame.task, frame.attempt});
  step.world.attempts.erase(found);
}

void end_attempt(Step& step, const AttemptKey& key, TaskMove outcome, std::string error,
                 std::vector<std::string> output) {
  Attempt* attempt = step.find(key);
  if (!attempt || attempt->stage == Stage::ended) return;
  attempt->stage = Stage::ended;
  attempt->wanted.reset();
  const bool well = outcome == TaskMove::succeed || outcome == TaskMove::cancel_confirmed;
  note_task(step, *attempt, well ? "info" : "warn",
            fmt::format("A task ended: {}{}{}.", enum_name(outcome), error.empty() ? "" : ": ", error));
  attempt->row.outcome = TaskEnded{key.first,        key.second,        outcome,
                                   std::move(error), std::move(output), std::move(attempt->result)};
  Instance* instance = step.find(attempt->row.assign.placement.instance);
  if (instance && instance->task == key) instance->task.reset();
  // While rows cannot be written it is kept in memory; the retry writes it.
  if (step.world.journal_error.empty()) step.write_attempt(*attempt);
  if (step.world.session.link == Link::up) step.send_last(*attempt->row.outcome);
}

void progress(Step& step, Instance& instance, std::string message) {
  if (!instance.task) return;
  Attempt* attempt = step.find(*instance.task);
  if (!attempt || attempt->progress == message) return;
  attempt->progress = message;
  if (step.world.session.link == Link::up)
    step.send(TaskProgress{instance.task->first, instance.task->second, instance.seen.progress,
                           std::move(message)});
}

void send_outcomes(Step& step) {
  for (const auto& [key, attempt] : step.world.attempts) {
    if (attempt.row.outcome) step.send(*attempt.row.outcome);
    else if (attempt.row.begun) step.send(TaskStarted{key.first, key.second});
  }
}

}  // namespace drover::agent
