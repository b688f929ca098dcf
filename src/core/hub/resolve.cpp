// From what a person typed to instances.

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

namespace {
Target stack_target(const StackEntry& stack) {
  Target target{"stack " + stack.row.name, stack.row.name, "", {}};
  for (const auto& [service, slots] : stack.slots)
    for (const auto& [name, id] : slots) target.instances.push_back(id);
  return target;
}

Target service_target(const std::string& stack, const std::string& service,
                      const std::map<std::string, InstanceId>& slots) {
  Target target{fmt::format("service {}/{}", stack, service), stack, service, {}};
  for (const auto& [name, id] : slots) target.instances.push_back(id);
  return target;
}

Target instance_target(const Slot& slot) {
  return {fmt::format("instance {}/{}", slot.stack, slot.name), slot.stack, slot.service, {slot.id}};
}

/// Services and instances of one stack that are called `name`.
void named_in(const HubState& state, const StackEntry& stack, std::string_view name,
              std::vector<Target>& out) {
  for (const auto& [service, slots] : stack.slots) {
    if (service == name) {
      out.push_back(service_target(stack.row.name, service, slots));
      continue;
    }
    for (const auto& [slot, id] : slots)
      if (slot == name) out.push_back(instance_target(state.slots.at(id).slot));
  }
  const RevisionRow* revision = current_revision(stack);  // a service that is scaled to 0 has no slots
  if (out.empty() && revision && service_of(*revision, name) && !stack.slots.contains(std::string(name)))
    out.push_back(service_target(stack.row.name, std::string(name), {}));
}

std::vector<std::string> all_names(const HubState& state) {
  std::vector<std::string> names;
  for (const auto& [stack, entry] : state.stacks) {
    names.push_back(stack);
    for (const auto& [service, slots] : entry.slots) {
      names.push_back(service);
      names.push_back(stack + "/" + service);
      for (const auto& [slot, id] : slots) {
        names.push_back(slot);
        names.push_back(stack + "/" + slot);
      }
    }
  }
  return names;
}

void by_id(const HubState& state, std::string_view name, std::vector<Target>& out) {
  if (name.size() < 8) return;
  for (const auto& [id, entry] : state.slots)
    if (entry.slot.role == SlotRole::holder && to_string(id).starts_with(name))
      out.push_back(instance_target(entry.slot));
}
}  // namespace

Result<Target> resolve(const HubState& state, std::string_view name) {
  std::vector<Target> found;
  // "stack/x" or, where a slash is in the way (URLs), "stack:x"
  auto slash = name.find_first_of("/:");
  if (slash != std::string_view::npos) {
    auto stack = state.stacks.find(std::string(name.substr(0, slash)));
    if (stack != state.stacks.end()) named_in(state, stack->second, name.substr(slash + 1), found);
  } else {
    auto stack = state.stacks.find(std::string(name));
    if (stack != state.stacks.end()) return stack_target(stack->second);
    for (const auto& [stack_name, entry] : state.stacks) named_in(state, entry, name, found);
    if (found.empty()) by_id(state, name, found);
  }
  if (found.size() == 1) return std::move(found[0]);
  if (found.empty()) {
    auto names = all_names(state);
    auto near = nearest(name, std::span<const std::string>(names));
    return fail(Errc::not_found, fmt::format("there is no stack, service or instance \"{}\"", name), {},
                near ? fmt::format("did you mean \"{}\"?", *near) : "drover ps shows what there is");
  }
  std::string candidates;
  for (const Target& target : found) candidates += (candidates.empty() ? "" : ", ") + target.scope;
  return fail(Errc::conflict, fmt::format("\"{}\" may mean {}", name, candidates), {},
              "write it with its stack: stack/name");
}

}  // namespace drover::hub
