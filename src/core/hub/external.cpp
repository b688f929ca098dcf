// Nodes whose agent is a script: it fetches its tasks, which is its sign of life, and reports them. Nothing
// is known of what is there: no inventory, no repair, no placement.

#include <fmt/format.h>

#include "core/hub/commands.hpp"

namespace drover::hub {

namespace {
constexpr std::size_t max_output = 200, max_result = 256u << 10;

void tell_node(Step& step, const NodeEntry& node, std::string_view what, std::string message,
               std::string level) {
  const std::string& name = node.row.node.name;
  step.emit({.type = fmt::format("node.{}", what),
             .subject = "node " + name,
             .message = std::move(message),
             .level = std::move(level),
             .node = name});
}

/// Only the newest token counts: a new one ends the others.
void replace_credential(Step& step, const Credential& credential) {
  std::vector<TokenId> old;
  for (const auto& [id, known] : step.state.credentials)
    if (known.kind == "agent" && known.user == credential.user) old.push_back(id);
  for (TokenId id : old) drop_credential(step, id);
  put_credential(step, credential);
}

Result<NodeEntry*> external_node(Step& step, NodeId id) {
  auto found = step.state.nodes.find(id);
  if (found == step.state.nodes.end() || !found->second.row.external)
    return fail(Errc::not_found, "there is no such external node");
  return &found->second;
}

/// A call of its agent.
void heard(Step& step, NodeEntry& node) {
  node.heard = step.now.boot;
  node.row.node.last_seen = step.now.wall;
  step.out.touched.nodes.insert(to_string(node.row.node.id));
  if (node.row.node.state == NodeState::online) return;
  bool known = node.row.node.state != NodeState::joined;
  node.row.node.state = NodeState::online;
  node.row.node.connected_at = step.now.wall;
  node.unknown_since.reset();
  step.mark_node(node.row.node.id);
  tell_node(step, node, "online",
            fmt::format("{} {}", node.row.node.name, known ? "calls again" : "has called"), "info");
  step.timer(step.now.boot + node.row.external->lost_after, Timer::About::node, node.row.node.id.value);
}

void assign_due(Step& step, NodeEntry& node, std::size_t limit) {
  const NodeId id = node.row.node.id;
  auto pending = step.state.pending.find(id);
  if (pending == step.state.pending.end() || is_paused(step.state, id)) return;
  std::vector<TaskId> due;
  for (const auto& [rank, task] : pending->second) {
    if (node.open.size() + due.size() >= limit) break;
    if (may_begin(step.state, step.state.tasks.at(task), step.now.boot)) due.push_back(task);
  }
  for (TaskId task : due) {
    hand_out(step, step.state.tasks.at(task));
    tell_task(step, step.state.tasks.at(task).task);
  }
}

/// The task of a report. conflict: not his any more, or of an older attempt.
Result<TaskEntry*> reported(Step& step, const ReportTask& report) {
  auto found = step.state.tasks.find(report.id);
  if (found == step.state.tasks.end() || found->second.task.node != report.node)
    return fail(Errc::not_found, "this node has no such task");
  const Task& task = found->second.task;
  if (task.attempts.empty()) return fail(Errc::conflict, "the task is not assigned", {}, "fetch it first");
  if (report.attempt && *report.attempt != task.attempts.back().number)
    return fail(Errc::conflict,
                fmt::format("attempt {} is not the task's newest, which is {}", *report.attempt,
                            task.attempts.back().number),
                {}, "give it up: the task was handed out again");
  return &found->second;
}

/// The end was reported before, and its answer was lost.
bool said_before(const Task& task, const ReportTask& report) {
  return is_final(task.state) && task.state == report.state;
}

void begun(Step& step, TaskEntry& entry) {
  Task& task = entry.task;
  if (task.state != TaskState::assigned) return;
  task.state = TaskState::running;
  task.attempts.back().started_at = step.now.wall;
  step.mark_task(task.id);
  tell_task(step, task);
}

void progressed(Step& step, TaskEntry& entry, const ReportTask& report) {
  Task& task = entry.task;
  task.progress = std::min<std::uint8_t>(report.progress, 100);
  if (!report.message.empty() && !task.cancel_requested) task.message = report.message;
  entry.progress_at = step.now.boot;
  watch_task(step, entry);
  step.show_task(task.id);
}

void ended(Step& step, TaskEntry& entry, const ReportTask& report) {
  if (report.result && print_json(*report.result).size() <= max_result) entry.task.result = report.result;
  auto lines = report.output;
  if (lines.size() > max_output) lines.erase(lines.begin(), lines.end() - max_output);
  TaskMove move = report.state == TaskState::completed ? TaskMove::succeed
                  : report.state == TaskState::failed  ? TaskMove::attempt_failed
                                                       : TaskMove::cancel_confirmed;
  bool well = move == TaskMove::succeed;
  move_task(step, entry, move, well ? "" : report.message, lines);
}

Answer report_answer(const Task& task) {
  return {200,
          "",
          {{"id", to_string(task.id)},
           {"state", enum_name(task.state)},
           {"attempt", task.attempts.empty() ? 0 : task.attempts.back().number},
           {"cancel_requested", task.cancel_requested}}};
}
}  // namespace

void check_external(Step& step, NodeEntry& node) {
  NodeState& state = node.row.node.state;
  if (state != NodeState::online) return;
  BootTime lost_at = node.heard + node.row.external->lost_after;
  const NodeId id = node.row.node.id;
  if (step.now.boot < lost_at) return step.timer(lost_at, Timer::About::node, id.value);
  state = NodeState::lost;
  node.unknown_since = step.now.wall;
  step.mark_node(id);
  std::string silence = human_duration(node.row.external->lost_after);
  tell_node(step, node, "lost",
            fmt::format("{} is lost: it has not called for {}", node.row.node.name, silence), "error");
  auto open = node.open;
  for (TaskId task : open)
    move_task(step, step.state.tasks.at(task), TaskMove::attempt_lost,
              fmt::format("its agent has not called for {}", silence), {});
}

Result<Answer> CommandRunner::operator()(const AddExternalNode& command) const {
  if (!is_name(command.name))
    return fail(Errc::invalid, fmt::format("\"{}\" is not a node's name", command.name), {},
                "use a-z 0-9 - _, at most 63");
  if (step.state.node_names.contains(command.name))
    return fail(Errc::conflict, fmt::format("there is a node \"{}\" already", command.name), {},
                "for a new token: drover node token " + command.name);
  if (command.lost_after < 100ms) return fail(Errc::invalid, "lost_after is 100ms or more");
  for (const auto& [key, value] : command.labels)
    if (!is_name(key)) return fail(Errc::invalid, fmt::format("\"{}\" is not a label's name", key));
  NodeEntry& node = step.state.nodes[command.uid];
  node.row.node = {
      .id = command.uid, .name = command.name, .labels = command.labels, .joined_at = step.now.wall};
  node.row.external = External{command.lost_after};
  node.heard = step.now.boot;
  step.state.node_names[command.name] = command.uid;
  step.mark_node(command.uid);
  replace_credential(step, command.credential);
  step.audit(who, "node.add_external", "node " + command.name);
  tell_node(step, node, "join", fmt::format("{} is a node of an external agent", command.name), "info");
  return Answer{
      201, "/api/v1/nodes/" + command.name, {{"id", to_string(command.uid)}, {"name", command.name}}};
}

Result<Answer> CommandRunner::operator()(const RenewExternalNode& command) const {
  TRY(NodeEntry * node, find_node(step, command.node));
  if (!node->row.external)
    return fail(Errc::conflict, fmt::format("{} has an agent of ours", node->row.node.name), {},
                "join it anew: drover token create --replace " + node->row.node.name);
  Credential credential = command.credential;
  credential.user = to_string(node->row.node.id);
  credential.name = node->row.node.name;
  replace_credential(step, credential);
  step.audit(who, "node.token", "node " + node->row.node.name);
  return Answer{201, "", {{"id", to_string(node->row.node.id)}, {"name", node->row.node.name}}};
}

Result<Answer> CommandRunner::operator()(const FetchTasks& command) const {
  TRY(NodeEntry * node, external_node(step, command.node));
  heard(step, *node);
  assign_due(step, *node, std::min<std::size_t>(command.limit, step.settings.max_parallel));
  TaskQueue order;
  for (TaskId id : node->open) order.insert(queue_place(step.state.tasks.at(id).task));
  json::array tasks;
  for (const auto& [rank, id] : order) tasks.push_back(json::string(to_string(id)));
  return Answer{200, "", {{"tasks", std::move(tasks)}}};
}

Result<Answer> CommandRunner::operator()(const ReportTask& command) const {
  TRY(NodeEntry * node, external_node(step, command.node));
  heard(step, *node);
  TRY(TaskEntry * entry, reported(step, command));
  Task& task = entry->task;
  if (said_before(task, command)) return report_answer(task);
  if (task.state != TaskState::assigned && task.state != TaskState::running)
    return fail(Errc::conflict, fmt::format("the task is {}", enum_name(task.state)), {}, "give it up");
  if (command.state == TaskState::pending || command.state == TaskState::assigned)
    return fail(Errc::invalid, "a task is reported as running, completed, failed or cancelled");
  begun(step, *entry);
  if (command.state == TaskState::running) progressed(step, *entry, command);
  else ended(step, *entry, command);
  return report_answer(task);
}

}  // namespace drover::hub
