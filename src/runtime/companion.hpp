#pragma once
// Short-lived commands beside an instance (probes), each in a cgroup of its own, as the keeper tells of them.

#include <map>
#include <memory>
#include <set>
#include <string>

#include "model/instance.hpp"
#include "runtime/keeper_client.hpp"
#include "runtime/spawn_spec.hpp"

namespace drover::runtime {

/// The keeper's words in ours.
WallTime wall_of(std::uint64_t ns);
/// nullopt: the main process has not ended.
std::optional<Exit> exit_of(const keeper::InstanceInfo& info);

/// Why the command before a stop did not succeed, for people.
std::string describe_hook(const keeper::InstanceInfo& info);

/// How such a command ended.
struct Ran {
  Exit exit;
  bool timed_out = false;
  std::string last_line;  // of its output
};

/// Lives on the driver's executor.
class Companions {
 public:
  struct Parts {
    net::Executor files;
    const Paths& paths;
    KeeperClient& keeper;
  };
  explicit Companions(Parts parts) : parts_(parts) {}

  /// Runs a command as `of`'s user, in its directory and environment; its whole tree is killed at the
  /// deadline, and nothing of it is left afterwards. `key`: an instance's id and a dot before a word; one at
  /// a time for each. conflict: the former one still runs. invalid: it cannot be run, and why.
  net::Awaitable<Result<Ran>> run(std::string key, agent::Spawn of, NodeWords node,
                                  std::vector<std::string> command, Duration timeout);

  void seen(const KeeperInstance& one);
  /// After a new connection: what is not among these keys has ended unseen.
  void listed(const std::set<std::string>& keys);

 private:
  struct Running {
    keeper::InstanceInfo latest;
    net::Event changed;
  };
  struct Entry;
  net::Awaitable<bool> reaches(Running& running, keeper::State state, Duration limit);
  Parts parts_;
  std::map<std::string, Running*> running_;
};

}  // namespace drover::runtime
