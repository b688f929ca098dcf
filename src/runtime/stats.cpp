#include "runtime/stats.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/text.hpp"
#include "runtime/files.hpp"

namespace drover::runtime {

namespace {

std::optional<std::uint64_t> keyed(const std::string& text, std::string_view key) {
  for (const auto& line : split(text, '\n'))
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ')
      return std::strtoull(line.c_str() + key.size() + 1, nullptr, 10);
  return std::nullopt;
}

/// Of the cgroup and those that a program has made below it.
std::vector<std::int32_t> members(const std::string& cgroup, int depth = 0) {
  std::vector<std::int32_t> pids;
  for (const auto& line : split(read_small_file(cgroup + "/cgroup.procs"), '\n'))
    if (!line.empty()) pids.push_back(std::int32_t(std::strtol(line.c_str(), nullptr, 10)));
  struct stat info{};
  for (const auto& name : depth < 8 ? list_directory(cgroup) : std::vector<std::string>()) {
    const auto below = cgroup + "/" + name;
    if (::lstat(below.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) continue;
    const auto more = members(below, depth + 1);
    pids.insert(pids.end(), more.begin(), more.end());
  }
  return pids;
}

/// The process and all below it.
std::vector<std::int32_t> tree_of(std::int32_t root) {
  std::multimap<std::int32_t, std::int32_t> children;
  for (const auto& name : list_directory("/proc")) {
    std::int32_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size())
      children.emplace(process_info(pid).parent, pid);
  }
  std::vector<std::int32_t> pids{root};
  for (std::size_t i = 0; i < pids.size(); ++i)
    for (auto [at, end] = children.equal_range(pids[i]); at != end; ++at) pids.push_back(at->second);
  return pids;
}

void add_up(const std::vector<std::int32_t>& pids, RunStats& stats) {
  std::uint64_t ticks = 0, resident = 0;
  std::uint32_t count = 0;
  for (const auto pid : pids) {
    const auto info = process_info(pid);
    if (info.start_ticks == 0) continue;
    ++count;
    ticks += info.cpu_ticks;
    resident += info.resident_bytes;
  }
  if (!stats.processes) stats.processes = count;
  if (!stats.cpu_seconds) stats.cpu_seconds = double(ticks) / double(::sysconf(_SC_CLK_TCK));
  if (!stats.memory_bytes) stats.memory_bytes = resident;
}

}  // namespace

std::vector<std::int32_t> run_processes(const RunProcesses& run) {
  if (!run.cgroup.empty()) return members(run.cgroup);
  return run.pid > 0 ? tree_of(run.pid) : std::vector<std::int32_t>();
}

bool belongs_to(const RunProcesses& run, std::int32_t pid, std::uint32_t uid) {
  if (pid <= 0) return false;
  if (process_info(pid).start_ticks != 0) {
    const auto all = run_processes(run);
    return std::ranges::find(all, pid) != all.end();
  }
  struct stat main{};
  return ::stat(fmt::format("/proc/{}", run.pid).c_str(), &main) == 0 && main.st_uid == uid;
}

RunStats run_stats(const std::string& cgroup, std::int32_t pid) {
  RunStats stats;
  if (cgroup.empty()) {
    if (pid > 0) add_up(tree_of(pid), stats);
    return stats;
  }
  if (const auto used = keyed(read_small_file(cgroup + "/cpu.stat"), "usage_usec"))
    stats.cpu_seconds = double(*used) / 1e6;
  const auto current = read_small_file(cgroup + "/memory.current", 64);
  if (!current.empty()) {
    const auto cache = keyed(read_small_file(cgroup + "/memory.stat"), "inactive_file").value_or(0);
    const auto all = std::strtoull(current.c_str(), nullptr, 10);
    stats.memory_bytes = all - std::min<std::uint64_t>(all, cache);
  }
  add_up(members(cgroup), stats);
  return stats;
}

}  // namespace drover::runtime
