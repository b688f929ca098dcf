#include "runtime/sockets.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <optional>

#include "base/text.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/files.hpp"

namespace drover::runtime {

namespace {

std::array<std::uint8_t, 16> as_v6(const void* bytes, bool v6) {
  std::array<std::uint8_t, 16> out{};
  if (v6) {
    std::memcpy(out.data(), bytes, 16);
  } else {
    out[10] = out[11] = 0xff;
    std::memcpy(out.data() + 12, bytes, 4);
  }
  return out;
}

struct DiagRequest {
  nlmsghdr header{};
  inet_diag_req_v2 body{};
};

/// False: the dump has ended, or is broken.
bool take_messages(const char* data, std::size_t size, std::vector<SocketEntry>& out) {
  auto left = std::uint32_t(size);
  for (auto* message = reinterpret_cast<const nlmsghdr*>(data); NLMSG_OK(message, left);
       message = NLMSG_NEXT(message, left)) {
    if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) return false;
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) continue;
    inet_diag_msg entry;
    std::memcpy(&entry, NLMSG_DATA(message), sizeof entry);
    const bool v6 = entry.idiag_family == AF_INET6;
    out.push_back({as_v6(entry.id.idiag_src, v6), as_v6(entry.id.idiag_dst, v6), ntohs(entry.id.idiag_sport),
                   ntohs(entry.id.idiag_dport), entry.idiag_uid, entry.idiag_inode});
  }
  return true;
}

/// False: not possible here.
bool dump(std::uint8_t family, bool tcp, SocketState state, std::vector<SocketEntry>& out) {
  const Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) return false;
  const timeval patience{2, 0};
  ::setsockopt(netlink.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  DiagRequest request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = family;
  request.body.sdiag_protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
  request.body.idiag_states = 1u << unsigned(state);
  if (::send(netlink.get(), &request, sizeof request, 0) != ssize_t(sizeof request)) return false;
  alignas(nlmsghdr) char buffer[32 * 1024];
  for (bool first = true;; first = false) {
    const auto n = ::recv(netlink.get(), buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    if (first && reinterpret_cast<nlmsghdr*>(buffer)->nlmsg_type == NLMSG_ERROR) return false;
    if (!take_messages(buffer, std::size_t(n), out)) return true;
  }
}

std::uint64_t hex(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

/// "0100007F:1F90": the address as words of the host's order.
std::array<std::uint8_t, 16> proc_address(std::string_view text, bool v6) {
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < (v6 ? 4u : 1u) && text.size() >= 8 * (i + 1); ++i)
    words[i] = std::uint32_t(hex(text.substr(8 * i, 8)));
  return as_v6(words.data(), v6);
}

void read_proc(const char* file, bool v6, SocketState state, std::vector<SocketEntry>& out) {
  for (const auto& line : split(read_small_file(file, 16u << 20), '\n')) {
    std::vector<std::string> words;
    for (auto& word : split(line, ' '))
      if (!word.empty()) words.push_back(std::move(word));
    if (words.size() < 10 || words[0] == "sl" || hex(words[3]) != unsigned(state)) continue;
    const auto colon = words[1].rfind(':'), other = words[2].rfind(':');
    if (colon == std::string::npos || other == std::string::npos) continue;
    out.push_back({proc_address(words[1], v6), proc_address(words[2], v6),
                   std::uint16_t(hex(std::string_view(words[1]).substr(colon + 1))),
                   std::uint16_t(hex(std::string_view(words[2]).substr(other + 1))),
                   std::uint32_t(std::strtoul(words[7].c_str(), nullptr, 10)),
                   std::strtoull(words[9].c_str(), nullptr, 10)});
  }
}

}  // namespace

std::vector<SocketEntry> sockets(bool tcp, SocketState state) {
  std::vector<SocketEntry> all;
  if (dump(AF_INET, tcp, state, all) && dump(AF_INET6, tcp, state, all)) return all;
  all.clear();
  read_proc(tcp ? "/proc/net/tcp" : "/proc/net/udp", false, state, all);
  read_proc(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", true, state, all);
  return all;
}

bool parse_address(const std::string& text, std::array<std::uint8_t, 16>& out) {
  in_addr v4;
  in6_addr v6;
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return out = as_v6(&v4, false), true;
  if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1) return out = as_v6(&v6, true), true;
  return false;
}

}  // namespace drover::runtime
