#pragma once
// One process, born in its cgroup: clone3(CLONE_VM|CLONE_VFORK|CLONE_PIDFD|CLONE_INTO_CGROUP), or what the
// machine allows.

#include "keeper/limits.hpp"

namespace drover::keeper {

enum class Way : std::uint32_t {
  clone3 = 0,   // into the cgroup at birth
  migrate = 1,  // clone3, and the child moves itself before exec
  fork = 2,     // clone (seccomp profiles that know no clone3), and the child moves itself before exec
};
const char* name(Way way);
bool parse_way(std::string_view text, Way& way);

struct Child {
  pid_t pid = 0;
  Fd pidfd;
};

/// How the children are born: the way that works here, and the limit of open files that they get.
struct Birth {
  Way way = Way::fork;
  std::uint64_t open_files = 0;  // soft; 0: ours
};

/// What a child gets besides its parameters, and where the news of it go.
struct Newborn {
  int out = -1, err = -1;    // its stdout and stderr; err −1: the same
  std::vector<int> sockets;  // from descriptor 3 on
  const Limits& limits;
  std::string token;
  std::int32_t& pid;        // set by the kernel before the child runs
  std::uint32_t& degraded;  // Degraded is added
  std::uint16_t& stage;     // 0, or where the child failed, and why
  std::int32_t& error;
};
/// On failure nothing is left: the child is reaped. Main thread only.
Outcome<Child> spawn(const Birth& birth, const SpawnSpec& spec, const Tree& tree, const Newborn& newborn);

struct SelfTest {
  Way way = Way::fork;
  bool into_cgroup_works = false;
  int error = 0;  // why the first way that failed did
};
/// Finds the best way that really works in this base: a child cloned into a fresh cgroup must live. Since
/// Linux 6.14 it is killed at birth when we ourselves live in a cgroup that was killed once, so asking the
/// kernel's version is not enough.
SelfTest self_test(Base& base, Way from);

/// Linux 6.15: the exit status of a reaped process that is not our child. -1: not known (yet).
int exit_status_of(int pidfd);
bool exit_status_supported();

}  // namespace drover::keeper
