// Where cgroups may be made: the ladder of host.md, from a delegated cgroup2 directory down to nothing.

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
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

bool is_listed(const std::string& file, std::string_view word) {
  std::istringstream words(file);
  for (std::string each; words >> each;)
    if (each == word) return true;
  return false;
}

/// Whether the processes in that cgroup are ours to move: it was given or delegated to us, or it is the root
/// of a container's own hierarchy.
bool ours_to_arrange(const std::string& parent, const std::string& given, const std::string& mount_point) {
  if (parent == given) return true;
  char value = 0;
  for (const char* attribute : {"trusted.delegate", "user.delegate"})  // systemd's mark of Delegate=yes
    if (::getxattr(parent.c_str(), attribute, &value, 1) == 1 && value == '1') return true;
  return parent == mount_point && ::access((parent + "/cgroup.type").c_str(), F_OK) == 0;
}

/// A cgroup with controllers for its children may have no processes of its own: they go into "_self".
void move_into_self(const std::string& parent) {
  const std::string self = parent + "/_self";
  if (::mkdir(self.c_str(), 0755) != 0 && errno != EEXIST) return;
  const Fd to(::open(self.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int round = 0; round < 3; ++round) {  // some fork meanwhile
    std::istringstream pids(read_file((parent + "/cgroup.procs").c_str()));
    bool moved = false;
    for (std::string pid; pids >> pid;) moved = write_at(to.get(), "cgroup.procs", pid) == 0 || moved;
    if (!moved) return;
  }
}

/// Whether a cgroup may give controllers to its children. Beside processes some (cpu, pids) would be taken,
/// and then nothing could be born in the children ("domain invalid"); only the root of all is exempt.
bool may_share(const std::string& parent, bool arrange) {
  if (::access((parent + "/cgroup.type").c_str(), F_OK) != 0) return true;
  const auto inhabited = [&] { return !read_file((parent + "/cgroup.procs").c_str()).empty(); };
  if (inhabited() && arrange) move_into_self(parent);
  return !inhabited();
}

/// One by one, because each may be missing or not ours to give.
void enable_controllers(const std::string& parent, Base& base) {
  const Fd above(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Fd here(::open(base.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const auto controller : all_controllers) {
    const std::string word = name(controller);
    if (!is_listed(read_at(above.get(), "cgroup.controllers"), word)) continue;
    write_at(above.get(), "cgroup.subtree_control", "+" + word);
    write_at(here.get(), "cgroup.subtree_control", "+" + word);
    base.controllers[std::size_t(controller)].unified =
        is_listed(read_at(here.get(), "cgroup.subtree_control"), word);
  }
}

bool find_cgroup2(const BaseOptions& options, const std::vector<Mount>& mounts, Base& base) {
  std::vector<std::string> parents;
  std::string mount_point, given = options.cgroup;
  const bool own_is_given = given == own_cgroup;
  if (!own_is_given && !given.empty()) parents.push_back(given);
  for (const auto& mount : mounts) {
    if (mount.type != "cgroup2") continue;
    auto own = own_path("");
    if (own.ends_with("/_self")) own.resize(own.size() - 6);  // where our former self put us
    if (!own.empty()) parents.push_back(mount.point + own);
    if (!own.empty() && own_is_given) given = parents.back();
    parents.push_back(mount_point = mount.point);
  }
  for (const auto& parent : parents) {
    if (!usable(parent, options.id, base.path)) continue;
    if (may_share(parent, ours_to_arrange(parent, given, mount_point))) enable_controllers(parent, base);
    return true;
  }
  if (!parents.empty() || ::geteuid() != 0) return false;
  const std::string own =
      options.run_dir + "/cgroup2";  // a host with v1 only: the hierarchy exists, nobody mounted it
  if (::mkdir(own.c_str(), 0700) != 0 && errno != EEXIST) return false;
  if (::mount("drover", own.c_str(), "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return false;
  return usable(own, options.id, base.path);
}

/// Our directory in the hierarchy of cgroup v1 that has `controller`.
bool find_v1(std::string_view controller, const BaseOptions& options, const std::vector<Mount>& mounts,
             std::string& path) {
  const auto wanted = "," + std::string(controller) + ",";
  for (const auto& mount : mounts) {
    if (mount.type != "cgroup" || ("," + mount.options + ",").find(wanted) == std::string::npos) continue;
    if (usable(mount.point + own_path(controller), options.id, path) || usable(mount.point, options.id, path))
      return true;
  }
  path.clear();
  return false;
}

/// What cgroup2 does not have here may be in a hierarchy of v1 (hybrid hosts).
void find_v1_controllers(const BaseOptions& options, const std::vector<Mount>& mounts, Base& base) {
  for (const auto controller : all_controllers) {
    auto& home = base.controllers[std::size_t(controller)];
    if (!home.unified)
      find_v1(controller == Controller::io ? "blkio" : name(controller), options, mounts, home.directory);
  }
}

}  // namespace

const char* name(Controller controller) {
  switch (controller) {
    case Controller::cpu: return "cpu";
    case Controller::memory: return "memory";
    case Controller::pids: return "pids";
    case Controller::io: return "io";
  }
  std::unreachable();
}

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
  if (options.from <= std::uint32_t(Level::cgroup2_freeze) && find_cgroup2(options, mounts, base)) {
    find_v1_controllers(options, mounts, base);
    base.level = Level::cgroup2_freeze;
    // cgroup.kill is missing in root cgroups, so it is looked for in ours.
    const bool kill = ::access((base.path + "/cgroup.kill").c_str(), W_OK) == 0;
    if (kill && options.from == 0) base.level = Level::cgroup2;
    return base;
  }
  if (options.from <= std::uint32_t(Level::freezer) && find_v1("freezer", options, mounts, base.path)) {
    base.level = Level::freezer;
    find_v1_controllers(options, mounts, base);
    return base;
  }
  base.path.clear();
  const bool proc = process_stat(::getpid()).start_ticks != 0;
  base.level = proc && options.from <= std::uint32_t(Level::subreaper) ? Level::subreaper : Level::group;
  return base;
}

std::string controllers_of(const Base& base) {
  std::string all;
  for (const auto controller : all_controllers)
    if (base.home(controller).there()) all += (all.empty() ? "" : " ") + std::string(name(controller));
  return all;
}

void remove(const Base& base) {
  if (has_cgroup(base.level)) ::rmdir(base.path.c_str());
  for (const auto& home : base.controllers)
    if (!home.directory.empty()) ::rmdir(home.directory.c_str());
}

}  // namespace drover::keeper
