// The order of a node's tasks, and handing them out.

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

void enter_queue(HubState& state, const Task& task) { state.pending[task.node].insert(queue_place(task)); }

void leave_queues(HubState& state, const Task& task) {
  if (auto pending = state.pending.find(task.node); pending != state.pending.end()) {
    pending->second.erase(queue_place(task));
    if (pending->second.empty()) state.pending.erase(pending);
  }
  if (auto node = state.nodes.find(task.node); node != state.nodes.end()) node->second.open.erase(task.id);
}

Assign assignment(const HubState& state, const Task& task) {
  Assign assign{.task = task.id,
                .attempt = task.attempts.back().number,
                .type = task.type,
                .placement = task.placement,
                .stack = task.stack,
                .instance_name = task.instance_name,
                .restart_generation = task.restart_generation,
                .reload_generation = task.reload_generation,
                .priority = task.priority,
                .timeout = task.timeout,
                .errand = task.errand,
                .who = task.who};
  auto slot = state.slots.find(task.placement.instance);
  if (slot == state.slots.end()) return assign;
  assign.index = slot->second.slot.index;
  assign.run = wanted_running(state, slot->second.slot);
  if (task.type != TaskType::deploy && task.type != TaskType::update) return assign;
  auto stack = state.stacks.find(task.stack);
  if (stack == state.stacks.end()) return assign;
  auto revision = stack->second.revisions.find(task.placement.generation);
  if (revision == stack->second.revisions.end()) return assign;
  if (const Service* service = service_of(revision->second, task.service)) assign.service = *service;
  return assign;
}

bool is_paused(const HubState& state, NodeId node) {
  return !state.paused.empty() && (state.paused.contains("hub") || state.paused.contains(to_string(node)));
}

bool may_begin(const HubState& state, const TaskEntry& entry, BootTime now) {
  if (entry.not_before > now) return false;
  // One that is not held any more has been completed: what fails takes its dependants with it.
  return std::ranges::none_of(entry.task.depends_on, [&](TaskId id) {
    auto found = state.tasks.find(id);
    return found != state.tasks.end() && found->second.task.state != TaskState::completed;
  });
}

void hand_out(Step& step, TaskEntry& entry) {
  Task& task = entry.task;
  leave_queues(step.state, task);
  task.state = TaskState::assigned;
  task.attempts.push_back({.number = std::uint32_t(task.attempts.size() + 1), .assigned_at = step.now.wall});
  step.state.nodes.at(task.node).open.insert(task.id);
  entry.progress_at = step.now.boot;
  watch_task(step, entry);
  step.mark_task(task.id);
}

void dispatch(Step& step, NodeId id) {
  Session* session = usable_session(step.state, id);
  auto pending = step.state.pending.find(id);
  if (!session || pending == step.state.pending.end() || is_paused(step.state, id)) return;
  NodeEntry& node = step.state.nodes.at(id);
  if (node.open.size() >= step.settings.max_parallel) return;
  std::set<InstanceId> busy;
  for (TaskId open : node.open) busy.insert(step.state.tasks.at(open).task.placement.instance);
  for (auto it = pending->second.begin(); it != pending->second.end();) {
    if (node.open.size() >= step.settings.max_parallel) return;
    TaskEntry& entry = step.state.tasks.at(it++->second);  // handed out, it leaves the queue
    if (!may_begin(step.state, entry, step.now.boot)) continue;
    if (!busy.insert(entry.task.placement.instance).second) continue;
    bool last = pending->second.size() == 1;
    hand_out(step, entry);
    step.send(*session, assignment(step.state, entry.task));
    if (last) return;  // and the queue is gone with its last task
  }
}

}  // namespace drover::hub
