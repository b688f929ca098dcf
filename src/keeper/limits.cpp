#include "keeper/limits.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace drover::keeper {

namespace {

constexpr std::uint64_t period_us = 100'000;

/// One limit in the words of both versions. `v1` may have a second spelling; the first that is taken counts.
struct Setting {
  Controller controller;
  std::uint32_t lost;
  std::string v2_file, v2_value;
  std::vector<std::pair<std::string, std::string>> v1;
};

std::vector<Setting> settings(const SpawnSpec::Fixed& wanted) {
  std::vector<Setting> all;
  if (wanted.cpu_quota_us != 0) {
    const auto quota = std::to_string(wanted.cpu_quota_us);
    all.push_back({Controller::cpu,
                   degraded_cpu,
                   "cpu.max",
                   quota + " " + std::to_string(period_us),
                   {{"cpu.cfs_quota_us", quota}}});  // its period is 100 ms by default
  }
  if (wanted.memory_max != 0) {
    const auto bytes = std::to_string(wanted.memory_max);
    all.push_back(
        {Controller::memory, degraded_memory, "memory.max", bytes, {{"memory.limit_in_bytes", bytes}}});
  }
  if (wanted.pids_max != 0) {
    const auto count = std::to_string(wanted.pids_max);
    all.push_back({Controller::pids, degraded_pids, "pids.max", count, {{"pids.max", count}}});
  }
  if (wanted.io_weight != 0) {
    // The default is 100 in cgroup2 and 500 in v1, where 10 to 1,000 are allowed.
    const auto old = std::to_string(std::clamp<std::uint64_t>(wanted.io_weight * 5ull, 10, 1000));
    all.push_back({Controller::io,
                   degraded_io,
                   "io.weight",
                   "default " + std::to_string(wanted.io_weight),
                   {{"blkio.weight", old}, {"blkio.bfq.weight", old}}});
  }
  return all;
}

bool set_v2(const Tree& tree, const Setting& setting) {
  if (write_at(tree.directory(), setting.v2_file.c_str(), setting.v2_value) != 0) return false;
  // Without it the OOM killer picks one process and leaves a service that half works.
  if (setting.controller == Controller::memory) write_at(tree.directory(), "memory.oom.group", "1");
  return true;
}

/// Makes the directory in that hierarchy. False: the limit does not hold.
bool set_v1(const ControllerHome& home, const std::string& name, const Setting& setting, Limits& limits) {
  const std::string path = home.directory + "/" + name;
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return false;
  const auto listed = path + "\n";
  if (limits.directories.find(listed) == std::string::npos) limits.directories += listed;
  const Fd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const bool set = std::any_of(setting.v1.begin(), setting.v1.end(), [&](const auto& each) {
    return write_at(directory.get(), each.first.c_str(), each.second) == 0;
  });
  if (!set) return false;
  Entrance entrance{Fd(::openat(directory.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC)), setting.lost};
  if (!entrance.procs) return false;
  limits.entrances.push_back(std::move(entrance));
  if (setting.controller == Controller::memory) limits.degraded |= degraded_memory_group;
  return true;
}

/// The number behind "oom_kill " is not 0.
Tri count_in(const std::string& text) {
  const auto at = text.find("oom_kill ");
  if (at == std::string::npos) return Tri::unknown;
  return text.compare(at + 9, 2, "0\n") == 0 ? Tri::no : Tri::yes;
}

template <class Do>
void each_line(std::string_view lines, Do act) {
  for (std::size_t at = 0, end = 0; (end = lines.find('\n', at)) != lines.npos; at = end + 1)
    act(std::string(lines.substr(at, end - at)));
}

}  // namespace

Limits set_limits(const Base& base, const Tree& tree, const std::string& name,
                  const SpawnSpec::Fixed& wanted) {
  Limits limits;
  for (const auto& setting : settings(wanted)) {
    const auto& home = base.home(setting.controller);
    bool held = home.unified && set_v2(tree, setting);
    if (!held && !home.directory.empty()) held = set_v1(home, name, setting, limits);
    if (!held) limits.degraded |= setting.lost;
  }
  return limits;
}

Limits entrances_of(std::string_view directories) {
  Limits limits;
  each_line(directories, [&](const std::string& path) {
    Fd procs(::open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (procs) limits.entrances.push_back({std::move(procs), 0});
  });
  return limits;
}

void remove_limits(std::string_view directories) {
  each_line(directories, [](const std::string& path) { ::rmdir(path.c_str()); });
}

Tri oom_killed(const Tree& tree, std::string_view directories) {
  Tri seen = tree.directory() >= 0 ? count_in(read_at(tree.directory(), "memory.events")) : Tri::unknown;
  each_line(directories, [&](const std::string& path) {
    const auto here = count_in(read_file((path + "/memory.oom_control").c_str()));
    if (here != Tri::unknown) seen = here;
  });
  return seen;
}

}  // namespace drover::keeper
