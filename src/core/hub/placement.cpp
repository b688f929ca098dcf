// Where may an instance run? One function says it, for planning and committing alike; its reasons are kept
// for `why`.

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

namespace {
std::string quoted(const Constraint& constraint) {
  switch (constraint.test) {
    case Constraint::Test::exists: return constraint.key;
    case Constraint::Test::equal: return fmt::format("{} == {}", constraint.key, constraint.value);
    case Constraint::Test::not_equal: return fmt::format("{} != {}", constraint.key, constraint.value);
  }
  std::unreachable();
}

bool holds(const Constraint& constraint, const std::optional<std::string>& value) {
  switch (constraint.test) {
    case Constraint::Test::exists: return value.has_value();
    case Constraint::Test::equal: return value == constraint.value;
    case Constraint::Test::not_equal: return value != constraint.value;
  }
  std::unreachable();
}

std::optional<std::uint16_t> fixed_port(const Port& port, std::uint32_t index) {
  if (port.published == 0) return std::nullopt;
  return std::uint16_t(port.published + (port.plus == "instance.index" ? index : 0));
}

}  // namespace

std::string port_conflict(const HubState& state, const NodeEntry& node, const Service& service,
                          const std::string& stack, std::uint32_t index) {
  std::set<std::uint16_t> wanted;
  for (const Port& port : service.ports)
    if (auto number = fixed_port(port, index)) wanted.insert(*number);
  if (wanted.empty()) return {};
  for (InstanceId id : node.slots) {
    const Slot& slot = state.slots.at(id).slot;
    const Service* other = wanted_service(state, slot);
    if (!other || (slot.stack == stack && slot.service == service.name && slot.index == index)) continue;
    for (const Port& port : other->ports)
      if (auto number = fixed_port(port, slot.index); number && wanted.contains(*number))
        return fmt::format("port {} belongs to {}/{}", *number, slot.stack, slot.name);
  }
  return {};
}

namespace {
std::string unusable(const HubState& state, const NodeEntry& node) {
  const Node& row = node.row.node;
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

bool named(const Place& place, std::uint32_t index, const std::string& node, std::string* reason) {
  if (place.strategy != PlaceStrategy::manual || place.nodes.empty()) return true;
  const std::string& wanted = place.nodes[index % place.nodes.size()];
  if (wanted == node) return true;
  *reason = fmt::format("placed by hand on {}", wanted);
  return false;
}
}  // namespace

bool constraints_hold(const Service& service, const Node& node, std::string* reason) {
  for (const std::string& text : service.place.constraints) {
    auto constraint = parse_constraint(text);
    if (!constraint) continue;  // refused when the stack was validated
    auto value = attribute(node, constraint->key);
    if (holds(*constraint, value)) continue;
    if (reason)
      *reason = fmt::format("needs {}, {} is {}", quoted(*constraint), constraint->key,
                            value ? "\"" + *value + "\"" : "not set");
    return false;
  }
  return true;
}

std::vector<Verdict> judge_nodes(const HubState& state, const Service& service, const std::string& stack,
                                 std::uint32_t index, const std::string& slot_node) {
  std::vector<Verdict> verdicts;
  std::string driver = std::visit(
      [](const auto& spec) { return std::string(std::decay_t<decltype(spec)>::kind); }, service.spec);
  for (const auto& [name, id] : state.node_names) {
    const NodeEntry& node = state.nodes.at(id);
    Verdict verdict{name, false, {}};
    if (!slot_node.empty() && slot_node != name) continue;
    const auto& drivers = node.row.node.host.drivers;
    if (!named(service.place, index, name, &verdict.reason)) {
    } else if (verdict.reason = unusable(state, node); !verdict.reason.empty()) {
    } else if (!constraints_hold(service, node.row.node, &verdict.reason)) {
    } else if (std::ranges::find(drivers, driver) == drivers.end()) {
      verdict.reason = fmt::format("has no {} driver", driver);
    } else if (verdict.reason = port_conflict(state, node, service, stack, index); verdict.reason.empty()) {
      verdict.fits = true;
      verdict.reason = fmt::format("fits ({} instances there)", node.slots.size());
    }
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

std::optional<NodeId> choose_node(const HubState& state, const std::vector<Verdict>& verdicts,
                                  const std::string& stack, const std::string& service) {
  std::optional<std::tuple<std::size_t, std::size_t, std::string>>
      best;  // same service there, all there, name
  for (const Verdict& verdict : verdicts) {
    if (!verdict.fits) continue;
    const NodeEntry& node = state.nodes.at(state.node_names.at(verdict.node));
    auto found = node.of_service.find({stack, service});
    std::size_t same = found == node.of_service.end() ? 0 : found->second;
    auto score = std::tuple(same, node.slots.size(), verdict.node);
    if (!best || score < *best) best = score;
  }
  if (!best) return std::nullopt;
  return state.node_names.at(std::get<2>(*best));
}

std::vector<std::string> per_node_names(const HubState& state, const Service& service) {
  std::vector<std::string> names;
  for (const auto& [name, id] : state.node_names) {
    const Node& node = state.nodes.at(id).row.node;
    if (node.state == NodeState::joined || node.draining) continue;
    if (service.place.strategy == PlaceStrategy::manual && !service.place.nodes.empty() &&
        std::ranges::find(service.place.nodes, name) == service.place.nodes.end())
      continue;
    if (constraints_hold(service, node, nullptr)) names.push_back(name);
  }
  return names;
}

}  // namespace drover::hub
