#pragma once
// Limits and isolation of a service: words of the stack file → parameters of a spawn, and what the host could
// not enforce → words for people.

#include "keeper/spawn_spec.hpp"
#include "model/stack.hpp"

namespace drover::runtime {

/// not_found: a path that does not exist here.
Result<void> apply_limits(const ProcessSpec& wanted, keeper::SpawnSpec& spec);

/// One line for each bit of keeper::Degraded: what is not in force, and why.
std::vector<std::string> degraded_texts(std::uint32_t degraded);

}  // namespace drover::runtime
