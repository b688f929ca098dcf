#include "hub/views.hpp"

#include <gtest/gtest.h>

#include "hub/topics.hpp"

namespace drover::hub {
namespace {

/// A core with one stack of two instances, and nobody to run them.
HubCore core_with_shop() {
  Rng rng(1);
  Now now{BootTime(10s), WallTime(Duration(1'795'000'000'000'000))};
  Image image{.store = {make_uuid(now.wall, rng)}, .digest_key = "k"};
  HubCore core({.version = "1.2.0"}, std::move(image), now);
  core.step(now, rng, Tick{});
  Stack stack{.name = "shop"};
  stack.services.push_back({.name = "web",
                            .spec = ProcessSpec{.command = {"/bin/true"}, .working_dir = "/tmp"},
                            .scale = {.count = 2}});
  auto out = core.step(now, rng, Call{1, {}, ApplyStack{stack, {}}, {}});
  EXPECT_TRUE(out.replies.at(0).result);
  return core;
}

TEST(Views, WaitWhileThereIsNoNode) {
  auto core = core_with_shop();
  const auto& state = core.state();
  auto stack = view_stack(state, state.stacks.at("shop"));
  EXPECT_EQ(stack.state, "deploying");
  EXPECT_EQ(stack.instances, 2u);
  auto service = view_service(state, "shop", "web");
  ASSERT_TRUE(service);
  EXPECT_EQ(service->state, "waiting");
  EXPECT_EQ(service->desired, 2u);
  EXPECT_EQ(service->driver, "process");
  EXPECT_FALSE(view_service(state, "shop", "db"));
  auto instance = view_instance(state, state.slots.begin()->second);
  EXPECT_EQ(instance.desired, "run");
  EXPECT_EQ(instance.node, "");
  EXPECT_EQ(instance.kind, "service");
  EXPECT_TRUE(instance.fresh);
  auto sum = view_summary(state, core.settings());
  EXPECT_EQ(sum.services, 1u);
  EXPECT_EQ(sum.services_ok, 0u);
  EXPECT_EQ(sum.deployments_live, 1u);
  EXPECT_EQ(sum.hub_version, "1.2.0");
}

TEST(Views, CompareAgentVersionsWithTheHubs) {
  auto core = core_with_shop();
  auto match = [&](const std::string& version) {
    NodeEntry node;
    node.row.node.host.version = version;
    return view_node(core.state(), core.settings(), node).version_match;
  };
  EXPECT_EQ(match("1.2.0"), "same");
  EXPECT_EQ(match("1.2.9"), "patch");
  EXPECT_EQ(match("1.1.0"), "minor");
  EXPECT_EQ(match("2.0.0"), "incompatible");
  EXPECT_EQ(match(""), "unknown");
}

TEST(Views, ANodeIsOnlineWhenItTakesWork) {
  HubState state;
  NodeId id{*parse_uuid("01912d68-783e-7a03-8467-5661c1243ad4")};
  NodeEntry& node = state.nodes[id];
  node.row.node = {.id = id, .name = "n1", .state = NodeState::online};
  EXPECT_EQ(view_node(state, {}, node).state, "connecting");  // as after a restart of the hub
  node.session = 7;
  state.sessions[7] = {.id = 7, .uid = id, .welcomed = true};
  EXPECT_EQ(view_node(state, {}, node).state, "connecting");
  EXPECT_EQ(view_summary(state, {}).nodes_online, 0u);
  state.sessions[7].inventoried = true;
  EXPECT_EQ(view_node(state, {}, node).state, "online");
  EXPECT_EQ(view_summary(state, {}).nodes_online, 1u);
  node.row.node.state = NodeState::suspect;
  EXPECT_EQ(view_node(state, {}, node).state, "suspect");
}

TEST(Topics, GiveAllRowsOrThoseNamed) {
  auto core = core_with_shop();
  auto* instances = find_topic("instances");
  ASSERT_TRUE(instances);
  EXPECT_EQ(instances->rows(core, nullptr).size(), 2u);
  std::set<std::string> one{to_string(core.state().slots.begin()->first), "not an id"};
  EXPECT_EQ(instances->rows(core, &one).size(), 1u);
  std::set<std::string> service{"shop/web", "shop/none"};
  EXPECT_EQ(find_topic("services")->rows(core, &service).size(), 1u);
  EXPECT_EQ(find_topic("summary")->rows(core, nullptr).size(), 1u);
  EXPECT_FALSE(find_topic("events"));
}

}  // namespace
}  // namespace drover::hub
