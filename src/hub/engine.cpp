#include "hub/engine.hpp"

#include <algorithm>

namespace drover::hub {

namespace {
constexpr Duration longest_sleep = 5s;
constexpr std::size_t max_pending =
    200'000;  // changes; then commands are refused until the disk has caught up

Error full_disk() {
  return {Errc::unavailable,
          "the hub is read-only: its disk is full",
          {},
          "make room on the disk that holds the hub's state directory; what runs goes on",
          {}};
}
bool is_empty(const Touched& it) {
  return it.nodes.empty() && it.stacks.empty() && it.services.empty() && it.instances.empty() &&
         it.tasks.empty() && it.deployments.empty() && it.operations.empty();
}
Level level_of(const Event& event) {
  return event.level == "error" ? Level::error : event.level == "warn" ? Level::warn : Level::info;
}
/// What happened is in our own log too, beside what the nodes' programs say of the same request.
void log_events(Log& log, const store::Batch& batch) {
  for (const auto& change : batch.changes)
    if (const auto* event = std::get_if<Event>(&change))
      log.write(level_of(*event), event->message,
                {{"correlationId", event->who.correlation},
                 {"event", event->type},
                 {"subject", event->subject},
                 {"node", event->node},
                 {"actor", event->who.actor}});
}
/// Commands that store nothing are carried out on a full disk too.
bool stores_nothing(const Command& command) { return std::holds_alternative<RelayFrame>(command); }
}  // namespace

Engine::Engine(EngineParts parts, Image image)
    : parts_(std::move(parts)),
      core_(parts_.settings, std::move(image), parts_.clock.now()),
      rng_(parts_.seed),
      tasks_(core_thread_.executor(0), [this](std::string_view task, std::string_view what) {
        parts_.fatal({Errc::internal,
                      "a task of the hub ended by an exception: " + std::string(task),
                      std::string(what),
                      {},
                      {}});
      }) {
  update_admissions();
}

Engine::~Engine() {
  commit_thread_.stop();
  core_thread_.stop();
}

void Engine::start() {
  net::post(core_executor(), [this] { step(Tick{}); });
  tasks_.spawn(run_timer(), "timer");
  tasks_.spawn(watch_disk(), "disk");
}

net::Awaitable<void> Engine::close(Duration limit) {
  (void)co_await net::within(limit, read([](const HubCore&) { return true; }), "the last commit");
  tasks_.cancel();
  co_await tasks_.join();
}

// ---- steps and commits (core thread)

void Engine::step(const In& in) {
  auto effects = std::make_shared<Effects>(core_.step(parts_.clock.now(), rng_, in));
  bool events = std::ranges::any_of(effects->changes,
                                    [](const Change& it) { return std::holds_alternative<Event>(it); });
  if (effects->wake != wake_) {
    wake_ = effects->wake;
    woken_.set();
  }
  if (!effects->changes.empty()) pending_.batch.commit = effects->commit;
  std::ranges::move(effects->changes, std::back_inserter(pending_.batch.changes));
  effects->changes.clear();
  release_later([this, effects, events] { deliver(*effects, events); });
}

void Engine::release_later(Release release) {
  if (!pending_.batch.changes.empty()) pending_.releases.push_back(std::move(release));
  else if (in_flight_) flight_.releases.push_back(std::move(release));
  else return release();
  kick();
}

void Engine::kick() {
  if (in_flight_ || pending_.batch.changes.empty()) return;
  in_flight_ = true;
  flight_ = std::exchange(pending_, {});
  commit_flight();
}

void Engine::commit_flight() {
  net::post(commit_thread_.executor(0), [this] {
    auto done = parts_.store.commit(flight_.batch);
    net::post(core_executor(), [this, done = std::move(done)] { committed(done); });
  });
}

void Engine::committed(Result<void> done) {
  if (!done && done.error().code != Errc::exhausted) return parts_.fatal(done.error());
  if (!parts_.store.has_reserve() && !read_only_.exchange(true))
    parts_.log.error("the disk is full: read-only until there is room",
                     {{"hint", "make room on the disk that holds the state directory"}});
  if (!done) return tasks_.spawn(retry_commit(), "commit again");
  ++commits_;
  log_events(parts_.log, flight_.batch);
  in_flight_ = false;
  auto releases = std::exchange(flight_, {}).releases;
  for (auto& release : releases) release();
  kick();
}

net::Awaitable<void> Engine::retry_commit() {
  co_await net::sleep_for(parts_.disk_retry);
  commit_flight();
}

/// Looks for room again while the disk is full.
net::Awaitable<void> Engine::watch_disk() {
  for (;;) {
    co_await net::sleep_for(read_only_ ? parts_.disk_retry : longest_sleep);
    if (!read_only_) continue;
    bool room = false;
    co_await net::run_on(commit_thread_.executor(0), [&] { room = parts_.store.take_reserve(); });
    if (!room) continue;
    read_only_ = false;
    parts_.log.info("there is room on the disk again: writes are taken");
  }
}

net::Awaitable<void> Engine::run_timer() {
  for (;;) {
    auto now = parts_.clock.now().boot;
    if (wake_ && *wake_ <= now) {
      step(Tick{});
      now = parts_.clock.now().boot;
    }
    auto pause = wake_ ? std::clamp(*wake_ - now, Duration(1ms), longest_sleep) : longest_sleep;
    (void)co_await woken_.wait_for(pause);
    woken_.reset();
  }
}

// ---- what is released

void Engine::deliver(const Effects& effects, bool events) {
  if (!effects.touched.nodes.empty()) update_admissions();
  for (const auto& frame : effects.frames) {
    auto found = sessions_.find(frame.session);
    if (found == sessions_.end()) continue;
    auto envelope = frame.envelope;
    if (!found->second->out.try_push(envelope))
      found->second->out.close();  // does not keep up: it comes again
  }
  for (const auto& close : effects.closes)
    if (auto found = sessions_.find(close.session); found != sessions_.end()) found->second->out.close();
  for (const auto& reply : effects.replies) {
    auto found = calls_.find(reply.id);
    if (found == calls_.end()) continue;
    found->second->value.emplace(reply.result);
    found->second->done.set();
    calls_.erase(found);
  }
  notify(effects.touched, events);
}

void Engine::notify(const Touched& touched, bool events) {
  if (events) {
    std::erase_if(event_watches_, [](const auto& it) { return it.expired(); });
    for (auto& it : event_watches_)
      if (auto event = it.lock()) event->set();
  }
  std::erase_if(watches_, [](const auto& it) { return it.expired(); });
  if (watches_.empty() || (!events && is_empty(touched))) return;
  auto shared = std::make_shared<const Touched>(touched);
  for (auto& it : watches_)
    if (auto watch = it.lock()) {
      if (!watch->changes.try_push(std::shared_ptr(shared))) watch->missed = true;
      watch->signal.set();
    }
}

void Engine::update_admissions() {
  auto now = std::make_shared<Admissions>();
  for (const auto& [id, node] : core_.state().nodes) now->emplace(to_string(id), node.row.serial);
  admissions_ = std::move(now);
}

bool Engine::admits(std::string_view uid, std::string_view serial) const {
  auto now = admissions_.load();
  auto found = now->find(uid);
  return found != now->end() && found->second == serial;
}

// ---- from other threads

net::Awaitable<Result<Answer>> Engine::submit(Who who, Command command,
                                              std::optional<Idempotency> idempotency) {
  if (read_only_ && !stores_nothing(command)) co_return fail(full_disk());
  auto box = std::make_shared<Box<Result<Answer>>>();
  auto call = std::make_shared<Call>(Call{0, std::move(who), std::move(command), std::move(idempotency)});
  net::post(core_executor(), [this, box, call] {
    if (pending_.batch.changes.size() > max_pending) {
      box->value.emplace(fail(Errc::unavailable, "the hub's disk does not keep up", {}, "try again later"));
      return box->done.set();
    }
    call->id = ++next_call_;
    calls_[call->id] = box;
    step(std::move(*call));
  });
  if (!co_await box->done.wait_for(disk_patience)) co_return fail(disk_silent());
  co_return std::move(*box->value);
}

std::shared_ptr<SessionOut> Engine::open_session(NodeId uid, std::string address) {
  auto session = std::make_shared<SessionOut>();
  session->id = ++next_session_;
  session->uid = uid;
  net::post(core_executor(), [this, session, address = std::move(address)] {
    sessions_[session->id] = session;
    step(SessionOpened{session->id, session->uid, address});
  });
  return session;
}

net::Awaitable<void> Engine::frame(SessionId session, Envelope envelope) {
  co_await net::run_on(core_executor(),
                       [this, in = SessionFrame{session, std::move(envelope)}] { step(in); });
}

void Engine::close_session(SessionId session, std::string reason) {
  net::post(core_executor(), [this, session, reason = std::move(reason)] {
    sessions_.erase(session);
    step(SessionClosed{session, reason});
  });
}

std::shared_ptr<Watch> Engine::watch() {
  auto watch = std::make_shared<Watch>();
  net::post(core_executor(), [this, watch] { watches_.push_back(watch); });
  return watch;
}

std::shared_ptr<net::Event> Engine::watch_events() {
  auto event = std::make_shared<net::Event>();
  net::post(core_executor(), [this, event] { event_watches_.push_back(event); });
  return event;
}

}  // namespace drover::hub
