#include "runtime/passed.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "runtime/ports.hpp"

namespace drover::runtime {

namespace {
/// The kernel cuts it to net.core.somaxconn: who restarts must not lose clients for want of room.
constexpr int backlog = 65'535;

/// IPv4, because that is what nginx compares with its own "listen 8080".
Fd listen_on(std::uint16_t port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(port);
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ||
      ::listen(socket.get(), backlog) != 0)
    return {};
  return socket;
}
}  // namespace

std::string slot_of(const std::string& stack, const std::string& instance_name) {
  return stack + "/" + instance_name;
}

std::string socket_name(const std::string& slot, const std::string& port, std::uint16_t number) {
  return fmt::format("{}#{}:{}", slot, port, number);
}

bool of_slot(const std::string& name, const std::string& slot) { return name.starts_with(slot + "#"); }

std::expected<PassedSockets, agent::SpawnFailed> passed_sockets(const agent::Spawn& spawn,
                                                                const std::set<std::string>& held) {
  using Why = agent::SpawnFailed::Why;
  PassedSockets all;
  for (const auto& port : spawn.service.ports) {
    const auto number = spawn.ports.find(port.name);
    if (port.pass == PortPass::no || number == spawn.ports.end()) continue;
    const auto name = socket_name(slot_of(spawn.stack, spawn.instance_name), port.name, number->second);
    const bool there = held.contains(name);
    if (!there) {
      Fd fresh = listen_on(number->second);
      const int error = errno;
      if (!fresh && error == EADDRINUSE)
        return std::unexpected(agent::SpawnFailed{
            spawn.run, Why::port_busy, describe_busy(number->second, holder_of(number->second, "tcp")),
            number->second});
      if (!fresh)
        return std::unexpected(agent::SpawnFailed{
            spawn.run, error == EACCES ? Why::permanent : Why::transient,
            fmt::format("cannot listen on port {}: {}", number->second, std::strerror(error)), 0});
      all.fds.push_back(std::move(fresh));
    }
    all.names.push_back({name, port.name, !there});
  }
  return all;
}

}  // namespace drover::runtime
