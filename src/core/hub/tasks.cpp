// The life of a task: made, reported, repeated, cancelled, ended (architecture.md §4).

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

namespace {
constexpr std::uint32_t max_refusals = 5;

TaskEntry* find_task(HubState& state, TaskId id) {
  auto found = state.tasks.find(id);
  return found == state.tasks.end() ? nullptr : &found->second;
}

void back_to_pending(Step& step, TaskEntry& entry, const std::string& why) {
  Task& task = entry.task;
  leave_queues(step.state, task);
  task.state = TaskState::pending;
  task.message = why;
  auto exponent =
      std::min<std::size_t>(std::max<std::size_t>(task.attempts.size() + task.refusals, 1) - 1, 16);
  auto backoff = std::min(step.settings.retry_backoff * (1 << exponent), step.settings.retry_backoff_max);
  backoff = Duration(std::int64_t(double(backoff.count()) * (0.8 + 0.4 * step.rng.unit())));
  entry.not_before = step.now.boot + backoff;
  enter_queue(step.state, task);
  step.timer(entry.not_before, Timer::About::task, task.id.value);
  step.mark_task(task.id);
  tell_task(step, task, "warn");
}

std::uint32_t counted_attempts(const Task& task) {
  std::uint32_t count = 0;
  for (const Attempt& attempt : task.attempts) count += attempt.outcome == "refused" ? 0 : 1;
  return count;
}

}  // namespace

bool move_task(Step& step, TaskEntry& entry, TaskMove move, std::string error,
               const std::vector<std::string>& output) {
  Task& task = entry.task;
  bool refused = move == TaskMove::refused;
  Left left{
      .attempts = refused ? task.refusals + 1 < max_refusals : counted_attempts(task) <= task.max_retries,
      .cancel_requested = task.cancel_requested,
      .repeatable = is_repeatable(task)};
  auto to = next(task.state, move, left);
  if (!to) return false;
  if (move == TaskMove::attempt_lost && *to == TaskState::failed) error = "outcome unknown: " + error;
  if (!task.attempts.empty() && !task.attempts.back().ended_at && *to != TaskState::running) {
    Attempt& attempt = task.attempts.back();
    attempt.ended_at = step.now.wall;
    attempt.outcome = std::string(enum_name(move));
    attempt.error = error;
    attempt.output = output;
  }
  task.refusals = refused ? task.refusals + 1 : 0;
  if (*to == TaskState::pending) {
    back_to_pending(step, entry, error);
  } else if (is_final(*to)) {
    // A cancelled task blocks its slot only when a person cancelled it; that text was set when it was asked
    // for.
    std::string message = *to == TaskState::cancelled ? task.message : error;
    finish_task(step, task, *to, std::move(message));
  }
  return true;
}

void watch_task(Step& step, const TaskEntry& entry) {
  const Task& task = entry.task;
  BootTime at = entry.progress_at + task.no_progress;
  if (task.timeout)
    at = std::min(at, step.now.boot + (task.attempts.back().assigned_at + *task.timeout - step.now.wall));
  step.timer(std::max(at, step.now.boot), Timer::About::task, task.id.value);
}

namespace {

/// The task of a report, if the report is about its open attempt and comes from its node.
TaskEntry* reported(Step& step, const Session& session, TaskId id, std::uint32_t attempt) {
  TaskEntry* entry = find_task(step.state, id);
  if (!entry || entry->task.node != session.uid || entry->task.attempts.empty()) return nullptr;
  const Attempt& last = entry->task.attempts.back();
  return last.number == attempt && !last.ended_at ? entry : nullptr;
}

/// The newest operation that still wants something of the instance: what is done now is done for whoever
/// asked for it.
const Operation* asking(const HubState& state, InstanceId instance) {
  for (auto it = state.operations.rbegin(); it != state.operations.rend(); ++it) {
    const Operation& operation = it->second;
    if (operation.state != OperationState::running) continue;
    for (const OperationItem& item : operation.items)
      if (item.instance == instance && !item.ok) return &operation;
  }
  return nullptr;
}
}  // namespace

Task& make_task(Step& step, SlotEntry& slot, TaskOrder order, const Who& who) {
  Task task;
  Who who_asked = who;
  task.type = order.type;
  task.stack = slot.slot.stack;
  task.service = slot.slot.service;
  task.instance_name = slot.slot.name;
  task.node = *slot.slot.node;
  task.placement = {slot.slot.id, slot.slot.epoch, slot.slot.generation, slot.slot.digest};
  task.restart_generation = slot.slot.restart_generation;
  task.reload_generation = slot.slot.reload_generation;
  if (order.type == TaskType::reload) task.max_retries = 0;  // it may have been heard
  task.priority = order.priority;
  if (const Operation* operation = asking(step.state, slot.slot.id)) {
    task.operation = operation->id;
    who_asked = operation->who;
  }
  if (auto stack = step.state.stacks.find(task.stack);
      stack != step.state.stacks.end() && stack->second.row.deployment) {
    auto deployment = step.state.deployments.find(*stack->second.row.deployment);
    if (deployment != step.state.deployments.end() && !is_final(deployment->second.state))
      task.deployment = deployment->first;
  }
  slot.waits.clear();
  step.mark_slot(slot.slot.id);
  note_progress(step, task);
  Task& queued = queue_task(step, std::move(task), who_asked);
  slot.task = queued.id;
  return queued;
}

Task& queue_task(Step& step, Task task, const Who& who) {
  task.id = step.make_id<TaskId>();
  task.who = who;
  task.created_at = step.now.wall;
  if (!task.placement.instance)
    task.placement.instance = InstanceId{task.id.value};  // of none: beside all others
  for (TaskId id : task.depends_on)
    if (auto found = step.state.tasks.find(id); found != step.state.tasks.end())
      if (!is_final(found->second.task.state)) step.state.dependants[id].insert(task.id);
  step.mark_task(task.id);
  enter_queue(step.state, task);
  step.dispatch_later(task.node);
  TaskEntry& entry = step.state.tasks[task.id];
  entry = {std::move(task), step.now.boot, step.now.boot};
  tell_task(step, entry.task);
  return entry.task;
}

void make_orphan_delete(Step& step, NodeId node, const Observed& observed) {
  for (TaskId id : step.state.nodes.at(node).open)
    if (step.state.tasks.at(id).task.placement.instance == observed.instance) return;
  if (auto pending = step.state.pending.find(node); pending != step.state.pending.end())
    for (const auto& [rank, id] : pending->second)
      if (step.state.tasks.at(id).task.placement.instance == observed.instance) return;
  Task task;
  task.type = TaskType::delete_;
  task.instance_name = to_string(observed.instance);
  task.node = node;
  task.placement = {observed.instance, observed.epoch, observed.generation, observed.digest};
  task.priority = 7;
  task.message = "an instance that belongs to no stack";
  queue_task(step, std::move(task), {"system", "reconcile", ""});
}

void resume_tasks(Step& step, Session& session, const std::vector<TaskStarted>& held) {
  auto open = step.state.nodes.at(session.uid).open;
  for (TaskId id : open) {
    TaskEntry& entry = step.state.tasks.at(id);
    const Task& task = entry.task;
    bool known = std::ranges::any_of(
        held, [&](const TaskStarted& h) { return h.task == id && h.attempt == task.attempts.back().number; });
    entry.progress_at = step.now.boot;
    watch_task(step, entry);
    // Sent again whether it is known or not: the agent takes the same attempt twice as one.
    if (known || task.state == TaskState::assigned) {
      if (!known) step.send(session, assignment(step.state, task));
      if (task.cancel_requested) step.send(session, Cancel{id, task.attempts.back().number});
    } else {
      move_task(step, entry, TaskMove::attempt_lost, "the node came back without this attempt", {});
    }
  }
}

void task_report(Step& step, Session& session, const TaskStarted& frame) {
  TaskEntry* entry = reported(step, session, frame.task, frame.attempt);
  if (!entry || entry->task.state != TaskState::assigned) return;
  entry->task.state = TaskState::running;
  entry->task.attempts.back().started_at = step.now.wall;
  entry->progress_at = step.now.boot;
  step.mark_task(frame.task);
  note_progress(step, entry->task);
  tell_task(step, entry->task);
}

void task_report(Step& step, Session& session, const TaskProgress& frame) {
  TaskEntry* entry = reported(step, session, frame.task, frame.attempt);
  if (!entry) return;
  bool further = frame.progress > entry->task.progress || frame.message != entry->task.message;
  entry->task.progress = std::min<std::uint8_t>(frame.progress, 100);
  if (!entry->task.cancel_requested) entry->task.message = frame.message;
  if (further) {
    entry->progress_at = step.now.boot;
    note_progress(step, entry->task);
    watch_task(step, *entry);
  }
  step.show_task(frame.task);
}

void task_report(Step& step, Session& session, const TaskEnded& frame) {
  // Recorded in any case: an outcome of an old attempt is of no interest any more.
  if (TaskEntry* entry = reported(step, session, frame.task, frame.attempt)) {
    bool report = frame.outcome == TaskMove::succeed || frame.outcome == TaskMove::attempt_failed ||
                  frame.outcome == TaskMove::refused || frame.outcome == TaskMove::cancel_confirmed ||
                  frame.outcome == TaskMove::attempt_lost;
    if (report && frame.result) entry->task.result = frame.result;
    if (report) move_task(step, *entry, frame.outcome, frame.error, frame.output);
  }
  step.send(session, OutcomeRecorded{frame.task, frame.attempt});
}

void check_task(Step& step, TaskId id) {
  TaskEntry* entry = find_task(step.state, id);
  if (!entry || is_final(entry->task.state)) return;
  Task& task = entry->task;
  if (task.state == TaskState::pending) return step.dispatch_later(task.node);
  auto node = step.state.nodes.find(task.node);
  bool there = node != step.state.nodes.end() && node->second.row.external
                   ? node->second.row.node.state == NodeState::online
                   : usable(step.state, task.node);
  if (!there) return;  // it stands as long as its node is not lost
  bool stuck = entry->progress_at + task.no_progress <= step.now.boot;
  bool late = task.timeout && task.attempts.back().assigned_at + *task.timeout <= step.now.wall;
  if (!stuck && !late) return watch_task(step, *entry);
  if (Session* session = usable_session(step.state, task.node))
    step.send(*session, Cancel{id, task.attempts.back().number});
  auto why = stuck ? fmt::format("no progress for {}", human_duration(task.no_progress))
                   : fmt::format("not done within {}", human_duration(*task.timeout));
  move_task(step, *entry, TaskMove::attempt_failed, why, {});
}

void request_cancel(Step& step, TaskId id, const std::string& why) {
  TaskEntry* entry = find_task(step.state, id);
  if (!entry || is_final(entry->task.state)) return;
  Task& task = entry->task;
  if (task.state == TaskState::pending) {
    finish_task(step, task, TaskState::cancelled, why);
    return;
  }
  if (task.cancel_requested) return;
  task.cancel_requested = true;
  task.message = why;
  step.mark_task(id);
  if (Session* session = usable_session(step.state, task.node))
    step.send(*session, Cancel{id, task.attempts.back().number});
}

void give_up_attempt(Step& step, TaskId id, const std::string& why) {
  TaskEntry* entry = find_task(step.state, id);
  if (!entry || is_final(entry->task.state)) return;
  Task& task = entry->task;
  if (!task.attempts.empty() && !task.attempts.back().ended_at) {
    task.attempts.back().ended_at = step.now.wall;
    task.attempts.back().outcome = "attempt_lost";
    task.attempts.back().error = why;
  }
  finish_task(step, task, TaskState::cancelled, "");
}

}  // namespace drover::hub
