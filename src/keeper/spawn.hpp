#pragma once
// One process, born in its cgroup: clone3(CLONE_VM|CLONE_VFORK|CLONE_PIDFD|CLONE_INTO_CGROUP), or what the
// machine allows.

#include "keeper/record.hpp"
#include "keeper/tree.hpp"

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

/// Starts `spec` with these ends as stdout and stderr. On failure nothing is left: the child is reaped.
/// The pid is in the record before the child runs. Main thread only.
Outcome<Child> spawn(const Birth& birth, const SpawnSpec& spec, const Tree& tree, Record& record,
                     const Fd (&output)[2]);

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
