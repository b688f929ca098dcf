// Joining, and a scripted agent over real mutual TLS.

#include <thread>

#include "hub/authority.hpp"
#include "hub/codes.hpp"
#include "integration/hub/fixture.hpp"
#include "net/frame_socket.hpp"

namespace drover::hub::test {
namespace {

JoinLine read_line(const std::string& line) {
  auto text = from_base64url(line.substr(std::string("drover-join:v1:").size()));
  return *from_json_text<JoinLine>(text.value_or(""), Unknown::refuse);
}

struct Identity {
  JoinAnswer answer;
  Secret<std::string> key;
};

struct Joined {
  int status = 0;
  std::string text;
  Identity identity;
};

Joined join(World& world, const JoinLine& line, const std::string& name) {
  Joined out;
  out.identity.key = *net::create_key();
  json::object body{{"secret", line.secret}, {"name", name}, {"csr", *net::create_request(out.identity.key)}};
  net::ClientSettings settings;
  settings.tls = *net::TlsClient::create({.trust = net::TrustPins{line.pins}});
  auto reply =
      world.call_at(*net::parse_url(line.hub), settings, {"POST", "/agents/join", {}, print_json(body)});
  out.status = reply.status;
  out.text = reply.text;
  if (reply.status == 200) out.identity.answer = *from_json<JoinAnswer>(reply.body, Unknown::refuse);
  return out;
}

Joined join(World& world, const std::string& name, const std::string& token = "{}") {
  auto made = world.call("POST", "/join-tokens", token);
  EXPECT_EQ(made.status, 201) << made.text;
  return join(world, read_line(at(made.body, "line")), name);
}

net::ClientSettings agent_settings(const Identity& identity) {
  net::ClientSettings settings;
  settings.tls =
      *net::TlsClient::create({.trust = net::TrustCa{{identity.answer.ca}, net::CertRole::hub},
                               .identity = net::Identity{identity.answer.certificate, identity.key},
                               .sni = std::string(net::agents_sni),
                               .tls13_only = true});
  return settings;
}

net::Url agent_url(World& world, const std::string& path) {
  auto url = world.secure();
  url.scheme = "wss";
  url.target = path;
  return url;
}

/// Says hello, reports what it was told to run as ready, until the deployment has succeeded.
class ScriptedAgent {
 public:
  ScriptedAgent(World& world, Identity identity) : world_(world), identity_(std::move(identity)) {}

  net::Awaitable<Result<void>> serve(int tasks) {
    CO_TRY(auto socket, co_await net::websocket_connect(agent_url(world_, "/ws/agent"),
                                                        agent_settings(identity_), net::session_settings()));
    link_ = net::frames_over(std::move(socket));
    NodeId uid{*parse_uuid(identity_.answer.uid)};
    CO_TRYV(co_await say(Hello{.uid = uid,
                               .name = identity_.answer.name,
                               .boot = "b",
                               .host = {.version = "0.1.0", .drivers = {"process"}}}));
    for (int done = 0; done < tasks;) {
      CO_TRY(auto envelope, co_await net::within(5s, link_->receive(), "a frame"));
      acknowledged_ = envelope.n;
      if (std::holds_alternative<Welcome>(envelope.frame))
        CO_TRYV(co_await say(Inventory{.applied = envelope.n}));
      auto* assign = std::get_if<Assign>(&envelope.frame);
      if (!assign) continue;
      CO_TRYV(co_await say(TaskStarted{assign->task, assign->attempt}));
      Observed seen{.instance = assign->placement.instance, .epoch = assign->placement.epoch};
      seen.generation = assign->placement.generation;
      seen.digest = assign->placement.digest;
      seen.incarnation = seen.version = 1;
      seen.state = InstanceState::ready;
      seen.since = world_.clock.now().wall;
      CO_TRYV(co_await say(StateReport{{seen}}));
      CO_TRYV(co_await say(TaskEnded{assign->task, assign->attempt, TaskMove::succeed, {}, {}}));
      ++done;
    }
    co_return Result<void>();
  }
  net::Awaitable<Result<void>> answer_one_log() {
    for (;;) {
      CO_TRY(auto envelope, co_await net::within(5s, link_->receive(), "a frame"));
      auto* open = std::get_if<OpenStream>(&envelope.frame);
      if (!open) continue;
      CO_TRY(auto socket,
             co_await net::websocket_connect(agent_url(world_, "/ws/stream/" + open->id),
                                             agent_settings(identity_), net::session_settings()));
      auto stream = net::texts_over(std::move(socket));
      for (int i = 0; i < 300; ++i)
        CO_TRYV(
            co_await stream->send("{\"time\":\"2026-11-21T12:00:00Z\",\"stream\":\"stdout\",\"line\":\"l" +
                                  std::to_string(i) + "\"}"));
      stream->close("the end of the log");
      co_await net::sleep_for(100ms);
      co_return Result<void>();
    }
  }
  net::Awaitable<Result<void>> beat() { return say(Heartbeat{1}); }
  /// How the session ends: what receive() says.
  net::Awaitable<std::string> end() {
    for (;;) {
      auto envelope = co_await net::within(5s, link_->receive(), "the end");
      if (!envelope) co_return envelope.error().message;
    }
  }

 private:
  net::Awaitable<Result<void>> say(Frame frame) {
    return link_->send({++sent_, acknowledged_, 0, std::move(frame)});
  }
  World& world_;
  Identity identity_;
  std::shared_ptr<net::FrameLink> link_;
  std::uint64_t sent_ = 0, acknowledged_ = 0;
};

TEST(Join, ALineAdmitsOneNewNameOnce) {
  World world;
  auto made = world.call("POST", "/join-tokens", R"({"labels":{"site":"home"}})");
  auto line = read_line(at(made.body, "line"));
  auto first = join(world, line, "pve1");
  ASSERT_EQ(first.status, 200) << first.text;
  EXPECT_EQ(join(world, line, "pve2").status, 403);
  auto node = world.call("GET", "/nodes/pve1");
  ASSERT_EQ(node.status, 200) << node.text;
  EXPECT_EQ(at(node.body, "state"), "joined");
  EXPECT_EQ(at(node.body.at("labels"), "site"), "home");
  EXPECT_EQ(join(world, "pve1").status, 409);
  auto replaced = join(world, "pve1", R"({"replace":"pve1"})");
  EXPECT_EQ(replaced.status, 200) << replaced.text;
  EXPECT_NE(replaced.identity.answer.uid, first.identity.answer.uid);
}

TEST(Join, ManyHostsBehindOneAddressJoinAtOnceAndGuessesAreCounted) {
  World world;
  auto made = world.call("POST", "/join-tokens", R"({"uses":15})");
  auto line = read_line(at(made.body, "line"));
  for (int i = 0; i < 15; ++i) EXPECT_EQ(join(world, line, "n" + std::to_string(i)).status, 200);
  line.secret = "a guess";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(join(world, line, "x").status, 403);
  EXPECT_EQ(join(world, line, "x").status, 429);
}

TEST(Join, NeedsTlsAndTheRightPin) {
  World world;
  auto made = world.call("POST", "/join-tokens", "{}");
  auto line = read_line(at(made.body, "line"));
  EXPECT_EQ(
      world.call_at(world.plain(), {}, {"POST", "/agents/join", {}, "{\"secret\":\"" + line.secret + "\"}"})
          .status,
      403);
  line.pins = {*net::pin_of_key(*net::create_key())};
  EXPECT_EQ(join(world, line, "pve1").status, -1);
}

TEST(Agent, RunsAStackOverMutualTls) {
  World world;
  auto joined = join(world, "pve1");
  ASSERT_EQ(joined.status, 200) << joined.text;
  ASSERT_EQ(world.call("PUT", "/stacks/shop", shop).status, 202);
  net::IoPool pool(1);  // before the agents: their sockets belong to it
  ScriptedAgent agent(world, joined.identity);
  auto served = net::wait_for(pool.executor(0), agent.serve(2));
  ASSERT_TRUE(served) << served.error().message << " " << served.error().cause;
  for (int i = 0; i < 50; ++i) {
    if (at(world.call("GET", "/stacks/shop").body, "state") == "ready") break;
    (void)net::wait_for(pool.executor(0), agent.beat());
    ::usleep(20'000);
  }
  auto stack = world.call("GET", "/stacks/shop");
  EXPECT_EQ(at(stack.body, "state"), "ready") << stack.text;
  EXPECT_EQ(at(world.call("GET", "/nodes/pve1").body, "state"), "online");
  std::optional<Result<void>> logs;
  std::thread background([&] { logs = net::wait_for(pool.executor(0), agent.answer_one_log()); });
  auto text = world.call("GET", "/logs?target=shop/web-1").text;
  background.join();
  ASSERT_TRUE(*logs) << logs->error().message;
  EXPECT_EQ(std::ranges::count(text, '\n'), 300) << text.substr(0, 200);
  EXPECT_NE(text.find("\"instance\":\"shop/web-1\""), std::string::npos);
  // Removed: its session ends at once, and it does not come in again.
  ASSERT_EQ(world.call("DELETE", "/nodes/pve1?force=true").status, 200);
  net::wait_for(pool.executor(0), agent.end());
  ScriptedAgent again(world, joined.identity);
  auto refused = net::wait_for(pool.executor(0), again.serve(1));
  ASSERT_FALSE(refused);
}

TEST(Agent, RenewsItsCertificateAndTheOldOneIsGone) {
  World world;
  auto joined = join(world, "pve1");
  ASSERT_EQ(joined.status, 200) << joined.text;
  auto key = *net::create_key();
  json::object body{{"csr", *net::create_request(key)}};
  auto renewed = world.call_at(world.secure(), agent_settings(joined.identity),
                               {"POST", "/agents/renew", {}, print_json(body)});
  ASSERT_EQ(renewed.status, 200) << renewed.text;
  auto old = world.call_at(world.secure(), agent_settings(joined.identity), {.target = "/version"});
  EXPECT_NE(old.status, 200);
  Identity fresh{*from_json<JoinAnswer>(renewed.body, Unknown::refuse), key};
  EXPECT_EQ(world.call_at(world.secure(), agent_settings(fresh), {.target = "/version"}).status, 200);
  EXPECT_EQ(world.call_at(world.secure(), agent_settings(fresh), {.target = "/summary"}).status, 401);
}

}  // namespace
}  // namespace drover::hub::test
