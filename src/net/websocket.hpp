#pragma once
// One WebSocket, server or client side. permessage-deflate is never used.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/async.hpp"

namespace drover::net {

struct Peer;

struct WebSocketSettings {
  std::size_t max_message = 1 << 20;  // bytes; a larger one closes with 1009
  Duration idle = 30s;                // nothing heard for so long (a ping is sent at half of it): closed
  Duration write_progress = 30s;      // the peer takes no byte for so long: closed
  std::string protocol;               // Sec-WebSocket-Protocol; empty: none
};

struct Message {
  std::string data;
  bool text = true;  // text is checked to be UTF-8 when it comes in
};

namespace close_code {
inline constexpr std::uint16_t normal = 1000, going_away = 1001, policy = 1008, too_big = 1009,
                               internal = 1011;
}

/// Movable; use it on its executor only. At most one read() and one write() at a time, which may overlap: one
/// reading and one writing coroutine, the writer fed by a Mailbox.
class WebSocket {
 public:
  struct Impl;
  explicit WebSocket(std::shared_ptr<Impl> impl);
  ~WebSocket();  // cuts what is still open
  WebSocket(WebSocket&&) noexcept;
  WebSocket& operator=(WebSocket&&) noexcept;

  /// The next message. Errors: unavailable (closed by the peer, by us, or broken), timeout (nothing heard),
  /// exhausted (too large), invalid (not the protocol). After an error the socket is dead.
  Awaitable<Result<Message>> read();
  /// Returns when the kernel has the bytes.
  Awaitable<Result<void>> write(Message message);
  /// Sends a close frame (after a write() that is running) and waits at most 2 s for the peer's. A read()
  /// ends with an error.
  Awaitable<void> close(std::uint16_t code, std::string reason);
  /// Cuts at once; read() and write() end with an error. From any thread.
  void cancel();
  /// What the peer said when it closed; 0: it has not.
  std::uint16_t close_code() const;
  std::string close_reason() const;
  const Peer& peer() const;

 private:
  friend std::weak_ptr<Impl> weak_impl(const WebSocket& socket);
  std::shared_ptr<Impl> impl_;
};

}  // namespace drover::net
