#pragma once
// The agents on the other side of the socket: who may connect, what waits to be sent to them.

#include <deque>
#include <functional>
#include <map>

#include "keeper/util.hpp"

namespace drover::keeper {

struct Client {
  Fd fd;
  bool greeted = false;
  std::uint32_t mask = 0;  // EventMask
  std::deque<std::string> waiting;
  std::size_t waiting_bytes = 0;
};

/// A request as it came, with the descriptors that came with it (closed afterwards unless taken).
struct Request {
  int client = -1;
  Parsed packet;
  std::vector<Fd> fds;
};

class Clients {
 public:
  /// `on_request` is called for every well-formed packet after the greeting, and for the greeting.
  Clients(int epoll, std::uint64_t tag, std::function<void(Request&)> on_request)
      : epoll_(epoll), tag_(tag), on_request_(std::move(on_request)) {}
  void accept_from(int listener);
  void ready(int client, std::uint32_t events);
  void send(int client, const Packet& packet);
  /// To all that subscribed to `mask`.
  void broadcast(std::uint32_t mask, const Packet& packet);
  bool anyone_wants(std::uint32_t mask) const;
  Client* find(int client);
  std::size_t count() const { return clients_.size(); }
  /// Gives what is queued a last chance, then closes all.
  void close_all();

 private:
  void drop(int client) { clients_.erase(client); }
  void flush(int client);
  void watch(int client, bool writable);
  int epoll_;
  std::uint64_t tag_;
  std::function<void(Request&)> on_request_;
  std::map<int, Client> clients_;
};

}  // namespace drover::keeper
