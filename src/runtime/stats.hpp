#pragma once
// How much a run uses, from its cgroup or, without one, from /proc.

#include <cstdint>
#include <string>

#include "runtime/driver.hpp"

namespace drover::runtime {

/// `cgroup`: directory of the run, or empty: then the tree below `pid` is added up.
RunStats run_stats(const std::string& cgroup, std::int32_t pid);

}  // namespace drover::runtime
