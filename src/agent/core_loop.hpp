#pragma once
// The core's home: steps it, writes its rows, and lets everything else of a step go only when they are
// durable.
//
// Group commit: while one commit runs, the steps that follow collect; they go out together. A commit that
// fails is told to the core, which holds everything in memory and writes it again later; what it decided is
// carried out all the same. Lives on one executor; the journal is used on another thread, one call at a time.

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/log.hpp"
#include "core/agent/agent.hpp"
#include "net/async.hpp"
#include "store/journal.hpp"

namespace drover::agent {

/// An effect, and the link session in which it was decided: a frame for an old session must not enter a new
/// one.
struct Released {
  Effect effect;
  std::uint64_t session = 0;
};

struct CoreLoopParts {
  net::Executor executor, disk;
  const Clock& clock;
  Log& log;
  std::uint64_t seed = 0;
  std::function<void(Released)> perform;  // on `executor`; may feed
};

class CoreLoop {
 public:
  CoreLoop(CoreLoopParts parts, AgentSettings settings, std::unique_ptr<store::AgentJournal> journal,
           Journal loaded);
  ~CoreLoop();
  CoreLoop(const CoreLoop&) = delete;
  CoreLoop& operator=(const CoreLoop&) = delete;

  void start();  // the timer
  /// Waits until nothing is pending (at most `limit`), then ends.
  net::Awaitable<void> close(Duration limit);

  /// On `executor`. LinkUp begins a new session.
  void feed(Event event);
  /// Waits while too much is pending: for what comes in from the network.
  net::Awaitable<void> feed_when_idle(Event event);
  std::uint64_t session() const { return session_; }
  const AgentCore& core() const { return core_; }
  /// Why the journal cannot be written now; empty: it can.
  const std::string& journal_error() const { return journal_error_; }

 private:
  struct Batch {
    std::vector<Row> rows;
    std::vector<Released> effects;
  };
  void take(Effects effects);
  void release(std::vector<Released> effects, bool durable);
  void kick();
  net::Awaitable<void> commit();
  net::Awaitable<void> run_timer();

  CoreLoopParts parts_;
  Rng rng_;
  AgentCore core_;
  std::unique_ptr<store::AgentJournal> journal_;
  std::string journal_error_;
  net::TaskGroup tasks_;
  std::deque<Event> queue_;
  bool stepping_ = false, committing_ = false;
  Batch pending_;
  std::uint64_t session_ = 0;
  std::optional<BootTime> wake_;
  net::Event rewake_, drained_;
};

}  // namespace drover::agent
