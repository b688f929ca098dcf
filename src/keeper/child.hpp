#pragma once
// The child between clone and exec. It shares our memory while our thread waits (CLONE_VM | CLONE_VFORK), so
// it must not allocate, and makes raw system calls only: glibc's wrappers would change the user of all our
// threads.

#include <signal.h>
#include <unistd.h>

#include <vector>

#include "keeper/spawn_spec.hpp"

namespace drover::keeper {

inline constexpr int first_passed = 3;                               // sd_listen_fds(3)
inline constexpr int ignored_signals[] = {SIGPIPE, SIGHUP, SIGINT};  // by us, and nothing else is

/// A part of the child's own view of the file system; parents come before what is below them.
struct MountStep {
  enum class Kind { writable, read_only, empty };
  Kind kind = Kind::writable;
  const char* path = nullptr;
  int fd = -1;  // of its copy; the child's
};

/// All that the child needs, made by the parent.
struct Plan {
  struct Entrance {
    int procs;
    std::uint32_t lost;
  };
  std::vector<const char*> argv, envp, programs;
  const SpawnSpec* spec = nullptr;  // null: the self-test's child, which only exits
  int null = -1, out = -1, err = -1, procs = -1;
  unsigned files_end = 0;  // the child shares our descriptors and keeps a copy of those below; 0: it has all
  std::vector<Entrance> entrances;
  std::vector<int> sockets;
  std::vector<MountStep> mounts;
  char* listen_pid = nullptr;  // room for its pid in the environment
  std::uint64_t open_files = 0;
  bool all_signals = true;  // has the handlers of ours
  // What the child says; it ends when it says `failed`.
  std::uint32_t* degraded = nullptr;
  std::uint16_t* failed = nullptr;  // Stage
  std::int32_t* error = nullptr;
};

inline long raw_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  return ::syscall(number, a, b, c, d, e);
}

/// What of the file system the child sees, in the parent.
void plan_isolation(const SpawnSpec& spec, Plan& plan);
/// For clone: takes a Plan, never returns.
int child_main(void* plan);
/// isolate.cpp, for child_main(): its mounts; and exactly the capabilities that are asked for, in two parts:
/// while it is still root, and as the user.
void isolate(Plan& plan);
void limit_capabilities(Plan& plan);
void keep_capabilities(Plan& plan);

}  // namespace drover::keeper
