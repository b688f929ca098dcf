#pragma once
// Programs of the host, through drover-keeper.

#include <map>
#include <memory>
#include <set>

#include "runtime/companion.hpp"
#include "runtime/driver.hpp"
#include "runtime/keeper_client.hpp"
#include "runtime/notify.hpp"
#include "runtime/run_record.hpp"
#include "runtime/spawn_spec.hpp"

namespace drover::runtime {

/// Where a run is found.
struct RunFacts {
  std::string cgroup, log_directory;
  std::int32_t pid = 0;
  WallTime started{};
};

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
  /// Before recover(): commands of tasks that are to be left alone, by key; others of a former agent are
  /// ended.
  void keep_commands(std::set<std::string> keys);
  net::Awaitable<std::expected<agent::Spawned, agent::SpawnFailed>> start(agent::Spawn spawn) override;
  net::Awaitable<Result<void>> stop(agent::StopRun order) override;
  net::Awaitable<Result<void>> adjust(agent::AdjustRun order) override;
  net::Awaitable<Result<void>> reload(agent::ReloadRun order) override;
  net::Awaitable<Result<void>> forget(agent::ForgetRun order) override;
  net::Awaitable<Result<RunStats>> stats(agent::Run run) override;

  /// A short-lived command beside a run: Companions::run. `word` tells those of one instance apart.
  net::Awaitable<Result<Ran>> run_beside(std::string word, agent::Spawn of, std::vector<std::string> command,
                                         Duration timeout);

  /// A task's command, in a cgroup of its own: Companions::run, or resume with `again`.
  net::Awaitable<Result<Ran>> run_command(CompanionOrder order, bool again);
  void end_command(const std::string& key);

  /// nullopt: this run is not known.
  std::optional<RunFacts> facts(agent::Run run) const;
  /// Another run of its name has the same passed sockets: one takes the other's place.
  bool shares_sockets(agent::Run run) const;
  const NotifySockets& notify() const;

  /// A deleted instance: its directory with all logs.
  net::Awaitable<Result<void>> remove_files(agent::RemoveFiles what);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace drover::runtime
