#include "keeper/clients.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace drover::keeper {

namespace {
constexpr std::size_t most_clients = 64;
constexpr std::size_t most_waiting = 8u << 20;  // a client that does not read must not grow the keeper

bool allowed(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}
}  // namespace

void Clients::accept_from(int listener) {
  while (true) {
    Fd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    if (!allowed(fd.get()) || clients_.size() >= most_clients) continue;
    const int number = fd.get();
    epoll_event event{.events = EPOLLIN, .data = {.u64 = tag_ | std::uint64_t(number)}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, number, &event) != 0) continue;
    clients_[number].fd = std::move(fd);
  }
}

void Clients::ready(int client, std::uint32_t events) {
  if (find(client) == nullptr) return;
  if ((events & EPOLLOUT) != 0) flush(client);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  std::string buffer;
  for (int round = 0; round < 32; ++round) {  // then the others; epoll is level-triggered
    if (find(client) == nullptr) return;
    std::vector<int> fds;
    const auto n = receive_packet(client, buffer, fds);
    std::vector<Fd> owned;
    for (const int fd : fds) owned.emplace_back(fd);
    if (n < 0 && errno == EAGAIN) return;
    Request request{client, Parsed(buffer), std::move(owned)};
    if (n <= 0 || !request.packet.ok) return drop(client);
    on_request_(request);
  }
}

void Clients::send(int client, const Packet& packet) {
  auto* found = find(client);
  if (found == nullptr) return;
  if (found->waiting.empty() && send_packet(client, packet.bytes())) return;
  if (found->waiting.empty() && errno != EAGAIN) return drop(client);
  found->waiting_bytes += packet.bytes().size();
  if (found->waiting_bytes > most_waiting) return drop(client);
  found->waiting.push_back(packet.bytes());
  watch(client, true);
}

void Clients::flush(int client) {
  auto& found = clients_[client];
  while (!found.waiting.empty()) {
    if (!send_packet(client, found.waiting.front())) {
      if (errno != EAGAIN) drop(client);
      return;
    }
    found.waiting_bytes -= found.waiting.front().size();
    found.waiting.pop_front();
  }
  watch(client, false);
}

void Clients::watch(int client, bool writable) {
  const std::uint32_t events =
      writable ? std::uint32_t(EPOLLIN) | std::uint32_t(EPOLLOUT) : std::uint32_t(EPOLLIN);
  epoll_event event{.events = events, .data = {.u64 = tag_ | std::uint64_t(client)}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, client, &event);
}

void Clients::broadcast(std::uint32_t mask, const Packet& packet) {
  std::vector<int> wanted;  // sending may drop a client
  for (const auto& [number, client] : clients_)
    if ((client.mask & mask) != 0) wanted.push_back(number);
  for (const int number : wanted) send(number, packet);
}

bool Clients::anyone_wants(std::uint32_t mask) const {
  for (const auto& [number, client] : clients_)
    if ((client.mask & mask) != 0) return true;
  return false;
}

Client* Clients::find(int client) {
  const auto found = clients_.find(client);
  return found == clients_.end() ? nullptr : &found->second;
}

void Clients::close_all() {
  std::vector<int> all;
  for (const auto& [number, client] : clients_) all.push_back(number);
  for (const int number : all) flush(number);
  clients_.clear();
}

}  // namespace drover::keeper
