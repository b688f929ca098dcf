#pragma once
// The processes of one incarnation as a whole: who belongs to it, is anybody left, kill all of it.
// One way per level; each works without the one above it.

#include <string>
#include <vector>

#include "keeper/util.hpp"

namespace drover::keeper {

enum class Level : std::uint32_t {
  cgroup2 = 0,         // cgroup.kill (Linux 5.14)
  cgroup2_freeze = 1,  // cgroup2 without cgroup.kill: freeze, SIGKILL each, thaw
  freezer = 2,         // the freezer hierarchy of cgroup v1
  subreaper =
      3,  // no cgroup may be written: a walk over /proc; what leaves us comes back as the subreaper's child
  group = 4,  // not even /proc: the process group
};
const char* name(Level level);
bool parse_level(std::string_view text, Level& level);
/// Whether an empty tree announces itself (otherwise the keeper looks, while an end is awaited).
inline bool notifies(Level level) { return level == Level::cgroup2 || level == Level::cgroup2_freeze; }
inline bool has_cgroup(Level level) { return level <= Level::freezer; }

enum class Controller : std::uint32_t { cpu = 0, memory = 1, pids = 2, io = 3 };
inline constexpr Controller all_controllers[] = {Controller::cpu, Controller::memory, Controller::pids,
                                                 Controller::io};
const char* name(Controller controller);
/// Where the limits of one controller are set.
struct ControllerHome {
  bool unified = false;   // enabled for the incarnations' cgroup2 directories
  std::string directory;  // else: of this keeper's incarnations in the hierarchy of cgroup v1; "": nowhere
  bool there() const { return unified || !directory.empty(); }
};

/// Where we may make cgroups.
struct Base {
  Level level = Level::subreaper;
  std::string path;  // the directory of this keeper's incarnations; "" without cgroups
  ControllerHome controllers[4];
  const ControllerHome& home(Controller controller) const { return controllers[std::size_t(controller)]; }
};
std::string controllers_of(const Base& base);  // "cpu memory pids"
/// Removes its directories, where nobody lives in them.
void remove(const Base& base);
inline constexpr std::string_view own_cgroup = "own";
struct BaseOptions {
  std::string cgroup;      // a delegated cgroup2 directory to use; own_cgroup: ours; "": look for one
  std::string run_dir;     // where cgroup2 is mounted when nobody has
  std::string id;          // one per state directory
  std::uint32_t from = 0;  // tests: the best level that may be tried
};
/// The best level at hand; never fails, because the last levels need nothing.
Base find_base(const BaseOptions& options);

struct Member {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
};

class Tree {
 public:
  Tree() = default;
  /// A fresh cgroup, because since Linux 6.14 a child born into a cgroup that was ever killed dies at birth.
  static Outcome<Tree> create(const Base& base, const std::string& name);
  static Tree open(Level level, const std::string& path);

  Level level() const { return level_; }
  const std::string& path() const { return path_; }
  int directory() const { return directory_.get(); }  // for CLONE_INTO_CGROUP; -1 at the levels without
  int events() const { return events_.get(); }  // EPOLLPRI when it may have become empty; -1: does not notify
  /// For the levels that look by kinship; before anything below is asked.
  void set_main(pid_t pid, std::string token) {
    main_ = pid;
    token_ = std::move(token);
  }

  bool empty() const;  // of living processes; zombies do not count
  std::vector<Member> members() const;
  void signal_all(int signal) const;
  void kill() const;  // one round; repeat it until empty()
  void remove();      // the cgroup, and what the service made below it

 private:
  void kill_by_freezing(const char* file, const char* freeze, const char* thaw) const;
  void kill_by_walking() const;
  Level level_ = Level::group;
  std::string path_;
  Fd directory_, events_;
  pid_t main_ = 0;
  std::string token_;
};

}  // namespace drover::keeper
