#pragma once
// Short-lived commands beside an instance (probes), each in a cgroup of its own, as the keeper tells of them.

#include <functional>
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
  bool ended = false;              // by end()
  std::vector<std::string> lines;  // the last ones of its output
  std::string last_line() const { return lines.empty() ? std::string() : lines.back(); }
};

/// What is to run beside an instance, or for itself.
struct CompanionOrder {
  std::string key;  // with a dot in it: none is an instance's id. One at a time for each
  agent::Spawn of;  // whose user, directory and environment it has
  NodeWords node;
  std::vector<std::string> command;
  std::optional<Duration> timeout;
  std::size_t lines = 1;  // how many of the last ones are kept
  std::function<void(std::string)> on_progress =
      {};  // its last line, when there is another; looked for each second
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
  /// deadline, and nothing of it is left afterwards. conflict: the former one still runs. invalid: it cannot
  /// be run, and why.
  net::Awaitable<Result<Ran>> run(CompanionOrder order);
  /// The same for one that an earlier life of this program has begun. not_found: nothing is left of it.
  net::Awaitable<Result<Ran>> resume(CompanionOrder order);
  /// Its whole tree is killed, and run() returns. Unknown: nothing happens.
  void end(const std::string& key);

  void seen(const KeeperInstance& one);
  /// After a new connection: what is not among these keys has ended unseen.
  void listed(const std::set<std::string>& keys);

 private:
  struct Running {
    keeper::InstanceInfo latest;
    net::Event changed;
    bool ended = false;
  };
  struct Entry;
  net::Awaitable<bool> reaches(Running& running, keeper::State state, std::optional<Duration> limit);
  net::Awaitable<bool> watch(Running& running, const CompanionOrder& order, const std::string& output);
  net::Awaitable<Ran> attend(Running& running, const CompanionOrder& order, std::uint64_t incarnation);
  std::string output_of(const std::string& key) const;
  Parts parts_;
  std::map<std::string, Running*> running_;
};

}  // namespace drover::runtime
