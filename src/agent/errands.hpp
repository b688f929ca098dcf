#pragma once
// Carries out tasks that change no instance: commands through the keeper, questions, looks at the host. Lives
// on the agent's executor.

#include <functional>
#include <set>

#include "base/log.hpp"
#include "core/agent/agent.hpp"
#include "net/async.hpp"
#include "runtime/probes.hpp"

namespace drover::agent {

class Errands {
 public:
  struct Parts {
    net::Executor executor;
    runtime::ProcessDriver& driver;
    Log& log;
    const Clock& clock;
    std::function<void(Event)> feed;
    std::function<const AgentCore&()> core;
    std::function<boost::json::object()> about;  // facts of the agent itself, for a look
  };
  explicit Errands(Parts parts);

  void perform(RunErrand errand);
  void perform(const EndErrand& order);
  /// What is in progress is left to the keeper.
  net::Awaitable<void> close();

  /// The keeper's keys of the commands that the journal has as begun and not ended.
  static std::set<std::string> keys_of(const std::vector<AttemptRow>& attempts);

 private:
  net::Awaitable<void> carry_out(RunErrand errand);
  net::Awaitable<ErrandEnded> exec(RunErrand errand);
  net::Awaitable<ErrandEnded> probe(RunErrand errand);
  net::Awaitable<ErrandEnded> collect(RunErrand errand);
  net::Awaitable<boost::json::object> look_at(AgentCore::Seen seen);

  Parts parts_;
  runtime::Prober prober_;
  net::TaskGroup tasks_;
};

}  // namespace drover::agent
