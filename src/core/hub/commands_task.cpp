// Tasks by hand: asked for, cancelled, tried again; queues; operations taken back.

#include <fmt/format.h>

#include "core/hub/commands.hpp"

namespace drover::hub {

Result<Answer> CommandRunner::operator()(const CancelTask& command) const {
  auto found = step.state.tasks.find(command.id);
  if (found == step.state.tasks.end()) return fail(Errc::not_found, "there is no such task");
  if (is_final(found->second.task.state))
    return fail(Errc::conflict, fmt::format("the task is over: {}", enum_name(found->second.task.state)));
  auto slot = step.state.slots.find(found->second.task.placement.instance);
  if (found->second.task.type == TaskType::delete_ &&
      (slot == step.state.slots.end() || slot->second.slot.removing))
    return fail(Errc::conflict, "what is not wanted any more cannot be kept by a cancel", {},
                "apply the stack again to keep it");
  request_cancel(step, command.id, fmt::format("cancelled by {}", who.actor));
  step.audit(who, "task.cancel", "task " + to_string(command.id));
  return Answer{202, "/api/v1/tasks/" + to_string(command.id), {{"id", to_string(command.id)}}};
}

namespace {
Answer task_answer(const Task& task) {
  json::object body{{"id", to_string(task.id)}};
  if (task.retry_of) body["retry_of"] = to_string(*task.retry_of);
  return {202, "/api/v1/tasks/" + to_string(task.id), std::move(body)};
}

/// Of an instance: it must still be there, and have nothing open.
Result<SlotEntry*> slot_to_retry(Step& step, const Task& old) {
  auto slot = step.state.slots.find(old.placement.instance);
  if (slot == step.state.slots.end() || slot->second.slot.epoch != old.placement.epoch ||
      slot->second.slot.node != old.node)
    return fail(Errc::conflict, "its instance is gone or has moved", {}, "apply the stack again");
  if (slot->second.task)
    return fail(Errc::conflict, "another task of this instance is open: " + to_string(*slot->second.task));
  return &slot->second;
}

Result<TaskId> retry(Step& step, const Task& old, const Who& who) {
  if (old.state != TaskState::failed && old.state != TaskState::cancelled)
    return fail(Errc::conflict,
                fmt::format("only what failed or was cancelled can be tried again; this is {}",
                            enum_name(old.state)));
  if (!step.state.nodes.contains(old.node)) return fail(Errc::conflict, "its node is gone");
  TaskId id;
  if (old.errand) {
    Task task{
        .type = old.type, .stack = old.stack, .service = old.service, .instance_name = old.instance_name};
    task.node = old.node;
    task.priority = old.priority;
    task.max_retries = old.max_retries;
    task.no_progress = old.no_progress;
    task.timeout = old.timeout;
    task.errand = old.errand;
    task.retry_of = old.id;
    id = queue_task(step, std::move(task), who).id;
  } else {
    TRY(SlotEntry * slot, slot_to_retry(step, old));
    slot->slot.blocked.clear();
    if (old.type == TaskType::reload) ++slot->slot.reload_generation;
    TaskOrder order{.type = old.type, .priority = old.priority};
    TaskId of = old.id;
    Task& task = make_task(step, *slot, order, who);
    task.retry_of = of;
    id = task.id;
  }
  step.audit(who, "task.retry", "task " + to_string(old.id));
  bury(step, TaskId(old.id));
  return id;
}
}  // namespace

Result<Answer> CommandRunner::operator()(const RetryTask& command) const {
  auto found = step.state.tasks.find(command.id);
  if (found == step.state.tasks.end() && !command.old) return fail(Errc::not_found, "there is no such task");
  TRY(TaskId fresh, retry(step, found == step.state.tasks.end() ? *command.old : found->second.task, who));
  return task_answer(step.state.tasks.at(fresh).task);
}

Result<Answer> CommandRunner::operator()(const RequeueTasks&) const {
  std::vector<TaskId> dead;
  for (const auto& [instance, id] : step.state.dead) dead.push_back(id);
  std::ranges::sort(dead);
  json::array tasks, left;
  for (TaskId id : dead) {
    if (auto fresh = retry(step, step.state.tasks.at(id).task, who))
      tasks.push_back(json::string(to_string(*fresh)));
    else left.push_back(json::object{{"id", to_string(id)}, {"reason", fresh.error().message}});
  }
  return Answer{200, "", {{"tasks", std::move(tasks)}, {"left", std::move(left)}}};
}

Result<Answer> CommandRunner::operator()(const DismissTask& command) const {
  auto found = step.state.tasks.find(command.id);
  if (found == step.state.tasks.end()) return fail(Errc::not_found, "there is no such task");
  if (found->second.task.state != TaskState::failed || found->second.record != 0)
    return fail(Errc::conflict, "only what failed for good can be dismissed, once");
  bury(step, command.id);
  step.audit(who, "task.dismiss", "task " + to_string(command.id));
  return Answer{200, "", {{"id", to_string(command.id)}}};
}

// ---- tasks by name
// ---------------------------------------------------------------------------------------------

namespace {
constexpr std::size_t max_words = 1'000, max_text = 64u << 10, max_payload = 256u << 10;

Result<void> check_command(const Errand& errand) {
  if (errand.command.empty())
    return fail(Errc::invalid, "an exec needs a command", {}, "\"command\": [\"/usr/bin/df\", \"-h\"]");
  std::size_t size = 0;
  for (const auto& word : errand.command) size += word.size() + 1;
  for (const auto& [name, value] : errand.environment) {
    if (name.empty() || name.find('=') != std::string::npos)
      return fail(Errc::invalid, fmt::format("\"{}\" is not the name of a variable", name));
    size += name.size() + value.size() + 2;
  }
  if (size > max_text || errand.command.size() > max_words)
    return fail(Errc::invalid,
                "the command is too long: at most 1,000 words and 64 KiB with its environment");
  if (!errand.working_dir.empty() && errand.working_dir.front() != '/')
    return fail(Errc::invalid, "the working directory must be absolute");
  return {};
}

Result<void> check_question(const AddTask& command) {
  const Errand& errand = command.errand;
  if (!errand.check) {
    if (command.targets.empty())
      return fail(Errc::invalid, "a probe needs a target, or a check of its own", {},
                  "\"targets\": [\"shop/web\"], or \"check\": {\"tcp\": {\"address\": \"127.0.0.1:80\"}}");
    if (!errand.asked.empty() && errand.asked != "ready" && errand.asked != "live" && errand.asked != "start")
      return fail(Errc::invalid, fmt::format("there is no probe \"{}\"", errand.asked), {},
                  "ready, live or start");
    return {};
  }
  bool of_a_run = std::holds_alternative<LogCheck>(*errand.check) ||
                  std::holds_alternative<NotifyCheck>(*errand.check) ||
                  std::holds_alternative<ExecCheck>(*errand.check);
  if (of_a_run && command.targets.empty())
    return fail(Errc::invalid, "a check by log, notify or command is of an instance", {},
                "name one in \"targets\"");
  return {};
}

Result<void> check_limits(const AddTask& command) {
  if (command.priority > 10) return fail(Errc::invalid, "priority is 0 to 10");
  if (command.max_retries && *command.max_retries > 100)
    return fail(Errc::invalid, "max_retries is 0 to 100");
  if (command.no_progress && *command.no_progress < 100ms)
    return fail(Errc::invalid, "no_progress is 100ms or more");
  if (command.timeout && *command.timeout < 100ms) return fail(Errc::invalid, "timeout is 100ms or more");
  if (command.depends_on.size() > 100) return fail(Errc::invalid, "at most 100 dependencies");
  if (command.nodes.size() + command.targets.size() > 10'000)
    return fail(Errc::invalid, "at most 10,000 targets");
  return {};
}

Result<void> check_dependencies(const HubState& state, const AddTask& command) {
  for (TaskId id : command.depends_on) {
    auto found = state.tasks.find(id);
    if (found == state.tasks.end())
      return fail(Errc::not_found, "there is no such task to depend on: " + to_string(id), {},
                  "only live ones and the newest that are over can be depended on");
    TaskState is = found->second.task.state;
    if (is == TaskState::failed || is == TaskState::cancelled)
      return fail(Errc::conflict,
                  fmt::format("{} is {}: what depends on it can never begin", to_string(id), enum_name(is)));
  }
  return {};
}

/// One task of those that are asked for.
struct Place {
  const NodeEntry* node = nullptr;
  const Slot* slot = nullptr;
};

Result<void> check_place(const AddTask& command, const Place& place) {
  const bool external = place.node->row.external.has_value();
  if (external) return {};
  const std::string& name = place.node->row.node.name;
  if (!is_errand(command.type))
    return fail(Errc::invalid,
                fmt::format("{} is made from the stack's revision on {}", enum_name(command.type), name), {},
                "apply a stack, or start, stop and restart what is there");
  if (command.errand.payload)
    return fail(Errc::invalid, fmt::format("only an external node takes a payload; {} has an agent", name));
  if (command.type == TaskType::exec) return check_command(command.errand);
  return command.type == TaskType::probe ? check_question(command) : Result<void>();
}

Result<std::vector<Place>> places_of(Step& step, const AddTask& command) {
  std::vector<Place> places;
  for (const auto& name : command.nodes) {
    TRY(NodeEntry * node, find_node(step, name));
    places.push_back({node, nullptr});
  }
  if (command.type == TaskType::exec && !command.targets.empty())
    return fail(Errc::invalid, "an exec is for nodes", {}, "name them in \"nodes\"");
  for (const auto& name : command.targets) {
    TRY(auto target, resolve(step.state, name));
    for (InstanceId id : target.instances) {
      const Slot& slot = step.state.slots.at(id).slot;
      if (slot.node && step.state.nodes.contains(*slot.node))
        places.push_back({&step.state.nodes.at(*slot.node), &slot});
    }
  }
  if (places.empty())
    return fail(Errc::invalid, "nothing was named, or it has no place", {}, "name a node or an instance");
  for (const Place& place : places) TRYV(check_place(command, place));
  return places;
}

Task task_for(const AddTask& command, const Place& place) {
  Task task{.type = command.type, .stack = command.stack, .instance_name = command.instance_name};
  if (place.slot) {
    task.stack = place.slot->stack;
    task.service = place.slot->service;
    task.instance_name = place.slot->name;
  }
  task.node = place.node->row.node.id;
  task.priority = command.priority;
  // Once more only where that was said: a command may have done half of its work.
  bool once = command.type == TaskType::exec && !command.errand.repeatable;
  task.max_retries = once ? 0 : command.max_retries.value_or(3);
  task.no_progress = command.no_progress.value_or(300s);
  task.timeout = command.timeout;
  task.depends_on = command.depends_on;
  task.errand = command.errand;
  if (place.slot) task.errand->instance = place.slot->id;
  return task;
}

OperationKind kind_of(TaskType type) {
  return type == TaskType::probe     ? OperationKind::probe
         : type == TaskType::collect ? OperationKind::collect
                                     : OperationKind::exec;
}

Answer begin_operation(Step& step, const AddTask& command, const std::vector<Place>& places, const Who& who) {
  Operation operation{.id = step.make_id<OperationId>(), .kind = kind_of(command.type)};
  operation.scope = fmt::format("{} {}", places.size(), places.front().slot ? "instances" : "nodes");
  operation.who = who;
  operation.created_at = step.now.wall;
  for (const Place& place : places) {
    Task task = task_for(command, place);
    task.operation = operation.id;
    OperationItem item{.instance = place.slot ? place.slot->id : InstanceId{},
                       .stack = task.stack,
                       .instance_name = task.instance_name,
                       .node = place.node->row.node.name};
    item.task = queue_task(step, std::move(task), who).id;
    operation.items.push_back(std::move(item));
  }
  step.mark_operation(operation.id);
  Answer answer{202, "/api/v1/operations/" + to_string(operation.id), to_json(operation).get_object()};
  step.state.operations[operation.id] = std::move(operation);
  return answer;
}
}  // namespace

Result<Answer> CommandRunner::operator()(const AddTask& command) const {
  TRYV(check_limits(command));
  if (command.errand.payload && print_json(*command.errand.payload).size() > max_payload)
    return fail(Errc::invalid, "a payload has at most 256 KiB");
  TRY(auto places, places_of(step, command));
  TRYV(check_dependencies(step.state, command));
  std::string what = command.errand.command.empty() ? "" : command.errand.command.front();
  step.audit(who, fmt::format("task.{}", enum_name(command.type)),
             places.size() == 1 ? "node " + places.front().node->row.node.name
                                : fmt::format("{} nodes", places.size()),
             "success", what);
  if (places.size() > 1) return begin_operation(step, command, places, who);
  return task_answer(queue_task(step, task_for(command, places.front()), who));
}

// ---- the queue

Result<Answer> CommandRunner::operator()(const PauseQueue& command) const {
  std::string key = "hub", name = "the hub";
  if (!command.node.empty()) {
    TRY(NodeEntry * node, find_node(step, command.node));
    key = to_string(node->row.node.id);
    name = node->row.node.name;
    step.mark_node(node->row.node.id);
  }
  Answer answer{200, "", {{"queue", name}, {"paused", command.pause}}};
  if (step.state.paused.contains(key) == command.pause) return answer;
  if (command.pause) {
    QueueRow row{key, who, step.now.wall};
    step.write(row);
    step.state.paused[key] = std::move(row);
  } else {
    step.erase(EraseQueue{key});
    step.state.paused.erase(key);
    for (const auto& [node, queue] : step.state.pending) step.dispatch_later(node);
  }
  std::string_view done = command.pause ? "pause" : "resume";
  step.audit(who, fmt::format("queue.{}", done), "queue of " + name);
  step.emit({.type = fmt::format("queue.{}", done),
             .subject = "queue of " + name,
             .message = command.pause ? fmt::format("nothing more is handed out by the queue of {}", name)
                                      : fmt::format("the queue of {} goes on", name),
             .level = command.pause ? "warn" : "info",
             .node = command.node.empty() ? "" : name,
             .who = who});
  return answer;
}

// ---- operations, taken back

std::string undo_objection(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::start:
    case OperationKind::stop: break;
    case OperationKind::restart: return "a restart cannot be taken back";
    case OperationKind::reload: return "a reload cannot be taken back";
    case OperationKind::exec: return "what a command has done cannot be taken back";
    case OperationKind::probe:
    case OperationKind::collect: return "it has changed nothing";
  }
  bool stop = operation.kind == OperationKind::stop;
  bool changed =
      std::ranges::any_of(operation.items, [&](const OperationItem& item) { return item.ran == stop; });
  return changed ? "" : "it has changed nothing";
}

Result<Answer> CommandRunner::operator()(const UndoOperation& command) const {
  auto found = step.state.operations.find(command.id);
  if (found == step.state.operations.end()) return fail(Errc::not_found, "there is no such operation");
  const Operation& operation = found->second;
  if (auto why = undo_objection(operation); !why.empty()) return fail(Errc::conflict, std::move(why));
  const bool stop = operation.kind == OperationKind::stop;
  ChangeRun undo{stop ? OperationKind::start : OperationKind::stop, false, {}, operation.id};
  bool whole =
      std::ranges::all_of(operation.items, [&](const OperationItem& item) { return item.ran == stop; });
  if (whole && operation.scope == "all") undo.all = true;
  // At the level at which it was asked for, where it changed all of it; else only what it changed.
  if (whole && !undo.all)
    for (const auto& part : split(operation.scope, ','))
      if (auto words = split(trim(part), ' '); words.size() == 2) undo.targets.push_back(words[1]);
  if (!whole)
    for (const OperationItem& item : operation.items)
      if (item.ran == stop && step.state.slots.contains(item.instance))
        undo.targets.push_back(to_string(item.instance));
  return (*this)(undo);
}

}  // namespace drover::hub
