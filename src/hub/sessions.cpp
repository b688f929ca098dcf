#include "hub/sessions.hpp"

#include "protocol/session.hpp"

namespace drover::hub {

namespace {

constexpr Duration hello_patience = 10s;

struct Running {
  Engine& engine;
  std::shared_ptr<net::FrameLink> link;
  std::shared_ptr<SessionOut> out;
  std::string reason = "the link has ended";
  ~Running() {  // however it ends, the core hears of it
    out->out.close();
    link->close(reason);
    engine.close_session(out->id, reason);
  }
};

net::Awaitable<void> read_frames(std::shared_ptr<Running> session) {
  protocol::Receiver receiver;
  for (bool first = true;; first = false) {
    auto envelope = first ? co_await net::within(hello_patience, session->link->receive(), "the first frame")
                          : co_await session->link->receive();
    if (!envelope) {
      session->reason = envelope.error().message;
      break;
    }
    auto fresh = receiver.accept(*envelope);
    if (!fresh) {
      session->reason = fresh.error().message;
      break;
    }
    if (*fresh) co_await session->engine.frame(session->out->id, std::move(*envelope));
  }
  session->out->out.close();
  session->link->close(session->reason);
}

/// Ends when the core has closed the session and everything before has gone out.
net::Awaitable<void> write_frames(std::shared_ptr<Running> session) {
  while (auto envelope = co_await session->out->out.pop()) {
    auto sent = co_await session->link->send(std::move(*envelope));
    if (!sent) break;
  }
  session->link->close("closed by the hub");
}

}  // namespace

net::Awaitable<void> run_session(Engine& engine, Log& log, std::shared_ptr<net::FrameLink> link, NodeId uid,
                                 std::string address) {
  auto out = engine.open_session(uid, std::move(address));
  std::shared_ptr<Running> session(new Running{engine, std::move(link), std::move(out)});
  net::TaskGroup tasks(
      co_await net::current_executor(), [&log](std::string_view task, std::string_view what) {
        log.error("a session failed", {{"task", std::string(task)}, {"error", std::string(what)}});
      });
  tasks.spawn(read_frames(session), "session reader");
  tasks.spawn(write_frames(session), "session writer");
  co_await tasks.join();
  log.info("an agent's session has ended", {{"node", to_string(uid)}, {"reason", session->reason}});
}

}  // namespace drover::hub
