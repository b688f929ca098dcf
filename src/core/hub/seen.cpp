// Reading the state: what is wanted, what was seen.

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/hub/step.hpp"

namespace drover::hub {

const Observed* observed_of(const HubState& state, const Slot& slot) {
  if (!slot.node) return slot.finished ? &*slot.finished : nullptr;
  auto node = state.nodes.find(*slot.node);
  if (node == state.nodes.end()) return nullptr;
  auto found = node->second.observed.find(slot.id);
  if (found != node->second.observed.end() && found->second.epoch == slot.epoch) return &found->second;
  return slot.finished && slot.finished->epoch == slot.epoch ? &*slot.finished : nullptr;
}

const RevisionRow* current_revision(const StackEntry& stack) {
  auto found = stack.revisions.find(stack.row.revision);
  return found == stack.revisions.end() ? nullptr : &found->second;
}

const Deployment* deployment_of(const HubState& state, const StackEntry& stack) {
  if (!stack.row.deployment) return nullptr;
  auto found = state.deployments.find(*stack.row.deployment);
  return found == state.deployments.end() ? nullptr : &found->second;
}

bool rollout_held(const HubState& state, const StackEntry& stack) {
  const Deployment* deployment = deployment_of(state, stack);
  return deployment &&
         (deployment->state == DeploymentState::paused || deployment->state == DeploymentState::cancelled);
}

const Deployment* canary_of(const HubState& state, const StackEntry& stack, const std::string& service) {
  const Deployment* deployment = deployment_of(state, stack);
  bool holds = deployment && !deployment->promoted && deployment->canaries.contains(service);
  return holds && !stack.row.deleting ? deployment : nullptr;
}

const RevisionRow* followed_revision(const HubState& state, const StackEntry& stack, const Slot& slot) {
  bool stays =
      rollout_held(state, stack) || (slot.role == SlotRole::holder && canary_of(state, stack, slot.service));
  if (!stays) return current_revision(stack);
  auto found = stack.revisions.find(slot.generation);
  return found == stack.revisions.end() ? nullptr : &found->second;
}

void index_services(RevisionRow& revision) {
  const auto& services = revision.content.services;
  revision.by_name.resize(services.size());
  std::iota(revision.by_name.begin(), revision.by_name.end(), 0u);
  std::ranges::sort(revision.by_name, {},
                    [&](std::uint32_t at) -> const std::string& { return services[at].name; });
}

const Service* service_of(const RevisionRow& revision, std::string_view name) {
  const auto& services = revision.content.services;
  const auto found = std::ranges::lower_bound(
      revision.by_name, name, {}, [&](std::uint32_t at) { return std::string_view(services[at].name); });
  return found != revision.by_name.end() && services[*found].name == name ? &services[*found] : nullptr;
}

const Service* wanted_service(const HubState& state, const Slot& slot) {
  auto stack = state.stacks.find(slot.stack);
  if (stack == state.stacks.end() || slot.removing) return nullptr;
  const RevisionRow* revision = followed_revision(state, stack->second, slot);
  return revision ? service_of(*revision, slot.service) : nullptr;
}

const std::string& wanted_digest(const HubState& state, const Slot& slot) {
  static const std::string none;
  auto stack = state.stacks.find(slot.stack);
  if (stack == state.stacks.end()) return none;
  const RevisionRow* revision = followed_revision(state, stack->second, slot);
  if (!revision) return none;
  auto found = revision->digests.find(slot.service);
  return found == revision->digests.end() ? none : found->second;
}

std::uint32_t wanted_replicas(const StackRow& row, const Service& service) {
  auto found = row.services.find(service.name);
  if (found != row.services.end() && found->second.replicas) return *found->second.replicas;
  return service.scale.count;
}

bool wanted_running(const HubState& state, const Slot& slot) {
  if (slot.run) return *slot.run;
  auto stack = state.stacks.find(slot.stack);
  if (stack == state.stacks.end()) return true;
  auto service = stack->second.row.services.find(slot.service);
  if (service != stack->second.row.services.end() && service->second.run) return *service->second.run;
  return stack->second.row.whole.run.value_or(true);
}

SeenState seen_state(const HubState& state, const SlotEntry& entry) {
  const Slot& slot = entry.slot;
  if (slot.finished && !entry.task)
    return {slot.finished->state, slot.finished->reason, slot.finished->since};
  const Observed* observed = observed_of(state, slot);
  if (!slot.node || !state.nodes.contains(*slot.node)) {
    if (!slot.blocked.empty()) return {InstanceState::failed, slot.blocked, slot.created_at};
    if (!wanted_running(state, slot)) return {InstanceState::stopped, "", slot.created_at};
    return {InstanceState::waiting, entry.waits, slot.created_at};
  }
  const NodeEntry& node = state.nodes.at(*slot.node);
  if (node.row.node.state == NodeState::lost)
    return {InstanceState::lost, fmt::format("node {} is lost", node.row.node.name),
            node.unknown_since.value_or(slot.created_at)};
  if (!node.observed_fresh)
    return {InstanceState::unknown, fmt::format("the agent on {} is away", node.row.node.name),
            node.unknown_since.value_or(slot.created_at)};
  if (!observed) {
    if (!slot.blocked.empty()) return {InstanceState::failed, slot.blocked, slot.created_at};
    if (!wanted_running(state, slot) && !entry.task) return {InstanceState::stopped, "", slot.created_at};
    return {InstanceState::waiting, entry.waits.empty() ? "to be started" : entry.waits, slot.created_at};
  }
  if (!slot.blocked.empty() && !is_alive(observed->state))
    return {InstanceState::failed, slot.blocked, observed->since};
  return {observed->state,
          observed->reason.empty() && !entry.waits.empty() && !is_alive(observed->state) ? entry.waits
                                                                                         : observed->reason,
          observed->since};
}

}  // namespace drover::hub
