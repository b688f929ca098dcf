#pragma once
// The core's home: one thread for HubCore, one for commits, and the rule between them: nothing that was
// decided or seen leaves before it is durable.
//
// Group commit: while one commit runs, the changes of further steps collect; they go out together. What a
// step has to say (answers, frames, news for watchers), and what a read has seen, is released in order: at
// once when nothing is pending, else with the commit that makes durable what it could have seen. A commit
// that fails ends the process (the next start reads the truth). A full disk does not: the batch is kept and
// tried again, new commands are refused before they reach the core, agents' sessions stay.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "core/hub/hub.hpp"
#include "net/async.hpp"
#include "net/io_pool.hpp"
#include "store/store.hpp"

namespace drover::hub {

/// What goes to one agent. The session's coroutine reads `out` until it is closed, and then hangs up.
struct SessionOut {
  SessionId id = 0;
  NodeId uid;
  net::Mailbox<Envelope> out{4096};
};

/// News for one reader: what was touched, or events came. `changes` is bounded; `missed`: it ran over.
struct Watch {
  net::Mailbox<std::shared_ptr<const Touched>> changes{1024};
  std::atomic<bool> missed = false;
  net::Event signal;  // set with every change; readers may use it for their own wake-ups too
};

struct EngineParts {
  HubSettings settings;
  store::HubStore& store;
  const Clock& clock;
  Log& log;
  std::uint64_t seed = 0;
  Duration disk_retry = 1s;                 // between attempts while the disk is full
  std::function<void(const Error&)> fatal;  // a commit failed; must not return to normal life
};

class Engine {
 public:
  Engine(EngineParts parts, Image image);
  /// close() first.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void start();
  /// Waits until everything pending is durable (at most `limit`), then ends the timers. No calls afterwards.
  net::Awaitable<void> close(Duration limit);

  /// A command's answer, when it is durable. unavailable: the disk is full, or it does not answer.
  net::Awaitable<Result<Answer>> submit(Who who, Command command,
                                        std::optional<Idempotency> idempotency = {});
  /// fn(const HubCore&) on the core's thread; the result when all that it could have seen is durable. fn may
  /// return a Result.
  template <class F>
  auto read(F fn) -> net::Awaitable<decltype(as_result(fn(std::declval<const HubCore&>())))>;
  /// The same without waiting for the disk: for what is never shown (credentials).
  template <class F>
  auto peek(F fn) -> net::Awaitable<std::invoke_result_t<F, const HubCore&>>;

  // ---- agents
  std::shared_ptr<SessionOut> open_session(NodeId uid, std::string address);
  /// Returns when the core has taken it: a fast agent waits here.
  net::Awaitable<void> frame(SessionId session, Envelope envelope);
  void close_session(SessionId session, std::string reason);
  /// Registered, and this is its present certificate? Any thread.
  bool admits(std::string_view uid, std::string_view serial) const;

  // ---- news
  std::shared_ptr<Watch> watch();
  /// Set whenever an event has become durable.
  std::shared_ptr<net::Event> watch_events();

  bool read_only() const { return read_only_; }
  std::uint64_t commits() const { return commits_; }
  const HubSettings& settings() const { return core_.settings(); }
  const Clock& clock() const { return parts_.clock; }
  store::HubStore& store() { return parts_.store; }
  net::Executor core_executor() const { return core_thread_.executor(0); }

 private:
  template <class T>
  struct Box {
    std::optional<T> value;
    net::Event done;
  };
  using Release = std::move_only_function<void()>;
  struct Pending {
    store::Batch batch;
    std::vector<Release> releases;
  };

  template <class T>
  static Result<T> as_result(Result<T> value) {
    return value;
  }
  template <class T>
  static Result<T> as_result(T value) {
    return value;
  }

  void step(const In& in);
  void release_later(Release release);
  void kick();
  void commit_flight();
  void committed(Result<void> done);
  void deliver(const Effects& effects, bool events);
  void notify(const Touched& touched, bool events);
  void update_admissions();
  net::Awaitable<void> run_timer();
  net::Awaitable<void> retry_commit();
  net::Awaitable<void> watch_disk();

  EngineParts parts_;
  // Core thread only, from here to read_only_.
  HubCore core_;
  Rng rng_;
  Pending pending_, flight_;
  bool in_flight_ = false;
  std::optional<BootTime> wake_;
  CallId next_call_ = 0;
  std::map<CallId, std::shared_ptr<Box<Result<Answer>>>> calls_;
  std::map<SessionId, std::shared_ptr<SessionOut>> sessions_;
  std::vector<std::weak_ptr<Watch>> watches_;
  std::vector<std::weak_ptr<net::Event>> event_watches_;

  std::atomic<bool> read_only_ = false;
  std::atomic<std::uint64_t> commits_ = 0;
  std::atomic<SessionId> next_session_ = 0;
  using Admissions = std::map<std::string, std::string, std::less<>>;  // uid → serial
  std::atomic<std::shared_ptr<const Admissions>> admissions_;
  net::Event woken_;
  net::IoPool core_thread_{1}, commit_thread_{1};
  net::TaskGroup tasks_;
};

/// How long an answer may wait for the disk.
inline constexpr Duration disk_patience = 60s;
inline Error disk_silent() {
  return {Errc::unavailable,
          "the hub's disk does not answer",
          {},
          "see the hub's log; the outcome is not known",
          {}};
}

template <class F>
auto Engine::read(F fn) -> net::Awaitable<decltype(as_result(fn(std::declval<const HubCore&>())))> {
  using R = decltype(as_result(fn(std::declval<const HubCore&>())));
  auto box = std::make_shared<Box<R>>();
  net::post(core_executor(), [this, box, fn = std::move(fn)]() mutable {
    box->value.emplace(as_result(fn(std::as_const(core_))));
    release_later([box] { box->done.set(); });
  });
  if (!co_await box->done.wait_for(disk_patience)) co_return fail(disk_silent());
  co_return std::move(*box->value);
}

template <class F>
auto Engine::peek(F fn) -> net::Awaitable<std::invoke_result_t<F, const HubCore&>> {
  std::optional<std::invoke_result_t<F, const HubCore&>> value;
  co_await net::run_on(core_executor(), [&] { value.emplace(fn(std::as_const(core_))); });
  co_return std::move(*value);
}

}  // namespace drover::hub
