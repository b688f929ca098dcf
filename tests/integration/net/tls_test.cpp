#include "integration/net/harness.hpp"

namespace drover::net::test {
namespace {

struct World {
  Identity ca = create_ca("Test CA", wall_now()).value();
  Identity other_ca = create_ca("Other CA", wall_now()).value();
  Identity hub = issue_hub(ca, {}, wall_now()).value();
  Identity agent = agent_of(ca, "agent-1", wall_now());

  static Identity agent_of(const Identity& authority, std::string_view uid, WallTime when) {
    auto key = create_key().value();
    return {sign_agent(authority, create_request(key).value(), uid, when).value(), key};
  }
};

Awaitable<Response> tell_peer(Request* request) {
  const auto& peer = *request->peer;
  auto text = peer.sni + "|";
  if (peer.certificate) text += peer.certificate->agent_uid + (peer.certificate->expired ? " expired" : "");
  co_return text_response(200, text);
}

class Tls : public ServerTest {
 protected:
  std::uint16_t start(AgentAdmission admission = {}, std::optional<Identity> identity = {}) {
    if (admission.cas.empty()) admission.cas = {world_.ca.certificate};
    auto tls = TlsServer::create({identity.value_or(world_.hub), {}, admission});
    EXPECT_TRUE(tls) << tls.error().message << tls.error().cause;
    serve([](Request& request) { return tell_peer(&request); });
    auto port = server_->listen(ListenTcp{.tls = *tls}).value();
    server_->start();
    return port;
  }
  Result<ClientResponse> ask(std::uint16_t port, TlsClientSettings settings) {
    auto tls = TlsClient::create(std::move(settings));
    if (!tls) return fail(tls.error());
    return get(url(port, "https"), "/", {.tls = *tls});
  }
  TlsClientSettings as_agent(std::optional<Identity> identity) {
    return {TrustCa{{world_.ca.certificate}}, std::move(identity), std::string(agents_sni), true};
  }
  World world_;
};

TEST_F(Tls, PinsOfLeafAndOfCa) {
  auto port = start();
  auto leaf = pin_of_certificate(world_.hub.certificate).value();
  auto ca = pin_of_certificate(world_.ca.certificate).value();
  auto other = pin_of_certificate(world_.other_ca.certificate).value();
  auto answer = ask(port, {TrustPins{{other, leaf}}});
  ASSERT_TRUE(answer) << answer.error().message << ": " << answer.error().cause;
  EXPECT_EQ(answer->body, "|");
  EXPECT_TRUE(ask(port, {TrustPins{{ca}}}));
  auto refused = ask(port, {TrustPins{{other}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_NE(refused.error().cause.find("pinned"), std::string::npos) << refused.error().cause;
  EXPECT_EQ(ask(port, {TrustPins{}}).error().code, Errc::invalid);
}

TEST_F(Tls, NothingConnectsWithoutVerification) {
  auto port = start();
  EXPECT_EQ(get(url(port, "https"), "/").error().code, Errc::invalid);
  auto by_roots = ask(port, {TrustSystem{}});
  ASSERT_FALSE(by_roots);
  EXPECT_EQ(by_roots.error().code, Errc::denied);
  EXPECT_EQ(ask(port, {TrustCa{{world_.other_ca.certificate}}}).error().code, Errc::denied);
}

TEST_F(Tls, AgentIsKnownByItsCertificate) {
  auto port = start();
  auto answer = ask(port, as_agent(world_.agent));
  ASSERT_TRUE(answer) << answer.error().message << ": " << answer.error().cause;
  EXPECT_EQ(answer->body, "agents.drover.internal|agent-1");
  // Under any other name nobody is asked for a certificate.
  EXPECT_EQ(ask(port, {TrustCa{{world_.ca.certificate}}, world_.agent, "localhost"})->body, "localhost|");
}

TEST_F(Tls, AgentWithoutOrWithAWrongCertificateIsRefused) {
  auto port = start();
  EXPECT_EQ(ask(port, as_agent(std::nullopt)).error().code, Errc::denied);
  EXPECT_EQ(ask(port, as_agent(World::agent_of(world_.other_ca, "agent-1", wall_now()))).error().code,
            Errc::denied);
  EXPECT_EQ(ask(port, as_agent(world_.hub)).error().code, Errc::denied)
      << "the hub's certificate is no agent's";
  auto old = World::agent_of(world_.ca, "agent-1", wall_now() - std::chrono::days(400));
  EXPECT_EQ(ask(port, as_agent(old)).error().code, Errc::denied);
}

TEST_F(Tls, AnAgentCannotPlayTheHub) {
  auto port = start({}, world_.agent);
  auto answer = ask(port, {TrustCa{{world_.ca.certificate}}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::denied);
  EXPECT_EQ(ask(port, {TrustPins{{pin_of_certificate(world_.ca.certificate).value()}}}).error().code,
            Errc::denied);
}

TEST_F(Tls, RevocationIsAskedAtEveryHandshake) {
  std::atomic<bool> revoked = false;
  AgentAdmission admission;
  admission.allowed = [&](std::string_view uid, std::string_view serial) {
    return uid == "agent-1" && serial.size() == 32 && !revoked;
  };
  auto port = start(admission);
  EXPECT_TRUE(ask(port, as_agent(world_.agent)));
  EXPECT_EQ(ask(port, as_agent(World::agent_of(world_.ca, "agent-2", wall_now()))).error().code,
            Errc::denied);
  revoked = true;
  auto refused = ask(port, as_agent(world_.agent));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_NE(refused.error().cause.find("revoked"), std::string::npos) << refused.error().cause;
}

TEST_F(Tls, ExpiredAgentsEnterOnlyWhereAllowedAndFlagged) {
  auto old = World::agent_of(world_.ca, "agent-1", wall_now() - std::chrono::days(400));
  auto port = start({.allow_expired = true});
  auto answer = ask(port, as_agent(old));
  ASSERT_TRUE(answer) << answer.error().message << answer.error().cause;
  EXPECT_EQ(answer->body, "agents.drover.internal|agent-1 expired");
  EXPECT_EQ(ask(port, as_agent(world_.agent))->body, "agents.drover.internal|agent-1");
  auto foreign = World::agent_of(world_.other_ca, "agent-1", wall_now() - std::chrono::days(400));
  EXPECT_EQ(ask(port, as_agent(foreign)).error().code, Errc::denied);
}

TEST_F(Tls, JoiningHostsHaveNoCertificateYet) {
  auto port = start({.certificate_required = false});
  EXPECT_EQ(ask(port, as_agent(std::nullopt))->body, "agents.drover.internal|");
  EXPECT_EQ(ask(port, as_agent(world_.agent))->body, "agents.drover.internal|agent-1");
  EXPECT_EQ(ask(port, as_agent(world_.hub)).error().code, Errc::denied);
}

TEST_F(Tls, RenewedCertificateServesNewConnections) {
  auto port = start();
  auto fresh = issue_hub(world_.ca, {}, wall_now()).value();
  auto pin = pin_of_certificate(fresh.certificate).value();
  EXPECT_FALSE(ask(port, {TrustPins{{pin}}}));
  server_->replace_tls(TlsServer::create({fresh}).value());
  EXPECT_TRUE(ask(port, {TrustPins{{pin}}}));
}

TEST_F(Tls, PlainTextAndSilenceOnATlsPort) {
  ServerSettings settings;
  settings.handshake = 200ms;
  serve(echo_handler(), settings);
  auto port = server_->listen(ListenTcp{.tls = TlsServer::create({world_.hub}).value()}).value();
  server_->start();
  Raw plain(port), silent(port);
  plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  plain.read_all(2000);
  EXPECT_TRUE(plain.closed());
  silent.read_all(2000);
  EXPECT_TRUE(silent.closed());
}

TEST_F(Tls, LargeBodiesBothWays) {
  serve([](Request& request) { return echo(&request); }, {.max_body = 32 << 20});
  auto port = server_->listen(ListenTcp{.tls = TlsServer::create({world_.hub}).value()}).value();
  server_->start();
  auto tls = TlsClient::create({TrustCa{{world_.ca.certificate}}}).value();
  HttpClient client(url(port, "https"), {.tls = tls});
  std::string body(10 << 20, 'b');
  auto answer =
      wait_for(pool_.executor(1), client.request({.method = "PUT", .target = "/", .body = body}, 60s));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body.size(), body.size() + 6);
  EXPECT_EQ(client.server_certificate()->role, CertRole::hub);
}

}  // namespace
}  // namespace drover::net::test
