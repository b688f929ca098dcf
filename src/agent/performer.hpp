#pragma once
// Carries out the core's effects on the host and feeds back what came of them. Starts, stops and removals of
// one instance run one after the other; different instances and probes run side by side. Lives on the agent's
// executor.

#include <deque>
#include <functional>
#include <map>
#include <variant>

#include "base/log.hpp"
#include "core/agent/io.hpp"
#include "net/async.hpp"
#include "runtime/file_watch.hpp"
#include "runtime/probes.hpp"

namespace drover::agent {

class Performer {
 public:
  Performer(net::Executor executor, runtime::ProcessDriver& driver, Log& log,
            std::function<void(Event)> feed);

  void perform(Spawn effect) { queue(effect.run.instance, std::move(effect)); }
  void perform(StopRun effect) { queue(effect.run.instance, std::move(effect)); }
  void perform(AdjustRun effect) { queue(effect.run.instance, std::move(effect)); }
  void perform(ForgetRun effect) { queue(effect.run.instance, std::move(effect)); }
  void perform(RemoveFiles effect) { queue(effect.instance, std::move(effect)); }
  void perform(ReloadRun effect);
  void perform(AskProbe effect);
  void perform(Measure effect);
  void perform(LookAtPorts effect);
  void perform(WatchFiles effect) { watch_.set(std::move(effect)); }

  /// What is in progress is cancelled; the truth is in the keeper.
  net::Awaitable<void> close();

 private:
  using Work = std::variant<Spawn, StopRun, AdjustRun, ForgetRun, RemoveFiles>;
  void queue(InstanceId instance, Work work);
  net::Awaitable<void> run_lane(InstanceId instance);
  net::Awaitable<void> carry_out(Work work);
  net::Awaitable<void> start(Spawn spawn);
  net::Awaitable<void> stop(StopRun order);
  net::Awaitable<void> adjust(AdjustRun order);
  net::Awaitable<void> reload(ReloadRun order);
  net::Awaitable<void> forget(ForgetRun order);
  net::Awaitable<void> remove(RemoveFiles what);
  net::Awaitable<void> probe(AskProbe what);
  net::Awaitable<void> measure(Run run);
  net::Awaitable<void> look(LookAtPorts what);

  runtime::ProcessDriver& driver_;
  Log& log_;
  std::function<void(Event)> feed_;
  std::map<InstanceId, std::deque<Work>> lanes_;
  runtime::Prober prober_;
  runtime::FileWatch watch_;
  net::TaskGroup tasks_;
};

}  // namespace drover::agent
