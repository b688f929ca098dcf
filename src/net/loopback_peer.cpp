#include "net/loopback_peer.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "net/listener.hpp"

namespace drover::net {

namespace {

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 request;
};

// As the other end sees it: its own address is our peer's.
bool fill_address(int socket, bool peer, inet_diag_sockid& id, int& family) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if ((peer ? ::getpeername(socket, address, &size) : ::getsockname(socket, address, &size)) != 0)
    return false;
  family = storage.ss_family;
  auto* into = peer ? id.idiag_src : id.idiag_dst;
  auto& port = peer ? id.idiag_sport : id.idiag_dport;
  if (family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(storage);
    std::memcpy(into, &four.sin_addr, 4);
    port = four.sin_port;
    return (ntohl(four.sin_addr.s_addr) >> 24) == 127;
  }
  const auto& six = reinterpret_cast<const sockaddr_in6&>(storage);
  std::memcpy(into, &six.sin6_addr, 16);
  port = six.sin6_port;
  return family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
}

}  // namespace

std::optional<std::uint32_t> owner_of_other_end(int socket) {
  Question question{};
  question.header = {sizeof question, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0};
  auto& id = question.request.id;
  int family = 0;
  if (!fill_address(socket, true, id, family) || !fill_address(socket, false, id, family))
    return std::nullopt;
  question.request.sdiag_family = std::uint8_t(family);
  question.request.sdiag_protocol = IPPROTO_TCP;
  question.request.idiag_states = ~0u;
  id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;

  Descriptor link(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!link || ::send(link.get(), &question, sizeof question, 0) < 0) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 8192> answer;
  auto size =
      ::recv(link.get(), answer.data(), answer.size(), MSG_DONTWAIT);  // the kernel has answered in send()
  auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (size < ssize_t(NLMSG_LENGTH(sizeof(inet_diag_msg))) || header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
    return std::nullopt;
  inet_diag_msg found{};
  std::memcpy(&found, NLMSG_DATA(header), sizeof found);
  // A closed socket is shown as root's.
  if (found.idiag_inode == 0) return std::nullopt;
  return found.idiag_uid;
}

}  // namespace drover::net
