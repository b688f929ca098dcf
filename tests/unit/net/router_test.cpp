#include "net/router.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "net/io_pool.hpp"
#include "net/problem.hpp"
#include "net/sse.hpp"

namespace drover::net {
namespace {

Awaitable<Response> tell(std::string what, Request* request) {
  for (const auto& [name, value] : request->parameters) what += " " + name + "=" + value;
  co_return text_response(200, what);
}

Handler says(std::string what) {
  return [what](Request& request) { return tell(what, &request); };
}

Response ask(const Router& router, std::string method, std::string path) {
  Request request{.method = std::move(method), .path = std::move(path)};
  return block_on(router.answer(request));
}

Router sample() {
  Router router;
  router.add({"GET", "/stacks", says("list")});
  router.add({"GET", "/stacks/{name}", says("one")});
  router.add({"PUT", "/stacks/{name}", says("put"), 5000});
  router.add({"GET", "/stacks/all", says("all")});
  router.add({"POST", "/stacks/{stack}/services/{service}/scale", says("scale")});
  router.add({"GET", "/ui/{rest*}", says("ui")});
  router.add({"GET", "/{rest*}", says("root")});
  return router;
}

TEST(RouterTest, LiteralsWinOverParametersOverRest) {
  auto router = sample();
  EXPECT_EQ(ask(router, "GET", "/stacks").body, "list");
  EXPECT_EQ(ask(router, "GET", "/stacks/all").body, "all");
  EXPECT_EQ(ask(router, "GET", "/stacks/web").body, "one name=web");
  EXPECT_EQ(ask(router, "POST", "/stacks/a%2Fb/services/c%20d/scale").body, "scale stack=a/b service=c d");
  EXPECT_EQ(ask(router, "GET", "/ui/a/b.js").body, "ui rest=a/b.js");
  EXPECT_EQ(ask(router, "GET", "/").body, "root rest=");
  EXPECT_EQ(ask(router, "HEAD", "/stacks").body, "list");
}

TEST(RouterTest, WrongMethodNamesTheRightOnes) {
  Router router;
  router.add({"GET", "/stacks/{name}", says("one")});
  router.add({"PUT", "/stacks/{name}", says("put"), 5000});
  auto refused = ask(router, "DELETE", "/stacks/web");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.headers.get("Allow"), "GET, PUT, HEAD");
  EXPECT_EQ(refused.headers.get("content-type"), "application/problem+json");
  EXPECT_EQ(ask(router, "OPTIONS", "/stacks/web").status, 204);
  EXPECT_EQ(ask(router, "GET", "/nothing").status, 404);
  EXPECT_EQ(ask(router, "GET", "/stacks/").status, 404);
  EXPECT_EQ(router.body_limit(Request{.method = "PUT", .path = "/stacks/web"}), 5000u);
  EXPECT_EQ(router.body_limit(Request{.method = "GET", .path = "/stacks/web"}), 1u << 20);
  EXPECT_EQ(router.routes().size(), 2u);
}

TEST(ProblemJson, GoesThereAndBack) {
  Error error{Errc::invalid, "the file is wrong", "2 problems", "look at line 3", {}};
  error.problems.push_back({"services.a.ports", 3, 7, "is not a port", "8080", "stack.yaml"});
  auto response = problem_response(error, "abc");
  EXPECT_EQ(response.status, http_status(Errc::invalid));
  auto json = parse_json(response.body);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->at("code").as_string(), "invalid");
  EXPECT_EQ(json->at("trace_id").as_string(), "abc");
  auto back = problem_error(response.status, response.body);
  EXPECT_EQ(back.code, Errc::invalid);
  EXPECT_EQ(back.message, "the file is wrong: 2 problems");
  EXPECT_EQ(back.problems, error.problems);
  EXPECT_EQ(problem_error(503, "<html>").code, Errc::unavailable);
  EXPECT_EQ(problem_error(404, "{}").code, Errc::not_found);
}

TEST(Sse, GoesThereAndBack) {
  auto text = format_sse({"12\n", "crash", "line 1\nline 2"}) + sse_ping() + format_sse({"13", "", ""});
  EXPECT_EQ(text, "id: 12\nevent: crash\ndata: line 1\ndata: line 2\n\n: ping\n\nid: 13\ndata: \n\n");
  SseReader reader;
  std::vector<SseEvent> events;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto end = rest.find('\n');
    if (auto event = reader.line(rest.substr(0, end))) events.push_back(*event);
    rest.remove_prefix(end + 1);
  }
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].id, "12");
  EXPECT_EQ(events[0].event, "crash");
  EXPECT_EQ(events[0].data, "line 1\nline 2");
  EXPECT_EQ(events[1].id, "13");
}

TEST(OtherSite, BrowsersTell) {
  Request request;
  request.headers = {{"Host", "hub:3079"}};
  EXPECT_FALSE(from_other_site(request));
  request.headers.set("Origin", "https://hub:3079");
  EXPECT_FALSE(from_other_site(request));
  request.headers.set("Origin", "https://evil");
  EXPECT_TRUE(from_other_site(request));
  request.headers = {{"Host", "hub:3079"}, {"Sec-Fetch-Site", "cross-site"}};
  EXPECT_TRUE(from_other_site(request));
  request.headers = {{"Host", "hub:3079"}, {"Origin", "null"}};
  EXPECT_TRUE(from_other_site(request));
}

}  // namespace
}  // namespace drover::net
