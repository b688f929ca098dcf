// Start, stop and restart, of one instance or of everything.

#include <fmt/format.h>

#include "core/hub/commands.hpp"

namespace drover::hub {

Result<Answer> run_command(Step& step, const Who& who, const Command& command) {
  return std::visit(CommandRunner{step, who}, command);
}

namespace {
Result<std::vector<Target>> targets_of(const HubState& state, const ChangeRun& command) {
  std::vector<Target> targets;
  if (command.all) {
    for (const auto& [name, stack] : state.stacks) {
      TRY(auto target, resolve(state, name));
      targets.push_back(std::move(target));
    }
    return targets;
  }
  if (command.targets.empty())
    return fail(Errc::invalid, "nothing was named", {}, "name a stack, a service or an instance, or say all");
  for (const auto& name : command.targets) {
    TRY(auto target, resolve(state, name));
    targets.push_back(std::move(target));
  }
  return targets;
}

/// Sets the wish at the level that was named; wishes below it give way.
void set_run(Step& step, const Target& target, bool run, const Who& who) {
  if (target.scope.starts_with("instance ")) {
    for (InstanceId id : target.instances) step.state.slots.at(id).slot.run = run;
    return;
  }
  StackEntry& stack = step.state.stacks.at(target.stack);
  Override change{.run = run, .who = who, .at = step.now.wall};
  if (target.service.empty()) {
    for (auto& [service, old] : stack.row.services) old.run.reset();
    stack.row.whole = std::move(change);
  } else {
    change.replicas = stack.row.services[target.service].replicas;
    stack.row.services[target.service] = std::move(change);
  }
  for (InstanceId id : target.instances) step.state.slots.at(id).slot.run.reset();
  step.mark_stack(target.stack);
}

/// A reload wants nothing else to run than before, and a restart of a stack gives up wishes for single ones.
void set_wish(Step& step, OperationKind kind, const Target& target, const Who& who) {
  if (kind == OperationKind::reload) return;
  if (kind != OperationKind::restart || !target.scope.starts_with("stack "))
    return set_run(step, target, kind != OperationKind::stop, who);
  for (InstanceId id : target.instances) step.state.slots.at(id).slot.run.reset();
}

/// What has failed runs once more when it is started; a job that is done only when it, or its service, is
/// named.
bool runs_again(const HubState& state, const SlotEntry& entry, const Target& target) {
  SeenState seen = seen_state(state, entry);
  return seen.state == InstanceState::failed ||
         (seen.state == InstanceState::completed && !target.scope.starts_with("stack "));
}

void apply_to_slot(Step& step, OperationKind kind, const Target& target, OperationItem& item) {
  SlotEntry& entry = step.state.slots.at(item.instance);
  Slot& slot = entry.slot;
  slot.blocked.clear();
  bool again = kind == OperationKind::restart ||
               (kind == OperationKind::start && runs_again(step.state, entry, target));
  if (again && slot.node) ++slot.restart_generation;
  if (again) slot.finished.reset();
  item.restart_generation = slot.restart_generation;
  if (entry.task && kind == OperationKind::stop) {
    TaskType type = step.state.tasks.at(*entry.task).task.type;
    if (type != TaskType::stop && type != TaskType::delete_) request_cancel(step, *entry.task, "");
  }
  step.mark_slot(slot.id);
  step.reconcile_later(slot.stack);
}

/// Counts the wish up, and says in the item how it is carried out.
void apply_reload(Step& step, OperationItem& item) {
  SlotEntry& entry = step.state.slots.at(item.instance);
  Slot& slot = entry.slot;
  slot.blocked.clear();
  switch (reload_way(step.state, entry)) {
    case ReloadWay::told: {
      const std::string& signal = wanted_service(step.state, slot)->reload.signal;
      ++slot.reload_generation;
      item.message = signal.empty() ? "by its reload command" : signal + " to its main process";
      break;
    }
    case ReloadWay::replaced:
      ++slot.reload_generation;
      item.message = "replaced by a new one, start-first";
      break;
    case ReloadWay::restarted:
      ++slot.restart_generation;
      slot.finished.reset();
      item.message = "restarted: it has no \"reload\", and nothing to replace start-first";
      break;
  }
  item.restart_generation = slot.restart_generation;
  step.mark_slot(slot.id);
  step.reconcile_later(slot.stack);
}

/// "" or why the operation leaves it alone.
std::string left_alone(const HubState& state, OperationKind kind, const SlotEntry& entry) {
  if (kind == OperationKind::reload) return reload_objection(state, entry);
  if (entry.slot.removing) return "it is being deleted";
  // A restart of a stack leaves alone what was stopped on purpose.
  return kind == OperationKind::restart && !wanted_running(state, entry.slot) ? "it was stopped on purpose"
                                                                              : "";
}

/// Nothing of what was named can be reloaded.
std::optional<Error> nothing_to_reload(const HubState& state, const std::vector<Target>& targets) {
  std::string why;
  for (const Target& target : targets)
    for (InstanceId id : target.instances) {
      const SlotEntry& entry = state.slots.at(id);
      std::string objection = reload_objection(state, entry);
      if (objection.empty()) return std::nullopt;
      if (why.empty()) why = fmt::format("{}/{}: {}", entry.slot.stack, entry.slot.name, objection);
    }
  if (why.empty()) why = "it has no instances";
  return Error{Errc::conflict, "there is nothing to reload", why, "drover start runs what was stopped", {}};
}

std::string scope_of(const ChangeRun& command, const std::vector<Target>& targets) {
  if (command.all) return "all";
  std::string scope;
  for (const Target& target : targets) scope += (scope.empty() ? "" : ", ") + target.scope;
  return scope;
}
}  // namespace

Result<Answer> CommandRunner::operator()(const ChangeRun& command) const {
  if (command.kind > OperationKind::reload) return fail(Errc::invalid, "this is no change of what runs");
  TRY(auto targets, targets_of(step.state, command));
  const bool reload = command.kind == OperationKind::reload;
  if (reload)
    if (auto error = nothing_to_reload(step.state, targets)) return fail(std::move(*error));
  Operation operation;
  operation.id = step.make_id<OperationId>();
  operation.kind = command.kind;
  operation.scope = scope_of(command, targets);
  operation.who = who;
  operation.created_at = step.now.wall;
  operation.undo_of = command.undo_of;
  std::set<InstanceId> seen;
  for (const Target& target : targets) {
    std::map<InstanceId, bool> ran;
    for (InstanceId id : target.instances) ran[id] = wanted_running(step.state, step.state.slots.at(id).slot);
    set_wish(step, command.kind, target, who);
    for (InstanceId id : target.instances) {
      SlotEntry& entry = step.state.slots.at(id);
      if (!left_alone(step.state, command.kind, entry).empty() || !seen.insert(id).second) continue;
      OperationItem item{.instance = id,
                         .stack = entry.slot.stack,
                         .instance_name = entry.slot.name,
                         .node = entry.slot.node_name,
                         .ran = ran.at(id)};
      if (reload) apply_reload(step, item);
      else apply_to_slot(step, command.kind, target, item);
      operation.items.push_back(std::move(item));
    }
  }
  if (operation.items.empty()) {
    operation.state = OperationState::succeeded;
    operation.finished_at = step.now.wall;
  }
  step.mark_operation(operation.id);
  step.audit(who, fmt::format("instance.{}", enum_name(command.kind)), operation.scope);
  step.emit({.type = "operation.started",
             .subject = "operation " + to_string(operation.id),
             .message = fmt::format("{} {} ({} instances)", enum_name(command.kind), operation.scope,
                                    operation.items.size()),
             .data = {{"operation", to_string(operation.id)}},
             .who = who});
  Answer answer{202, "/api/v1/operations/" + to_string(operation.id), to_json(operation).get_object()};
  step.state.operations[operation.id] = std::move(operation);
  return answer;
}

}  // namespace drover::hub
