// Ports of this node: fixed, fixed plus the instance's index, and given out from the range.

#include <fmt/format.h>

#include <algorithm>

#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
constexpr Duration stranger_for = 60s;  // a port that a stranger held is not tried again for so long

bool passed(const Service& service, const std::string& name) {
  return std::ranges::any_of(
      service.ports, [&](const Port& port) { return port.name == name && port.pass != PortPass::no; });
}

/// The two placements of one name, while one takes the other's place: both accept from one socket.
bool share(const PlacementRow& a, const PlacementRow& b, const std::string& port) {
  return a.placement.instance != b.placement.instance && a.stack == b.stack && !a.stack.empty() &&
         a.service.name == b.service.name && a.instance_name == b.instance_name && passed(a.service, port) &&
         passed(b.service, port);
}

/// Who on this node has a port in its hands now (a run that is not gone), and does not share it.
const Instance* live_holder(const World& world, std::uint16_t port, const PlacementRow& row) {
  for (const auto& [id, other] : world.instances) {
    if (id == row.placement.instance || other.phase == Phase::none) continue;
    for (const auto& [name, held] : other.live_ports)
      if (held == port && !share(row, other.row, name)) return &other;
  }
  return nullptr;
}

/// The number that the other placement of its name has for this port.
std::optional<std::uint16_t> shared_port(const World& world, const PlacementRow& row,
                                         const std::string& port) {
  for (const auto& [id, other] : world.instances)
    if (auto given = other.row.ports.find(port);
        given != other.row.ports.end() && share(row, other.row, port))
      return given->second;
  return std::nullopt;
}

std::set<std::uint16_t> given_to_others(const World& world, InstanceId except) {
  std::set<std::uint16_t> out;
  for (const auto& [id, other] : world.instances) {
    if (id == except) continue;
    for (const auto& [name, port] : other.row.ports) out.insert(port);
    if (other.phase == Phase::none) continue;
    for (const auto& [name, port] : other.live_ports) out.insert(port);
  }
  // What is written down but waits for its Confirm is given out as well.
  for (const auto& [key, attempt] : world.attempts) {
    if (!attempt.wanted || attempt.wanted->placement.instance == except) continue;
    for (const auto& [name, port] : attempt.wanted->ports) out.insert(port);
  }
  return out;
}

bool stranger_holds(const World& world, std::uint16_t port, BootTime now) {
  auto found = world.taken_ports.find(port);
  return found != world.taken_ports.end() && found->second > now;
}

std::optional<std::uint16_t> free_port(const World& world, const std::set<std::uint16_t>& used,
                                       BootTime now) {
  for (std::uint32_t port = world.settings.port_low; port <= world.settings.port_high; ++port)
    if (!used.contains(std::uint16_t(port)) && !stranger_holds(world, std::uint16_t(port), now))
      return std::uint16_t(port);
  return std::nullopt;
}

Result<std::uint16_t> fixed_port(const PlacementRow& row, const Port& port) {
  std::uint32_t number = port.published + (port.plus.empty() ? 0u : row.index);
  if (number == 0 || number > 65535)
    return fail(Errc::invalid, fmt::format("port {}: {} is not a port number", port.name, number));
  return std::uint16_t(number);
}
}  // namespace

Result<std::map<std::string, std::uint16_t>> give_ports(const World& world, const PlacementRow& row,
                                                        BootTime now) {
  const InstanceId self = row.placement.instance;
  std::map<std::string, std::uint16_t> out;
  std::set<std::uint16_t> used;
  bool any_auto = false;
  for (const Port& port : row.service.ports) {
    if (port.published == 0) {
      any_auto = true;
      continue;
    }
    TRY(auto number, fixed_port(row, port));
    if (const Instance* holder = live_holder(world, number, row))
      return fail(Errc::unavailable, fmt::format("port {} is held by {}", number, holder->name()));
    out[port.name] = number;
    used.insert(number);
  }
  if (!any_auto) return out;
  used.merge(given_to_others(world, self));
  for (const Port& port : row.service.ports) {
    if (port.published != 0) continue;
    if (auto shared = shared_port(world, row, port.name)) {
      out[port.name] = *shared;
      continue;
    }
    auto before = row.ports.find(port.name);
    bool keep = before != row.ports.end() && before->second >= world.settings.port_low &&
                before->second <= world.settings.port_high && !used.contains(before->second) &&
                !stranger_holds(world, before->second, now);
    auto number = keep ? std::optional(before->second) : free_port(world, used, now);
    if (!number)
      return fail(Errc::unavailable, fmt::format("no port is free between {} and {}", world.settings.port_low,
                                                 world.settings.port_high));
    out[port.name] = *number;
    used.insert(*number);
  }
  return out;
}

void port_taken(Step& step, Instance& instance, std::uint16_t port) {
  for (const Port& spec : instance.row.service.ports) {
    auto given = instance.row.ports.find(spec.name);
    if (spec.published != 0 || given == instance.row.ports.end() || given->second != port) continue;
    step.world.taken_ports[port] = step.now.boot + stranger_for;
  }
}

void wake_port_waiters(Step& step) {
  std::vector<InstanceId> waiting;
  for (auto& [id, instance] : step.world.instances)
    if (instance.phase == Phase::none && instance.waits_for_ours && instance.spawn_at) waiting.push_back(id);
  for (InstanceId id : waiting) {
    Instance* instance = step.find(id);
    if (!instance || !give_ports(step.world, instance->row, step.now.boot)) continue;
    instance->spawn_at = step.now.boot;
    drive(step, id);
  }
}

}  // namespace drover::agent
