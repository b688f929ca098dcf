#include "keeper/spawn.hpp"

#include "keeper/child.hpp"
#include "keeper/window.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

namespace drover::keeper {

namespace {

/// clone3 whose child runs `run(argument)` on its own stack: there is no wrapper in libc, and returning from
/// the system call twice on one stack is what must not happen.
long clone3_run([[maybe_unused]] clone_args* args, [[maybe_unused]] int (*run)(void*),
                [[maybe_unused]] void* argument) {
#if defined(__x86_64__)
  long result = 0;
  register int (*r8)(void*) __asm__("r8") = run;
  register void* r9 __asm__("r9") = argument;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r9, %%rdi\n\t"
      "call *%%r8\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "a"(long(SYS_clone3)), "D"(args), "S"(sizeof *args), "r"(r8), "r"(r9)
      : "rcx", "r11", "memory", "cc");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = SYS_clone3;
  register long x0 __asm__("x0") = long(args);
  register long x1 __asm__("x1") = sizeof *args;
  register int (*x9)(void*) __asm__("x9") = run;
  register void* x10 __asm__("x10") = argument;
  __asm__ volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x0, x10\n\t"
      "blr x9\n\t"
      "brk #0\n"
      "1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x9), "r"(x10)
      : "memory", "cc");
  return x0;
#else
  return -ENOSYS;
#endif
}

constexpr std::size_t stack_size = 256 * 1024;
char* child_stack() {  // one at a time: the parent waits for exec
  static char* const stack = static_cast<char*>(
      ::mmap(nullptr, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0));
  return stack;
}

/// The pid or -errno. `pid_at` gets the pid from the kernel before the child runs.
int clone_child(Way way, Plan& plan, const Tree& tree, std::int32_t* pid_at, int& pidfd) {
  std::uint64_t all = ~0ull, before = 0;
  raw_call(SYS_rt_sigprocmask, SIG_SETMASK, long(&all), long(&before),
           8);  // a handler in the child would run on our data
  long result = 0;
  const int files = plan.files_end != 0 ? CLONE_FILES : 0;
  if (way == Way::fork) {
    result = ::clone(&child_main, child_stack() + stack_size,
                     CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | files | SIGCHLD, &plan, pid_at);
    if (result < 0) result = -errno;
    if (result > 0) pidfd = pidfd_open(pid_t(result));
  } else {
    clone_args args{};
    args.flags =
        CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CLEAR_SIGHAND | unsigned(files);
    args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    args.parent_tid = reinterpret_cast<std::uint64_t>(pid_at);
    args.exit_signal = SIGCHLD;
    args.stack = reinterpret_cast<std::uint64_t>(child_stack());
    args.stack_size = stack_size;
    if (way == Way::clone3 && tree.directory() >= 0) {
      args.flags |= CLONE_INTO_CGROUP;
      args.cgroup = std::uint64_t(tree.directory());
    }
    result = clone3_run(&args, &child_main, &plan);
  }
  raw_call(SYS_rt_sigprocmask, SIG_SETMASK, long(&before), 0, 8);
  return int(result);
}

std::vector<std::string> candidates(const SpawnSpec& spec) {
  const auto& name = spec.argv.front();
  if (name.find('/') != std::string::npos) return {name};
  std::string_view path = "/usr/local/bin:/usr/bin:/bin";
  for (const auto& entry : spec.env)
    if (entry.starts_with("PATH=")) path = std::string_view(entry).substr(5);
  std::vector<std::string> all;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find(':', at), path.size());
    const auto part = path.substr(at, end - at);
    all.push_back(part.empty() ? "./" + name : std::string(part) + "/" + name);
    at = end + 1;
  }
  return all;
}

int reap(int pidfd, siginfo_t& info) {
  int rc = 0;
  do rc = int(::waitid(P_PIDFD, id_t(pidfd), &info, WEXITED));
  while (rc != 0 && errno == EINTR);
  return rc == 0 ? 0 : errno;
}

int test_once(Way way, const Base& base) {
  auto tree = Tree::create(base, "selftest." + std::to_string(::getpid()));
  if (!tree) return tree.error().error;
  Plan plan;
  Fd procs;
  if (way != Way::clone3 && tree->directory() >= 0) {
    procs = Fd(::openat(tree->directory(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
    plan.procs = procs.get();
  }
  std::int32_t pid = 0;
  int raw_pidfd = -1;
  const int result = clone_child(way, plan, *tree, &pid, raw_pidfd);
  const Fd pidfd(raw_pidfd);
  int error = result < 0 ? -result : 0;
  if (result > 0) {
    siginfo_t info{};
    error = reap(pidfd.get(), info);
    if (error == 0 && (info.si_code != CLD_EXITED || info.si_status != 0)) error = ECHILD;
  }
  tree->remove();
  return error;
}

}  // namespace

const char* name(Way way) {
  switch (way) {
    case Way::clone3: return "clone3";
    case Way::migrate: return "migrate";
    case Way::fork: return "fork";
  }
  std::unreachable();
}

bool parse_way(std::string_view text, Way& way) {
  for (const auto each : {Way::clone3, Way::migrate, Way::fork})
    if (text == name(each)) return way = each, true;
  return false;
}

namespace {
/// The words of the command and of the environment, in one place for as long as the child needs them.
struct Words {
  std::vector<std::string> programs, own;  // own: what we add to the environment
  char listen_pid[32] = "LISTEN_PID=";     // the child writes its pid behind it
};

void passed_environment(const SpawnSpec& spec, Words& words) {
  if (spec.sockets.empty()) return;
  std::string names, numbers;
  for (std::size_t i = 0; i < spec.sockets.size(); ++i) {
    names += (i > 0 ? ":" : "") + spec.sockets[i].fd_name;
    numbers += std::to_string(first_passed + int(i)) + ";";
  }
  if (spec.fixed.pass == PassStyle::nginx) return words.own.push_back("NGINX=" + numbers);
  words.own.push_back("LISTEN_FDS=" + std::to_string(spec.sockets.size()));
  words.own.push_back("LISTEN_FDNAMES=" + names);
}

void point_to(const SpawnSpec& spec, Words& words, Plan& plan) {
  for (const auto& program : words.programs) plan.programs.push_back(program.c_str());
  for (const auto& value : spec.argv) plan.argv.push_back(value.c_str());
  for (const auto& value : spec.env) plan.envp.push_back(value.c_str());
  for (const auto& value : words.own) plan.envp.push_back(value.c_str());
  if (!spec.sockets.empty() && spec.fixed.pass == PassStyle::listen_fds) {
    plan.listen_pid = words.listen_pid + std::strlen(words.listen_pid);
    plan.envp.push_back(words.listen_pid);
  }
  plan.argv.push_back(nullptr);
  plan.envp.push_back(nullptr);
}

/// Where the child finds its descriptors. Cleared when this ends.
class Placing {
 public:
  explicit Placing(Window& window) : window_(window) {}
  ~Placing() { window_.clear(); }
  Placing(const Placing&) = delete;
  Placing& operator=(const Placing&) = delete;

  int operator()(int fd) {
    const int place = fd < 0 ? fd : window_.place(fd);
    if (fd >= 0 && place < 0) error_ = errno;
    return place;
  }
  int error() const { return error_; }

 private:
  Window& window_;
  int error_ = 0;
};

/// The window's numbers are above all that the child's own will be.
int place_descriptors(const Newborn& newborn, int procs, Placing& place, Plan& plan) {
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return errno;
  plan.null = place(null.get());
  plan.out = place(newborn.out);
  plan.err = newborn.err >= 0 ? place(newborn.err) : plan.out;
  plan.procs = place(procs);
  for (const auto& entrance : newborn.limits.entrances)
    plan.entrances.push_back({place(entrance.procs.get()), entrance.lost});
  for (const int socket : newborn.sockets) plan.sockets.push_back(place(socket));
  return place.error();
}
}  // namespace

Outcome<Child> spawn(const Birth& birth, const SpawnSpec& spec, const Tree& tree, const Newborn& newborn) {
  Plan plan;
  plan.open_files = birth.open_files;
  plan.spec = &spec;
  plan.degraded = &newborn.degraded;
  plan.failed = &newborn.stage;
  plan.error = &newborn.error;
  Fd procs;
  if (birth.way != Way::clone3 && tree.directory() >= 0) {
    procs = Fd(::openat(tree.directory(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
    if (!procs) return failure(errno, Stage::migrate);
  }
  static Window window;
  Placing place(window);
  if (const int error = place_descriptors(newborn, procs.get(), place, plan); error != 0)
    return failure(error, Stage::stdio);
  plan.files_end = window.end();
  plan_isolation(spec, plan);
  Words words;
  words.programs = candidates(spec);
  words.own.push_back("DROVER_INSTANCE=" + newborn.token);
  passed_environment(spec, words);
  point_to(spec, words, plan);
  plan.all_signals = birth.way == Way::fork;
  int raw_pidfd = -1;
  const int result = clone_child(birth.way, plan, tree, &newborn.pid, raw_pidfd);
  Child made{result, Fd(raw_pidfd)};
  ::prctl(PR_SET_DUMPABLE, 1);  // a child that changed its user while it shared our memory has cleared this
  if (result < 0) return failure(-result, Stage::clone);
  if (newborn.stage == 0) return made;
  siginfo_t info{};
  reap(made.pidfd.get(), info);
  return failure(newborn.error, Stage(newborn.stage));
}

SelfTest self_test(Base& base, Way from) {
  SelfTest result;
  while (true) {
    for (auto way : {Way::clone3, Way::migrate, Way::fork}) {
      if (way < from) continue;
      const int error = test_once(way, base);
      if (error == 0) {
        result.way = way;
        result.into_cgroup_works = way == Way::clone3 && has_cgroup(base.level);
        return result;
      }
      if (result.error == 0) result.error = error;
    }
    if (!has_cgroup(base.level)) return result;  // not even fork: every spawn will say why
    base = Base{};  // cgroups can be made but not entered (no right on the common ancestor)
  }
}

namespace {
struct PidfdInfo {  // struct pidfd_info of Linux 6.13, first published size
  std::uint64_t mask, cgroupid;
  std::uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t pidfd_info_exit = 1u << 3;
}  // namespace

int exit_status_of(int pidfd) {
  PidfdInfo info{};
  info.mask = pidfd_info_exit;
  if (::ioctl(pidfd, _IOWR(0xFF, 11, PidfdInfo), &info) != 0) return -1;
  return (info.mask & pidfd_info_exit) != 0 ? info.exit_code : -1;
}

bool exit_status_supported() {
  // Tried on a child that nobody waits for any more: only then does the kernel tell.
  Plan plan;
  const Tree none;
  std::int32_t pid = 0;
  int raw_pidfd = -1;
  if (clone_child(Way::fork, plan, none, &pid, raw_pidfd) <= 0) return false;
  const Fd pidfd(raw_pidfd);
  siginfo_t info{};
  return reap(pidfd.get(), info) == 0 && exit_status_of(pidfd.get()) == 0;
}

}  // namespace drover::keeper
