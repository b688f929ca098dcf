#include "core/hub/fleet.hpp"

#include <algorithm>
#include <cmath>

namespace drover::hub {

namespace {
Amount thousandths(double amount) {
  constexpr double most = 9e18;
  return Amount(std::llround(std::min(amount * 1000, most)));
}

Amount& at(std::vector<Amount>& amounts, std::uint32_t number) {
  if (number >= amounts.size()) amounts.resize(number + 1, 0);
  return amounts[number];
}
}  // namespace

std::uint32_t port_key(const Port& port, std::uint32_t index) {
  std::uint32_t number = port.published + (port.plus == "instance.index" ? index : 0);
  return number | (port.protocol == "udp" ? 1u << 31 : 0);
}

std::uint32_t Fleet::number_of(const std::string& resource) const {
  auto [found, fresh] = numbers_.try_emplace(resource, std::uint32_t(resources_.size()));
  if (fresh) resources_.push_back(resource);
  return found->second;
}

/// Past the last bit all share one: there are a handful of drivers, and an agent that makes up more gains
/// nothing.
std::uint32_t Fleet::driver_number(const std::string& driver) const {
  auto known = std::ranges::find(drivers_, driver);
  if (known == drivers_.end() && drivers_.size() < 31) known = drivers_.insert(known, driver);
  return std::min(std::uint32_t(known - drivers_.begin()), 31u);
}

std::shared_ptr<Trait> Fleet::trait(const std::string& text) const {
  std::weak_ptr<Trait>& known = traits_[text];
  if (auto shared = known.lock()) return shared;
  auto constraint = parse_constraint(text);
  if (!constraint) return nullptr;  // refused when the stack was validated
  auto made = std::make_shared<Trait>(Trait{std::move(*constraint)});
  known = made;
  return made;
}

void Fleet::update(const Node& node, std::string closed) {
  auto known = by_id_.find(node.id);
  if (known == by_id_.end()) {
    std::uint32_t number = empty_.empty() ? std::uint32_t(rooms_.size()) : empty_.back();
    if (empty_.empty()) rooms_.emplace_back();
    else empty_.pop_back();
    known = by_id_.emplace(node.id, number).first;
    by_name_[node.name] = number;
  }
  Room& room = rooms_[known->second];
  room.node = &node;
  room.closed = std::move(closed);
  room.drivers = 0;
  for (const auto& driver : node.host.drivers) room.drivers |= 1u << driver_number(driver);
  room.total.clear();
  for (const auto& [name, amount] : node.host.resources.quantities)
    at(room.total, number_of(name)) = thousandths(amount);
  for (const auto& [name, members] : node.host.resources.sets)
    at(room.total, number_of(name)) = thousandths(double(members.size()));
  for (auto it = traits_.begin(); it != traits_.end();) {
    auto shared = it->second.lock();
    if (shared && known->second < shared->known.size()) shared->known[known->second] = Trait::Known::unknown;
    it = shared ? std::next(it) : traits_.erase(it);
  }
}

void Fleet::remove(NodeId node) {
  auto known = by_id_.find(node);
  if (known == by_id_.end()) return;
  Room& room = rooms_[known->second];
  if (auto named = by_name_.find(room.node->name); named != by_name_.end() && named->second == known->second)
    by_name_.erase(named);
  room = {};
  empty_.push_back(known->second);
  for (auto& [text, weak] : traits_)
    if (auto shared = weak.lock(); shared && known->second < shared->known.size())
      shared->known[known->second] = Trait::Known::unknown;
  by_id_.erase(known);
}

AskPtr Fleet::ask(const std::string& stack, const Service& service) const {
  auto ask = std::make_shared<Ask>();
  ask->stack = stack;
  ask->service = service.name;
  ask->driver = driver_number(std::visit(
      [](const auto& spec) { return std::string(std::decay_t<decltype(spec)>::kind); }, service.spec));
  ask->kind = service.kind;
  ask->strategy = service.place.strategy;
  ask->nodes = service.place.nodes;
  ask->spread_over = service.place.spread_over;
  ask->max_per_node = service.place.max_per_node;
  for (const auto& text : service.place.constraints)
    if (auto one = trait(text)) ask->constraints.push_back(std::move(one));
  for (const auto& text : service.place.prefer)
    if (auto one = trait(text)) ask->prefer.push_back(std::move(one));
  for (const auto& [name, amount] : service.reserve)
    if (amount > 0) ask->amounts.emplace_back(number_of(name), thousandths(amount));
  for (const Port& port : service.ports)
    if (port.published != 0) ask->ports.push_back(port);
  return ask;
}

void Fleet::take(NodeId node, const Tenant& tenant) {
  const std::uint32_t number = by_id_.at(node);
  Room& room = rooms_[number];
  ++room.instances;
  ++counts_[{tenant.ask->stack, tenant.ask->service}][number];
  for (const auto& [resource, amount] : tenant.ask->amounts) at(room.taken, resource) += amount;
  for (const Port& port : tenant.ask->ports) room.ports[port_key(port, tenant.index)].insert(tenant.id);
}

void Fleet::give_back(NodeId node, const Tenant& tenant) {
  const std::uint32_t number = by_id_.at(node);
  Room& room = rooms_[number];
  --room.instances;
  auto service = counts_.find({tenant.ask->stack, tenant.ask->service});
  if (--service->second.at(number) == 0) service->second.erase(number);
  if (service->second.empty()) counts_.erase(service);
  for (const auto& [resource, amount] : tenant.ask->amounts) at(room.taken, resource) -= amount;
  for (const Port& port : tenant.ask->ports) {
    auto users = room.ports.find(port_key(port, tenant.index));
    if (users == room.ports.end()) continue;
    users->second.erase(tenant.id);
    if (users->second.empty()) room.ports.erase(users);
  }
}

std::optional<std::uint32_t> Fleet::room_of(NodeId node) const {
  auto found = by_id_.find(node);
  return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint32_t> Fleet::room_named(const std::string& node) const {
  auto found = by_name_.find(node);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

const Fleet::Counts* Fleet::counts(const std::string& stack, const std::string& service) const {
  auto found = counts_.find({stack, service});
  return found == counts_.end() ? nullptr : &found->second;
}

bool Fleet::has(const Trait& trait, std::uint32_t room) const {
  if (trait.known.size() < rooms_.size()) trait.known.resize(rooms_.size(), Trait::Known::unknown);
  Trait::Known& known = trait.known[room];
  if (known == Trait::Known::unknown)
    known = holds(trait.constraint, attribute(*rooms_[room].node, trait.constraint.key))
                ? Trait::Known::holds
                : Trait::Known::fails;
  return known == Trait::Known::holds;
}

}  // namespace drover::hub
