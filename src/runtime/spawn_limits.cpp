#include "runtime/spawn_limits.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "model/host_words.hpp"

namespace drover::runtime {

namespace {

Result<std::vector<std::string>> there(const std::vector<std::string>& paths, std::string_view word) {
  for (const auto& path : paths)
    if (::access(path.c_str(), F_OK) != 0)
      return fail(Errc::not_found, fmt::format("{}: {} ({})", path, std::strerror(errno), word));
  return paths;
}

void apply_cgroup(const Limits& limits, keeper::SpawnSpec::Fixed& to) {
  constexpr double period_us = 100'000;
  to.cpu_quota_us = limits.cpus ? std::uint64_t(std::llround(*limits.cpus * period_us)) : 0;
  to.memory_max = limits.memory.value_or(0);
  to.pids_max = limits.pids.value_or(0);
  to.io_weight = limits.io_weight.value_or(0);
  to.set_oom_score = limits.oom_score ? 1 : 0;
  to.oom_score = limits.oom_score.value_or(0);
}

constexpr std::pair<keeper::Degraded, std::string_view> texts[] = {
    {keeper::degraded_cpu, "cpus: not limited: no cgroup controller for it may be used here"},
    {keeper::degraded_memory, "memory: not limited: no cgroup controller for it may be used here"},
    {keeper::degraded_memory_group,
     "memory: limited by cgroup v1: out of memory ends one of its processes, not all of them"},
    {keeper::degraded_pids, "pids: not limited: no cgroup controller for it may be used here"},
    {keeper::degraded_io, "io_weight: has no effect: no cgroup controller for it may be used here"},
    {keeper::degraded_rlimits, "limits: not above the agent's own hard limits, which needs root"},
    {keeper::degraded_nice, "nice: a value below the agent's own needs root"},
    {keeper::degraded_oom_score, "oom_score: a value below the agent's own needs root"},
    {keeper::degraded_groups, "groups: only an agent that runs as root can add groups"},
    {keeper::degraded_capabilities,
     "capabilities: the agent lacks some of them itself, or may not take the others away"},
    {keeper::degraded_no_new_privileges, "no_new_privileges: refused by the kernel"},
    {keeper::degraded_private_tmp,
     "private_tmp: it sees the host's /tmp: mounts of its own need root or user namespaces"},
    {keeper::degraded_read_only,
     "read_only: it may write: mounts of its own need Linux 5.12, and root or user namespaces"},
};

}  // namespace

Result<void> apply_limits(const ProcessSpec& wanted, keeper::SpawnSpec& spec) {
  auto& fixed = spec.fixed;
  fixed.umask = wanted.umask;
  fixed.set_nice = wanted.nice != 0 ? 1 : 0;
  fixed.nice = wanted.nice;
  apply_cgroup(wanted.limits, fixed);
  for (const auto& [name, limit] : wanted.limits.rlimits)
    if (const auto number = rlimit_number(name)) spec.rlimits.push_back({*number, 0, limit.soft, limit.hard});
  const auto& isolation = wanted.isolation;
  fixed.no_new_privs = isolation.no_new_privileges ? 1 : 0;
  fixed.set_capabilities = isolation.capabilities ? 1 : 0;
  if (isolation.capabilities)
    for (const auto& name : *isolation.capabilities)
      if (const auto number = capability_number(name)) fixed.capabilities |= 1ull << *number;
  fixed.private_tmp = isolation.private_tmp ? 1 : 0;
  fixed.read_only = isolation.read_only ? 1 : 0;
  TRY(spec.read_only_paths, there(isolation.read_only_paths, "read_only_paths"));
  TRY(spec.read_write_paths, there(isolation.read_write_paths, "read_write_paths"));
  return {};
}

std::vector<std::string> degraded_texts(std::uint32_t degraded) {
  std::vector<std::string> all;
  for (const auto& [bit, text] : texts)
    if ((degraded & bit) != 0) all.emplace_back(text);
  return all;
}

}  // namespace drover::runtime
