#pragma once
// The ports of one start.

#include <optional>
#include <vector>

#include "core/agent/io.hpp"
#include "runtime/ports.hpp"

namespace drover::runtime {

/// Claims the ports of a start, then proves them free. nullopt: they are ours as long as `claims` is kept.
std::optional<agent::SpawnFailed> take_ports(const agent::Spawn& spawn, std::vector<Fd>& claims);

}  // namespace drover::runtime
