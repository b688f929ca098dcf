#pragma once
// The agent's own API: 127.0.0.1:3080 and STATE/agent.sock. Callers other than root and the agent's own user
// may only GET /health. Handlers run on their connection's executor and hop to the agent's for everything of
// the core.

#include <map>
#include <memory>
#include <string>

#include "agent/core_loop.hpp"
#include "agent/options.hpp"
#include "net/server.hpp"
#include "runtime/process_driver.hpp"

namespace drover::agent {

class LocalApi {
 public:
  struct Parts {
    net::IoPool& pool;
    net::Executor executor, files;  // the agent's; where logs are read
    CoreLoop& core;
    runtime::ProcessDriver& driver;
    const Clock& clock;
    Log& log;
    std::string node, hub;
  };
  LocalApi(Parts parts, const AgentOptions& options);
  ~LocalApi();
  LocalApi(const LocalApi&) = delete;
  LocalApi& operator=(const LocalApi&) = delete;

  /// conflict: the port is taken, and by whom.
  Result<void> listen();
  std::uint16_t port() const;
  net::Awaitable<void> close();

  /// The core's answer to a LocalCommand. On the agent's executor.
  void answer(Answer answer);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace drover::agent
