#pragma once
// What a driver is: it runs instances on this node, whatever they are made of.

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "core/agent/io.hpp"
#include "net/async.hpp"

namespace drover::runtime {

/// Figures of one run; what cannot be known is absent.
struct RunStats {
  std::optional<double> cpu_seconds;
  std::optional<std::uint64_t> memory_bytes;  // working set
  std::optional<std::uint32_t> processes;
};

/// Runs instances on this node. Instances outlive the agent. Lives on one executor. Calls for one run never
/// overlap. Any call may be cancelled; afterwards the truth is what recover() says. Ends are told as events
/// (agent::Exited, Emptied, Stuck) through the function given at construction.
class Driver {
 public:
  using OnEvent = std::function<void(agent::Event)>;
  virtual ~Driver() = default;
  /// All that carry our mark, known or not. Call it first.
  virtual net::Awaitable<Result<std::vector<agent::Found>>> recover() = 0;
  /// This run is there already: success.
  virtual net::Awaitable<std::expected<agent::Spawned, agent::SpawnFailed>> start(agent::Spawn spawn) = 0;
  /// Returns when the order is with someone who sees it through, even without us; the end comes as events.
  /// Unknown: success, and Emptied is told.
  virtual net::Awaitable<Result<void>> stop(agent::StopRun order) = 0;
  /// New settings of its log. A run that is gone: success.
  virtual net::Awaitable<Result<void>> adjust(agent::AdjustRun order) = 0;
  /// The run takes its configuration anew. unavailable: the keeper is away. Else: why it could not be told.
  virtual net::Awaitable<Result<void>> reload(agent::ReloadRun order) = 0;
  /// Its end has been taken in; nothing needs to be remembered. Unknown: success.
  virtual net::Awaitable<Result<void>> forget(agent::ForgetRun order) = 0;
  virtual net::Awaitable<Result<RunStats>> stats(agent::Run run) = 0;
};

}  // namespace drover::runtime
