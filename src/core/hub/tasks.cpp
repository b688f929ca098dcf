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

std::string task_subject(const Task& task) { return "task " + to_string(task.id); }

void tell(Step& step, const Task& task, std::string level = "info") {
  std::string what = fmt::format("{} {}/{}", enum_name(task.type), task.stack, task.instance_name);
  Event event{.type = fmt::format("task.{}", enum_name(task.state)),
              .subject = task_subject(task),
              .message = task.message.empty()
                             ? fmt::format("{}: {}", what, enum_name(task.state))
                             : fmt::format("{}: {} ({})", what, enum_name(task.state), task.message),
              .level = std::move(level),
              .stack = task.stack,
              .service = task.service,
              .instance_name = task.instance_name,
              .data = {{"task", to_string(task.id)}, {"type", enum_name(task.type)}},
              .who = task.who};
  if (auto node = step.state.nodes.find(task.node); node != step.state.nodes.end())
    event.node = node->second.row.node.name;
  step.emit(std::move(event));
}

void note_progress(Step& step, const Task& task) {
  if (!task.deployment) return;
  auto found = step.state.deployments.find(*task.deployment);
  if (found != step.state.deployments.end()) found->second.progress_at = step.now.wall;
}

/// A reload that its agent has carried out and that failed: the instance goes on, and who asked is told.
bool was_told(Step& step, const SlotEntry& entry, const Task& task) {
  const Observed* observed = observed_of(step.state, entry.slot);
  if (!observed || observed->reload_generation < task.reload_generation) return false;
  auto found = task.operation ? step.state.operations.find(*task.operation) : step.state.operations.end();
  if (found == step.state.operations.end()) return true;
  for (OperationItem& item : found->second.items)
    if (item.instance == task.placement.instance && !item.ok) {
      item.ok = false;
      item.message = task.message;
      step.mark_operation(found->first);
    }
  return true;
}

/// What a task's end means for its instance.
void settle(Step& step, Task& task) {
  if (task.state == TaskState::completed && task.type == TaskType::delete_)
    if (auto node = step.state.nodes.find(task.node); node != step.state.nodes.end())
      node->second.observed.erase(task.placement.instance);
  auto found = step.state.slots.find(task.placement.instance);
  if (found == step.state.slots.end() || found->second.task != task.id) return;
  SlotEntry& entry = found->second;
  entry.task.reset();
  step.mark_slot(entry.slot.id);
  step.reconcile_later(entry.slot);
  if (task.state == TaskState::completed && task.type == TaskType::delete_) {
    if (entry.slot.removing) return erase_slot(step, entry.slot.id);
    set_node(step, entry, std::nullopt);  // moved away from here: placed anew by the next reconcile
  }
  if (entry.slot.removing && task.type != TaskType::delete_)
    return;  // how that ended does not matter any more
  if (task.type == TaskType::reload && task.state == TaskState::failed && was_told(step, entry, task)) return;
  if (task.state == TaskState::failed) entry.slot.blocked = task.message;
  if (task.state == TaskState::cancelled && !task.message.empty()) entry.slot.blocked = task.message;
}

void finish_task(Step& step, Task& task, TaskState state, std::string message) {
  leave_queues(step.state, task);
  task.state = state;
  task.message = std::move(message);
  task.finished_at = step.now.wall;
  if (state == TaskState::completed) task.progress = 100;
  step.state.finished.push_back(task.id);
  step.mark_task(task.id);
  note_progress(step, task);
  tell(step, task, state == TaskState::failed ? "error" : "info");
  settle(step, task);
  step.dispatch_later(task.node);
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
  tell(step, task, "warn");
}

std::uint32_t counted_attempts(const Task& task) {
  std::uint32_t count = 0;
  for (const Attempt& attempt : task.attempts) count += attempt.outcome == "refused" ? 0 : 1;
  return count;
}

/// One move of the life cycle, checked; false: not allowed, nothing changed.
bool move(Step& step, TaskEntry& entry, TaskMove move, const std::string& error,
          const std::vector<std::string>& output) {
  Task& task = entry.task;
  bool refused = move == TaskMove::refused;
  Left left{
      .attempts = refused ? task.refusals + 1 < max_refusals : counted_attempts(task) <= task.max_retries,
      .cancel_requested = task.cancel_requested,
      .repeatable = true};
  auto to = next(task.state, move, left);
  if (!to) return false;
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
  task.id = step.make_id<TaskId>();
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
  task.who = who;
  task.created_at = step.now.wall;
  if (const Operation* operation = asking(step.state, slot.slot.id)) {
    task.operation = operation->id;
    task.who = operation->who;
  }
  if (auto stack = step.state.stacks.find(task.stack);
      stack != step.state.stacks.end() && stack->second.row.deployment) {
    auto deployment = step.state.deployments.find(*stack->second.row.deployment);
    if (deployment != step.state.deployments.end() && !is_final(deployment->second.state))
      task.deployment = deployment->first;
  }
  slot.task = task.id;
  slot.waits.clear();
  step.mark_slot(slot.slot.id);
  step.mark_task(task.id);
  enter_queue(step.state, task);
  step.dispatch_later(task.node);
  note_progress(step, task);
  TaskEntry& entry = step.state.tasks[task.id];
  entry = {std::move(task), step.now.boot, step.now.boot};
  tell(step, entry.task);
  return entry.task;
}

void make_orphan_delete(Step& step, NodeId node, const Observed& observed) {
  for (TaskId id : step.state.nodes.at(node).open)
    if (step.state.tasks.at(id).task.placement.instance == observed.instance) return;
  if (auto pending = step.state.pending.find(node); pending != step.state.pending.end())
    for (const auto& [rank, id] : pending->second)
      if (step.state.tasks.at(id).task.placement.instance == observed.instance) return;
  Task task;
  task.id = step.make_id<TaskId>();
  task.type = TaskType::delete_;
  task.instance_name = to_string(observed.instance);
  task.node = node;
  task.placement = {observed.instance, observed.epoch, observed.generation, observed.digest};
  task.priority = 7;
  task.who = {"system", "reconcile", ""};
  task.created_at = step.now.wall;
  task.message = "an instance that belongs to no stack";
  step.mark_task(task.id);
  enter_queue(step.state, task);
  step.dispatch_later(node);
  TaskEntry& entry = step.state.tasks[task.id];
  entry = {std::move(task), step.now.boot, step.now.boot};
  tell(step, entry.task);
}

void resume_tasks(Step& step, Session& session, const std::vector<TaskStarted>& held) {
  auto open = step.state.nodes.at(session.uid).open;
  for (TaskId id : open) {
    TaskEntry& entry = step.state.tasks.at(id);
    const Task& task = entry.task;
    bool known = std::ranges::any_of(
        held, [&](const TaskStarted& h) { return h.task == id && h.attempt == task.attempts.back().number; });
    entry.progress_at = step.now.boot;
    // Sent again whether it is known or not: the agent takes the same attempt twice as one.
    if (known || task.state == TaskState::assigned) {
      if (!known) step.send(session, assignment(step.state, task));
      if (task.cancel_requested) step.send(session, Cancel{id, task.attempts.back().number});
    } else {
      move(step, entry, TaskMove::attempt_lost, "the node came back without this attempt", {});
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
  tell(step, entry->task);
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
    step.timer(step.now.boot + entry->task.no_progress, Timer::About::task, frame.task.value);
  }
  step.show_task(frame.task);
}

void task_report(Step& step, Session& session, const TaskEnded& frame) {
  // Recorded in any case: an outcome of an old attempt is of no interest any more.
  if (TaskEntry* entry = reported(step, session, frame.task, frame.attempt)) {
    bool report = frame.outcome == TaskMove::succeed || frame.outcome == TaskMove::attempt_failed ||
                  frame.outcome == TaskMove::refused || frame.outcome == TaskMove::cancel_confirmed ||
                  frame.outcome == TaskMove::attempt_lost;
    if (report) move(step, *entry, frame.outcome, frame.error, frame.output);
  }
  step.send(session, OutcomeRecorded{frame.task, frame.attempt});
}

void check_task(Step& step, TaskId id) {
  TaskEntry* entry = find_task(step.state, id);
  if (!entry || is_final(entry->task.state)) return;
  Task& task = entry->task;
  if (task.state == TaskState::pending) return step.dispatch_later(task.node);
  if (!usable(step.state, task.node)) return;  // it stands as long as its node is not lost
  bool stuck = entry->progress_at + task.no_progress <= step.now.boot;
  bool late = task.timeout && task.attempts.back().assigned_at + *task.timeout <= step.now.wall;
  if (!stuck && !late) {
    step.timer(entry->progress_at + task.no_progress, Timer::About::task, id.value);
    return;
  }
  Session* session = usable_session(step.state, task.node);
  step.send(*session, Cancel{id, task.attempts.back().number});
  auto why = stuck ? fmt::format("no progress for {}", human_duration(task.no_progress))
                   : fmt::format("not done within {}", human_duration(*task.timeout));
  move(step, *entry, TaskMove::attempt_failed, why, {});
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
