// Where the planner's instances go, and why some of those that are somewhere have to leave.

#include <fmt/format.h>

#include "core/hub/planner.hpp"

namespace drover::hub {

bool Planner::is_done(const Slot& slot) const {
  return slot.finished && same_run(slot.finished->digest, wanted_digest(step_.state, slot)) &&
         slot.finished->restart_generation >= slot.restart_generation;
}

AskPtr Planner::asked(const std::string& service) const {
  return ask_of(step_.state, stack_.row.name, follows_->number, service);
}

Wish Planner::wish_of(const SlotEntry& entry, const Service& service) const {
  bool bound = service.scale.kind == ScaleKind::per_node;
  return {.ask = asked(service.name),
          .index = entry.slot.index,
          .bound = bound ? entry.slot.node_name : std::string(),
          .former = &entry};
}

std::optional<NodeId> Planner::choose(const Wish& wish, bool take) {
  const HubState& state = step_.state;
  auto [chooser, fresh] = choosers_.try_emplace(wish.ask, state, state.fleet, wish.ask);
  auto room = chooser->second.best(wish);
  if (!room) {
    homeless_ = true;
    return std::nullopt;
  }
  if (take) chooser->second.placed(*room);
  return state.fleet.rooms()[*room].node->id;
}

/// Looked up once for a service, unless it is told apart by the instance.
std::string Planner::nowhere(const Wish& wish) {
  const Ask& ask = *wish.ask;
  bool alike = wish.bound.empty() && ask.strategy != PlaceStrategy::manual && ask.ports.empty();
  if (!alike) return nothing_fits(step_.state, step_.state.fleet, wish);
  std::string& known = nowhere_[wish.ask];
  if (known.empty()) known = nothing_fits(step_.state, step_.state.fleet, wish);
  return known;
}

void Planner::reserve(SlotEntry& entry) {
  const Slot& slot = entry.slot;
  HubState& state = step_.state;
  AskPtr ask = ask_of(state, slot.stack, slot.generation, slot.service);
  Wish wish{.ask = ask, .index = slot.index, .former = &entry, .instead = true};
  if (!entry.held || !lacks(state, state.fleet, wish, *state.fleet.room_of(*slot.node)))
    hold(state, entry, std::move(ask));
}

std::string Planner::lacking(const SlotEntry& entry, const Service& service) const {
  Wish wish = wish_of(entry, service);
  wish.instead = true;
  const Fleet& fleet = step_.state.fleet;
  auto room = fleet.room_of(*entry.slot.node);
  Objection why = lacks(step_.state, fleet, wish, *room);
  if (!why) return {};
  return fmt::format("no node fits: {} {}", entry.slot.node_name,
                     describe(step_.state, fleet, wish, *room, why));
}

std::string Planner::leave_reason(const SlotEntry& entry, const Service& service) const {
  if (service.scale.kind == ScaleKind::per_node) return {};
  const Slot& slot = entry.slot;
  if (step_.state.nodes.at(*slot.node).row.node.draining)
    return fmt::format("{} is being drained", slot.node_name);
  if (is_done(slot)) return {};
  if (!entry.held || slot.generation != follows_->number)
    if (auto why = lacking(entry, service); !why.empty()) return why;
  Wish wish = wish_of(entry, service);
  if (wish.ask->constraints.empty() && wish.ask->strategy != PlaceStrategy::manual) return {};
  auto room = step_.state.fleet.room_of(*slot.node);
  Objection why = objection(step_.state, step_.state.fleet, wish, *room);
  bool wrong = why.kind == Objection::Kind::elsewhere || why.kind == Objection::Kind::trait;
  return wrong ? fmt::format("{} {}", slot.node_name,
                             describe(step_.state, step_.state.fleet, wish, *room, why))
               : std::string();
}

namespace {
bool runs_to_its_end(const Service& service, const Observed* observed) {
  return service.kind == ServiceKind::job && observed &&
         (is_alive(observed->state) || moves_by_itself(observed->state));
}
}  // namespace

bool Planner::go(SlotEntry& entry, const Service& service, const std::string& why) {
  const Observed* observed = observed_of(step_.state, entry.slot);
  if (runs_to_its_end(service, observed)) {
    stays_ = why + "; a job is let run to its end";
    return false;
  }
  Wish wish = wish_of(entry, service);
  auto node = choose(wish, false);
  if (!node || *node == entry.slot.node) {
    stays_ = fmt::format("{}; {}", why, nowhere(wish));
    return false;
  }
  bool beside = starts_first(service) && observed && is_alive(observed->state) &&
                wanted_running(step_.state, entry.slot);
  begin(entry, service, beside ? std::nullopt : std::optional(TaskType::delete_), true);
  return true;
}

}  // namespace drover::hub
