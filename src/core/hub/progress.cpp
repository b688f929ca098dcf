#include "core/hub/progress.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover::hub {

void look(const HubState& state, const SlotEntry& entry, Progress& progress) {
  if (satisfied(state, entry)) return;
  progress.all_satisfied = false;
  const Slot& slot = entry.slot;
  progress.open.insert(slot.service);
  SeenState seen = seen_state(state, entry);
  if (!slot.blocked.empty()) seen.reason = slot.blocked;
  std::string name = slot.stack + "/" + slot.name;
  bool failed = has_failed(state, entry);
  if (in_motion(state, entry)) progress.in_motion = true;
  else if (failed && progress.failed.empty())
    progress.failed = fmt::format("{}: {}", name, seen.reason.empty() ? "failed" : seen.reason);
  if (!failed && progress.waiting.empty())
    progress.waiting =
        fmt::format("{}: {}", name, entry.waits.empty() ? std::string(enum_name(seen.state)) : entry.waits);
}

void look_for_proof(const Step& step, const SlotEntry& entry, Progress& progress) {
  const Service* service = wanted_service(step.state, entry.slot);
  if (!service || !wanted_running(step.state, entry.slot) || !satisfied(step.state, entry)) return;
  auto proven = proven_at(step.settings, entry, *service);
  if (!proven || *proven <= step.now.boot) return;
  progress.proven = std::max(progress.proven.value_or(*proven), *proven);
  progress.all_satisfied = false;
  progress.in_motion = true;
  if (progress.waiting.empty())
    progress.waiting = fmt::format("{}/{}: to stay ready for {}", entry.slot.stack, entry.slot.name,
                                   human_duration(*proven - *entry.ready_since));
}

namespace {
/// One that has been replaced: the change is done when it is gone. Where its node is away nobody waits for
/// it.
void look_at_end(const HubState& state, const StackEntry& stack, InstanceId id,
                 const std::set<std::string>& changed, Progress& progress) {
  const SlotEntry& entry = state.slots.at(id);
  const Slot& slot = entry.slot;
  if (!stack.row.deleting &&
      (!changed.contains(slot.service) || !slot.blocked.empty() || !slot.node || !usable(state, *slot.node)))
    return;
  progress.all_satisfied = false;
  progress.in_motion |= slot.blocked.empty();
  if (progress.waiting.empty())
    progress.waiting = fmt::format("{}/{}: the former one is to end", slot.stack, slot.name);
}

/// What the services need, and what those need.
std::set<std::string> needed_by(const StackEntry& stack, const std::set<std::string>& services) {
  std::set<std::string> needed;
  const RevisionRow* revision = current_revision(stack);
  std::vector<std::string> todo(services.begin(), services.end());
  while (revision && !todo.empty()) {
    const Service* service = service_of(*revision, todo.back());
    todo.pop_back();
    if (!service) continue;
    for (const Dependency& dependency : service->depends_on)
      if (!services.contains(dependency.service) && needed.insert(dependency.service).second)
        todo.push_back(dependency.service);
  }
  return needed;
}

/// How many of the old ones are there to stand beside.
std::uint32_t old_ones(const HubState& state, const StackEntry& stack, const std::string& service) {
  auto slots = stack.slots.find(service);
  if (slots == stack.slots.end()) return 0;
  return std::uint32_t(std::ranges::count_if(slots->second, [&](const auto& named) {
    const Slot& slot = state.slots.at(named.second).slot;
    return slot.generation > 0 && !slot.removing;
  }));
}

/// What a canary that is not there yet waits for.
std::string unborn_canary(const HubState& state, const StackEntry& stack, const Deployment& deployment) {
  for (const auto& [service, count] : deployment.canaries) {
    auto slots = stack.slots.find(service);
    if (slots == stack.slots.end()) continue;
    for (const auto& [name, id] : slots->second) {
      const SlotEntry& entry = state.slots.at(id);
      if (!stack.successors.contains({service, name}) && !entry.waits.empty())
        return fmt::format("{}/{}: {}", entry.slot.stack, name, entry.waits);
    }
  }
  return {};
}

/// Those that stand beside the old ones until they are promoted.
void look_at_canaries(const Step& step, const StackEntry& stack, const Deployment& deployment,
                      Progress& progress) {
  for (const auto& [service, count] : deployment.canaries) {
    if (!canary_of(step.state, stack, service)) continue;
    progress.canaries += std::min(count, old_ones(step.state, stack, service));
    for (const auto& [name, id] : stack.successors) {
      if (name.first != service) continue;
      Progress own;
      look(step.state, step.state.slots.at(id), own);
      look_for_proof(step, step.state.slots.at(id), own);
      progress.good_canaries += own.all_satisfied ? 1 : 0;
      progress.in_motion |= own.in_motion;
      if (own.proven) progress.proven = std::max(progress.proven.value_or(*own.proven), *own.proven);
      if (progress.waiting.empty()) progress.waiting = own.waiting;
    }
  }
  if (progress.good_canaries < progress.canaries) progress.all_satisfied = false;
  if (progress.good_canaries < progress.canaries && progress.waiting.empty())
    progress.waiting = unborn_canary(step.state, stack, deployment);
}
}  // namespace

Progress progress_of(Step& step, StackEntry& stack, const Deployment& deployment) {
  Progress progress;
  auto changed = changed_services(deployment);
  for (const auto& [service, slots] : stack.slots) {
    if (!stack.row.deleting && !changed.contains(service)) continue;
    for (const auto& [name, id] : slots) {
      const SlotEntry& entry = step.state.slots.at(id);
      // How the old ones are is no matter; the canary beside one of them may have failed.
      if (entry.slot.blocked.empty() && canary_of(step.state, stack, service)) continue;
      look(step.state, entry, progress);
      look_for_proof(step, entry, progress);
    }
  }
  for (InstanceId id : stack.retired) look_at_end(step.state, stack, id, changed, progress);
  look_at_canaries(step, stack, deployment, progress);
  if (progress.all_satisfied) return progress;
  if (progress.proven) step.timer(*progress.proven, stack);
  for (const auto& service : needed_by(stack, changed))
    if (auto slots = stack.slots.find(service); slots != stack.slots.end())
      for (const auto& [name, id] : slots->second) look(step.state, step.state.slots.at(id), progress);
  return progress;
}

}  // namespace drover::hub
