#pragma once
// Keeps a session with the hub: dials, hands frames over in both directions, dials again with jitter.
// Lives on the agent's executor.

#include <memory>
#include <string>

#include "agent/core_loop.hpp"
#include "agent/dialer.hpp"
#include "agent/options.hpp"

namespace drover::agent {

class LinkLoop {
 public:
  struct Parts {
    net::Executor executor;
    CoreLoop& core;
    Dialer& dialer;
    const Clock& clock;
    Log& log;
    std::uint64_t seed = 0;
    std::function<void(const Welcome&)> on_welcome;
  };
  LinkLoop(Parts parts, const AgentOptions& options);

  void start();
  /// A frame of session `session`; dropped when that one is over.
  void send(Envelope envelope, std::uint64_t session);
  void close_link(const std::string& reason);
  /// What was sent is given at most `limit` to leave; then the link ends and is not dialled again.
  net::Awaitable<void> close(Duration limit);
  /// Why there is no session, for people; empty: there is one.
  const std::string& trouble() const { return trouble_; }

 private:
  net::Awaitable<void> run();
  net::Awaitable<std::string> serve(std::shared_ptr<net::FrameLink> link);
  using Outbox = std::shared_ptr<net::Mailbox<Envelope>>;
  net::Awaitable<void> write_all(std::shared_ptr<net::FrameLink> link, Outbox outbox);
  net::Awaitable<std::string> read_all(std::shared_ptr<net::FrameLink> link);
  net::Awaitable<void> pause();
  net::Awaitable<void> maintain();

  Parts parts_;
  const AgentOptions& options_;
  Rng rng_;
  net::TaskGroup tasks_;
  std::shared_ptr<net::FrameLink> link_;
  Outbox outbox_;
  std::uint64_t session_ = 0;  // of link_
  bool sending_ = false;
  Duration spread_ = 0s;  // of the last welcome
  std::uint32_t failures_ = 0;
  bool was_connected_ = false;
  std::string trouble_ = "not connected yet";
};

}  // namespace drover::agent
