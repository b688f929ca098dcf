#pragma once
// Which ports the instances of this node have, and who listens on them now.

#include <vector>

#include "core/agent/agent.hpp"
#include "model/port.hpp"

namespace drover::agent {

/// By number; state and holder are not filled in.
std::vector<PortView> port_views(const AgentCore& core);
/// Fills them in. Looks through /proc: not on the agent's executor.
void look_who_listens(std::vector<PortView>& ports, WallTime now);

}  // namespace drover::agent
