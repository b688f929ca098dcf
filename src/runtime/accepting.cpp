#include "runtime/accepting.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include "runtime/descriptor.hpp"
#include "runtime/sockets.hpp"

namespace drover::runtime {

namespace {
using SteadyTime = std::chrono::steady_clock::time_point;
constexpr auto look_again = std::chrono::milliseconds(2);
constexpr auto one_connection = std::chrono::milliseconds(50);

struct Connection {
  Fd fd;
  std::uint16_t port = 0;  // our end
};

std::optional<Connection> connect_to(std::uint16_t port) {
  Connection out{Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  const timeval patience{.tv_sec = 0, .tv_usec = 50'000};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::setsockopt(out.fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);  // of the connect
  if (!out.fd || ::connect(out.fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockname(out.fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return std::nullopt;
  out.port = ntohs(address.sin_port);
  return out;
}

/// The inode of the other end of our connection; 0: nobody has accepted it yet. From /proc/net/tcp (proc(5)):
/// "sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode", addresses as HEX:PORT in hex.
std::uint64_t accepted_inode(std::uint16_t port, std::uint16_t peer) {
  std::ifstream table("/proc/net/tcp");
  std::string line;
  while (std::getline(table, line)) {
    unsigned local = 0, remote = 0;
    unsigned long long inode = 0;
    if (std::sscanf(line.c_str(), " %*d: %*8x:%4x %*8x:%4x %*2x %*s %*s %*s %*u %*d %llu", &local, &remote,
                    &inode) == 3 &&
        local == port && remote == peer)
      return inode;
  }
  return 0;
}

/// One connection, until somebody accepts it. nullopt: nobody did, or it could not be made.
std::optional<std::uint64_t> who_accepts(std::uint16_t port, SteadyTime until) {
  const auto connection = connect_to(port);
  if (!connection) return std::nullopt;
  until = std::min(until, std::chrono::steady_clock::now() + one_connection);
  do {
    if (const auto inode = accepted_inode(port, connection->port); inode != 0) return inode;
    std::this_thread::sleep_for(look_again);
  } while (std::chrono::steady_clock::now() < until);
  return std::nullopt;
}

bool accepts(std::uint16_t port, const RunProcesses& run, SteadyTime until) {
  do {
    const auto inode = who_accepts(port, until);
    const auto ours = sockets_of(run_processes(run));
    if (ours.empty()) return true;  // we may not look at its descriptors
    if (inode && ours.contains(*inode)) return true;
    if (!inode) std::this_thread::sleep_for(look_again);
  } while (std::chrono::steady_clock::now() < until);
  return false;
}
}  // namespace

std::string not_accepting(const Service& service, const std::map<std::string, std::uint16_t>& ports,
                          const RunProcesses& run, Duration limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  for (const auto& port : service.ports) {
    const auto given = ports.find(port.name);
    if (port.pass == PortPass::no || given == ports.end()) continue;
    if (!accepts(given->second, run, until))
      return fmt::format("it does not accept at port {} yet; what answers there is the one that it replaces",
                         given->second);
  }
  return {};
}

}  // namespace drover::runtime
