#include "runtime/run_ports.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "runtime/files.hpp"
#include "runtime/sockets.hpp"

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

namespace {
/// Whose it is when it is not ours; "" when that cannot be known.
std::string stranger(std::uint16_t port, const RunProcesses& run) {
  const auto holder = holder_of(port, "tcp");
  if (!holder || belongs_to(run, holder->pid, UINT32_MAX)) return {};
  if (holder->pid != 0)
    return fmt::format("port {} is held by pid {} ({}), not by this instance", port, holder->pid,
                       holder->command);
  struct stat main{};
  const bool same =
      ::stat(fmt::format("/proc/{}", run.pid).c_str(), &main) != 0 || main.st_uid == holder->uid;
  return same ? std::string()
              : fmt::format("port {} is held by a process of user {}, not by this instance", port,
                            holder->uid);
}
}  // namespace

namespace {
/// The TCP ports that it shall bind itself; a passed one is the keeper's.
std::map<std::uint16_t, std::string> own_ports(const Service& service,
                                               const std::map<std::string, std::uint16_t>& ports) {
  std::map<std::uint16_t, std::string> out;
  for (const auto& declared : service.ports) {
    const auto given = ports.find(declared.name);
    if (declared.protocol == "tcp" && declared.pass == PortPass::no && given != ports.end())
      out[given->second] = declared.name;
  }
  return out;
}

/// Those that anyone listens on, and whether the run does.
std::map<std::uint16_t, bool> listened_on(const std::map<std::uint16_t, std::string>& wanted,
                                          const RunProcesses& run) {
  const auto ours = sockets_of(run_processes(run));
  std::map<std::uint16_t, bool> owned;
  for (const auto& entry : waiting_sockets(true))
    if (wanted.contains(entry.port)) owned[entry.port] |= ours.contains(entry.inode);
  return owned;
}
}  // namespace

std::string foreign_listener(const Service& service, const std::map<std::string, std::uint16_t>& ports,
                             const RunProcesses& run) {
  const auto wanted = own_ports(service, ports);
  if (wanted.empty()) return {};
  for (const auto& [port, mine] : listened_on(wanted, run))
    if (!mine)
      if (auto who = stranger(port, run); !who.empty()) return who;
  return {};
}

std::string port_trouble(const Service& service, const std::map<std::string, std::uint16_t>& ports,
                         const RunProcesses& run) {
  if (auto who = foreign_listener(service, ports, run); !who.empty()) return who;
  const auto wanted = own_ports(service, ports);
  const auto owned = listened_on(wanted, run);
  for (const auto& [port, name] : wanted)
    if (!owned.contains(port))
      return fmt::format("nothing listens on its port {} ({})", port, name.empty() ? "tcp" : name);
  return {};
}

}  // namespace drover::runtime
