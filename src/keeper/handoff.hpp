#pragma once
// What guard and keeper give each other: descriptors by name and exit statuses, over a socket while both
// live, in a sealed memfd across an exec.

#include <sys/resource.h>

#include <map>
#include <string>
#include <vector>

#include "keeper/util.hpp"

namespace drover::keeper {

inline constexpr std::uint32_t handoff_format = 1;  // raised when an older binary could not read it
inline constexpr const char* own_pipe_name = "own";
inline constexpr int handoff_understood = 87;  // exit status of --handoff-check: not one that /bin/true has

/// The death of a process that was the guard's child, seen before it was reaped.
struct ExitNote {
  std::int32_t pid = 0;
  std::int32_t code = 0;    // CLD_EXITED, CLD_KILLED, CLD_DUMPED
  std::int32_t status = 0;  // exit code or signal
  std::int32_t reserved = 0;
  std::uint64_t start_ticks = 0;  // makes it this process and no later one with its pid
  std::uint64_t boot_ns = 0, wall_ns = 0;
  std::uint64_t user_us = 0, system_us = 0, max_rss_kib = 0;
};

/// Names of descriptors: "lock", "listen", "link" (the socket between the two), "ready", and of an
/// incarnation "0:RECORD" and "1:RECORD" (its pipes) and "p:RECORD" (the pidfd of its main process); "s:NAME"
/// is a socket that is passed to children; "own" is the pipe of our own log, both ends in one.
struct Handoff {
  std::map<std::string, Fd> fds;
  std::vector<ExitNote> notes;
  std::int32_t guard_pid = 0, keeper_pid = 0;
  std::uint32_t generation = 0;  // keepers started so far

  /// -1 when there is none. The handoff keeps it.
  int find(const std::string& name) const;
  Fd take(const std::string& name);
};

/// A memfd that names these descriptors, and clears close-on-exec on it and on them. Call it right before
/// exec, and undo() when the exec failed. -1 and errno.
int prepare(const Handoff& handoff);
void undo(const Handoff& handoff);
/// Takes the memfd and all descriptors in it, close-on-exec again. False: not one of ours.
bool receive(int memfd, Handoff& handoff);

enum class LinkVerb : std::uint32_t {
  hold = 1,    // keeper → guard, with an fd: keep it under `name`
  drop = 2,    // keeper → guard
  leave = 3,   // keeper → guard: I end on purpose; end too
  reexec = 4,  // keeper → guard: become the binary at `name`
  exited = 5,  // guard → keeper: note
  ended = 6,   // guard → keeper: someone ended me by SIGTERM; leave, the services stay
};
struct LinkMessage {
  LinkVerb verb = LinkVerb::hold;
  std::uint32_t reserved = 0;
  ExitNote note;
  char name[1024] = {};
};
bool send_link(int link, LinkVerb verb, std::string_view name = {}, int fd = -1);

struct Options {
  std::string state, run_dir, cgroup, level = "cgroup2", way = "clone3";
  int ready_fd = -1;
  std::uint64_t open_files = 0;  // the soft limit that we were started with: our children get it back
};
/// Replaces this process by `binary` in `role`, with the handoff. Returns errno when that failed; nothing has
/// changed then.
int exec_role(const std::string& binary, const char* role, const Options& options, const Handoff& handoff);

int guard_main(const Options& options, Handoff handoff);
/// `resumed`: this very process was the keeper before an exec; nobody died.
int keeper_main(const Options& options, Handoff handoff, bool resumed);

}  // namespace drover::keeper
