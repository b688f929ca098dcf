#pragma once
// Whose process is at the other end of a TCP connection on this machine? Internal to net.

#include <cstdint>
#include <optional>

namespace drover::net {

/// The uid that owns the other end of a connected loopback socket, from the kernel's sock_diag. nullopt: not
/// loopback, gone already, or the kernel does not say.
std::optional<std::uint32_t> owner_of_other_end(int socket);

}  // namespace drover::net
