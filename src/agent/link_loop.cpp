#include "agent/link_loop.hpp"

#include "protocol/session.hpp"

namespace drover::agent {

namespace {
constexpr std::size_t outbox_size = 8192;
constexpr Duration maintain_every = std::chrono::hours(1);
}  // namespace

LinkLoop::LinkLoop(Parts parts, const AgentOptions& options)
    : parts_(std::move(parts)),
      options_(options),
      rng_(parts_.seed),
      tasks_(parts_.executor, [&log = parts_.log](std::string_view task, std::string_view what) {
        log.error("the link failed", {{"task", std::string(task)}, {"error", std::string(what)}});
        broken("the agent's link threw", __FILE__, __LINE__);
      }) {}

void LinkLoop::start() {
  tasks_.spawn(run(), "link");
  tasks_.spawn(maintain(), "maintain");
}

void LinkLoop::send(Envelope envelope, std::uint64_t session) {
  if (!outbox_ || session != session_) return;
  if (!outbox_->try_push(envelope)) close_link("the hub does not take our frames fast enough");
}

void LinkLoop::close_link(const std::string& reason) {
  if (link_) link_->close(reason);
}

net::Awaitable<void> LinkLoop::close(Duration limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (outbox_ && (outbox_->size() > 0 || sending_) && std::chrono::steady_clock::now() < until)
    co_await net::sleep_for(2ms);
  close_link("the agent ends");
  tasks_.cancel();
  co_await tasks_.join();
}

net::Awaitable<void> LinkLoop::run() {
  for (;;) {
    auto link = co_await net::within(options_.connect, parts_.dialer.dial(), "the connection to the hub");
    if (link) {
      const auto reason = co_await serve(std::move(*link));
      trouble_ = reason;
      parts_.log.warn("the link to the hub is down", {{"hub", parts_.dialer.hub()}, {"reason", reason}});
    } else {
      const auto& error = link.error();
      const auto reason = error.cause.empty() ? error.message : error.message + ": " + error.cause;
      if (reason != trouble_)
        parts_.log.warn("the hub cannot be reached; what runs here goes on",
                        {{"hub", parts_.dialer.hub()}, {"reason", reason}});
      trouble_ = reason;
      ++failures_;
    }
    co_await pause();
  }
}

/// First spread out, so that a thousand agents do not come back at once; then exponential with full jitter.
net::Awaitable<void> LinkLoop::pause() {
  auto longest = options_.reconnect;
  for (std::uint32_t i = 1; i < failures_ && longest < options_.reconnect_max; ++i) longest *= 2;
  longest = std::min(longest, options_.reconnect_max);
  if (was_connected_) longest = spread_ > 0s ? spread_ : options_.reconnect;
  was_connected_ = false;
  co_await net::sleep_for(Duration(std::int64_t(rng_.unit() * double(longest.count()))));
}

net::Awaitable<std::string> LinkLoop::serve(std::shared_ptr<net::FrameLink> link) {
  struct Session {  // over, however this ends
    LinkLoop& loop;
    ~Session() {
      loop.link_->close("over");
      loop.outbox_->close();
      loop.link_.reset();
      loop.outbox_.reset();
      loop.session_ = 0;
    }
  };
  link_ = link;
  outbox_ = std::make_shared<net::Mailbox<Envelope>>(outbox_size);
  session_ = parts_.core.session() + 1;
  std::string reason;
  {
    const Session session{*this};
    tasks_.spawn(write_all(link, outbox_), "link writer");
    parts_.core.feed(LinkUp{std::to_string(session_)});
    reason = co_await read_all(link);
  }
  parts_.core.feed(LinkDown{reason});
  co_return reason;
}

net::Awaitable<void> LinkLoop::write_all(std::shared_ptr<net::FrameLink> link, Outbox outbox) {
  for (;;) {
    auto envelope = co_await outbox->pop();
    if (!envelope) co_return;
    sending_ = true;
    co_await net::yield_now();  // what the host has to do goes first, what the hub hears after it
    const auto sent = co_await link->send(std::move(*envelope));
    sending_ = false;
    if (!sent) {
      link->close(sent.error().message);
      co_return;
    }
  }
}

net::Awaitable<std::string> LinkLoop::read_all(std::shared_ptr<net::FrameLink> link) {
  protocol::Receiver receiver;
  for (;;) {
    auto envelope = co_await link->receive();
    if (!envelope) co_return envelope.error().message;
    const auto fresh = receiver.accept(*envelope);
    if (!fresh) co_return fresh.error().message;
    if (!*fresh) continue;
    if (const auto* welcome = std::get_if<Welcome>(&envelope->frame)) {
      failures_ = 0;
      was_connected_ = true;
      trouble_.clear();
      spread_ = welcome->reconnect_spread;
      if (parts_.on_welcome) parts_.on_welcome(*welcome);
      parts_.log.info("connected to the hub", {{"hub", parts_.dialer.hub()}, {"node", welcome->name}});
    } else if (std::holds_alternative<Refuse>(envelope->frame)) {
      ++failures_;
    }
    co_await parts_.core.feed_when_idle(FrameIn{std::move(*envelope)});
  }
}

net::Awaitable<void> LinkLoop::maintain() {
  for (;;) {
    if (const auto done = co_await parts_.dialer.maintain(parts_.clock.now().wall); !done)
      parts_.log.warn("this node's certificate cannot be renewed now", {{"error", done.error().message}});
    co_await net::sleep_for(maintain_every);
  }
}

}  // namespace drover::agent
