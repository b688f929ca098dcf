#pragma once
// How much a run uses, from its cgroup or, without one, from /proc.

#include <cstdint>
#include <string>

#include "runtime/driver.hpp"

namespace drover::runtime {

/// `cgroup`: directory of the run, or empty: then the tree below `pid` is added up.
RunStats run_stats(const std::string& cgroup, std::int32_t pid);

/// By its cgroup, or without one by its main process and those below that.
struct RunProcesses {
  std::string cgroup;
  std::int32_t pid = 0;
};
std::vector<std::int32_t> run_processes(const RunProcesses& run);
/// Is it one of the run's? A process that has gone already is, if `uid` is that of the main process: whoever
/// has that could have done as the program does.
bool belongs_to(const RunProcesses& run, std::int32_t pid, std::uint32_t uid);

}  // namespace drover::runtime
