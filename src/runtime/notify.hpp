#pragma once
// What programs say by sd_notify(3): a datagram socket for each run that listens, at a path that stays the
// same over the agent's deaths (RUN/notify/<id>). Its sender is known by SCM_CREDENTIALS, and only the run's
// own processes are heard. What they said lies beside the socket, so that a new agent knows it too; what is
// said while there is no agent is lost, and the sender is told so by the kernel.
// Protocol: man 3 sd_notify, man 3 sd_watchdog_enabled.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "core/agent/io.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/paths.hpp"

namespace drover::runtime {

/// Its program is asked to speak by itself.
bool listens(const Service& service);
/// NOTIFY_SOCKET, and WATCHDOG_USEC where `live` asks for it. Empty: it does not listen.
std::vector<std::string> notify_environment(const Paths& paths, const InstanceId& id, const Service& service);

/// All that a program has said.
struct Said {
  std::uint64_t incarnation = 0;
  bool ready = false, reloading = false, stopping = false;
  std::string status;         // STATUS=
  std::int32_t error = 0;     // ERRNO=
  std::int32_t main_pid = 0;  // MAINPID=, of the run's own
};
BOOST_DESCRIBE_STRUCT(Said, (), (incarnation, ready, reloading, stopping, status, error, main_pid))

class NotifySockets {
 public:
  struct Parts {
    net::Executor executor, files;
    Paths paths;
    std::function<void(agent::Event)> on_event;
    /// Is this process one of the run's? Called on `files` with what facts() gave on `executor`.
    std::function<std::function<bool(std::int32_t pid, std::uint32_t uid)>(agent::Run)> belongs;
  };
  NotifySockets(Parts parts, Log& log);
  ~NotifySockets();

  /// Binds. `fresh`: a new run, of which nothing has been said; otherwise one that is adopted.
  Result<void> open(agent::Run run, bool fresh);
  /// Adopts, if the run had a socket.
  void reopen(agent::Run run);
  /// The run is gone, and its socket with it.
  void close(agent::Run run);
  /// Reading ends; files stay for the next agent.
  net::Awaitable<void> stop();

  /// nullopt: nothing is bound for it.
  std::optional<Said> said(agent::Run run) const;
  /// How long ago it gave a sign of life (WATCHDOG=1, or its begin here).
  std::optional<Duration> silence(agent::Run run) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace drover::runtime
