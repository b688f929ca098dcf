// How tasks end: what that means for the instance, for who depends on it, for the operation, and for the
// record.

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

std::string task_text(const HubState& state, const Task& task) {
  if (!task.stack.empty() || !task.instance_name.empty())
    return fmt::format("{} {}{}{}", enum_name(task.type), task.stack, task.stack.empty() ? "" : "/",
                       task.instance_name);
  auto node = state.nodes.find(task.node);
  std::string what(enum_name(task.type));
  if (task.errand && !task.errand->command.empty())
    what += " " + task.errand->command.front() + (task.errand->command.size() > 1 ? " …" : "");
  return node == state.nodes.end() ? what : what + " on " + node->second.row.node.name;
}

void tell_task(Step& step, const Task& task, std::string level) {
  std::string what = task_text(step.state, task);
  Event event{.type = fmt::format("task.{}", enum_name(task.state)),
              .subject = "task " + to_string(task.id),
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

namespace {
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

/// It is over: among the newest in memory, and a record in the store.
void record(Step& step, TaskEntry& entry) {
  HubState& state = step.state;
  entry.record = ++state.last_record;
  if (state.first_record == 0) state.first_record = entry.record;
  state.finished.push_back(entry.task.id);
  constexpr Duration mark_every = std::chrono::minutes(1);
  if (state.record_marks.empty() || state.record_marks.back().first + mark_every <= step.now.wall)
    state.record_marks.emplace_back(step.now.wall, entry.record);
  else state.record_marks.back().second = entry.record;
  step.mark_task(entry.task.id);
}

/// What failed for good waits for a person, unless it is of an instance for which something newer has been
/// done.
void keep(Step& step, TaskEntry& entry) {
  HubState& state = step.state;
  InstanceId instance = entry.task.placement.instance;
  if (entry.task.state != TaskState::cancelled)
    if (auto older = state.dead.find(instance); older != state.dead.end()) bury(step, TaskId(older->second));
  if (entry.task.state != TaskState::failed) return record(step, entry);
  state.dead[instance] = entry.task.id;
  step.mark_task(entry.task.id);
}

/// Who waited for it goes on, or is cancelled in its turn, which names it.
void tell_dependants(Step& step, const Task& task) {
  auto waiting = step.state.dependants.extract(task.id);
  if (waiting.empty()) return;
  for (TaskId id : waiting.mapped()) {
    auto found = step.state.tasks.find(id);
    if (found == step.state.tasks.end() || is_final(found->second.task.state)) continue;
    if (task.state == TaskState::completed) step.dispatch_later(found->second.task.node);
    else
      step.blame(id, fmt::format("{} ({}), on which it depends, {}{}{}", task_text(step.state, task),
                                 to_string(task.id),
                                 task.state == TaskState::failed ? "has failed" : "was cancelled",
                                 task.message.empty() ? "" : ": ", task.message));
  }
}
}  // namespace

void finish_task(Step& step, Task& task, TaskState state, std::string message) {
  leave_queues(step.state, task);
  task.state = state;
  task.message = std::move(message);
  task.finished_at = step.now.wall;
  if (state == TaskState::completed) task.progress = 100;
  keep(step, step.state.tasks.at(task.id));
  step.state.tally.add(task);
  note_progress(step, task);
  tell_task(step, task, state == TaskState::failed ? "error" : "info");
  settle(step, task);
  settle_errand(step, task);
  tell_dependants(step, task);
  step.dispatch_later(task.node);
}

void bury(Step& step, TaskId id) {
  auto found = step.state.tasks.find(id);
  if (found == step.state.tasks.end() || found->second.record != 0) return;
  auto dead = step.state.dead.find(found->second.task.placement.instance);
  if (dead != step.state.dead.end() && dead->second == id) step.state.dead.erase(dead);
  record(step, found->second);
}

void settle_errand(Step& step, const Task& task) {
  if (!task.operation || !task.errand) return;
  auto found = step.state.operations.find(*task.operation);
  if (found == step.state.operations.end()) return;
  Operation& operation = found->second;
  for (OperationItem& item : operation.items) {
    if (item.task != task.id) continue;
    item.ok = task.state == TaskState::completed;
    item.message = task.message;
  }
  if (std::ranges::all_of(operation.items, [](const OperationItem& item) { return item.ok.has_value(); }))
    end_operation(step, operation);
  step.mark_operation(operation.id);
}

void forget_recent(Step& step) {
  HubState& state = step.state;
  while (state.finished.size() > step.settings.recent_tasks) {
    TaskId id = state.finished.front();
    state.finished.pop_front();
    if (state.tasks.erase(id) != 0) step.show_task(id);
  }
}

}  // namespace drover::hub
