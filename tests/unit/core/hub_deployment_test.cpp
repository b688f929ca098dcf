// What ends a deployment, and how; how much of a stack is looked at.
#include "hub_harness.hpp"

namespace drover::hub::testing {
namespace {

const Deployment& newest(const Harness& hub, const std::string& stack = "shop") {
  return hub.state().deployments.at(*hub.state().stacks.at(stack).row.deployment);
}

/// What the slot's agent says of it next.
Effects report(Harness& hub, NodeId node, const std::string& service, const std::string& name,
               InstanceState state, std::string reason = {}) {
  const SlotEntry& entry = hub.slot("shop", service, name);
  Observed seen = *observed_of(hub.state(), entry.slot);
  ++seen.version;
  if (state == InstanceState::ready) ++seen.incarnation;
  seen.state = state;
  seen.reason = std::move(reason);
  return hub.frame(node, StateReport{{seen}});
}

Stack two_services() { return {.name = "shop", .services = {serving("db"), serving("web")}}; }

TEST(HubDeployment, AServiceThatEndsAtOnceIsNoSuccess) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  hub.obey(n1);
  EXPECT_EQ(newest(hub).state, DeploymentState::running);
  hub.pass(500ms);
  report(hub, n1, "web", "web-1", InstanceState::backoff, "exit status 1");
  hub.pass(10s);
  EXPECT_EQ(newest(hub).state, DeploymentState::running);
  report(hub, n1, "web", "web-1", InstanceState::failed, "exit status 1, too often");
  EXPECT_EQ(newest(hub).state, DeploymentState::failed);
}

TEST(HubDeployment, AnotherRunHasToLiveForItself) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  hub.obey(n1);
  hub.pass(900ms);
  report(hub, n1, "web", "web-1", InstanceState::ready);  // the run before ended, unseen
  hub.pass(900ms);
  EXPECT_EQ(newest(hub).state, DeploymentState::running);
  hub.pass(100ms);
  EXPECT_EQ(newest(hub).state, DeploymentState::succeeded);
}

TEST(HubDeployment, AReadyProbeIsProofEnough) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack = one_service();
  stack.services[0].probes.ready = Probe{.check = TcpCheck{"127.0.0.1:80"}};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  hub.obey(n1);
  EXPECT_EQ(newest(hub).state, DeploymentState::succeeded);
}

TEST(HubDeployment, DependantsDoNotWaitForTheProof) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack = two_services();
  stack.services[1].depends_on = {{"db", Condition::ready}};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  hub.obey(n1);
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].instance_name, "web-1");
}

TEST(HubDeployment, AFailedServiceBesideItIsNotItsConcern) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{two_services(), std::nullopt}));
  hub.obey(n1);
  report(hub, n1, "db", "db-1", InstanceState::failed, "exit status 1");
  hub.pass(1s);
  EXPECT_EQ(newest(hub).state, DeploymentState::failed);
  ASSERT_TRUE(hub.call(ScaleService{"shop", "web", 3}));
  hub.obey(n1);
  hub.pass(1s);
  EXPECT_EQ(newest(hub).state, DeploymentState::succeeded) << newest(hub).message;
}

TEST(HubDeployment, AFailedServiceThatItNeedsIsNamed) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack = two_services();
  stack.services[1].depends_on = {{"db", Condition::ready}};
  stack.services[1].scale.count = 0;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  hub.obey(n1);
  report(hub, n1, "db", "db-1", InstanceState::failed, "exit status 1");
  ASSERT_TRUE(hub.call(ScaleService{"shop", "web", 1}));
  EXPECT_EQ(newest(hub).state, DeploymentState::failed);
  EXPECT_EQ(newest(hub).message, "shop/db-1: exit status 1");
}

TEST(HubDeployment, TakesOverWhatTheOneBeforeHadNotFinished) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{two_services(), std::nullopt}));
  Stack second = two_services();
  std::get<ProcessSpec>(second.services[1].spec).command = {"serve", "v2"};
  ASSERT_TRUE(hub.call(ApplyStack{second, std::nullopt}));
  EXPECT_EQ(changed_services(newest(hub)), (std::set<std::string>{"db", "web"}));
  for (int i = 0; i < 3; ++i) hub.obey(n1);
  report(hub, n1, "db", "db-1", InstanceState::failed, "exit status 1");
  hub.pass(1s);
  EXPECT_EQ(newest(hub).state, DeploymentState::failed);
}

std::size_t rows_of_deployments(const Effects& effects) {
  return std::size_t(std::ranges::count_if(effects.changes, [](const Change& change) {
    const auto* row = std::get_if<Row>(&change);
    return row && std::holds_alternative<Deployment>(*row);
  }));
}

TEST(HubLargeStack, ItsDeploymentIsNotStoredWithEachReport) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack = one_service();
  stack.services[0].scale.count = 200;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  std::size_t rows = 0;
  while (!hub.assigned.empty())
    for (const Assign& assign : std::exchange(hub.assigned, {})) {
      rows += rows_of_deployments(hub.frame(n1, TaskStarted{assign.task, assign.attempt}));
      rows += rows_of_deployments(hub.frame(n1, StateReport{{hub.observed(assign)}}));
      rows += rows_of_deployments(hub.frame(n1, TaskEnded{.task = assign.task, .attempt = assign.attempt}));
    }
  EXPECT_LE(rows, 2u);
  hub.pass(1s);
  EXPECT_EQ(newest(hub).state, DeploymentState::succeeded);
}

TEST(HubLargeStack, AReportOfOneIsFollowedByALookAtAll) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack = one_service();
  stack.services[0].scale.count = 8;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  while (!hub.assigned.empty()) hub.obey(n1);
  hub.pass(2s);
  EXPECT_FALSE(hub.state().stacks.at("shop").look_at);
  auto effects = report(hub, n1, "web", "web-3", InstanceState::starting);
  ASSERT_TRUE(hub.state().stacks.at("shop").look_at);
  EXPECT_LE(*hub.state().stacks.at("shop").look_at, hub.now.boot + 1s);
  ASSERT_TRUE(effects.wake);
  EXPECT_LE(*effects.wake, *hub.state().stacks.at("shop").look_at);
  hub.pass(1s);
  EXPECT_FALSE(hub.state().stacks.at("shop").look_at);
}

TEST(HubLargeStack, WhatWaitsForTheLastOfManyGoesOnAtOnce) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack = two_services();
  stack.services[0].scale.count = 200;
  stack.services[1].depends_on = {{"db", Condition::ready}};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  for (std::size_t most : {64, 64, 64, 8}) {
    ASSERT_EQ(hub.assigned.size(), most);
    EXPECT_EQ(hub.assigned[0].instance_name.substr(0, 2), "db");
    hub.obey(n1);
  }
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].instance_name, "web-1");
  hub.obey(n1);
  ASSERT_TRUE(hub.call(DeleteStack{"shop"}));
  std::vector<std::string> gone;
  while (!hub.assigned.empty()) {
    for (const Assign& assign : hub.assigned) gone.push_back(assign.instance_name.substr(0, 2));
    hub.obey(n1);
  }
  ASSERT_EQ(gone.size(), 201u);
  EXPECT_EQ(gone.front(), "we");
  EXPECT_FALSE(hub.state().stacks.contains("shop"));
}

}  // namespace
}  // namespace drover::hub::testing
