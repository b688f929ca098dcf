#include "cli/local_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/io_pool.hpp"
#include "runtime/files.hpp"
#include "runtime/keeper_client.hpp"

namespace drover::cli {

namespace {
/// Connected, or −1. Paths that are too long for the address are reached through their directory.
int connect_to(const std::string& path, int type) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  int fd = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

/// It was killed, and some of its threads are not gone yet: until then its sockets take connections.
bool is_ending(int pid) {
  const auto stat = runtime::read_small_file("/proc/" + std::to_string(pid) + "/stat");
  const auto state = stat.rfind(") ");
  return state != std::string::npos && stat.substr(state + 2, 1) == "Z";
}
}  // namespace

std::string pid_file(const std::string& state) { return state + "/up.pid"; }

Result<int> listening_pid(const std::string& socket_path) {
  int fd = connect_to(socket_path, SOCK_STREAM);
  if (fd < 0) return fail(Errc::not_found, "nobody listens on " + socket_path);
  ucred credentials{};
  socklen_t size = sizeof credentials;
  bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0;
  ::close(fd);
  if (!known || credentials.pid <= 0)
    return fail(Errc::unsupported, "the process behind " + socket_path + " cannot be seen from here");
  if (!is_ending(credentials.pid)) return credentials.pid;
  if (auto process = Process::open(credentials.pid)) process->wait(5s);
  return fail(Errc::not_found, "nobody listens on " + socket_path + " any more");
}

Result<Process> Process::open(int pid) {
  int fd = int(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return fail(from_errno(errno, "cannot open the process " + std::to_string(pid)));
  return Process(fd);
}

Process::~Process() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> Process::signal(int number) const {
  if (::syscall(SYS_pidfd_send_signal, fd_, number, nullptr, 0) == 0 || errno == ESRCH) return {};
  return fail(from_errno(errno, "cannot signal the process"));
}

bool Process::wait(Duration limit) const {
  pollfd wanted{fd_, POLLIN, 0};
  return ::poll(&wanted, 1, int(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count())) > 0;
}

namespace {
net::Awaitable<Result<void>> shut_down(runtime::KeeperOptions options, Log& log, Duration grace) {
  runtime::KeeperClient keeper(co_await net::current_executor(), std::move(options), log, {});
  auto done = co_await keeper.start();
  if (done) done = co_await keeper.shutdown({}, grace);
  // The answer comes at once; the keeper goes when nothing is left.
  const auto until = std::chrono::steady_clock::now() + grace + 5s;
  while (done && keeper.connected()) {
    if (std::chrono::steady_clock::now() > until)
      done = fail(Errc::timeout, "the keeper has not ended; something does not let itself be killed");
    else co_await net::sleep_for(5ms);
  }
  co_await keeper.close();
  co_return done;
}
}  // namespace

Result<bool> end_keeper(const std::string& agent_state, const std::string& run_directory, Duration grace) {
  int fd = connect_to(agent_state + "/keeper.sock", SOCK_SEQPACKET);
  if (fd < 0) return false;  // asking must not start one
  ::close(fd);
  TRY(auto paths, runtime::prepare_directories({agent_state, run_directory}));
  RealClock clock;
  Log log(clock, STDERR_FILENO, "drover", true);
  log.set_level(Level::error);
  runtime::KeeperOptions options;
  options.paths = paths;
  options.request = grace + 5s;
  TRYV(net::block_on(shut_down(options, log, grace)));
  return true;
}

}  // namespace drover::cli
