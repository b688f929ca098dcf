#include "net/frame_socket.hpp"

#include "protocol/codec.hpp"

namespace drover::net {

namespace {

/// Turns T into messages and back; `close` must come from any thread, the rest from the socket's executor.
template <class T>
class SocketChannel : public Channel<T> {
 public:
  explicit SocketChannel(WebSocket socket) : socket_(std::move(socket)) {}
  void close(std::string reason) override {
    {
      std::lock_guard lock(mutex_);
      if (reason_.empty()) reason_ = reason.empty() ? "closed" : std::move(reason);
    }
    socket_.cancel();
  }

 protected:
  Awaitable<Result<void>> write(std::string text) {
    auto written = co_await socket_.write({std::move(text), true});
    if (!written) co_return fail(why(std::move(written).error()));
    co_return Result<void>();
  }
  Awaitable<Result<std::string>> read() {
    auto message = co_await socket_.read();
    if (!message) co_return fail(why(std::move(message).error()));
    if (!message->text) co_return fail(Errc::invalid, "the other side sent a binary message");
    co_return std::move(message->data);
  }

 private:
  /// What ended it: our own reason, or what the peer said when it closed.
  Error why(Error error) {
    std::lock_guard lock(mutex_);
    if (!reason_.empty()) return {Errc::unavailable, "the session has ended: " + reason_, {}, {}, {}};
    if (!socket_.close_reason().empty()) error.message += ": " + socket_.close_reason();
    return error;
  }
  WebSocket socket_;
  std::mutex mutex_;
  std::string reason_;
};

class Frames final : public SocketChannel<Envelope> {
 public:
  using SocketChannel::SocketChannel;
  Awaitable<Result<void>> send(Envelope envelope) override { return write(protocol::encode(envelope)); }
  Awaitable<Result<Envelope>> receive() override {
    CO_TRY(const auto text, co_await read());
    co_return protocol::decode(text);
  }
};

class Texts final : public SocketChannel<std::string> {
 public:
  using SocketChannel::SocketChannel;
  Awaitable<Result<void>> send(std::string text) override { return write(std::move(text)); }
  Awaitable<Result<std::string>> receive() override { return read(); }
};

}  // namespace

WebSocketSettings session_settings() {
  WebSocketSettings settings;
  settings.max_message = protocol::max_frame;
  return settings;
}

std::shared_ptr<FrameLink> frames_over(WebSocket socket) {
  return std::make_shared<Frames>(std::move(socket));
}
std::shared_ptr<TextLink> texts_over(WebSocket socket) { return std::make_shared<Texts>(std::move(socket)); }

}  // namespace drover::net
