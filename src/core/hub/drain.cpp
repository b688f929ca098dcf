// What a drain would do, or has still to do: instance by instance, tried out in a copy of the fleet.

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

namespace {
class Trial {
 public:
  Trial(const HubState& state, const NodeEntry& node) : state_(state), fleet_(state.fleet) {
    fleet_.update(node.row.node, "is to be drained");
  }

  DrainStep look(const SlotEntry& entry) {
    const Slot& slot = entry.slot;
    DrainStep out{slot.id, slot.stack, slot.service, slot.name, DrainWhat::stays, {}, {}};
    const Service* service = wanted_service(state_, slot);
    if (slot.role == SlotRole::retired || slot.removing) return ends(out, "it is being deleted");
    if (slot.role == SlotRole::successor) return stays(out, "it is to take the place of another one first");
    if (!service) return stays(out, "its deployment is held");
    if (service->scale.kind == ScaleKind::per_node) return ends(out, "it is for this node alone");
    if (!slot.blocked.empty()) return stays(out, slot.blocked);
    if (service->kind == ServiceKind::job && runs(slot)) return stays(out, "a job is let run to its end");
    return move(out, entry, *service);
  }

 private:
  static DrainStep ends(DrainStep step, std::string why) {
    step.what = DrainWhat::ends;
    step.reason = std::move(why);
    return step;
  }
  static DrainStep stays(DrainStep step, std::string why) {
    step.reason = std::move(why);
    return step;
  }
  bool runs(const Slot& slot) const {
    const Observed* observed = observed_of(state_, slot);
    return observed && (is_alive(observed->state) || moves_by_itself(observed->state));
  }

  DrainStep move(DrainStep step, const SlotEntry& entry, const Service& service) {
    Chooser& chooser = chooser_of(entry.slot, service);
    Wish wish{.ask = asks_.at({entry.slot.stack, service.name}), .index = entry.slot.index, .former = &entry};
    auto room = chooser.best(wish);
    const bool by_hand = wish.ask->strategy == PlaceStrategy::manual;
    if (!room)
      return stays(std::move(step), by_hand ? "placed by hand on " + entry.slot.node_name
                                            : nothing_fits(state_, fleet_, wish));
    const Node& node = *fleet_.rooms()[*room].node;
    step.what = DrainWhat::moves;
    step.to = node.name;
    step.reason = starts_first(service)
                      ? "the new one is ready before this one ends"
                      : fmt::format("in its turn, at most {} at once", service.update.batch);
    chooser.placed(*room);
    fleet_.take(node.id, {entry.slot.id, entry.slot.index, wish.ask});
    return step;
  }

  Chooser& chooser_of(const Slot& slot, const Service& service) {
    const std::pair key(slot.stack, service.name);
    auto known = choosers_.find(key);
    if (known != choosers_.end()) return known->second;
    AskPtr ask = asks_.emplace(key, fleet_.ask(slot.stack, service)).first->second;
    return choosers_.try_emplace(key, state_, fleet_, ask).first->second;
  }

  const HubState& state_;
  Fleet fleet_;
  std::map<std::pair<std::string, std::string>, AskPtr> asks_;
  std::map<std::pair<std::string, std::string>, Chooser> choosers_;
};
}  // namespace

std::vector<DrainStep> drain_plan(const HubState& state, const NodeEntry& node) {
  std::vector<const SlotEntry*> there;
  for (InstanceId id : node.slots) there.push_back(&state.slots.at(id));
  std::ranges::sort(there, {}, [](const SlotEntry* entry) {
    return std::tie(entry->slot.stack, entry->slot.service, entry->slot.index, entry->slot.role);
  });
  Trial trial(state, node);
  std::vector<DrainStep> steps;
  for (const SlotEntry* entry : there) steps.push_back(trial.look(*entry));
  return steps;
}

}  // namespace drover::hub
