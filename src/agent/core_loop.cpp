#include "agent/core_loop.hpp"

namespace drover::agent {

namespace {
constexpr std::size_t many = 2048;  // effects that wait for the disk
}

CoreLoop::CoreLoop(CoreLoopParts parts, AgentSettings settings, std::unique_ptr<store::AgentJournal> journal,
                   Journal loaded)
    : parts_(std::move(parts)),
      rng_(parts_.seed),
      core_(std::move(settings), std::move(loaded)),
      journal_(std::move(journal)),
      tasks_(parts_.executor, [&log = parts_.log](std::string_view task, std::string_view what) {
        // What the core is in after an exception nobody knows: the next start reads the journal and adopts.
        log.error("the agent's core failed", {{"task", std::string(task)}, {"error", std::string(what)}});
        broken("the agent's core threw", __FILE__, __LINE__);
      }) {}

CoreLoop::~CoreLoop() = default;

void CoreLoop::start() { tasks_.spawn(run_timer(), "timer"); }

net::Awaitable<void> CoreLoop::close(Duration limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while ((committing_ || !pending_.effects.empty()) && std::chrono::steady_clock::now() < until) {
    drained_.reset();
    co_await drained_.wait_for(20ms);
  }
  tasks_.cancel();
  co_await tasks_.join();
}

void CoreLoop::feed(Event event) {
  queue_.push_back(std::move(event));
  if (stepping_) return;  // what a step's effects bring comes after that step
  stepping_ = true;
  while (!queue_.empty()) {
    const Event next = std::move(queue_.front());
    queue_.pop_front();
    if (std::holds_alternative<LinkUp>(next)) ++session_;
    take(core_.step(parts_.clock.now(), rng_, next));
  }
  stepping_ = false;
}

net::Awaitable<void> CoreLoop::feed_when_idle(Event event) {
  while (pending_.effects.size() > many) co_await net::sleep_for(5ms);
  feed(std::move(event));
}

void CoreLoop::take(Effects effects) {
  if (effects.wake != wake_) {
    wake_ = effects.wake;
    rewake_.set();
  }
  std::vector<Released> tagged;
  for (auto& effect : effects.then) tagged.push_back({std::move(effect), session_});
  if (effects.rows.empty() && pending_.rows.empty() && pending_.effects.empty() && !committing_)
    return release(std::move(tagged), true);
  std::move(effects.rows.begin(), effects.rows.end(), std::back_inserter(pending_.rows));
  std::move(tagged.begin(), tagged.end(), std::back_inserter(pending_.effects));
  kick();
}

void CoreLoop::release(std::vector<Released> effects, bool durable) {
  for (auto& one : effects) {
    if (const auto* confirm = std::get_if<Confirm>(&one.effect)) {
      if (durable) feed(Durable{confirm->serial});
      continue;
    }
    parts_.perform(std::move(one));
  }
}

void CoreLoop::kick() {
  if (committing_) return;
  committing_ = true;
  tasks_.spawn(commit(), "commit");
}

net::Awaitable<void> CoreLoop::commit() {
  while (!pending_.rows.empty() || !pending_.effects.empty()) {
    Batch batch = std::exchange(pending_, {});
    Result<void> written;
    if (!batch.rows.empty())
      co_await net::run_on(parts_.disk, [&] { written = journal_->commit(batch.rows); });
    journal_error_ = written ? std::string() : written.error().message + ": " + written.error().cause;
    release(std::move(batch.effects), written.has_value());
    if (!written) feed(JournalFailed{journal_error_});
  }
  committing_ = false;
  drained_.set();
}

net::Awaitable<void> CoreLoop::run_timer() {
  for (;;) {
    rewake_.reset();
    const auto now = parts_.clock.now().boot;
    if (wake_ && *wake_ <= now) {
      wake_.reset();
      feed(Tick{});
      continue;
    }
    // Not longer at once, so that a suspend of the machine is noticed soon after it.
    const Duration wait = wake_ ? std::min<Duration>(*wake_ - now, 30s) : Duration(30s);
    co_await rewake_.wait_for(wait);
  }
}

}  // namespace drover::agent
