#include "integration/net/harness.hpp"

namespace drover::net::test {
namespace {

Awaitable<void> echo_messages(WebSocket socket, Event* ended, Error* why) {
  for (;;) {
    auto message = co_await socket.read();
    if (!message) {
      *why = message.error();
      ended->set();
      co_return;
    }
    if (auto sent = co_await socket.write(std::move(*message)); !sent) co_return;
  }
}

Awaitable<Response> ready(Response response) { co_return response; }

class Ws : public ServerTest {
 protected:
  Handler echoing(WebSocketSettings settings = {}) {
    return [this, settings](Request&) {
      return ready(upgrade_to(
          [this](WebSocket socket) { return echo_messages(std::move(socket), &ended_, &why_); }, settings));
    };
  }
  Result<WebSocket> connect(Url where, ClientSettings client = {}, WebSocketSettings settings = {}) {
    return wait_for(pool_.executor(1),
                    websocket_connect(std::move(where), std::move(client), std::move(settings)));
  }
  Event ended_;
  Error why_;
};

Awaitable<Result<Message>> round_trip(WebSocket* socket, Message message) {
  CO_TRYV(co_await socket->write(std::move(message)));
  co_return co_await socket->read();
}

Awaitable<void> close_one(WebSocket* socket) { co_await socket->close(close_code::normal, "done"); }
Awaitable<void> drop_one(std::unique_ptr<WebSocket>* socket) {
  socket->reset();
  co_return;
}

TEST_F(Ws, EchoesAndCloses) {
  auto port = serve_plain(echoing());
  auto socket = connect(url(port, "ws"));
  ASSERT_TRUE(socket) << socket.error().message << socket.error().cause;
  auto answer = wait_for(pool_.executor(1), round_trip(&*socket, {"hello", true}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->data, "hello");
  EXPECT_TRUE(answer->text);
  EXPECT_FALSE(wait_for(pool_.executor(1), round_trip(&*socket, {std::string("\0\xff", 2), false}))->text);
  wait_for(pool_.executor(1), close_one(&*socket));
  EXPECT_TRUE(run(ended_.wait_for(5s)));
  EXPECT_EQ(why_.code, Errc::unavailable);
  EXPECT_EQ(why_.cause, "1000 done");
}

TEST_F(Ws, LargeMessagesOverMutualTls) {
  auto ca = create_ca("Test CA", wall_now()).value();
  auto key = create_key().value();
  Identity agent{sign_agent(ca, create_request(key).value(), "agent-1", wall_now()).value(), key};
  auto hub = issue_hub(ca, {}, wall_now()).value();
  serve(echoing({.max_message = 64 << 20}));
  auto tls = TlsServer::create({hub, {}, AgentAdmission{.cas = {ca.certificate}}}).value();
  auto port = server_->listen(ListenTcp{.tls = tls}).value();
  server_->start();
  auto client = TlsClient::create({TrustCa{{ca.certificate}}, agent, std::string(agents_sni), true}).value();
  auto socket = connect(url(port, "wss"), {.tls = client}, {.max_message = 64 << 20});
  ASSERT_TRUE(socket) << socket.error().message << socket.error().cause;
  std::string large(20 << 20, 'L');
  auto answer = wait_for(pool_.executor(1), round_trip(&*socket, {large, true}));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->data, large);
  for (int i = 0; i < 200; ++i)
    ASSERT_EQ(wait_for(pool_.executor(1), round_trip(&*socket, {std::to_string(i), true}))->data,
              std::to_string(i));
  auto nobody = TlsClient::create({TrustCa{{ca.certificate}}, {}, std::string(agents_sni), true}).value();
  EXPECT_EQ(connect(url(port, "wss"), {.tls = nobody}).error().code, Errc::denied);
}

TEST_F(Ws, TooLargeIsRefusedWith1009) {
  auto port = serve_plain(echoing({.max_message = 1000}));
  auto socket = connect(url(port, "ws"));
  ASSERT_TRUE(socket);
  auto answer = wait_for(pool_.executor(1), round_trip(&*socket, {std::string(1001, 'x'), true}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(socket->close_code(), close_code::too_big);
  EXPECT_TRUE(run(ended_.wait_for(5s)));
  EXPECT_EQ(why_.code, Errc::exhausted);
}

std::string upgrade_request(std::uint16_t port) {
  return "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
         "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

TEST_F(Ws, SilentPeerIsCutWhenPingsGoUnanswered) {
  auto port = serve_plain(echoing({.idle = 300ms}));
  Raw raw(port);
  raw.send(upgrade_request(port));
  auto answer = raw.read_until("\r\n\r\n");
  EXPECT_NE(answer.find("101 Switching"), answer.npos);
  EXPECT_NE(answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), answer.npos);
  EXPECT_TRUE(run(ended_.wait_for(5s)));
  EXPECT_EQ(why_.code, Errc::timeout);
  auto rest = raw.read_all(2000);
  EXPECT_TRUE(raw.closed());
  EXPECT_NE(rest.find('\x89'), rest.npos) << "a ping was sent before";
}

TEST_F(Ws, AnsweredPingsKeepItOpen) {
  auto port = serve_plain(echoing({.idle = 200ms}));
  auto socket = connect(url(port, "ws"), {}, {.idle = 10s});
  ASSERT_TRUE(socket);
  bool silent = wait_for(pool_.executor(1), first_of(
                                                [](WebSocket* one) -> Awaitable<void> {
                                                  co_await one->read();  // answers pings
                                                }(&*socket),
                                                sleep_for(1s))) == 1;
  EXPECT_TRUE(silent);
  EXPECT_FALSE(ended_.is_set());
}

TEST_F(Ws, FramesSentWithTheUpgradeAreNotLost) {
  auto port = serve_plain(echoing());
  Raw raw(port);
  raw.send(upgrade_request(port) + std::string("\x81\x82\0\0\0\0hi", 8));
  auto answer = raw.read_until("\x81\x02hi");
  EXPECT_NE(answer.find("\x81\x02hi"), answer.npos);
}

TEST_F(Ws, ProtocolViolationEndsIt) {
  auto port = serve_plain(echoing());
  Raw raw(port);
  raw.send(upgrade_request(port) + std::string("\x81\x02hi", 4));  // not masked
  raw.read_all(5000);
  EXPECT_TRUE(raw.closed());
  EXPECT_TRUE(run(ended_.wait_for(5s)));
  EXPECT_EQ(why_.code, Errc::invalid);
}

TEST_F(Ws, PlainRequestGets426AndRefusalIsAnError) {
  auto port = serve_plain([this](Request& request) {
    if (request.path == "/no") return ready(text_response(403, "no"));
    return ready(
        upgrade_to([this](WebSocket socket) { return echo_messages(std::move(socket), &ended_, &why_); }));
  });
  EXPECT_EQ(get(url(port), "/")->status, 426);
  auto where = url(port, "ws");
  where.target = "/no";
  EXPECT_EQ(connect(where).error().code, Errc::denied);
}

TEST_F(Ws, StopSaysGoingAway) {
  auto port = serve_plain(echoing());
  auto socket = connect(url(port, "ws"));
  ASSERT_TRUE(socket);
  // The client may hear of its connection before the server has noted it.
  ASSERT_TRUE(wait_for(pool_.executor(1), round_trip(&*socket, {"there", true})));
  TaskGroup stopper(pool_.executor(0), {});
  stopper.spawn(server_->stop(5s));
  auto message = wait_for(pool_.executor(1), [](WebSocket* one) -> Awaitable<Result<Message>> {
    co_return co_await one->read();
  }(&*socket));
  ASSERT_FALSE(message);
  EXPECT_EQ(socket->close_code(), close_code::going_away);
  wait_for(pool_.executor(0), stopper.join());
  server_.reset();
}

TEST_F(Ws, DroppedClientEndsTheServersRead) {
  auto port = serve_plain(echoing());
  auto socket = std::make_unique<WebSocket>(connect(url(port, "ws")).value());
  wait_for(pool_.executor(1), drop_one(&socket));
  EXPECT_TRUE(run(ended_.wait_for(5s)));
  EXPECT_EQ(why_.code, Errc::unavailable);
}

}  // namespace
}  // namespace drover::net::test
