#include "main/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace drover {

namespace {
std::string taken_from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string out = value == nullptr ? "" : value;
  ::unsetenv(name);
  return out;
}

/// A path, or a name after '@' in the abstract namespace. −1: cannot be reached.
int connect_datagram(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() < 2 || name.size() >= sizeof address.sun_path) return -1;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = 0;
  const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + name.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0) return fd;
  ::close(fd);
  return -1;
}

net::Awaitable<void> beat(const Notifier* notifier, std::vector<net::Executor> threads) {
  for (;;) {
    co_await net::sleep_for(notifier->watchdog() / 3);
    for (const auto& thread : threads) co_await net::run_on(thread, [] {});
    notifier->send("WATCHDOG=1");
  }
}
}  // namespace

Notifier::Notifier() {
  socket_ = connect_datagram(taken_from_environment("NOTIFY_SOCKET"));
  const auto pid = taken_from_environment("WATCHDOG_PID");
  const auto limit = taken_from_environment("WATCHDOG_USEC");
  if (pid.empty() || pid == std::to_string(::getpid()))
    watchdog_ = Duration(std::strtoll(limit.c_str(), nullptr, 10));
}

Notifier::~Notifier() {
  if (socket_ >= 0) ::close(socket_);
}

void Notifier::send(std::string_view message) const {
  if (socket_ >= 0) (void)::send(socket_, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

Watched::Watched(net::IoPool& pool)
    : pool_(pool), beating_(pool.executor(0), [](std::string_view, std::string_view) {}) {
  if (notifier_.watchdog() <= Duration(0)) return;
  std::vector<net::Executor> threads;
  for (std::size_t i = 0; i < pool.size(); ++i) threads.push_back(pool.executor(i));
  beating_.spawn(beat(&notifier_, std::move(threads)), "watchdog");
}

Watched::~Watched() {
  notifier_.send("STOPPING=1");
  beating_.cancel();
  net::wait_for(pool_.executor(0), beating_.join());
}

}  // namespace drover
