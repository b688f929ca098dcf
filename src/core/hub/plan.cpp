// What applying a stack would do, slot by slot, and why. Changes nothing; the planner decides again when it
// acts.

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

std::string service_digest(const HubState& state, const Service& service) {
  return join_digest(blake2b(run_text(service), state.digest_key),
                     blake2b(live_text(service), state.digest_key));
}

namespace {
std::string how_it_changes(const Service& service, bool alive) {
  std::string how = "its content changes";
  if (alive && service.update.canary > 0)
    how += fmt::format(": {} of the new one first, the rest when it is promoted", service.update.canary);
  else if (alive && starts_first(service))
    how += ": start-first, the new one is ready before the old one ends";
  return how;
}

struct Planning {
  const HubState& state;
  const StackEntry* stack;  // nullptr: a new stack
  std::vector<PlanStep> steps;
  std::optional<Fleet> trial;  // a copy, in which the plan is tried out; without: nothing is placed

  const SlotEntry* slot(const std::string& service, const std::string& name) const {
    if (!stack) return nullptr;
    auto slots = stack->slots.find(service);
    if (slots == stack->slots.end()) return nullptr;
    auto found = slots->second.find(name);
    return found == slots->second.end() ? nullptr : &state.slots.at(found->second);
  }

  void existing(const Service& service, const SlotEntry& entry, const std::string& digest) {
    const Slot& slot = entry.slot;
    PlanStep step{service.name,   slot.name,          slot.id, StepKind::keep,
                  slot.node_name, "runs as it shall", false};
    const Observed* observed = observed_of(state, slot);
    if (!wanted_running(state, slot)) {
      step.reason = "stopped on request";
    } else if (!slot.node) {
      step.kind = StepKind::create;
      step.reason = entry.waits;
    } else if (!same_run(slot.digest, digest)) {
      step.kind = StepKind::update;
      step.reason = how_it_changes(service, observed && is_alive(observed->state));
    } else if (slot.digest != digest) {
      step.kind = StepKind::adjust;
      step.reason = "taken over while it runs";
    } else if (observed && observed->digest != digest) {
      step.kind = StepKind::update;
      step.reason = "an older change has not reached it yet";
    }
    steps.push_back(std::move(step));
  }

  void fresh(const Wish& wish, Chooser& chooser, const std::string& name) {
    PlanStep step{wish.ask->service, name, {}, StepKind::create, "", why_there(wish), false};
    if (trial) place(wish, chooser, step);
    steps.push_back(std::move(step));
  }

  void place(const Wish& wish, Chooser& chooser, PlanStep& step) {
    auto room = chooser.best(wish);
    if (!room) {
      step.reason = nothing_fits(state, *trial, wish);
      return;
    }
    const Node& node = *trial->rooms()[*room].node;
    step.node = node.name;
    chooser.placed(*room);
    trial->take(node.id, {InstanceId(), wish.index, wish.ask});
  }

  static std::string why_there(const Wish& wish) {
    if (!wish.bound.empty()) return "one on each node";
    switch (wish.ask->strategy) {
      case PlaceStrategy::spread: return "the fewest instances there";
      case PlaceStrategy::binpack: return "the fullest that has room for it";
      case PlaceStrategy::manual: return "placed by hand";
    }
    std::unreachable();
  }
};

std::vector<std::pair<std::string, std::string>> names_of(const HubState& state, const StackEntry* stack,
                                                          const Service& service, const Ask& ask) {
  std::vector<std::pair<std::string, std::string>> names;
  if (service.scale.kind == ScaleKind::per_node) {
    for (const auto& node : per_node_names(state, state.fleet, ask))
      names.emplace_back(node_slot_name(service.name, node), node);
    return names;
  }
  auto count = stack ? wanted_replicas(stack->row, service) : service.scale.count;
  for (std::uint32_t i = 0; i < count; ++i) names.emplace_back(slot_name(service.name, i), "");
  return names;
}
}  // namespace

std::vector<FieldChange> field_changes(const HubState& state, const Stack& content) {
  std::vector<FieldChange> out;
  auto found = state.stacks.find(content.name);
  const RevisionRow* revision = found == state.stacks.end() ? nullptr : current_revision(found->second);
  if (!revision || found->second.row.deleting) return out;
  for (const Service& service : content.services)
    if (const Service* before = service_of(*revision, service.name))
      std::ranges::move(changes_between(*before, service), std::back_inserter(out));
  return out;
}

namespace {
std::vector<PlanStep> steps_of(const HubState& state, const Stack& content, std::optional<Fleet> trial) {
  auto found = state.stacks.find(content.name);
  Planning planning{state, found == state.stacks.end() ? nullptr : &found->second, {}, std::move(trial)};
  std::set<std::pair<std::string, std::string>> wanted;
  for (const Service* service : in_order(content)) {
    std::string digest = service_digest(state, *service);
    std::uint32_t index = 0;
    AskPtr ask = state.fleet.ask(content.name, *service);
    Chooser chooser(state, planning.trial ? *planning.trial : state.fleet, ask);
    for (const auto& [name, bound] : names_of(state, planning.stack, *service, *ask)) {
      wanted.emplace(service->name, name);
      const SlotEntry* entry = planning.slot(service->name, name);
      if (entry && !entry->slot.removing) planning.existing(*service, *entry, digest);
      else planning.fresh({ask, index, bound, entry}, chooser, name);
      ++index;
    }
  }
  if (!planning.stack) return std::move(planning.steps);
  for (const auto& [service, slots] : planning.stack->slots)
    for (const auto& [name, id] : slots)
      if (!wanted.contains({service, name}))
        planning.steps.push_back({service, name, id, StepKind::delete_, state.slots.at(id).slot.node_name,
                                  "not in the file any more", false});
  return std::move(planning.steps);
}
}  // namespace

std::vector<PlanStep> plan(const HubState& state, const Stack& content) {
  return steps_of(state, content, state.fleet);
}

std::vector<PlanStep> steps_to(const HubState& state, const Stack& content) {
  return steps_of(state, content, std::nullopt);
}

}  // namespace drover::hub
