#include "integration/hub/fixture.hpp"

namespace drover::hub::test {
namespace {

class Tab {
 public:
  explicit Tab(World& world) {
    auto url = *net::parse_url("unix:" + world.hub->socket());
    url.target = "/api/v1/stream";
    auto made = net::wait_for(pool_.executor(0), net::websocket_connect(url, {}, {}));
    if (!made) throw std::runtime_error(made.error().message);
    socket_.emplace(std::move(*made));
  }
  void say(const std::string& text) { ASSERT_TRUE(net::wait_for(pool_.executor(0), socket_->write({text}))); }
  json::value hear() {
    auto message = net::wait_for(pool_.executor(0), net::within(5s, socket_->read(), "a message"));
    if (!message) return nullptr;
    return *parse_json(message->data);
  }
  /// The next message with this op.
  json::value hear(const std::string& op) {
    for (int i = 0; i < 100; ++i) {
      auto message = hear();
      if (message.is_null() || at(message, "op") == op) return message;
    }
    return nullptr;
  }

 private:
  net::IoPool pool_{1};
  std::optional<net::WebSocket> socket_;
};

TEST(Stream, GreetsSnapshotsAndSendsWhatChanges) {
  World world;
  Tab tab(world);
  EXPECT_EQ(at(tab.hear(), "op"), "hello");
  tab.say(R"({"op":"ping","at":7})");
  EXPECT_EQ(at(tab.hear("pong"), "at"), "7");
  tab.say(R"({"op":"sub","id":1,"topic":"instances","sort":"name"})");
  auto snapshot = tab.hear("snapshot");
  ASSERT_TRUE(snapshot.is_object());
  EXPECT_TRUE(snapshot.at("items").as_array().empty());
  ASSERT_EQ(world.call("PUT", "/stacks/shop", shop).status, 202);
  auto delta = tab.hear("delta");
  ASSERT_TRUE(delta.is_object());
  EXPECT_EQ(delta.at("set").as_array().size(), 2u);
  EXPECT_EQ(at(delta.at("counts"), "matching"), "2");
  ASSERT_EQ(world.call("POST", "/stacks/shop/services/web/scale", R"({"replicas":1})").status, 202);
  for (int i = 0; i < 20; ++i) {
    delta = tab.hear("delta");
    if (!delta.is_object() || !delta.at("del").as_array().empty()) break;
  }
  ASSERT_TRUE(delta.is_object());
  EXPECT_EQ(delta.at("del").as_array().size(), 1u);
}

TEST(Stream, FiltersWindowsAndSaysWhatIsWrong) {
  World world;
  ASSERT_EQ(world.call("PUT", "/stacks/shop", shop).status, 202);
  Tab tab(world);
  tab.say(R"({"op":"sub","id":1,"topic":"instances","sort":"name","limit":1})");
  auto snapshot = tab.hear("snapshot");
  EXPECT_EQ(snapshot.at("items").as_array().size(), 1u);
  EXPECT_EQ(at(snapshot.at("counts"), "matching"), "2");
  tab.say(R"({"op":"sub","id":2,"topic":"instances","filter":"naem:x"})");
  EXPECT_EQ(at(tab.hear("error"), "id"), "2");
  tab.say(R"({"op":"sub","id":3,"topic":"nothing"})");
  EXPECT_EQ(at(tab.hear("error"), "id"), "3");
  tab.say("not json");
  EXPECT_EQ(at(tab.hear("error"), "op"), "error");
}

TEST(Stream, EventsAndSummaryComeByThemselves) {
  World world;
  Tab tab(world);
  tab.say(R"({"op":"sub","id":1,"topic":"events"})");
  tab.say(R"({"op":"sub","id":2,"topic":"summary"})");
  auto snapshot = tab.hear("snapshot");
  EXPECT_EQ(at(snapshot.at("items").at(0), "services"), "0");
  ASSERT_EQ(world.call("PUT", "/stacks/shop", shop).status, 202);
  bool event = false, summary = false;
  for (int i = 0; i < 10 && !(event && summary); ++i) {
    auto delta = tab.hear("delta");
    if (!delta.is_object()) break;
    event |= at(delta, "id") == "1" && at(delta.at("set").at(0), "seq") == "1";
    summary |= at(delta, "id") == "2" && at(delta.at("set").at(0), "services") == "1";
  }
  EXPECT_TRUE(event);
  EXPECT_TRUE(summary);
}

}  // namespace
}  // namespace drover::hub::test
