// Commands on deployments: cancel, pause, resume, promote, abort.

#include <fmt/format.h>

#include "core/hub/commands.hpp"

namespace drover::hub {

void drop_pending(Step& step, StackEntry& stack) {
  for (const auto& [service, slots] : stack.slots)
    for (const auto& [name, id] : slots) {
      SlotEntry& entry = step.state.slots.at(id);
      entry.slot.blocked.clear();
      step.mark_slot(id);
      if (entry.task && step.state.tasks.at(*entry.task).task.state == TaskState::pending)
        request_cancel(step, *entry.task, "");
    }
  for (InstanceId id : stack.retired) {
    step.state.slots.at(id).slot.blocked.clear();
    step.mark_slot(id);
  }
}

namespace {
Result<Deployment*> live_deployment(Step& step, DeploymentId id) {
  auto found = step.state.deployments.find(id);
  if (found == step.state.deployments.end()) return fail(Errc::not_found, "there is no such deployment");
  if (is_final(found->second.state))
    return fail(Errc::conflict, fmt::format("the deployment is over: {}", enum_name(found->second.state)));
  return &found->second;
}

void note(Step& step, const Who& who, std::string_view action, const Deployment& deployment) {
  step.audit(who, fmt::format("deployment.{}", action), "deployment " + to_string(deployment.id));
}

Answer state_answer(const Deployment& deployment) {
  return {200, "", {{"id", to_string(deployment.id)}, {"state", enum_name(deployment.state)}}};
}

/// What the canaries still lack.
Error not_promotable(const Deployment& deployment) {
  if (deployment.canaries.empty() || deployment.promoted)
    return {Errc::conflict, "no canary waits to be promoted", {}, {}, {}};
  if (deployment.state == DeploymentState::paused)
    return {Errc::conflict, "the deployment is paused", {}, "resume it first", {}};
  return {Errc::conflict,
          "its canaries have not proven themselves yet",
          deployment.message,
          "wait for them, or abort",
          {}};
}
}  // namespace

Result<Answer> CommandRunner::operator()(const CancelDeployment& command) const {
  TRY(Deployment * deployment, live_deployment(step, command.id));
  if (deployment->revision == 0)
    return fail(Errc::conflict, "a stack that is being deleted cannot be kept", {}, "apply it again");
  end_deployment(step, *deployment, DeploymentState::cancelled, fmt::format("cancelled by {}", who.actor));
  drop_pending(step, step.state.stacks.at(deployment->stack));
  step.reconcile_later(deployment->stack);
  note(step, who, "cancel", *deployment);
  return state_answer(*deployment);
}

Result<Answer> CommandRunner::operator()(const PauseDeployment& command) const {
  TRY(Deployment * deployment, live_deployment(step, command.id));
  deployment->state = command.pause ? DeploymentState::paused : DeploymentState::running;
  deployment->progress_at = step.now.wall;
  deployment->promotable = false;
  step.mark_deployment(deployment->id);
  step.reconcile_later(deployment->stack);
  note(step, who, command.pause ? "pause" : "resume", *deployment);
  return state_answer(*deployment);
}

Result<Answer> CommandRunner::operator()(const PromoteDeployment& command) const {
  TRY(Deployment * deployment, live_deployment(step, command.id));
  if (!deployment->promotable) return fail(not_promotable(*deployment));
  promote(step, *deployment, who);
  note(step, who, "promote", *deployment);
  return state_answer(*deployment);
}

Result<Answer> CommandRunner::operator()(const AbortDeployment& command) const {
  TRY(Deployment * deployment, live_deployment(step, command.id));
  if (deployment->revision == 0)
    return fail(Errc::conflict, "a stack that is being deleted cannot be kept", {}, "apply it again");
  if (deployment->rolls_back)
    return fail(Errc::conflict, "it is a rollback itself", {},
                "cancel it to leave things as they are, or apply another file");
  const StackEntry& stack = step.state.stacks.at(deployment->stack);
  if (const RevisionRow* current = current_revision(stack); current && current->succeeded)
    return fail(Errc::conflict, fmt::format("revision {} has succeeded before", current->number), {},
                "it is no new content that could be undone: cancel it, or scale back");
  const RevisionRow* back = way_back(stack);
  if (!back)
    return fail(Errc::conflict, fmt::format("{} has no earlier revision that succeeded", deployment->stack),
                {}, "cancel it to leave things as they are, or delete the stack");
  note(step, who, "abort", *deployment);
  end_deployment(step, *deployment, DeploymentState::rolling_back,
                 fmt::format("aborted by {}; rolled back to revision {}", who.actor, back->number));
  roll_back(step, *deployment, *back);
  return state_answer(*deployment);
}

}  // namespace drover::hub
