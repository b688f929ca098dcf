#pragma once
// Logs on their way from agents to readers: the hub asks an agent to dial, the agent's connection is handed
// to the request that waits for it.

#include <map>
#include <memory>
#include <string>

#include "hub/engine.hpp"
#include "net/channel.hpp"

namespace drover::hub {

using LogBox = net::Mailbox<std::shared_ptr<net::TextLink>>;

/// Any thread.
class LogStreams {
 public:
  explicit LogStreams(Engine& engine) : engine_(engine) {}

  /// Asks `node` for a stream and waits until it has dialled. unavailable: the agent is away. timeout: it did
  /// not come within 10 s.
  net::Awaitable<Result<std::shared_ptr<net::TextLink>>> open(Who who, NodeId node, OpenStream request);
  /// An agent has dialled. False: nobody waits for this id, or it was asked of another node.
  net::Awaitable<bool> offer(std::string id, NodeId node, std::shared_ptr<net::TextLink> link);

 private:
  struct Waiting {
    NodeId node;
    std::weak_ptr<LogBox> box;  // gone when its request is
  };
  Engine& engine_;
  std::map<std::string, Waiting> waiting_;  // core thread only
};

}  // namespace drover::hub
