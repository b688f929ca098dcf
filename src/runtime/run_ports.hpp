#pragma once
// The ports of one start.

#include <optional>
#include <vector>

#include "core/agent/io.hpp"
#include "runtime/ports.hpp"
#include "runtime/stats.hpp"

namespace drover::runtime {

/// Claims the ports of a start, then proves them free. nullopt: they are ours as long as `claims` is kept.
std::optional<agent::SpawnFailed> take_ports(const agent::Spawn& spawn, std::vector<Fd>& claims);

/// Who listens on a declared TCP port though it is none of the run's processes: "port 8080 is held by pid
/// 4711 (nginx), not by this instance". "": all that is listened on is its own, as far as can be seen.
std::string foreign_listener(const Service& service, const std::map<std::string, std::uint16_t>& ports,
                             const RunProcesses& run);

/// The same, and a declared TCP port that nobody listens on.
std::string port_trouble(const Service& service, const std::map<std::string, std::uint16_t>& ports,
                         const RunProcesses& run);

}  // namespace drover::runtime
