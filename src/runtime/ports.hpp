#pragma once
// Is a port free, and who holds it? Plain functions; they do not wait for anyone.

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "runtime/descriptor.hpp"

namespace drover::runtime {

/// conflict: in use. Tried by binding (IPv4 any, IPv6 any where there is one); nothing stays bound. protocol:
/// tcp, udp.
Result<void> prove_free(std::uint16_t port, const std::string& protocol);

/// Between the proof and the service's own bind, another agent of this host (there may be several) could give
/// the same port out. Whoever holds the claim has it; it ends with the descriptor, or with the process.
/// conflict: another agent has claimed it.
Result<Fd> claim_port(std::uint16_t port, const std::string& protocol);

struct PortHolder {
  std::int32_t pid = 0;  // 0: a process that we may not see
  std::uint32_t uid = 0;
  std::string command;  // "nginx -g daemon off;", at most 80 bytes
  std::string
      instance;  // DROVER_STACK/… of its environment when it is one of ours, as "shop/web-1"; else empty
  Duration running{};  // since its start
};
/// Who listens there (tcp) or is bound (udp). nullopt: nobody now.
std::optional<PortHolder> holder_of(std::uint16_t port, const std::string& protocol);
/// "port 8080 is held by pid 4711 (nginx -g daemon off;), running for 2m 3s"
std::string describe_busy(std::uint16_t port, const std::optional<PortHolder>& holder);

}  // namespace drover::runtime
