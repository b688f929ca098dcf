// Where cgroups may be made: the ladder of host.md, from a delegated cgroup2 directory down to nothing.

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>

#include "keeper/tree.hpp"

namespace drover::keeper {

namespace {

struct Mount {
  std::string point, type, options;
};

std::vector<Mount> cgroup_mounts() {
  std::vector<Mount> mounts;
  std::istringstream lines(read_file("/proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream before(line.substr(0, dash)), after(line.substr(dash + 3));
    std::string skip, source;
    Mount mount;
    before >> skip >> skip >> skip >> skip >> mount.point;
    after >> mount.type >> source >> mount.options;
    if (mount.type == "cgroup" || mount.type == "cgroup2") mounts.push_back(mount);
  }
  return mounts;
}

/// Our own path in the hierarchy whose line in /proc/self/cgroup contains `controller` ("" for cgroup2).
std::string own_path(std::string_view controller) {
  std::istringstream lines(read_file("/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto names = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool match =
        controller.empty() ? names == ",," : names.find("," + std::string(controller) + ",") != names.npos;
    if (match) return line.substr(second + 1) == "/" ? "" : line.substr(second + 1);
  }
  return {};
}

bool usable(const std::string& parent, const std::string& id, std::string& path) {
  path = parent + "/drover-" + id;
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return false;
  return ::access((path + "/cgroup.procs").c_str(), W_OK) == 0;
}

/// Controllers give OOM counts now and limits later; each may be missing or not ours to give.
void enable_controllers(const std::string& parent, const std::string& path) {
  for (const auto& directory : {parent, path}) {
    const Fd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (const char* controller : {"+memory", "+pids", "+cpu", "+io"})
      if (fd) write_at(fd.get(), "cgroup.subtree_control", controller);
  }
}

bool find_cgroup2(const BaseOptions& options, const std::vector<Mount>& mounts, std::string& path) {
  std::vector<std::string> parents;
  if (!options.cgroup.empty()) parents.push_back(options.cgroup);
  for (const auto& mount : mounts) {
    if (mount.type != "cgroup2") continue;
    if (const auto own = own_path(""); !own.empty()) parents.push_back(mount.point + own);
    parents.push_back(mount.point);
  }
  for (const auto& parent : parents) {
    if (!usable(parent, options.id, path)) continue;
    enable_controllers(parent, path);
    return true;
  }
  if (!parents.empty() || ::geteuid() != 0) return false;
  const std::string own =
      options.run_dir + "/cgroup2";  // a host with v1 only: the hierarchy exists, nobody mounted it
  if (::mkdir(own.c_str(), 0700) != 0 && errno != EEXIST) return false;
  if (::mount("drover", own.c_str(), "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return false;
  return usable(own, options.id, path);
}

bool find_freezer(const BaseOptions& options, const std::vector<Mount>& mounts, std::string& path) {
  for (const auto& mount : mounts) {
    if (mount.type != "cgroup" || ("," + mount.options + ",").find(",freezer,") == std::string::npos)
      continue;
    if (usable(mount.point + own_path("freezer"), options.id, path) || usable(mount.point, options.id, path))
      return true;
  }
  return false;
}

}  // namespace

const char* name(Level level) {
  switch (level) {
    case Level::cgroup2: return "cgroup2";
    case Level::cgroup2_freeze: return "cgroup2-freeze";
    case Level::freezer: return "freezer";
    case Level::subreaper: return "subreaper";
    case Level::group: return "group";
  }
  std::unreachable();
}

bool parse_level(std::string_view text, Level& level) {
  for (const auto each :
       {Level::cgroup2, Level::cgroup2_freeze, Level::freezer, Level::subreaper, Level::group})
    if (text == name(each)) return level = each, true;
  return false;
}

Base find_base(const BaseOptions& options) {
  const auto mounts = cgroup_mounts();
  Base base;
  if (options.from <= std::uint32_t(Level::cgroup2_freeze) && find_cgroup2(options, mounts, base.path)) {
    base.level = Level::cgroup2_freeze;
    // cgroup.kill is missing in root cgroups, so it is looked for in ours.
    const bool kill = ::access((base.path + "/cgroup.kill").c_str(), W_OK) == 0;
    if (kill && options.from == 0) base.level = Level::cgroup2;
    return base;
  }
  if (options.from <= std::uint32_t(Level::freezer) && find_freezer(options, mounts, base.path)) {
    base.level = Level::freezer;
    return base;
  }
  base.path.clear();
  const bool proc = process_stat(::getpid()).start_ticks != 0;
  base.level = proc && options.from <= std::uint32_t(Level::subreaper) ? Level::subreaper : Level::group;
  return base;
}

}  // namespace drover::keeper
