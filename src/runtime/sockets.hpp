#pragma once
// The kernel's table of sockets that wait for someone: by sock_diag, or from /proc/net where that is not
// allowed.

#include <cstdint>
#include <set>
#include <vector>

namespace drover::runtime {

struct SocketEntry {
  std::uint16_t port = 0;  // its own
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
};

/// All TCP sockets that listen, or all UDP sockets without a peer; IPv4 and IPv6.
std::vector<SocketEntry> waiting_sockets(bool tcp);

/// The inodes of the sockets that these processes have. Empty: none, or we may not look.
std::set<std::uint64_t> sockets_of(const std::vector<std::int32_t>& pids);

}  // namespace drover::runtime
