#pragma once
// What this host is, as far as it says.

#include "model/node.hpp"

namespace drover::runtime {

/// hostname, os, kernel, arch, address (of the route to the world, or the first one), cpu, memory. Never
/// fails: what cannot be known is empty.
HostFacts host_facts();

}  // namespace drover::runtime
