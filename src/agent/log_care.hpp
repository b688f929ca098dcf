#pragma once
// Has runtime/log_care look after the log files, again and again, on a thread that only idle time is given
// to.

#include <atomic>
#include <string>

#include "agent/core_loop.hpp"
#include "agent/options.hpp"
#include "base/log.hpp"
#include "net/io_pool.hpp"
#include "runtime/log_care.hpp"
#include "runtime/paths.hpp"

namespace drover::agent {

/// On the agent's executor. stop() before destruction.
class LogCareLoop {
 public:
  struct Parts {
    net::Executor executor;
    CoreLoop& core;
    const Clock& clock;
    Log& log;
    const runtime::Paths& paths;
  };
  LogCareLoop(Parts parts, const AgentOptions& options);
  void start();
  net::Awaitable<void> stop();  // within one frame's compression

 private:
  net::Awaitable<void> run();
  runtime::LogCare wanted() const;
  void report(const runtime::LogCareDone& done);

  Parts parts_;
  const AgentOptions& options_;
  net::IoPool idle_{1};
  std::atomic<bool> stopping_ = false;
  std::string problem_;  // told already
  net::TaskGroup group_;
};

}  // namespace drover::agent
