#pragma once
// The agent: core, journal, keeper, link and local API put together. One per state directory.
//
//   agent::Agent agent({.state = dir}, {pool, clock, log, seed}, *agent::hub_dialer(dir, 20s));
//   net::wait_for(agent.executor(), agent.start()); … net::wait_for(agent.executor(), agent.stop("SIGTERM"));
//
// The core and everything that feeds it live on one executor. stop() before destruction.

#include <memory>
#include <string>
#include <vector>

#include "agent/dialer.hpp"
#include "agent/options.hpp"
#include "base/log.hpp"
#include "base/rng.hpp"
#include "core/agent/io.hpp"
#include "net/io_pool.hpp"

namespace drover::agent {

/// The world that main gives it. One thread is enough.
struct AgentParts {
  net::IoPool& pool;
  const Clock& clock;
  Log& log;
  std::uint64_t seed = 0;
};

/// STATE/uid: read, or made at random. The hub of the same process registers its node with it.
Result<NodeId> load_or_make_uid(const std::string& state, const Clock& clock, std::uint64_t seed);

class Agent {
 public:
  Agent(AgentOptions options, AgentParts parts, std::shared_ptr<Dialer> dialer);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Returns when it serves: keeper reached, what runs adopted, local API open, first dial begun.
  /// conflict: another agent (its pid is named) has this state directory, or the local API's port is taken.
  net::Awaitable<Result<void>> start();

  enum class Workloads : std::uint8_t {
    leave,  // they go on under the keeper
    end,    // all are stopped (each within its grace, at most `grace` here), and the keeper ends too
  };
  /// Says goodbye to the hub and ends. Idempotent. Also after a start() that failed.
  net::Awaitable<void> stop(std::string reason, Workloads workloads = Workloads::leave, Duration grace = 10s);

  net::Executor executor() const;
  std::uint16_t port() const;  // of the local API
  NodeId uid() const;
  std::string name() const;
  bool connected() const;  // welcomed by the hub; on executor() only

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace drover::agent
