// Commands on stacks: apply, delete, roll back, scale; and on their deployments.

#include <fmt/format.h>

#include "core/hub/commands.hpp"

namespace drover::hub {

namespace {
constexpr std::size_t kept_deployments = 50;

std::string digest_of(const HubState& state, const auto& value) {
  return blake2b(to_json_text(value), state.digest_key);
}

/// A newer plan ends the live one: its pending tasks are cancelled, running ones end by themselves.
void supersede(Step& step, StackEntry& stack) {
  if (!stack.row.deployment) return;
  auto found = step.state.deployments.find(*stack.row.deployment);
  if (found == step.state.deployments.end()) return;
  if (!is_final(found->second.state))
    end_deployment(step, found->second, DeploymentState::superseded, "a newer change has taken over");
  drop_pending(step, stack);
}

void forget_deployments(Step& step, const std::string& stack) {
  std::vector<DeploymentId> ended;
  for (const auto& [id, deployment] : step.state.deployments)
    if (deployment.stack == stack && is_final(deployment.state)) ended.push_back(id);
  for (std::size_t i = 0; i + kept_deployments < ended.size(); ++i) {
    step.state.deployments.erase(ended[i]);
    step.mark_deployment(ended[i]);
  }
}

/// What the one before had begun and not finished is this one's to finish.
void take_over(const HubState& state, const StackEntry& stack, std::vector<PlanStep>& steps) {
  auto old = stack.row.deployment ? state.deployments.find(*stack.row.deployment) : state.deployments.end();
  if (old == state.deployments.end() ||
      (old->second.state != DeploymentState::superseded && old->second.state != DeploymentState::cancelled))
    return;
  auto begun = changed_services(old->second);
  for (PlanStep& step : steps) {
    if (step.kind != StepKind::keep || !begun.contains(step.service)) continue;
    auto slot = state.slots.find(step.instance);
    if (slot == state.slots.end() || satisfied(state, slot->second)) continue;
    step.kind = StepKind::update;
    step.reason = "an older change has not reached it yet";
  }
}

/// Beside how many of each service the new revision shows itself first: of those that run something else now.
std::map<std::string, std::uint32_t> canaries_of(const HubState& state, const StackEntry& stack) {
  std::map<std::string, std::uint32_t> canaries;
  const RevisionRow* revision = current_revision(stack);
  bool known = revision && std::ranges::any_of(stack.revisions, [&](const auto& other) {
                 return other.second.succeeded && other.second.digest == revision->digest;
               });
  if (!revision || known || stack.row.deleting) return canaries;  // what has worked before needs none
  for (const Service& service : revision->content.services) {
    auto slots = stack.slots.find(service.name);
    if (service.update.canary == 0 || slots == stack.slots.end()) continue;
    std::uint32_t changed = 0;
    for (const auto& [name, id] : slots->second) {
      const Slot& slot = state.slots.at(id).slot;
      const bool per_node = name.find('@') != std::string::npos;
      if (per_node != (service.scale.kind == ScaleKind::per_node)) continue;  // these go
      changed += slot.generation > 0 && !slot.removing && wanted_running(state, slot) &&
                 !same_run(slot.digest, revision->digests.at(service.name));
    }
    if (changed > 0) canaries[service.name] = std::min(service.update.canary, changed);
  }
  return canaries;
}

Deployment& begin_deployment(Step& step, StackEntry& stack, const Who& who, std::vector<PlanStep> steps) {
  take_over(step.state, stack, steps);
  forget_deployments(step, stack.row.name);
  Deployment deployment;
  deployment.id = step.make_id<DeploymentId>();
  deployment.stack = stack.row.name;
  deployment.revision = stack.row.deleting ? 0 : stack.row.revision;
  deployment.state = DeploymentState::running;
  deployment.steps = std::move(steps);
  deployment.canaries = canaries_of(step.state, stack);
  deployment.who = who;
  deployment.created_at = deployment.progress_at = step.now.wall;
  stack.row.deployment = deployment.id;
  stack.row.updated_at = step.now.wall;
  step.mark_stack(stack.row.name);
  step.mark_deployment(deployment.id);
  step.reconcile_later(stack.row.name);
  step.emit({.type = "deployment.started",
             .subject = "deployment " + to_string(deployment.id),
             .message = stack.row.deleting ? fmt::format("{} is being deleted", deployment.stack)
                                           : fmt::format("{} revision {} is being deployed", deployment.stack,
                                                         deployment.revision),
             .stack = deployment.stack,
             .data = {{"deployment", to_string(deployment.id)}, {"revision", deployment.revision}},
             .who = who});
  return step.state.deployments[deployment.id] = std::move(deployment);
}

Answer deployment_answer(const StackEntry& stack, const Deployment& deployment, bool changed) {
  return {202,
          "/api/v1/deployments/" + to_string(deployment.id),
          {{"stack", stack.row.name},
           {"revision", deployment.revision},
           {"deployment", to_string(deployment.id)},
           {"changed", changed}}};
}

Error stale(const StackEntry& stack) {
  return {Errc::stale,
          fmt::format("{} is at revision {} now", stack.row.name, stack.row.revision),
          {},
          "look at what has changed, then apply again",
          {}};
}

/// Content equal to the current revision's: nothing new, but what had failed is tried again.
Answer apply_unchanged(Step& step, StackEntry& stack) {
  for (const auto& [service, slots] : stack.slots)
    for (const auto& [name, id] : slots) {
      Slot& slot = step.state.slots.at(id).slot;
      if (slot.blocked.empty()) continue;
      slot.blocked.clear();
      step.mark_slot(id);
    }
  step.reconcile_later(stack.row.name);
  boost::json::array kept;
  for (const auto& [service, change] : stack.row.services) {
    if (change.replicas)
      kept.push_back(boost::json::string(fmt::format("{}: {} replicas", service, *change.replicas)));
    if (change.run)
      kept.push_back(
          boost::json::string(fmt::format("{}: {}", service, *change.run ? "started" : "stopped")));
  }
  if (stack.row.whole.run && !*stack.row.whole.run) kept.push_back("the whole stack: stopped");
  Answer answer{
      200,
      "",
      {{"stack", stack.row.name}, {"revision", stack.row.revision}, {"changed", false}, {"overrides", kept}},
      false};
  if (stack.row.deployment) {
    answer.location = "/api/v1/deployments/" + to_string(*stack.row.deployment);
    answer.body["deployment"] = to_string(*stack.row.deployment);
  }
  return answer;
}

/// Its canaries have failed, and the others wait for them for ever.
bool held_by_canaries(const HubState& state, const StackEntry& stack) {
  const Deployment* last = deployment_of(state, stack);
  return last && is_final(last->state) && std::ranges::any_of(last->canaries, [&](const auto& canary) {
           return canary_of(state, stack, canary.first);
         });
}

Answer deploy_again(Step& step, StackEntry& stack, const Who& who) {
  auto steps = steps_to(step.state, current_revision(stack)->content);
  supersede(step, stack);
  Deployment& deployment = begin_deployment(step, stack, who, std::move(steps));
  step.audit(who, "stack.apply", fmt::format("stack {} revision {}", stack.row.name, stack.row.revision));
  return deployment_answer(stack, deployment, false);
}

Result<Answer> put_content(Step& step, const Who& who, Stack content, const std::string& digest) {
  auto steps = steps_to(step.state, content);
  auto changes = field_changes(step.state, content);
  auto [found, fresh] = step.state.stacks.try_emplace(content.name);
  StackEntry& stack = found->second;
  if (fresh) {
    stack.row.name = content.name;
    stack.row.created_at = step.now.wall;
  }
  supersede(step, stack);
  RevisionRow revision;
  revision.stack = content.name;
  revision.number = stack.row.revision + 1;
  revision.digest = digest;
  for (const Service& service : content.services)
    revision.digests[service.name] = service_digest(step.state, service);
  revision.content = std::move(content);
  revision.who = who;
  revision.at = step.now.wall;
  stack.row.revision = revision.number;
  stack.row.deleting = false;
  step.write(revision);
  index_services(revision);
  stack.revisions[revision.number] = std::move(revision);
  Deployment& deployment = begin_deployment(step, stack, who, std::move(steps));
  step.audit(who, "stack.apply", fmt::format("stack {} revision {}", stack.row.name, stack.row.revision));
  Answer answer = deployment_answer(stack, deployment, true);
  answer.body["changes"] = to_json(changes);
  return answer;
}

Result<StackEntry*> find_stack(Step& step, const std::string& name) {
  auto found = step.state.stacks.find(name);
  if (found != step.state.stacks.end()) return &found->second;
  std::vector<std::string> names;
  for (const auto& [known, stack] : step.state.stacks) names.push_back(known);
  auto near = nearest(name, std::span<const std::string>(names));
  return fail(Errc::not_found, fmt::format("there is no stack \"{}\"", name), {},
              near ? fmt::format("did you mean \"{}\"?", *near) : "");
}
}  // namespace

void roll_back(Step& step, const Deployment& failed, const RevisionRow& target) {
  const DeploymentId undone = failed.id;
  const std::string stack = failed.stack;
  const Who who{"system", "rollback", failed.who.correlation};
  if (!put_content(step, who, Stack(target.content), std::string(target.digest))) return;
  Deployment& deployment = step.state.deployments.at(*step.state.stacks.at(stack).row.deployment);
  deployment.rolls_back = undone;
  step.mark_deployment(deployment.id);
}

Result<Answer> CommandRunner::operator()(const ApplyStack& command) const {
  if (auto problems = validate(command.stack); !problems.empty()) {
    Error error{Errc::invalid, "the stack is not valid", {}, {}, std::move(problems)};
    return fail(std::move(error));
  }
  auto found = step.state.stacks.find(command.stack.name);
  std::uint64_t current = found == step.state.stacks.end() ? 0 : found->second.row.revision;
  if (command.if_match && *command.if_match != current) {
    if (found == step.state.stacks.end())
      return fail(Errc::stale, fmt::format("there is no stack \"{}\" yet", command.stack.name));
    return fail(stale(found->second));
  }
  std::string digest = digest_of(step.state, command.stack);
  if (found != step.state.stacks.end() && !found->second.row.deleting) {
    const RevisionRow* revision = current_revision(found->second);
    if (revision && revision->digest == digest)
      return held_by_canaries(step.state, found->second) ? deploy_again(step, found->second, who)
                                                         : apply_unchanged(step, found->second);
  }
  return put_content(step, who, command.stack, digest);
}

Result<Answer> CommandRunner::operator()(const RollbackStack& command) const {
  TRY(StackEntry * stack, find_stack(step, command.stack));
  const RevisionRow* target = nullptr;
  for (const auto& [number, revision] : stack->revisions) {
    bool wanted =
        command.revision ? number == command.revision : revision.succeeded && number < stack->row.revision;
    if (wanted) target = &revision;
  }
  if (!target)
    return fail(Errc::not_found,
                command.revision ? fmt::format("{} has no revision {}", command.stack, command.revision)
                                 : fmt::format("{} has no earlier revision that succeeded", command.stack));
  return put_content(step, who, Stack(target->content), std::string(target->digest));
}

Result<Answer> CommandRunner::operator()(const DeleteStack& command) const {
  TRY(StackEntry * stack, find_stack(step, command.stack));
  if (stack->row.deleting && stack->row.deployment)
    if (auto live = step.state.deployments.find(*stack->row.deployment);
        live != step.state.deployments.end() && !is_final(live->second.state))
      return deployment_answer(*stack, live->second, false);
  supersede(step, *stack);
  stack->row.deleting = true;
  std::vector<PlanStep> steps;
  for (const auto& [service, slots] : stack->slots)
    for (const auto& [name, id] : slots) {
      const SlotEntry& entry = step.state.slots.at(id);
      steps.push_back(
          {service, name, id, StepKind::delete_, entry.slot.node_name, "the stack is deleted", false});
    }
  Deployment& deployment = begin_deployment(step, *stack, who, std::move(steps));
  step.audit(who, "stack.delete", "stack " + command.stack);
  return deployment_answer(*stack, deployment, true);
}

Result<Answer> CommandRunner::operator()(const ScaleService& command) const {
  TRY(StackEntry * stack, find_stack(step, command.stack));
  const RevisionRow* revision = current_revision(*stack);
  const Service* service = revision ? service_of(*revision, command.service) : nullptr;
  if (!service || stack->row.deleting)
    return fail(Errc::not_found, fmt::format("{} has no service \"{}\"", command.stack, command.service));
  if (service->scale.kind == ScaleKind::per_node)
    return fail(Errc::conflict, fmt::format("{}/{} runs once on each node", command.stack, command.service),
                {}, "change its scale in the stack file");
  if (command.replicas > 10'000) return fail(Errc::invalid, "at most 10,000 instances of one service");
  supersede(step, *stack);
  Override& change = stack->row.services[command.service];
  change.replicas = command.replicas;
  change.who = who;
  change.at = step.now.wall;
  auto steps = steps_to(step.state, Stack(revision->content));
  Deployment& deployment = begin_deployment(step, *stack, who, std::move(steps));
  step.audit(who, "service.scale",
             fmt::format("service {}/{} to {}", command.stack, command.service, command.replicas));
  return deployment_answer(*stack, deployment, true);
}

}  // namespace drover::hub
