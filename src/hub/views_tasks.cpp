// Tasks, their figures, and the operations that they are of.

#include <algorithm>

#include "base/json.hpp"
#include "hub/views.hpp"

namespace drover::hub {

namespace {
/// For people: a command line as it would be typed, or the question.
std::string what_of(const Task& task) {
  if (!task.errand) return {};
  std::string out;
  for (const auto& word : task.errand->command) {
    bool plain = !word.empty() && word.find_first_of(" \t\n'\"\\\\$`|&;<>()*?#~") == std::string::npos;
    out += (out.empty() ? "" : " ") + (plain ? word : "'" + word + "'");
  }
  if (task.errand->check) out = print_json(to_json(*task.errand->check));
  else if (task.type == TaskType::probe) out = task.errand->asked.empty() ? "ready" : task.errand->asked;
  return out.substr(0, 500);
}

Percentiles percentiles_of(const DurationTally& tally) {
  auto at = [&](double part) -> std::optional<double> {
    auto value = tally.percentile(part);
    return value ? std::optional(seconds(*value)) : std::nullopt;
  };
  return {at(0.5), at(0.9), at(0.99)};
}

std::string undo_of(const Operation& operation) {
  return operation.kind == OperationKind::stop    ? "start"
         : operation.kind == OperationKind::start ? "stop"
                                                  : "";
}
}  // namespace

TaskView view_task(const HubState& state, const Task& task) {
  TaskView view{
      .id = task.id, .type = std::string(enum_name(task.type)), .state = std::string(enum_name(task.state))};
  view.stack = task.stack;
  view.service = task.service;
  view.instance = task.instance_name;
  view.instance_id = task.placement.instance;
  auto node = state.nodes.find(task.node);
  view.node = node == state.nodes.end() ? "" : node->second.row.node.name;
  view.priority = task.priority;
  view.attempt = task.attempts.empty() ? 0 : task.attempts.back().number;
  view.max_attempts = task.max_retries + 1;
  view.progress = task.progress;
  view.message = task.message;
  view.cancel_requested = task.cancel_requested;
  view.deployment = task.deployment;
  view.operation = task.operation;
  view.retry_of = task.retry_of;
  view.depends_on = task.depends_on;
  view.actor = task.who.actor;
  view.origin = task.who.origin;
  view.correlation = task.who.correlation;
  view.created_at = task.created_at;
  for (const auto& attempt : task.attempts)
    if (attempt.started_at && !view.started_at) view.started_at = attempt.started_at;
  view.finished_at = task.finished_at;
  view.what = what_of(task);
  auto dead = state.dead.find(task.placement.instance);
  view.dead = dead != state.dead.end() && dead->second == task.id;
  view.timeout = task.timeout;
  if (task.errand) view.payload = task.errand->payload;
  view.result = task.result;
  view.attempts = task.attempts;
  return view;
}

TaskStats view_task_stats(const HubState& state, WallTime now, Duration window) {
  TaskStats stats;
  for (const auto& [id, entry] : state.tasks) {
    stats.pending += entry.task.state == TaskState::pending;
    stats.assigned += entry.task.state == TaskState::assigned;
    stats.running += entry.task.state == TaskState::running;
  }
  for (const auto& [type, tally] : state.tally.sum(now, window)) {
    stats.completed += tally.completed;
    stats.failed += tally.failed;
    stats.cancelled += tally.cancelled;
    stats.types.push_back({std::string(enum_name(type)), tally.completed, tally.failed, tally.cancelled,
                           tally.attempts, percentiles_of(tally.waiting), percentiles_of(tally.running)});
  }
  stats.total =
      stats.pending + stats.assigned + stats.running + stats.completed + stats.failed + stats.cancelled;
  stats.dead = state.dead.size();
  stats.stored = state.first_record == 0 ? 0 : state.last_record + 1 - state.first_record;
  stats.window = window;
  stats.paused = paused_queues(state);
  return stats;
}

std::vector<std::string> paused_queues(const HubState& state) {
  std::vector<std::string> out;
  for (const auto& [name, row] : state.paused) {
    auto id = parse_uuid(name);
    auto node = id ? state.nodes.find(NodeId{*id}) : state.nodes.end();
    if (name == "hub") out.insert(out.begin(), name);
    else if (node != state.nodes.end()) out.push_back(node->second.row.node.name);
  }
  return out;
}

OperationView view_operation(const HubState& state, const Operation& operation) {
  OperationView view{
      .id = operation.id, .kind = operation.kind, .state = operation.state, .scope = operation.scope};
  view.items = operation.items;
  view.total = std::uint32_t(operation.items.size());
  view.done = std::uint32_t(
      std::ranges::count_if(operation.items, [](const OperationItem& item) { return item.ok.has_value(); }));
  view.progress = view.total == 0 ? 100 : view.done * 100 / view.total;
  for (const auto& [id, entry] : state.tasks)
    if (entry.task.operation == operation.id) view.tasks.push_back(view_task(state, entry.task));
  view.undo_reason = undo_objection(operation);
  if (view.undo_reason.empty()) view.undo = undo_of(operation);
  view.undo_of = operation.undo_of;
  view.who = operation.who;
  view.created_at = operation.created_at;
  view.finished_at = operation.finished_at;
  return view;
}

}  // namespace drover::hub
