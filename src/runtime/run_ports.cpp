#include "runtime/run_ports.hpp"

namespace drover::runtime {

namespace {
/// Its socket is bound by us, and may be held since a former run: passed.cpp.
bool passed(const Service& service, const std::string& port) {
  for (const auto& declared : service.ports)
    if (declared.name == port) return declared.pass != PortPass::no;
  return false;
}

std::string protocol_of(const Service& service, const std::string& port) {
  for (const auto& declared : service.ports)
    if (declared.name == port) return declared.protocol;
  return "tcp";
}
}  // namespace

std::optional<agent::SpawnFailed> take_ports(const agent::Spawn& spawn, std::vector<Fd>& claims) {
  for (const auto& [name, port] : spawn.ports) {
    if (passed(spawn.service, name)) continue;
    const auto protocol = protocol_of(spawn.service, name);
    auto claim = claim_port(port, protocol);
    const bool free = prove_free(port, protocol).has_value();
    const bool claimed_by_other = !claim && claim.error().code == Errc::conflict;
    if (free && !claimed_by_other) {
      if (claim) claims.push_back(std::move(*claim));
      continue;
    }
    auto reason = free ? claim.error().message : describe_busy(port, holder_of(port, protocol));
    return agent::SpawnFailed{spawn.run, agent::SpawnFailed::Why::port_busy, std::move(reason), port};
  }
  return std::nullopt;
}

}  // namespace drover::runtime
