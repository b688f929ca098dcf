#pragma once
// What only main can build: the long-running programs. The CLI starts them through this.

#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "cli/context.hpp"
#include "cli/daemon_config.hpp"

namespace drover::cli {

/// A hub and an agent in this process.
class LocalHub {
 public:
  virtual ~LocalHub() = default;  // without stop(): what runs goes on
  /// Stops everything in order, ends the keeper too: nothing is left behind. `force`: at once, no grace.
  virtual Result<void> stop(bool force) = 0;
  /// The UI's address; while nobody has a password, with a link that logs in once.
  virtual std::string ui() = 0;
  /// One line for the service manager, if there is one.
  virtual void tell(const std::string& status) = 0;
};

struct JoinRequest {
  std::string line, state, name;
  std::map<std::string, std::string> labels;
};

struct Programs {
  /// `state`: absolute. Returns when the API answers on STATE/hub.sock.
  std::function<Result<std::unique_ptr<LocalHub>>(const Context&, const UpConfig&, const std::string& state)>
      up;
  /// Run until SIGTERM; the exit status.
  std::function<Result<int>(const Context&, const HubConfig&, const std::string& state)> hub;
  std::function<Result<int>(const Context&, const AgentConfig&, const std::string& state)> agent;
  std::function<Result<std::string>(const Context&, const JoinRequest&)> join;  // what to tell the person
};

}  // namespace drover::cli
