#pragma once
// How an agent reaches its hub.

#include <memory>
#include <string>

#include "net/channel.hpp"

namespace drover::agent {

/// Used on the agent's executor. Any call may be cancelled.
class Dialer {
 public:
  virtual ~Dialer() = default;
  virtual net::Awaitable<Result<std::shared_ptr<net::FrameLink>>> dial() = 0;
  /// For an OpenStream frame.
  virtual net::Awaitable<Result<std::shared_ptr<net::TextLink>>> dial_stream(std::string id) = 0;
  virtual std::string hub() const = 0;  // for people: "https://hub:3079", "this process"
  /// Called every hour and after each connection: renews what has to be renewed. Default: nothing.
  virtual net::Awaitable<Result<void>> maintain(WallTime) { co_return Result<void>(); }
};

/// The hub of the same process (`drover up`). `port` outlives it.
std::shared_ptr<Dialer> memory_dialer(net::MemoryPort& port);

/// The hub that the identity in `state` was given by (agent/join.hpp): WebSocket over mutual TLS.
/// not_found: this directory has not joined a hub.
Result<std::shared_ptr<Dialer>> hub_dialer(const std::string& state, Duration connect);

}  // namespace drover::agent
