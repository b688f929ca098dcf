#pragma once
// A two-way channel of whole messages between hub and agent: over a WebSocket, or in memory (`drover up`,
// tests). Both sides of a session use this and nothing else, so there is one code path.

#include <memory>
#include <string>
#include <utility>

#include "model/frames.hpp"
#include "net/async.hpp"

namespace drover::net {

/// One end. send() and receive() may overlap; at most one of each at a time. Use it on one executor, close()
/// from any.
template <class T>
class Channel {
 public:
  virtual ~Channel() = default;
  /// Waits while the other side does not keep up (flow control). unavailable: closed.
  virtual Awaitable<Result<void>> send(T message) = 0;
  /// unavailable: closed, `message` says why; invalid: the other side does not speak the protocol.
  virtual Awaitable<Result<T>> receive() = 0;
  /// Both sides' waits end soon afterwards. What was sent before may still be received. Idempotent.
  virtual void close(std::string reason) = 0;
};
using FrameLink = Channel<Envelope>;
using TextLink = Channel<std::string>;  // log streams: one JSON record a message

namespace detail {
template <class T>
struct PipeState {
  explicit PipeState(std::size_t capacity) : to_a(capacity), to_b(capacity) {}
  Mailbox<T> to_a, to_b;
  std::mutex mutex;
  std::string reason;
  void close(std::string why) {
    {
      std::lock_guard lock(mutex);
      if (reason.empty()) reason = why.empty() ? "closed" : std::move(why);
    }
    to_a.close();
    to_b.close();
  }
  std::unexpected<Error> closed() {
    std::lock_guard lock(mutex);
    return fail(Errc::unavailable, "the session has ended: " + reason);
  }
};
}  // namespace detail

/// One end of a pair in memory. Destroying an end closes the pair.
template <class T>
class PipeEnd final : public Channel<T> {
 public:
  using State = detail::PipeState<T>;
  PipeEnd(std::shared_ptr<State> state, Mailbox<T>& in, Mailbox<T>& out)
      : state_(std::move(state)), in_(in), out_(out) {}
  ~PipeEnd() override { state_->close("the other side is gone"); }
  Awaitable<Result<void>> send(T message) override {
    if (co_await out_.push(std::move(message))) co_return Result<void>();
    co_return state_->closed();
  }
  Awaitable<Result<T>> receive() override {
    if (auto message = co_await in_.pop()) co_return std::move(*message);
    co_return state_->closed();
  }
  void close(std::string reason) override { state_->close(std::move(reason)); }

 private:
  std::shared_ptr<State> state_;
  Mailbox<T>& in_;
  Mailbox<T>& out_;
};

template <class T>
std::pair<std::shared_ptr<Channel<T>>, std::shared_ptr<Channel<T>>> make_pipe(std::size_t capacity = 256) {
  auto state = std::make_shared<detail::PipeState<T>>(capacity);
  return {std::make_shared<PipeEnd<T>>(state, state->to_a, state->to_b),
          std::make_shared<PipeEnd<T>>(state, state->to_b, state->to_a)};
}

/// Where an in-memory agent dials and the hub accepts. Any thread; outlives both.
class MemoryPort {
 public:
  struct Stream {
    std::string id;  // of the OpenStream frame that asked for it
    std::shared_ptr<TextLink> link;
  };

  /// The agent's side. unavailable: closed, or the hub does not accept.
  Result<std::shared_ptr<FrameLink>> dial() {
    auto [ours, theirs] = make_pipe<Envelope>();
    if (!sessions_.try_push(theirs))
      return fail(Errc::unavailable, "the hub in this process takes no session");
    return ours;
  }
  Result<std::shared_ptr<TextLink>> dial_stream(std::string id) {
    auto [ours, theirs] = make_pipe<std::string>(64);
    Stream stream{std::move(id), theirs};
    if (!streams_.try_push(stream)) return fail(Errc::unavailable, "the hub in this process takes no stream");
    return ours;
  }
  /// The hub's side. nullopt: closed.
  Awaitable<std::optional<std::shared_ptr<FrameLink>>> accept() { return sessions_.pop(); }
  Awaitable<std::optional<Stream>> accept_stream() { return streams_.pop(); }
  void close() {
    sessions_.close();
    streams_.close();
  }

 private:
  Mailbox<std::shared_ptr<FrameLink>> sessions_{8};
  Mailbox<Stream> streams_{64};
};

}  // namespace drover::net
