#pragma once
// A hub that does what the test says, at the other end of the in-memory link. It answers hello, heartbeats,
// outcomes and local requests by itself.

#include <condition_variable>
#include <mutex>

#include "base/rng.hpp"
#include "net/channel.hpp"
#include "net/io_pool.hpp"

namespace drover::agent {

class ScriptedHub {
 public:
  ScriptedHub(net::IoPool& pool, net::MemoryPort& port, StoreId store)
      : executor_(pool.executor(2)), port_(port), store_(store), tasks_(executor_, {}) {
    tasks_.spawn(accept(), "accept");
    tasks_.spawn(accept_streams(), "streams");
  }
  ~ScriptedHub() {
    tasks_.cancel();
    net::wait_for(executor_, tasks_.join());
  }

  void send(Frame frame) {
    net::post(executor_, [this, frame = std::move(frame)]() mutable { push(std::move(frame)); });
  }
  void cut() {
    const std::lock_guard lock(mutex_);
    if (link_) link_->close("cut by the test");
  }

  bool wait(const std::function<bool()>& condition, Duration limit = 10s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, condition);
  }
  std::optional<TaskEnded> wait_outcome(TaskId task, Duration limit = 10s) {
    wait([&] { return outcomes_.contains(task); }, limit);
    const std::lock_guard lock(mutex_);
    const auto found = outcomes_.find(task);
    return found == outcomes_.end() ? std::nullopt : std::optional(found->second);
  }
  /// The latest record of an instance once `fits` says so.
  std::optional<Observed> wait_observed(InstanceId id, const std::function<bool(const Observed&)>& fits,
                                        Duration limit = 10s) {
    wait([&] { return observed_.contains(id) && fits(observed_.at(id)); }, limit);
    const std::lock_guard lock(mutex_);
    const auto found = observed_.find(id);
    return found == observed_.end() || !fits(found->second) ? std::nullopt : std::optional(found->second);
  }
  std::optional<Observed> wait_state(InstanceId id, InstanceState state, Duration limit = 10s) {
    return wait_observed(id, [state](const Observed& o) { return o.state == state; }, limit);
  }
  /// Sessions that have been welcomed.
  std::size_t welcomed() const {
    const std::lock_guard lock(mutex_);
    return welcomed_;
  }
  std::size_t sessions() const {
    const std::lock_guard lock(mutex_);
    return sessions_;
  }
  bool said_goodbye() const {
    const std::lock_guard lock(mutex_);
    return goodbye_;
  }
  std::vector<std::string> stream(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(id);
    return found == streams_.end() ? std::vector<std::string>() : found->second;
  }
  bool stream_ended(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return ended_streams_.contains(id);
  }
  bool streams_lines(const std::string& id, std::size_t count, Duration limit = 10s) {
    return wait([&] { return streams_[id].size() >= count; }, limit);
  }
  void close_stream(const std::string& id) {
    const std::lock_guard lock(mutex_);
    if (stream_links_.contains(id)) stream_links_[id]->close("the reader has gone");
  }

 private:
  void push(Frame frame) {
    if (outbox_) (void)outbox_->try_push(Envelope{++sent_, received_, 1, std::move(frame)});
  }
  net::Awaitable<void> accept() {
    while (auto link = co_await port_.accept()) {
      {
        const std::lock_guard lock(mutex_);
        link_ = *link;
        ++sessions_;
      }
      sent_ = received_ = 0;
      outbox_ = std::make_shared<net::Mailbox<Envelope>>(1024);
      tasks_.spawn(write(*link, outbox_), "write");
      co_await read(*link);
      outbox_->close();
    }
  }
  static net::Awaitable<void> write(std::shared_ptr<net::FrameLink> link,
                                    std::shared_ptr<net::Mailbox<Envelope>> outbox) {
    while (auto envelope = co_await outbox->pop())
      if (!co_await link->send(std::move(*envelope))) co_return;
  }
  net::Awaitable<void> read(std::shared_ptr<net::FrameLink> link) {
    while (auto envelope = co_await link->receive()) {
      received_ = envelope->n;
      const std::lock_guard lock(mutex_);
      take(envelope->frame);
      changed_.notify_all();
    }
  }
  void see(const Observed& one) { observed_[one.instance] = one; }
  void take(const Frame& frame) {
    if (std::holds_alternative<Hello>(frame)) {
      Welcome welcome;
      welcome.store = store_;
      welcome.name = "pve1";
      welcome.ticket = "ticket";
      welcome.labels = {{"site", "home"}};
      push(welcome);
      ++welcomed_;
    } else if (const auto* beat = std::get_if<Heartbeat>(&frame)) {
      push(HeartbeatAck{beat->sent});
    } else if (const auto* ended = std::get_if<TaskEnded>(&frame)) {
      outcomes_[ended->task] = *ended;
      push(OutcomeRecorded{ended->task, ended->attempt});
    } else if (const auto* report = std::get_if<StateReport>(&frame)) {
      for (const auto& one : report->instances) see(one);
    } else if (const auto* inventory = std::get_if<Inventory>(&frame)) {
      for (const auto& one : inventory->instances) see(one);
    } else if (const auto* asked = std::get_if<LocalRequest>(&frame)) {
      push(LocalAnswer{asked->id, true, asked->action + "ing " + asked->target});
    } else if (std::holds_alternative<Goodbye>(frame)) {
      goodbye_ = true;
    }
  }
  net::Awaitable<void> accept_streams() {
    while (auto stream = co_await port_.accept_stream()) {
      {
        const std::lock_guard lock(mutex_);
        stream_links_[stream->id] = stream->link;
      }
      tasks_.spawn(read_stream(*stream), "stream");
    }
  }
  net::Awaitable<void> read_stream(net::MemoryPort::Stream stream) {
    while (auto line = co_await stream.link->receive()) {
      const std::lock_guard lock(mutex_);
      streams_[stream.id].push_back(*line);
      changed_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    ended_streams_.insert(stream.id);
    changed_.notify_all();
  }

  net::Executor executor_;
  net::MemoryPort& port_;
  StoreId store_;
  net::TaskGroup tasks_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<net::FrameLink> link_;
  std::shared_ptr<net::Mailbox<Envelope>> outbox_;  // on executor_
  std::uint64_t sent_ = 0, received_ = 0;
  std::size_t sessions_ = 0, welcomed_ = 0;
  bool goodbye_ = false;
  std::map<TaskId, TaskEnded> outcomes_;
  std::map<InstanceId, Observed> observed_;
  std::map<std::string, std::vector<std::string>> streams_;
  std::map<std::string, std::shared_ptr<net::TextLink>> stream_links_;
  std::set<std::string> ended_streams_;
};

}  // namespace drover::agent
