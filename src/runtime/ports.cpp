#include "runtime/ports.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/files.hpp"
#include "runtime/sockets.hpp"

namespace drover::runtime {

namespace {

/// errno of the bind; 0: free, or not to be known (a low port that only the service's user may take).
int bind_error(int family, bool tcp, std::uint16_t port) {
  const Fd socket(::socket(family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  if (!socket) return 0;  // no such family here
  const int yes = 1;
  // As servers do: connections in TIME_WAIT are no obstacle, listeners are. Not for UDP, where it would mean
  // sharing.
  if (tcp) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  int rc = 0;
  if (family == AF_INET6) {
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    rc = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any);
  } else {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    rc = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any);
  }
  return rc != 0 && errno == EADDRINUSE ? EADDRINUSE : 0;
}

/// The process that has a descriptor of this socket; the newest child where several have inherited it is no
/// better an answer than the first, so: the first.
std::int32_t owner_of(std::uint64_t inode) {
  const auto wanted = fmt::format("socket:[{}]", inode);
  for (const auto& name : list_directory("/proc")) {
    std::int32_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    const auto directory = "/proc/" + name + "/fd";
    for (const auto& fd : list_directory(directory)) {
      char target[64];
      const auto n = ::readlink((directory + "/" + fd).c_str(), target, sizeof target);
      if (n > 0 && std::string_view(target, std::size_t(n)) == wanted) return pid;
    }
  }
  return 0;
}

Duration running_for(std::int32_t pid) {
  const auto info = process_info(pid);
  const double uptime = std::strtod(read_small_file("/proc/uptime", 64).c_str(), nullptr);
  const double started = double(info.start_ticks) / double(::sysconf(_SC_CLK_TCK));
  return info.start_ticks == 0 || uptime < started ? Duration{}
                                                   : Duration(std::int64_t((uptime - started) * 1e6));
}

std::string our_instance(std::int32_t pid) {
  const auto environment = read_small_file(fmt::format("/proc/{}/environ", pid));
  const auto value = [&](std::string_view name) -> std::string {
    for (const auto& entry : split(environment, '\0'))
      if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
        return entry.substr(name.size() + 1);
    return {};
  };
  const auto stack = value("DROVER_STACK"), name = value("DROVER_INSTANCE_NAME");
  return stack.empty() || name.empty() ? std::string() : stack + "/" + name;
}

}  // namespace

Result<void> prove_free(std::uint16_t port, const std::string& protocol) {
  const bool tcp = protocol != "udp";
  for (const int family : {AF_INET, AF_INET6})
    if (bind_error(family, tcp, port) != 0)
      return fail(Errc::conflict, fmt::format("port {} is in use", port));
  return {};
}

Result<Fd> claim_port(std::uint16_t port, const std::string& protocol) {
  // Abstract names belong to the network namespace, as ports do, and nothing of them stays behind.
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail(from_errno(errno, "socket"));
  const auto name = fmt::format("drover-port-{}-{}", protocol == "udp" ? "udp" : "tcp", port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto size = socklen_t(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0) return socket;
  if (errno == EADDRINUSE)
    return fail(Errc::conflict,
                fmt::format("port {} has been given out by another agent of this host", port));
  return fail(from_errno(errno, "claiming a port"));
}

std::optional<PortHolder> holder_of(std::uint16_t port, const std::string& protocol) {
  const bool tcp = protocol != "udp";
  for (const auto& entry : waiting_sockets(tcp)) {
    if (entry.port != port) continue;
    PortHolder holder;
    holder.uid = entry.uid;
    holder.pid = owner_of(entry.inode);
    if (holder.pid == 0) return holder;
    holder.command = process_command(holder.pid);
    holder.running = running_for(holder.pid);
    holder.instance = our_instance(holder.pid);
    return holder;
  }
  return std::nullopt;
}

std::string describe_busy(std::uint16_t port, const std::optional<PortHolder>& holder) {
  if (!holder) return fmt::format("port {} is in use", port);
  if (holder->pid == 0) return fmt::format("port {} is held by a process of user {}", port, holder->uid);
  return fmt::format("port {} is held by {}pid {} ({}), running for {}", port,
                     holder->instance.empty() ? "" : holder->instance + ", ", holder->pid, holder->command,
                     human_duration(holder->running));
}

}  // namespace drover::runtime
