// Where may an instance run? One function says it, for planning and committing alike.

#include "core/hub/placement.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace drover::hub {

namespace {
bool uses_port(const Service& service, std::uint32_t index, std::uint32_t key) {
  return std::ranges::any_of(
      service.ports, [&](const Port& port) { return port.published != 0 && port_key(port, index) == key; });
}

/// Somebody has one of the fixed ports there, and wants to keep it.
Objection port_conflict(const HubState& state, const Wish& wish, const Room& room) {
  for (const Port& port : wish.ask->ports) {
    const std::uint32_t key = port_key(port, wish.index);
    auto users = room.ports.find(key);
    if (users == room.ports.end()) continue;
    for (InstanceId id : users->second) {
      const Slot& other = state.slots.at(id).slot;
      if (wish.former && other.stack == wish.former->slot.stack &&
          other.service == wish.former->slot.service && other.name == wish.former->slot.name)
        continue;
      const Service* service = wanted_service(state, other);
      if (service && uses_port(*service, other.index, key)) return {Objection::Kind::port, key, id};
    }
  }
  return {};
}

/// What the former one has there is not in the way of who comes instead of it.
bool counts_there(const Wish& wish, const Room& room) {
  return wish.former && wish.former->held && wish.former->slot.node == room.node->id;
}

bool crowded(const Fleet& fleet, const Wish& wish, std::uint32_t room) {
  if (wish.ask->max_per_node == 0) return false;
  const auto* counts = fleet.counts(wish.ask->stack, wish.ask->service);
  auto found = counts ? counts->find(room) : Fleet::Counts::const_iterator();
  std::uint32_t there = counts && found != counts->end() ? found->second : 0;
  there -= counts_there(wish, fleet.rooms()[room]) && there > 0 ? 1 : 0;
  return there >= wish.ask->max_per_node;
}

Amount own_amount(const Wish& wish, const Room& room, std::uint32_t resource) {
  if (!wish.instead || !counts_there(wish, room)) return 0;
  for (const auto& [number, amount] : wish.former->held->amounts)
    if (number == resource) return amount;
  return 0;
}

bool elsewhere(const Wish& wish, const std::string& node) {
  if (!wish.bound.empty()) return wish.bound != node;
  const Ask& ask = *wish.ask;
  return ask.strategy == PlaceStrategy::manual && !ask.nodes.empty() &&
         ask.nodes[wish.index % ask.nodes.size()] != node;
}

std::string in_units(const std::string& resource, Amount amount) {
  const double number = double(amount) / 1000;
  const bool bytes = (resource == "memory" || resource == "disk" || number >= 1024 * 1024) && number >= 1024;
  return bytes ? human_size(std::uint64_t(number)) : fmt::format("{}", number);
}

std::string lacking(const Fleet& fleet, const Wish& wish, const Room& room, std::uint32_t number) {
  const std::string& name = fleet.resource(number);
  Amount asked = 0;
  for (const auto& [resource, amount] : wish.ask->amounts) asked += resource == number ? amount : 0;
  const Amount total = number < room.total.size() ? room.total[number] : 0;
  if (total == 0) return fmt::format("{}: {} asked, the node has none", name, in_units(name, asked));
  const Amount free = std::max<Amount>(room.free(number) + own_amount(wish, room, number), 0);
  return fmt::format("{}: {} asked, {} of {} free", name, in_units(name, asked), in_units(name, free),
                     in_units(name, total));
}

std::string unmet(const Wish& wish, const Room& room, std::uint32_t which) {
  const Trait& trait = *wish.ask->constraints[which];
  auto value = attribute(*room.node, trait.constraint.key);
  return fmt::format("needs {}, {} is {}", print_constraint(trait.constraint), trait.constraint.key,
                     value ? "\"" + *value + "\"" : "not set");
}
}  // namespace

std::string closed_for(const HubState& state, const NodeEntry& node) {
  const Node& row = node.row.node;
  if (node.row.external) return "its agent is a script: it takes tasks only";
  switch (row.state) {
    case NodeState::joined: return "has never connected";
    case NodeState::offline: return "its agent has been stopped";
    case NodeState::suspect: return "does not answer";
    case NodeState::lost: return "is lost";
    case NodeState::online: break;
  }
  if (!usable(state, row.id)) return "is connecting";
  if (row.draining) return "is being drained";
  if (row.cordoned) return "is cordoned";
  return {};
}

Objection objection(const HubState& state, const Fleet& fleet, const Wish& wish, std::uint32_t number) {
  using Kind = Objection::Kind;
  const Room& room = fleet.rooms()[number];
  const Ask& ask = *wish.ask;
  if (elsewhere(wish, room.node->name)) return {Kind::elsewhere};
  if (!room.closed.empty()) return {Kind::closed};
  for (std::size_t i = 0; i < ask.constraints.size(); ++i)
    if (!fleet.has(*ask.constraints[i], number)) return {Kind::trait, std::uint32_t(i)};
  if (!(room.drivers >> ask.driver & 1)) return {Kind::driver};
  if (crowded(fleet, wish, number)) return {Kind::crowded};
  return lacks(state, fleet, wish, number);
}

Objection lacks(const HubState& state, const Fleet& fleet, const Wish& wish, std::uint32_t number) {
  const Room& room = fleet.rooms()[number];
  for (const auto& [resource, amount] : wish.ask->amounts)
    if (room.free(resource) + own_amount(wish, room, resource) < amount)
      return {Objection::Kind::resource, resource};
  return port_conflict(state, wish, room);
}

std::string describe(const HubState& state, const Fleet& fleet, const Wish& wish, std::uint32_t number,
                     const Objection& objection) {
  const Room& room = fleet.rooms()[number];
  const Ask& ask = *wish.ask;
  switch (objection.kind) {
    case Objection::Kind::none: return fmt::format("fits ({} instances there)", room.instances);
    case Objection::Kind::elsewhere:
      return fmt::format("placed by hand on {}",
                         wish.bound.empty() ? ask.nodes[wish.index % ask.nodes.size()] : wish.bound);
    case Objection::Kind::closed: return room.closed;
    case Objection::Kind::driver: return fmt::format("has no {} driver", fleet.driver(ask.driver));
    case Objection::Kind::trait: return unmet(wish, room, objection.what);
    case Objection::Kind::crowded: return fmt::format("has {} of it already", ask.max_per_node);
    case Objection::Kind::resource: return lacking(fleet, wish, room, objection.what);
    case Objection::Kind::port: {
      const Slot& holder = state.slots.at(objection.holder).slot;
      return fmt::format("port {} belongs to {}/{}", objection.what & 0xFFFF, holder.stack, holder.name);
    }
  }
  std::unreachable();
}

std::string nothing_fits(const HubState& state, const Fleet& fleet, const Wish& wish) {
  std::optional<std::pair<std::uint32_t, Objection>> nearest;
  std::size_t nodes = 0;
  for (std::uint32_t i = 0; i < fleet.rooms().size(); ++i) {
    if (!fleet.rooms()[i].node) continue;
    ++nodes;
    Objection why = objection(state, fleet, wish, i);
    if (!nearest || why.kind > nearest->second.kind) nearest = {i, why};
  }
  if (!wish.bound.empty() && !fleet.room_named(wish.bound))
    return fmt::format("no node fits: there is no node {}", wish.bound);
  if (!nearest) return "no node fits: there is no node";
  std::string first = fmt::format("no node fits: {} {}", fleet.rooms()[nearest->first].node->name,
                                  describe(state, fleet, wish, nearest->first, nearest->second));
  bool alone = nodes == 1 || wish.ask->strategy == PlaceStrategy::manual || !wish.bound.empty();
  return alone ? first : fmt::format("{}, and {} more", first, nodes - 1);
}

std::vector<Verdict> judge_nodes(const HubState& state, const Fleet& fleet, const Wish& wish) {
  std::vector<Verdict> verdicts;
  for (const auto& [name, id] : state.node_names) {
    auto room = fleet.room_of(id);
    if (!room || (!wish.bound.empty() && wish.bound != name)) continue;
    Objection why = objection(state, fleet, wish, *room);
    verdicts.push_back({name, !why, describe(state, fleet, wish, *room, why)});
  }
  return verdicts;
}

std::vector<std::string> per_node_names(const HubState& state, const Fleet& fleet, const Ask& ask) {
  std::vector<std::string> names;
  for (const auto& [name, id] : state.node_names) {
    const Node& node = state.nodes.at(id).row.node;
    if (state.nodes.at(id).row.external) continue;
    auto room = fleet.room_of(id);
    if (!room || node.state == NodeState::joined || node.draining) continue;
    if (ask.strategy == PlaceStrategy::manual && !ask.nodes.empty() &&
        std::ranges::find(ask.nodes, name) == ask.nodes.end())
      continue;
    if (std::ranges::all_of(ask.constraints, [&](const auto& trait) { return fleet.has(*trait, *room); }))
      names.push_back(name);
  }
  return names;
}

// ---- Chooser
// -----------------------------------------------------------------------------------------------------

Chooser::Chooser(const HubState& state, const Fleet& fleet, AskPtr ask)
    : state_(state), fleet_(fleet), ask_(std::move(ask)) {}

namespace {
/// How full it is in what the service asks for, in millionths; where it asks for nothing, how many are there.
std::int64_t fullness(const Ask& ask, const Room& room) {
  std::int64_t sum = 0;
  for (const auto& [resource, amount] : ask.amounts)
    if (resource < room.total.size() && room.total[resource] > 0)
      sum += std::int64_t(1e6 * (1 - double(room.free(resource)) / double(room.total[resource])));
  return ask.amounts.empty() ? room.instances : sum;
}
}  // namespace

Chooser::Entry Chooser::score(std::uint32_t number) const {
  Entry entry{.room = number};
  const Room& room = fleet_.rooms()[number];
  for (const auto& trait : ask_->prefer) entry.unwanted += fleet_.has(*trait, number) ? 0 : 1;
  if (ask_->strategy == PlaceStrategy::binpack) {
    entry.load = -fullness(*ask_, room);
    return entry;
  }
  entry.same = same_[number];
  entry.load = room.instances;
  return entry;
}

void Chooser::push(std::uint32_t room) {
  Heap& heap = heaps_[domain_of_[room]];
  heap.push_back(score(room));
  std::ranges::push_heap(heap, std::greater<>());
}

void Chooser::find_domains() {
  const auto& rooms = fleet_.rooms();
  std::map<std::string, std::uint32_t> known;
  domain_of_.resize(rooms.size());
  for (std::uint32_t i = 0; i < rooms.size() && !ask_->spread_over.empty(); ++i)
    if (rooms[i].node)
      domain_of_[i] = known
                          .try_emplace(attribute(*rooms[i].node, ask_->spread_over).value_or(""),
                                       std::uint32_t(known.size()))
                          .first->second;
  heaps_.resize(known.size() + 1);
  in_domain_.resize(known.size() + 1);
  for (std::uint32_t i = 0; i < rooms.size(); ++i) in_domain_[domain_of_[i]] += same_[i];
}

void Chooser::gather(const Wish& wish) {
  gathered_ = true;
  const auto& rooms = fleet_.rooms();
  same_.resize(rooms.size());
  if (const auto* counts = fleet_.counts(ask_->stack, ask_->service))
    for (const auto& [room, count] : *counts) same_[room] = count;
  find_domains();
  for (std::uint32_t i = 0; i < rooms.size(); ++i) {
    if (!rooms[i].node) continue;
    Objection why = objection(state_, fleet_, wish, i);
    if (!why || why.kind == Objection::Kind::port) heaps_[domain_of_[i]].push_back(score(i));
  }
  for (Heap& heap : heaps_) std::ranges::make_heap(heap, std::greater<>());
}

/// Where the node is given, nothing is to be chosen.
std::optional<std::uint32_t> Chooser::only(const Wish& wish, const std::string& node) const {
  auto room = fleet_.room_named(node);
  return room && !objection(state_, fleet_, wish, *room) ? room : std::nullopt;
}

void Chooser::settle(Heap& heap, const Wish& wish, std::vector<std::uint32_t>& aside) {
  while (!heap.empty()) {
    const Entry top = heap.front();
    const Entry now = score(top.room);
    Objection why;
    if (now <= top && !(why = objection(state_, fleet_, wish, top.room))) return;
    std::ranges::pop_heap(heap, std::greater<>());
    heap.pop_back();
    if (now > top) {
      heap.push_back(now);
      std::ranges::push_heap(heap, std::greater<>());
    } else if (why.kind == Objection::Kind::port) {
      aside.push_back(top.room);  // the port of another instance may be free there
    }  // else for good: nothing is given back in a pass
  }
}

std::optional<std::uint32_t> Chooser::best(const Wish& wish) {
  if (!wish.bound.empty()) return only(wish, wish.bound);
  if (ask_->strategy == PlaceStrategy::manual && !ask_->nodes.empty())
    return only(wish, ask_->nodes[wish.index % ask_->nodes.size()]);
  if (!gathered_) gather(wish);
  std::vector<std::uint32_t> aside;
  using Candidate = std::tuple<std::uint32_t, std::uint32_t, Entry>;  // unwanted, in its domain, the rest
  std::optional<Candidate> best;
  for (std::size_t i = 0; i < heaps_.size(); ++i) {
    settle(heaps_[i], wish, aside);
    if (heaps_[i].empty()) continue;
    const Entry& top = heaps_[i].front();
    Candidate candidate(top.unwanted, in_domain_[i], top);
    if (!best || candidate < *best) best = candidate;
  }
  const bool moves = std::ranges::any_of(ask_->ports, [](const Port& port) { return !port.plus.empty(); });
  for (std::uint32_t room : aside)
    if (moves) push(room);
  return best ? std::optional(std::get<2>(*best).room) : std::nullopt;
}

void Chooser::placed(std::uint32_t room) {
  if (!gathered_) return;
  ++same_[room];
  ++in_domain_[domain_of_[room]];
}

}  // namespace drover::hub
