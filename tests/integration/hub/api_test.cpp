#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fstream>

#include "hub/api/api.hpp"
#include "integration/hub/fixture.hpp"

namespace drover::hub::test {
namespace {

TEST(Api, AnswersOnItsSocketWithoutLogin) {
  World world;
  auto summary = world.call("GET", "/summary");
  ASSERT_EQ(summary.status, 200) << summary.text;
  EXPECT_EQ(at(summary.body, "nodes"), "0");
  EXPECT_EQ(at(world.call("GET", "/me").body, "how"), "unix");
  EXPECT_EQ(world.call("GET", "!/health").status, 200);
  EXPECT_EQ(world.call("GET", "!/readyz").status, 200);
  EXPECT_NE(world.call("GET", "!/metrics").text.find("drover_build_info"), std::string::npos);
}

TEST(Api, AppliesReadsAndDeletesAStack) {
  World world;
  auto put = world.call("PUT", "/stacks/shop", shop);
  ASSERT_EQ(put.status, 202) << put.text;
  EXPECT_EQ(at(put.body, "revision"), "1");
  EXPECT_EQ(world.call("PUT", "/stacks/shop", shop).status, 200);
  auto one = world.call("GET", "/stacks/shop");
  EXPECT_EQ(*one.headers.get("ETag"), "\"1\"");
  EXPECT_EQ(at(one.body, "instances"), "2");
  EXPECT_TRUE(one.body.get_object().contains("content"));
  EXPECT_EQ(world.call("PUT", "/stacks/shop", shop, {{"If-Match", "\"7\""}}).status, 412);
  auto instances = world.call("GET", "/instances?filter=state:waiting&sort=-name&limit=1");
  ASSERT_EQ(instances.body.at("items").as_array().size(), 1u) << instances.text;
  EXPECT_EQ(at(instances.body.at("items").at(0), "name"), "web-2");
  auto next = world.call(
      "GET", "/instances?filter=state:waiting&sort=-name&limit=1&cursor=" + at(instances.body, "next"));
  EXPECT_EQ(at(next.body.at("items").at(0), "name"), "web-1");
  EXPECT_EQ(at(next.body, "next"), "null");
  EXPECT_EQ(world.call("GET", "/instances/shop:web-1").status, 200);
  EXPECT_EQ(world.call("GET", "/services/shop/web").status, 200);
  EXPECT_EQ(world.call("GET", "/stacks/shpo").status, 404);
  EXPECT_NE(world.call("GET", "/stacks/shpo").text.find("did you mean"), std::string::npos);
  auto why = world.call("GET", "/why?target=shop/web");
  EXPECT_EQ(why.status, 200) << why.text;
  auto scaled = world.call("POST", "/stacks/shop/services/web/scale", R"({"replicas":3})");
  EXPECT_EQ(scaled.status, 202) << scaled.text;
  EXPECT_EQ(world.call("DELETE", "/stacks/shop").status, 202);
}

TEST(Api, SaysEverythingThatIsWrongWithAFile) {
  World world;
  auto put = world.call("PUT", "/stacks/shop", "name: shop\nservices:\n  web:\n    comand: [x]\n");
  EXPECT_EQ(put.status, 400) << put.text;
  ASSERT_FALSE(put.body.at("errors").as_array().empty());
  EXPECT_EQ(at(put.body.at("errors").at(0), "line"), "4");
  EXPECT_EQ(*put.headers.get("Content-Type"), "application/problem+json");
  EXPECT_EQ(world.call("GET", "/stacks").body.at("items").as_array().size(), 0u);
}

TEST(Api, AKeyMakesARepeatedWriteHarmless) {
  World world;
  ASSERT_EQ(world.call("PUT", "/stacks/shop", shop).status, 202);
  net::Headers key{{"Idempotency-Key", "once"}};
  auto first = world.call("POST", "/operations", R"({"kind":"stop","all":true})", key);
  auto again = world.call("POST", "/operations", R"({"kind":"stop","all":true})", key);
  ASSERT_EQ(first.status, 202) << first.text;
  EXPECT_EQ(at(first.body, "id"), at(again.body, "id"));
  EXPECT_TRUE(again.headers.has("Idempotency-Replayed"));
  EXPECT_GE(world.call("POST", "/operations", R"({"kind":"start","all":true})", key).status, 400);
}

TEST(Api, PreviewsWhatAnOperationTouches) {
  World world;
  ASSERT_EQ(world.call("PUT", "/stacks/shop", shop).status, 202);
  auto preview =
      world.call("POST", "/operations?dry_run=true", R"({"kind":"stop","targets":["shop/web-1"]})");
  ASSERT_EQ(preview.status, 200) << preview.text;
  EXPECT_EQ(preview.body.at("items").as_array().size(), 1u);
  EXPECT_EQ(world.call("GET", "/operations").body.at("items").as_array().size(), 0u);
}

TEST(Api, WantsALoginOverTcp) {
  World world;
  EXPECT_EQ(world.call_at(world.plain(), {}, {.target = "/summary"}).status, 401);
  auto made = world.call("POST", "/tokens", R"({"name":"ci"})");
  ASSERT_EQ(made.status, 201) << made.text;
  net::Headers bearer{{"Authorization", "Bearer " + at(made.body, "token")}};
  EXPECT_EQ(world.call_at(world.plain(), {}, {.target = "/summary", .headers = bearer}).status, 200);
  EXPECT_EQ(world.call("DELETE", "/tokens/" + at(made.body, "id")).status, 200);
  EXPECT_EQ(world.call_at(world.plain(), {}, {.target = "/summary", .headers = bearer}).status, 401);
}

std::string cookie_of(const Reply& reply) {
  auto header = std::string(reply.headers.get("Set-Cookie").value_or(""));
  return header.substr(0, header.find(';'));
}

TEST(Api, ABrowserComesInByLinkAndThenByPassword) {
  World world;
  auto link = *net::wait_for(world.pool.executor(0), world.hub->login_link());
  auto secret = link.substr(link.find("#login=") + 7);
  auto login = world.call_at(world.plain(), {}, {"POST", "/login", {}, R"({"link":")" + secret + "\"}"});
  ASSERT_EQ(login.status, 200) << login.text;
  EXPECT_NE(login.headers.get("Set-Cookie")->find("HttpOnly; SameSite=Strict"), std::string_view::npos);
  net::Headers cookie{{"Cookie", cookie_of(login)}};
  EXPECT_EQ(at(world.call_at(world.plain(), {}, {.target = "/me", .headers = cookie}).body, "user"), "admin");
  EXPECT_EQ(world.call_at(world.plain(), {}, {"POST", "/login", {}, R"({"link":")" + secret + "\"}"}).status,
            401);
  auto set =
      world.call_at(world.plain(), {}, {"POST", "/me/password", cookie, R"({"password":"correct horse"})"});
  ASSERT_EQ(set.status, 200) << set.text;
  auto good = world.call_at(world.plain(), {},
                            {"POST", "/login", {}, R"({"user":"admin","password":"correct horse"})"});
  EXPECT_EQ(good.status, 200) << good.text;
  auto bad = world.call_at(world.plain(), {},
                           {"POST", "/login", {}, R"({"user":"admin","password":"wrong horse"})"});
  EXPECT_EQ(bad.status, 401);
  // Another site's page has the cookie too, were it not for SameSite; the hub does not rely on that alone.
  auto foreign = cookie;
  foreign.add("Sec-Fetch-Site", "cross-site");
  EXPECT_EQ(world.call_at(world.plain(), {}, {"POST", "/logout", foreign, ""}).status, 403);
  EXPECT_EQ(world.call_at(world.plain(), {}, {"POST", "/logout", cookie, ""}).status, 200);
  EXPECT_EQ(world.call_at(world.plain(), {}, {.target = "/me", .headers = cookie}).status, 401);
  auto audit = world.call("GET", "/audit?limit=50");
  EXPECT_NE(audit.text.find("\"denied\""), std::string::npos);
  EXPECT_EQ(at(world.call("GET", "/audit/verify").body, "ok"), "true");
}

TEST(Api, AHostThatIsNotOursIsRefusedOnLoopback) {
  World world;
  auto with_host = [&](const std::string& host) {
    int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(world.hub->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* where = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::connect(socket, where, sizeof address), 0);
    auto text = "GET /api/v1/version HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(::send(socket, text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
    char answer[16] = {};
    EXPECT_GT(::recv(socket, answer, sizeof answer - 1, 0), 12);
    ::close(socket);
    return std::string(answer).substr(9, 3);
  };
  EXPECT_EQ(with_host("127.0.0.1:" + std::to_string(world.hub->port())), "200");
  EXPECT_NE(with_host("evil.example"), "200");
}

/// Two lines of a stream; the second one is made only after the first was read.
net::Awaitable<Result<std::pair<std::uint64_t, std::uint64_t>>> follow(World& world, net::Url url,
                                                                       std::uint64_t since) {
  net::HttpClient client(std::move(url), {});
  CO_TRY(auto stream,
         co_await client.open({.target = "/api/v1/events?follow=true&since=" + std::to_string(since)}, 5s));
  std::vector<std::uint64_t> seen;
  for (int i = 0; i < 2; ++i) {
    CO_TRY(auto line, co_await stream.line(5s));
    CO_TRY(auto event, from_json_text<Event>(line.value_or(""), Unknown::refuse));
    seen.push_back(event.seq);
    if (i == 0) EXPECT_EQ(world.call("POST", "/stacks/shop/start").status, 202);
  }
  co_return std::pair(seen[0], seen[1]);
}

TEST(Api, EventsComeInOrderWithoutGapAndGoOn) {
  World world;
  ASSERT_EQ(world.call("PUT", "/stacks/shop", shop).status, 202);
  ASSERT_EQ(world.call("POST", "/stacks/shop/stop").status, 202);
  auto lines = world.call("GET", "/events?since=0&limit=1000").text;
  std::istringstream in(lines);
  std::uint64_t seq = 0;
  for (std::string line; std::getline(in, line);) {
    auto event = from_json_text<Event>(line, Unknown::refuse);
    ASSERT_TRUE(event) << line;
    EXPECT_EQ(event->seq, ++seq);
  }
  EXPECT_GT(seq, 1u);
  auto url = *net::parse_url("unix:" + world.hub->socket());
  net::IoPool pool(1);
  auto next = net::wait_for(pool.executor(0), follow(world, url, seq - 1));
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(*next, std::pair(seq, seq + 1));  // the old one, and one that came while we waited
  EXPECT_EQ(world.call("GET", "/events?since=nonsense").status, 400);
}

TEST(Api, EveryRouteOfTheDescriptionIsThere) {
  World world;
  auto description = world.call("GET", "/openapi.json");
  ASSERT_EQ(description.status, 200);
  EXPECT_EQ(at(description.body, "openapi"), "3.1.0");
  std::size_t called = 0;
  for (const auto& [path, methods] : description.body.at("paths").as_object())
    for (const auto& [method, operation] : methods.as_object()) {
      std::string target(path), verb(method);
      for (char& c : verb) c = char(std::toupper(c));
      for (std::size_t open; (open = target.find('{')) != target.npos;)
        target.replace(open, target.find('}') - open + 1, "0190aaaa-0000-7000-8000-000000000000");
      if (target == "/logout") continue;
      auto reply = world.call(verb, target, verb == "GET" ? "" : "{}");
      ++called;
      EXPECT_GE(reply.status, 200) << verb << " " << target << ": " << reply.text;
      EXPECT_NE(reply.status, 500) << verb << " " << target << ": " << reply.text;
      EXPECT_NE(reply.status, 405) << verb << " " << target << ": " << reply.text;
      EXPECT_EQ(reply.text.find("there is nothing at"), std::string::npos) << verb << " " << target;
    }
  auto ours = std::ranges::count_if(all_routes(), [](const ApiRoute& it) { return it.base == api_base; });
  EXPECT_EQ(called + 1, std::size_t(ours));
}

TEST(Api, WhatWasAnsweredIsThereAfterARestart) {
  World world;
  ASSERT_EQ(world.call("PUT", "/stacks/shop", shop).status, 202);
  auto before = world.call("GET", "/stacks/shop").body;
  world.stop();
  world.start();
  auto after = world.call("GET", "/stacks/shop").body;
  EXPECT_EQ(before.at("created_at"), after.at("created_at"));
  EXPECT_EQ(before.at("content"), after.at("content"));
}

TEST(Api, ASecondHubIsRefused) {
  World world;
  HubOptions options;
  options.state = world.directory.path() + "/state";
  auto second = Hub::open(options, {world.pool, world.clock, world.log, 1, {}});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  options.state = world.directory.path() + "/other";
  options.listen[0].port = world.hub->port();
  auto busy = Hub::open(options, {world.pool, world.clock, world.log, 1, {}});
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, Errc::conflict);
}

TEST(Api, ThePageIsServedUnderAStrictPolicy) {
  World world;
  auto page = world.call_at(world.plain(), {}, {.target = "!/services/shop"});
  EXPECT_EQ(page.status, 200);
  auto policy = std::string(page.headers.get("Content-Security-Policy").value_or(""));
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(world.call_at(world.plain(), {}, {.target = "!/assets/nothing.js"}).status, 404);
  EXPECT_EQ(world.call("GET", "/nothing").status, 404);
}

// ---- kill -9

/// A hub of its own process: prints its socket's name and serves until it is killed.
pid_t spawn_hub(const std::string& state, int ready) {
  pid_t child = ::fork();
  if (child != 0) return child;
  RealClock clock;
  int quiet = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  Log log(clock, quiet, "hub", false);
  net::IoPool pool(2);
  HubOptions options;
  options.state = state;
  options.listen.clear();
  auto hub = Hub::open(options, {pool, clock, log, real_seed(), {}});
  if (!hub) ::_exit(3);
  (*hub)->start();
  if (::write(ready, "x", 1) != 1) ::_exit(4);
  for (;;) ::pause();
}

TEST(Durable, EveryAnsweredWriteOutlivesAKill) {
  TemporaryDirectory directory;
  auto state = directory.path() + "/state";
  auto url = *net::parse_url("unix:" + state + "/hub.sock");
  std::set<std::string> answered;
  for (int round = 0; round < 8; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    pid_t child = spawn_hub(state, pipe[1]);
    ::close(pipe[1]);
    char byte = 0;
    ASSERT_EQ(::read(pipe[0], &byte, 1), 1);
    auto users = net::block_on(ask(url, {}, {.target = "/api/v1/tokens?limit=1000"}));
    ASSERT_TRUE(users) << users.error().message;
    for (const auto& name : answered)
      EXPECT_NE(users->body.find("\"" + name + "\""), std::string::npos) << name;
    for (int i = 0; i < 3 + round; ++i) {
      auto name = "t" + std::to_string(round) + "-" + std::to_string(i);
      auto made = net::block_on(ask(url, {}, {"POST", "/api/v1/tokens", {}, "{\"name\":\"" + name + "\"}"}));
      if (made && made->status == 201) answered.insert(name);
    }
    if (round % 2) ::usleep(useconds_t(round * 531));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(pipe[0]);
  }
  EXPECT_EQ(answered.size(), 8u * 3 + 28);
}

}  // namespace
}  // namespace drover::hub::test
