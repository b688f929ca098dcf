#pragma once
// A listening socket and its accept loop. Internal to net.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "net/server.hpp"
#include "net/stream.hpp"

namespace drover::net {

/// A file descriptor with an owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  explicit operator bool() const { return value_ >= 0; }

 private:
  int value_ = -1;
};

struct Accepted {
  Descriptor socket;
  int family = 0;
  std::shared_ptr<Peer> peer;
};

Result<Descriptor> open_tcp(const ListenTcp& where);
Result<Descriptor> open_unix(const ListenUnix& where);
std::uint16_t port_of(const Descriptor& socket);

/// Counts connections and hands them over; lives on one executor.
class Listener {
 public:
  struct Limits {
    std::size_t connections;
    std::size_t per_address;
    std::size_t handshakes;
  };
  Listener(Executor executor, Descriptor socket, Limits limits);

  /// Accepts until cancelled. Every accepted connection must be given back by ended(), and by
  /// handshake_ended() before.
  Awaitable<void> run(std::function<void(Accepted)> on_accept, std::function<void(const Error&)> on_problem);
  void handshake_ended();                  // any thread
  void ended(const std::string& address);  // any thread
  void close();                            // on its executor

 private:
  Awaitable<void> wait_for_room();
  /// nullopt: nothing there now.
  Result<std::optional<Accepted>> accept_one();
  bool admit(const Accepted& accepted);

  Executor executor_;
  StreamSocket socket_;
  Limits limits_;
  std::size_t connections_ = 0;
  std::size_t handshakes_ = 0;
  std::map<std::string, std::size_t> addresses_;
  Event room_;
};

}  // namespace drover::net
