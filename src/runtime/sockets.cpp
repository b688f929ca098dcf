#include "runtime/sockets.hpp"

#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include "base/text.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/files.hpp"

namespace drover::runtime {

namespace {

// As in the kernel's include/net/tcp_states.h.
enum class SocketState : std::uint8_t { unconnected = 7, listening = 10 };

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
    out.push_back({ntohs(entry.id.idiag_sport), entry.idiag_uid, entry.idiag_inode});
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

void read_proc(const char* file, SocketState state, std::vector<SocketEntry>& out) {
  for (const auto& line : split(read_small_file(file, 16u << 20), '\n')) {
    std::vector<std::string> words;
    for (auto& word : split(line, ' '))
      if (!word.empty()) words.push_back(std::move(word));
    if (words.size() < 10 || words[0] == "sl" || hex(words[3]) != unsigned(state)) continue;
    const auto colon = words[1].rfind(':');  // "0100007F:1F90"
    if (colon == std::string::npos) continue;
    out.push_back({std::uint16_t(hex(std::string_view(words[1]).substr(colon + 1))),
                   std::uint32_t(std::strtoul(words[7].c_str(), nullptr, 10)),
                   std::strtoull(words[9].c_str(), nullptr, 10)});
  }
}

}  // namespace

std::vector<SocketEntry> waiting_sockets(bool tcp) {
  std::vector<SocketEntry> all;
  const auto state = tcp ? SocketState::listening : SocketState::unconnected;
  if (dump(AF_INET, tcp, state, all) && dump(AF_INET6, tcp, state, all)) return all;
  all.clear();
  read_proc(tcp ? "/proc/net/tcp" : "/proc/net/udp", state, all);
  read_proc(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", state, all);
  return all;
}

std::set<std::uint64_t> sockets_of(const std::vector<std::int32_t>& pids) {
  std::set<std::uint64_t> out;
  for (const auto pid : pids) {
    const auto directory = fmt::format("/proc/{}/fd", pid);
    for (const auto& fd : list_directory(directory)) {
      char target[64];
      const auto size = ::readlink((directory + "/" + fd).c_str(), target, sizeof target);
      const std::string_view text(target, size > 0 ? std::size_t(size) : 0);
      if (!text.starts_with("socket:[")) continue;
      out.insert(std::strtoull(std::string(text.substr(8)).c_str(), nullptr, 10));
    }
  }
  return out;
}

}  // namespace drover::runtime
