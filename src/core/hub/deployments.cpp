// How far deployments and operations are: read off the slots after each reconcile.

#include <fmt/format.h>

#include <algorithm>

#include "core/hub/progress.hpp"

namespace drover::hub {

namespace {
constexpr std::size_t kept_revisions = 20;

/// The plan's steps that are done now and were not before.
bool tick_off(const HubState& state, const StackEntry& stack, Deployment& deployment) {
  bool any = false;
  for (PlanStep& plan_step : deployment.steps) {
    if (plan_step.done || canary_of(state, stack, plan_step.service)) continue;
    const SlotEntry* entry = nullptr;
    if (auto service = stack.slots.find(plan_step.service); service != stack.slots.end())
      if (auto slot = service->second.find(plan_step.instance_name); slot != service->second.end())
        entry = &state.slots.at(slot->second);
    plan_step.done =
        plan_step.kind == StepKind::delete_ ? entry == nullptr : entry && satisfied(state, *entry);
    if (entry && entry->slot.node) plan_step.node = entry->slot.node_name;
    else if (entry && plan_step.kind == StepKind::create && !entry->waits.empty())
      plan_step.reason = entry->waits;
    any |= plan_step.done;
  }
  return any;
}

void tell_end(Step& step, const Deployment& deployment) {
  bool bad = deployment.state == DeploymentState::failed ||
             deployment.state == DeploymentState::rolling_back ||
             deployment.state == DeploymentState::rollback_failed;
  step.emit({.type = fmt::format("deployment.{}", enum_name(deployment.state)),
             .subject = "deployment " + to_string(deployment.id),
             .message = fmt::format("{} revision {}: {}{}", deployment.stack, deployment.revision,
                                    enum_name(deployment.state),
                                    deployment.message.empty() ? "" : " (" + deployment.message + ")"),
             .level = bad ? "error" : "info",
             .stack = deployment.stack,
             .data = {{"deployment", to_string(deployment.id)}, {"revision", deployment.revision}},
             .who = deployment.who});
}

/// What became of the rollback is what became of the deployment that it undoes.
void end_undone(Step& step, const Deployment& rollback) {
  auto undone =
      rollback.rolls_back ? step.state.deployments.find(*rollback.rolls_back) : step.state.deployments.end();
  if (undone == step.state.deployments.end() || undone->second.state != DeploymentState::rolling_back) return;
  Deployment& old = undone->second;
  bool good = rollback.state == DeploymentState::succeeded;
  old.state = good ? DeploymentState::rolled_back : DeploymentState::rollback_failed;
  if (!good) old.message += fmt::format("; the rollback: {}", enum_name(rollback.state));
  step.mark_deployment(old.id);
  tell_end(step, old);
}

void forget_revisions(Step& step, StackEntry& stack) {
  std::set<std::uint64_t> needed{stack.row.revision};
  for (const auto& [service, slots] : stack.slots)
    for (const auto& [name, id] : slots) needed.insert(step.state.slots.at(id).slot.generation);
  for (const auto& [name, id] : stack.successors) needed.insert(step.state.slots.at(id).slot.generation);
  std::erase_if(stack.asks, [&](const auto& ask) { return !stack.revisions.contains(ask.first.first); });
  while (stack.revisions.size() > kept_revisions) {
    auto oldest =
        std::ranges::find_if(stack.revisions, [&](const auto& pair) { return !needed.contains(pair.first); });
    if (oldest == stack.revisions.end() || oldest->first == stack.row.revision) return;
    step.erase(EraseRevision{stack.row.name, oldest->first});
    stack.revisions.erase(oldest);
  }
}

void succeed(Step& step, StackEntry& stack, Deployment& deployment) {
  end_deployment(step, deployment, DeploymentState::succeeded, "");
  if (auto revision = stack.revisions.find(stack.row.revision);
      revision != stack.revisions.end() && !revision->second.succeeded) {
    revision->second.succeeded = true;
    step.write(revision->second);
  }
  forget_revisions(step, stack);
}

void erase_stack(Step& step, const std::string& name) {
  for (auto it = step.state.deployments.begin(); it != step.state.deployments.end();) {
    bool ended = it->second.stack == name && it->second.finished_at && it->second.revision != 0;
    if (ended) step.mark_deployment(it->first);
    it = ended ? step.state.deployments.erase(it) : std::next(it);
  }
  step.state.stacks.erase(name);
  step.mark_stack(name);
  step.reconcile_later(name);  // what still waits for it ends
  step.emit({.type = "stack.deleted",
             .subject = "stack " + name,
             .message = fmt::format("{} is gone", name),
             .stack = name});
}

Duration patience(const StackEntry& stack) {
  Duration longest = 0s;
  if (const RevisionRow* revision = current_revision(stack))
    for (const Service& service : revision->content.services)
      longest = std::max(longest, service.update.no_progress);
  return longest == 0s ? Duration(600s) : longest;
}

/// Where the failed deployment goes back to, if one of the services that failed wants it so, or if the others
/// wait for its canaries. nullptr: it stays.
const RevisionRow* answer_to_failure(const StackEntry& stack, const Deployment& deployment,
                                     const Progress& progress) {
  const RevisionRow* current = current_revision(stack);
  // What has worked before does not fail for its content; and an undo is not undone.
  if (!current || current->succeeded || deployment.rolls_back || stack.row.deleting) return nullptr;
  bool wanted = std::ranges::any_of(current->content.services, [&](const Service& service) {
    return service.update.on_failure == UpdateFailure::rollback && progress.open.contains(service.name);
  });
  return wanted || progress.canaries > 0 ? way_back(stack) : nullptr;
}

void fail_deployment(Step& step, StackEntry& stack, Deployment& deployment, const Progress& progress,
                     std::string why) {
  const RevisionRow* back = answer_to_failure(stack, deployment, progress);
  if (!back) return end_deployment(step, deployment, DeploymentState::failed, std::move(why));
  why += fmt::format("; rolled back to revision {}", back->number);
  end_deployment(step, deployment, DeploymentState::rolling_back, std::move(why));
  roll_back(step, deployment, *back);
}

/// All canaries are good: the rest follows, at once or when somebody says so.
void judge_canaries(Step& step, StackEntry& stack, Deployment& deployment, const Progress& progress) {
  const RevisionRow* current = current_revision(stack);
  bool by_itself = current && std::ranges::all_of(deployment.canaries, [&](const auto& canary) {
                     const Service* service = find_service(current->content, canary.first);
                     return !service || service->update.auto_promote;
                   });
  if (by_itself) return promote(step, deployment, deployment.who);
  deployment.progress_at = step.now.wall;  // people may take their time
  if (std::exchange(deployment.promotable, true)) return;
  deployment.message = fmt::format("{} canar{} ready: promote or abort", progress.canaries,
                                   progress.canaries == 1 ? "y is" : "ies are");
  step.mark_deployment(deployment.id);
  step.emit({.type = "deployment.promotable",
             .subject = "deployment " + to_string(deployment.id),
             .message =
                 fmt::format("{} revision {}: {}", deployment.stack, deployment.revision, deployment.message),
             .stack = deployment.stack,
             .data = {{"deployment", to_string(deployment.id)}, {"revision", deployment.revision}},
             .who = deployment.who});
}

constexpr Duration operation_patience = 600s;

std::optional<std::pair<bool, std::string>> item_result(const HubState& state, OperationKind kind,
                                                        const OperationItem& item) {
  auto found = state.slots.find(item.instance);
  if (found == state.slots.end())
    return std::pair(kind == OperationKind::stop, std::string("it has been deleted"));
  const SlotEntry& entry = found->second;
  if (entry.task) return std::nullopt;
  if (!entry.slot.blocked.empty()) return std::pair(false, entry.slot.blocked);
  if (wanted_running(state, entry.slot) != (kind != OperationKind::stop))
    return std::pair(false, std::string("overtaken by a newer command"));
  if (satisfied(state, entry)) return std::pair(true, std::string());
  SeenState seen = seen_state(state, entry);
  if (seen.state == InstanceState::failed) return std::pair(false, seen.reason);
  return std::nullopt;
}

}  // namespace

void end_operation(Step& step, Operation& operation) {
  auto good = std::ranges::count_if(operation.items, [](const OperationItem& item) { return *item.ok; });
  operation.state = std::size_t(good) == operation.items.size() ? OperationState::succeeded
                    : good > 0                                  ? OperationState::partial
                                                                : OperationState::failed;
  operation.finished_at = step.now.wall;
  step.emit({.type = fmt::format("operation.{}", enum_name(operation.state)),
             .subject = "operation " + to_string(operation.id),
             .message = fmt::format("{} {}: {} of {} done", enum_name(operation.kind), operation.scope, good,
                                    operation.items.size()),
             .level = operation.state == OperationState::succeeded ? "info" : "warn",
             .data = {{"operation", to_string(operation.id)}},
             .who = operation.who});
}

void end_deployment(Step& step, Deployment& deployment, DeploymentState state, std::string message) {
  deployment.state = state;
  deployment.message = std::move(message);
  deployment.promotable = false;
  deployment.finished_at = step.now.wall;
  step.mark_deployment(deployment.id);
  tell_end(step, deployment);
  end_undone(step, deployment);
  if (!deployment.canaries.empty() && !deployment.promoted) step.reconcile_later(deployment.stack);
}

void promote(Step& step, Deployment& deployment, const Who& who) {
  deployment.promoted = true;
  deployment.promotable = false;
  deployment.message.clear();
  deployment.progress_at = step.now.wall;
  step.mark_deployment(deployment.id);
  step.reconcile_later(deployment.stack);
  step.emit({.type = "deployment.promoted",
             .subject = "deployment " + to_string(deployment.id),
             .message = fmt::format("{} revision {}: promoted, the rest follows", deployment.stack,
                                    deployment.revision),
             .stack = deployment.stack,
             .data = {{"deployment", to_string(deployment.id)}, {"revision", deployment.revision}},
             .who = who});
}

const RevisionRow* way_back(const StackEntry& stack) {
  const RevisionRow* current = current_revision(stack);
  const RevisionRow* target = nullptr;
  for (const auto& [number, revision] : stack.revisions)
    if (current && revision.succeeded && number < current->number && revision.digest != current->digest)
      target = &revision;
  return target;
}

std::set<std::string> changed_services(const Deployment& deployment) {
  std::set<std::string> services;
  for (const PlanStep& step : deployment.steps)
    if (step.kind != StepKind::keep) services.insert(step.service);
  return services;
}

void judge_deployment(Step& step, StackEntry& stack) {
  HubState& state = step.state;
  auto found = stack.row.deployment ? state.deployments.find(*stack.row.deployment) : state.deployments.end();
  if (found == state.deployments.end() || is_final(found->second.state)) return;
  Deployment& deployment = found->second;
  if (deployment.state == DeploymentState::paused) return;
  Progress progress = progress_of(step, stack, deployment);
  if (tick_off(state, stack, deployment)) {
    deployment.progress_at = step.now.wall;
    step.mark_deployment(deployment.id);
  }
  const bool nobody_beside = progress.canaries == 0 && !deployment.canaries.empty() && !deployment.promoted;
  if (nobody_beside && !stack.row.deleting) return promote(step, deployment, deployment.who);
  // Others may wait for what only the promotion brings.
  const bool good = progress.canaries > 0 && progress.good_canaries >= progress.canaries;
  if (good && progress.failed.empty()) return judge_canaries(step, stack, deployment, progress);
  deployment.promotable = false;
  if (progress.all_satisfied) {
    bool gone = stack.row.deleting;
    succeed(step, stack, deployment);
    if (gone) erase_stack(step, std::string(stack.row.name));
    return;
  }
  if (!progress.failed.empty() && !progress.in_motion)
    return fail_deployment(step, stack, deployment, progress, progress.failed);
  Duration limit = patience(stack);
  if (deployment.progress_at + limit <= step.now.wall)
    return fail_deployment(step, stack, deployment, progress,
                           fmt::format("no progress for {}; {}", human_duration(limit), progress.waiting));
  step.timer(step.now.boot + limit, stack);
  if (deployment.message != progress.waiting) {
    deployment.message = progress.waiting;
    step.out.touched.deployments.insert(to_string(deployment.id));
  }
}

namespace {
/// Why nothing more will come of the items that are still open; "" while something may.
std::string hopeless(const Step& step, const StackEntry* stack, const Operation& operation) {
  if (!stack) return "the stack is gone";
  Progress progress;
  for (const auto& [service, slots] : stack->slots)
    for (const auto& [name, id] : slots) {
      look(step.state, step.state.slots.at(id), progress);
      look_for_proof(step, step.state.slots.at(id), progress);
    }
  if (!progress.failed.empty() && !progress.in_motion)
    return "it waits for what has failed: " + progress.failed;
  if (operation.created_at + operation_patience <= step.now.wall)
    return fmt::format("not done within {}; {}", human_duration(operation_patience), progress.waiting);
  return {};
}

/// It runs again, but has not for so long that it counts: it could be a program that ends at once. When it
/// will have; nullopt: it has.
std::optional<BootTime> to_be_proven(const Step& step, const OperationItem& item) {
  Progress progress;
  if (auto slot = step.state.slots.find(item.instance); slot != step.state.slots.end())
    look_for_proof(step, slot->second, progress);
  return progress.proven;
}

/// True when something about the operation has changed.
bool judge_items(Step& step, const std::string& stack, Operation& operation) {
  bool changed = false;
  auto mine = [&](const OperationItem& item) { return !item.ok && item.stack == stack; };
  auto settle = [&](OperationItem& item, bool ok, std::string message) {
    item.ok = ok;
    if (!ok) item.message = std::move(message);
    changed = true;
  };
  auto found = step.state.stacks.find(stack);
  StackEntry* entry = found == step.state.stacks.end() ? nullptr : &found->second;
  std::optional<BootTime> proven;  // all that are to be
  for (OperationItem& item : operation.items)
    if (auto result = mine(item) ? item_result(step.state, operation.kind, item) : std::nullopt) {
      auto at = result->first ? to_be_proven(step, item) : std::nullopt;
      if (at) proven = std::max(proven.value_or(*at), *at);
      else settle(item, result->first, std::move(result->second));
    }
  if (proven && entry) step.timer(*proven, *entry);
  if (std::ranges::none_of(operation.items, mine)) return changed;
  std::string why = hopeless(step, entry, operation);
  for (OperationItem& item : operation.items)
    if (!why.empty() && mine(item)) settle(item, false, why);
  if (why.empty()) step.timer(step.now.boot + operation_patience, *entry);
  return changed;
}
}  // namespace

void judge_operations(Step& step, const std::string& stack) {
  for (auto& [id, operation] : step.state.operations) {
    if (operation.state != OperationState::running) continue;
    bool changed = judge_items(step, stack, operation);
    bool over =
        std::ranges::all_of(operation.items, [](const OperationItem& item) { return item.ok.has_value(); });
    if (over) end_operation(step, operation);
    if (changed || over) step.mark_operation(id);
  }
}

}  // namespace drover::hub
