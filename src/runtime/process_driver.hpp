#pragma once
// Programs of the host, through drover-keeper.

#include <map>
#include <memory>

#include "runtime/driver.hpp"
#include "runtime/keeper_client.hpp"
#include "runtime/run_record.hpp"
#include "runtime/spawn_spec.hpp"

namespace drover::runtime {

class ProcessDriver final : public Driver {
 public:
  /// `files`: an executor on another thread for what may block (files, user names). `log` and `on_event` are
  /// used on `executor` only.
  struct Parts {
    net::Executor executor, files;
    KeeperOptions keeper;
    OnEvent on_event;
  };
  ProcessDriver(Parts parts, Log& log);
  ~ProcessDriver() override;

  /// Connects to the keeper, or starts it.
  net::Awaitable<Result<void>> open();
  /// Leaves keeper and instances alone.
  net::Awaitable<void> close();
  void set_node(NodeWords node);
  const NodeWords& node() const;
  KeeperClient& keeper();
  const Paths& paths() const;
  net::Executor files() const;

  net::Awaitable<Result<std::vector<agent::Found>>> recover() override;
  net::Awaitable<std::expected<agent::Spawned, agent::SpawnFailed>> start(agent::Spawn spawn) override;
  net::Awaitable<Result<void>> stop(agent::StopRun order) override;
  net::Awaitable<Result<void>> forget(agent::ForgetRun order) override;
  net::Awaitable<Result<RunStats>> stats(agent::Run run) override;

  /// Runs a short-lived command as a run's own user, in its directory and environment, through the keeper;
  /// its tree is killed at the deadline. Never two at once for one (instance, asked).
  struct Ran {
    Exit exit;
    bool timed_out = false;
    std::string last_line;  // of its output
  };
  net::Awaitable<Result<Ran>> run_probe(agent::AskProbe probe, std::vector<std::string> command);

  /// A deleted instance: its directory with all logs.
  net::Awaitable<Result<void>> remove_files(agent::RemoveFiles what);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace drover::runtime
