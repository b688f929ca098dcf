#pragma once
// The kernel's table of sockets: by sock_diag, or from /proc/net where that is not allowed.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace drover::runtime {

struct SocketEntry {
  std::array<std::uint8_t, 16> local{}, remote{};  // IPv4 as ::ffff:a.b.c.d
  std::uint16_t local_port = 0, remote_port = 0;
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
};

enum class SocketState : std::uint8_t { established = 1, unconnected = 7, listening = 10 };

/// All TCP (or UDP) sockets, IPv4 and IPv6, in that state.
std::vector<SocketEntry> sockets(bool tcp, SocketState state);
/// nullopt-like: all zero when it is not an address.
bool parse_address(const std::string& text, std::array<std::uint8_t, 16>& out);

}  // namespace drover::runtime
