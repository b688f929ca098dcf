#include "keeper/child.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace drover::keeper {

namespace {

[[noreturn]] void give_up(Plan& plan, Stage stage) {
  if (plan.failed != nullptr) {
    *plan.error = errno;
    *plan.failed = std::uint16_t(stage);
  }
  while (true) raw_call(SYS_exit_group, 127);
}

/// Before anything else: until here they are the parent's.
void own_files(Plan& plan) {
  if (plan.files_end == 0) return;
  if (raw_call(SYS_close_range, plan.files_end, ~0u, CLOSE_RANGE_UNSHARE) != 0) give_up(plan, Stage::stdio);
}

void enter_cgroups(Plan& plan) {
  if (plan.procs >= 0 && raw_call(SYS_write, plan.procs, long("0"), 1) != 1) give_up(plan, Stage::migrate);
  for (const auto& entrance : plan.entrances)
    if (raw_call(SYS_write, entrance.procs, long("0"), 1) != 1) *plan.degraded |= entrance.lost;
}

void stdio(Plan& plan) {
  const int sources[] = {plan.null, plan.out, plan.err};
  for (int target = 0; target < 3; ++target)
    if (raw_call(SYS_dup3, sources[target], target, 0) < 0) give_up(plan, Stage::stdio);
  // All of ours are; this is for what we may have inherited.
  raw_call(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
}

/// After all other descriptors have been used: it takes their numbers.
void pass_sockets(Plan& plan) {
  for (std::size_t i = 0; i < plan.sockets.size(); ++i)
    if (raw_call(SYS_dup3, plan.sockets[i], first_passed + long(i), 0) < 0) give_up(plan, Stage::socket);
  if (plan.listen_pid == nullptr) return;
  char digits[12];
  int count = 0;
  for (long pid = raw_call(SYS_getpid); pid > 0; pid /= 10) digits[count++] = char('0' + pid % 10);
  while (count > 0) *plan.listen_pid++ = digits[--count];
  *plan.listen_pid = 0;
}

void score(Plan& plan) {
  if (plan.spec->fixed.set_oom_score == 0) return;
  int value = plan.spec->fixed.oom_score;
  char text[12];
  int at = sizeof text;
  const bool negative = value < 0;
  for (unsigned rest = unsigned(negative ? -value : value); at == sizeof text || rest > 0; rest /= 10)
    text[--at] = char('0' + rest % 10);
  if (negative) text[--at] = '-';
  const long fd = raw_call(SYS_openat, AT_FDCWD, long("/proc/self/oom_score_adj"), O_WRONLY | O_CLOEXEC);
  const long size = long(sizeof text) - at;
  if (fd < 0 || raw_call(SYS_write, fd, long(text + at), size) != size) *plan.degraded |= degraded_oom_score;
}

/// The hard limit of ours is the highest that may be had without privilege.
void limit(Plan& plan, const Rlimit& wanted) {
  rlimit64 value{wanted.soft, wanted.hard}, ours{};
  if (raw_call(SYS_prlimit64, 0, long(wanted.resource), long(&value), 0) == 0) return;
  if (errno != EPERM || raw_call(SYS_prlimit64, 0, long(wanted.resource), 0, long(&ours)) != 0)
    give_up(plan, Stage::rlimit);
  *plan.degraded |= degraded_rlimits;
  value.rlim_max = ours.rlim_max;
  if (value.rlim_cur > ours.rlim_max) value.rlim_cur = ours.rlim_max;
  if (raw_call(SYS_prlimit64, 0, long(wanted.resource), long(&value), 0) != 0) give_up(plan, Stage::rlimit);
}

void limits(Plan& plan) {
  const auto& fixed = plan.spec->fixed;
  rlimit64 files{};  // ours was raised
  if (plan.open_files != 0 && raw_call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, long(&files)) == 0) {
    files.rlim_cur = plan.open_files;
    raw_call(SYS_prlimit64, 0, RLIMIT_NOFILE, long(&files), 0);
  }
  for (const auto& each : plan.spec->rlimits) limit(plan, each);
  if (fixed.set_nice != 0 && raw_call(SYS_setpriority, PRIO_PROCESS, 0, fixed.nice) != 0)
    *plan.degraded |= degraded_nice;
  raw_call(SYS_umask, long(fixed.umask & 0777));
}

void become_user(Plan& plan) {
  const auto& fixed = plan.spec->fixed;
  const auto& groups = plan.spec->groups;
  if (fixed.set_user == 0 && !groups.empty()) *plan.degraded |= degraded_groups;
  if (fixed.set_user == 0) return;
  // Without root only "stay who you are" is possible, and setgroups would be refused even for that.
  const bool root = raw_call(SYS_geteuid) == 0;
  if (root && raw_call(SYS_setgroups, long(groups.size()), long(groups.data())) != 0)
    give_up(plan, Stage::groups);
  const long gid = long(fixed.gid), uid = long(fixed.uid);
  if (raw_call(SYS_setresgid, gid, gid, gid) != 0) give_up(plan, Stage::gid);
  if (raw_call(SYS_setresuid, uid, uid, uid) != 0) give_up(plan, Stage::uid);
}

/// clone3 has reset what we handle, which leaves what we ignore.
void default_signals(bool all) {
  struct {  // the kernel's struct sigaction
    void* handler;
    unsigned long flags;
    void* restorer;
    unsigned long mask;
  } action{};
  if (all)
    for (int signal = 1; signal <= 64; ++signal) raw_call(SYS_rt_sigaction, signal, long(&action), 0, 8);
  else
    for (const int signal : ignored_signals) raw_call(SYS_rt_sigaction, signal, long(&action), 0, 8);
  const unsigned long none = 0;
  raw_call(SYS_rt_sigprocmask, SIG_SETMASK, long(&none), 0, 8);
}

}  // namespace

int child_main(void* argument) {
  Plan& plan = *static_cast<Plan*>(argument);
  own_files(plan);
  enter_cgroups(plan);
  if (plan.spec == nullptr) raw_call(SYS_exit_group, 0);
  if (raw_call(SYS_setsid) < 0) give_up(plan, Stage::session);
  stdio(plan);
  score(plan);
  isolate(plan);
  limits(plan);
  limit_capabilities(plan);
  become_user(plan);
  keep_capabilities(plan);
  if (plan.spec->fixed.no_new_privs != 0 && raw_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1) != 0)
    *plan.degraded |= degraded_no_new_privileges;
  if (raw_call(SYS_chdir, long(plan.spec->cwd.c_str())) != 0) give_up(plan, Stage::cwd);
  pass_sockets(plan);
  default_signals(plan.all_signals);
  int error = ENOENT;
  for (const char* program : plan.programs) {
    raw_call(SYS_execve, long(program), long(plan.argv.data()), long(plan.envp.data()));
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
    if (error != ENOENT && error != EACCES) break;
  }
  errno = error;
  give_up(plan, Stage::exec);
}

}  // namespace drover::keeper
