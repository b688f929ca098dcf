#pragma once
// What this host is, as far as it says.

#include "model/node.hpp"

namespace drover::runtime {

/// hostname, os, kernel, arch, address (of the route to the world, or the first one), cpu, memory, and disk:
/// the size of the file system of `state` ("": not looked at). Never fails: what cannot be known is empty.
HostFacts host_facts(const std::string& state = {});

}  // namespace drover::runtime
