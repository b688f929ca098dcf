// drover-keeper: spawns processes, holds their pipes, writes their logs, keeps their exit statuses. See
// README.md.

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "keeper/child.hpp"
#include "keeper/handoff.hpp"
#include "keeper/spawn.hpp"

namespace drover::keeper {

namespace {

constexpr const char* usage =
    "usage: drover-keeper --state DIR --run-dir DIR [--cgroup DIR] [--level LEVEL] [--spawn WAY] [--ready-fd "
    "N]\n"
    "       drover-keeper --self-test --run-dir DIR\n"
    "       drover-keeper --version\n"
    "LEVEL: cgroup2 cgroup2-freeze freezer subreaper group (the best that may be used)\n"
    "--cgroup own: the one that it is started in is its own, marked or not\n"
    "WAY:   clone3 migrate fork (the best that may be used)\n";

struct Command {
  Options options;
  std::string role = "start";
  int handoff = -1;
};

int number(const char* text) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  return *end == 0 && end != text && value >= 0 && value <= INT_MAX ? int(value) : -1;
}

bool parse(int argc, char** argv, Command& command) {
  Level level{};
  Way way{};
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--version" || flag == "--self-test") {
      command.role = flag.substr(2);
      continue;
    }
    if (++i >= argc) return false;
    const char* value = argv[i];
    if (flag == "--state") command.options.state = value;
    else if (flag == "--run-dir") command.options.run_dir = value;
    else if (flag == "--cgroup") command.options.cgroup = value;
    else if (flag == "--level") command.options.level = value;
    else if (flag == "--spawn") command.options.way = value;
    else if (flag == "--ready-fd") command.options.ready_fd = number(value);
    else if (flag == "--open-files") command.options.open_files = std::strtoull(value, nullptr, 10);
    else if (flag == "--role") command.role = value;
    else if (flag == "--handoff") command.handoff = number(value);
    else if (flag == "--handoff-check") command.role = flag.substr(2), command.handoff = number(value);
    else return false;
  }
  return parse_level(command.options.level, level) && parse_way(command.options.way, way);
}

/// What our starter ignored is not ignored any more.
void ignore_signals() {
  for (int signal = 1; signal <= 64; ++signal) {
    struct sigaction now{};
    if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) ::signal(signal, SIG_DFL);
  }
  for (const int signal : ignored_signals) ::signal(signal, SIG_IGN);
}

/// Descriptors 0 to 2 are always something, so that none of ours is ever mistaken for them.
void fill_standard_descriptors() {
  while (true) {
    const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    if (fd > 2) {
      ::close(fd);
      return;
    }
    ::fcntl(fd, F_SETFD, 0);
  }
}

/// Five descriptors per incarnation: the usual soft limit of 1,024 would do for two hundred.
void raise_open_files(Options& options) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (options.open_files == 0) options.open_files = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int refuse_second(int lock) {
  char pids[128] = {};
  const auto n = ::pread(lock, pids, sizeof pids - 1, 0);
  for (auto& c : std::span(pids, n > 0 ? std::size_t(n) : 0))
    if (c == '\n') c = ' ';
  std::fprintf(stderr, "drover-keeper: already running here: %s\n", n > 0 ? pids : "pid not known");
  return 5;
}

int failed(const char* what, const std::string& path) {
  std::fprintf(stderr, "drover-keeper: %s %s: %s\n", what, path.c_str(), std::strerror(errno));
  return 1;
}

Fd listen_in(const std::string& state) {
  const Fd directory(::open(state.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!directory || !socket) return {};
  const auto address = socket_address(directory.get());
  ::unlinkat(directory.get(), socket_name, 0);  // left by a keeper that died; the lock says that none lives
  const mode_t before = ::umask(0177);
  const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(before);
  if (bound != 0 || ::listen(socket.get(), 128) != 0) return {};
  return socket;
}

int start(Command& command) {
  auto& options = command.options;
  if (const int error = make_directories(options.state, 0700); error != 0)
    return errno = error, failed("cannot make", options.state);
  if (const int error = make_directories(options.run_dir, 0700); error != 0)
    return errno = error, failed("cannot make", options.run_dir);
  char absolute[PATH_MAX];
  if (::realpath(options.state.c_str(), absolute) != nullptr) options.state = absolute;
  if (::realpath(options.run_dir.c_str(), absolute) != nullptr) options.run_dir = absolute;
  const std::string lock_path = options.state + "/" + lock_name;
  Handoff handoff;
  Fd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return failed("cannot open", lock_path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? refuse_second(lock.get()) : failed("cannot lock", lock_path);
  Fd socket = listen_in(options.state);
  if (!socket) return failed("cannot listen in", options.state);
  handoff.fds["lock"] = std::move(lock);
  handoff.fds["listen"] = std::move(socket);
  if (options.ready_fd >= 0) handoff.fds["ready"] = Fd(::fcntl(options.ready_fd, F_DUPFD_CLOEXEC, 3));
  if (options.ready_fd > 2) ::close(options.ready_fd);
  ::setsid();  // a Ctrl-C for the agent is not one for us
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int standard : {0, 1})
    ::dup2(null.get(), standard);  // who reads our output shall not wait for our end
  if (::chdir("/") != 0) return failed("cannot enter", "/");
  return guard_main(options, std::move(handoff));
}

int show_self_test(const Options& options) {
  Level level{};
  Way way{};
  parse_level(options.level, level);
  parse_way(options.way, way);
  Base base = find_base({options.cgroup, options.run_dir, "selftest", std::uint32_t(level)});
  const auto test = self_test(base, way);
  std::printf(
      "{\"level\":\"%s\",\"spawn\":\"%s\",\"cgroup\":\"%s\",\"controllers\":\"%s\",\"into_cgroup\":%s,\"exit_"
      "info\":%s,"
      "\"error\":%d}\n",
      name(base.level), name(test.way), base.path.c_str(), controllers_of(base).c_str(),
      test.into_cgroup_works ? "true" : "false", exit_status_supported() ? "true" : "false", test.error);
  remove(base);
  return 0;
}

int run(int argc, char** argv) {
  Command command;
  if (!parse(argc, argv, command)) return std::fputs(usage, stderr), 2;
  if (command.role == "version")
    return std::printf("drover-keeper %s protocol %u\n", DROVER_VERSION, version), 0;
  if (command.role == "handoff-check") return command.handoff == int(handoff_format) ? handoff_understood : 1;
  if (command.role == "self-test") return show_self_test(command.options);
  if (command.options.state.empty() || command.options.run_dir.empty()) return std::fputs(usage, stderr), 2;
  fill_standard_descriptors();
  raise_open_files(command.options);
  ignore_signals();
  if (command.role == "start") {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    return start(command);
  }
  Handoff handoff;
  if (!receive(command.handoff, handoff)) return 71;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (command.role == "guard") return guard_main(command.options, std::move(handoff));
  return keeper_main(command.options, std::move(handoff), command.role == "resume");
}

}  // namespace

}  // namespace drover::keeper

int main(int argc, char** argv) { return drover::keeper::run(argc, argv); }
