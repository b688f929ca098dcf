// Start-first changes, reloads, and what a failed deployment goes back to.

#include "hub_harness.hpp"

namespace drover::hub::testing {
namespace {

Stack start_first(const std::string& content, std::uint32_t replicas = 1) {
  Stack stack = one_service();
  Service& web = stack.services[0];
  std::get<ProcessSpec>(web.spec).environment["CONTENT"] = content;
  web.update.order = UpdateOrder::start_first;
  web.scale.count = replicas;
  return stack;
}

struct Succession : ::testing::Test {
  void SetUp() override { pve1 = hub.node("pve1"); }
  void apply(const Stack& stack) { ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt})); }
  void pass(Duration time) {
    for (Duration gone = 0s; gone < time; gone += 5s) {
      hub.pass(std::min<Duration>(5s, time - gone));
      hub.frame(pve1, Heartbeat{});
    }
  }
  /// Applied and proven.
  void settled(const Stack& stack) {
    apply(stack);
    for (int i = 0; i < 12; ++i) {
      hub.obey(pve1);
      pass(2s);
    }
    ASSERT_EQ(deployment().state, DeploymentState::succeeded) << deployment().message;
  }
  const SlotEntry& web(const std::string& name = "web-1") { return hub.slot("shop", "web", name); }
  const Deployment& deployment() {
    return hub.state().deployments.at(*hub.state().stacks.at("shop").row.deployment);
  }
  const Deployment& first_failed() {
    for (const auto& [id, one] : hub.state().deployments)
      if (one.state == DeploymentState::failed || one.state == DeploymentState::rolled_back) return one;
    return deployment();
  }
  void report(const Assign& assign, InstanceState state, std::string reason = {}) {
    Observed seen = hub.observed(assign);
    seen.state = state;
    seen.reason = std::move(reason);
    seen.last_lines = {"bind: no", "giving up"};
    hub.frame(pve1, TaskStarted{assign.task, assign.attempt});
    hub.frame(pve1, StateReport{{seen}});
    hub.frame(pve1, TaskEnded{.task = assign.task, .attempt = assign.attempt});
  }
  OperationItem item() { return hub.state().operations.rbegin()->second.items.at(0); }

  Harness hub;
  NodeId pve1;
};

TEST_F(Succession, TheNewOneIsReadyBeforeTheOldOneEnds) {
  settled(start_first("a"));
  const InstanceId old = web().slot.id;
  apply(start_first("b"));
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::deploy);
  EXPECT_EQ(hub.assigned[0].instance_name, "web-1");
  EXPECT_NE(hub.assigned[0].placement.instance, old);
  const InstanceId next = hub.assigned[0].placement.instance;
  hub.obey(pve1);
  EXPECT_EQ(web().slot.id, old);  // it has to stay ready for a while first
  EXPECT_TRUE(hub.assigned.empty());
  pass(2s);
  EXPECT_EQ(web().slot.id, next);
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::delete_);
  EXPECT_EQ(hub.assigned[0].placement.instance, old);
  EXPECT_EQ(deployment().state, DeploymentState::running);
  hub.obey(pve1);
  pass(1s);
  EXPECT_EQ(deployment().state, DeploymentState::succeeded);
  EXPECT_EQ(hub.state().slots.size(), 1u);
  EXPECT_TRUE(hub.state().stacks.at("shop").retired.empty());
}

TEST_F(Succession, ItHasToStayReadyForAsLongAsTheFileSays) {
  settled(start_first("a"));
  const InstanceId old = web().slot.id;
  Stack slow = start_first("b");
  slow.services[0].update.healthy_for = 30s;
  apply(slow);
  hub.obey(pve1);
  pass(29s);
  EXPECT_EQ(web().slot.id, old);
  pass(2s);
  EXPECT_NE(web().slot.id, old);
}

TEST_F(Succession, AFailedSuccessorIsRemovedAndTheOldOneNotTouched) {
  settled(start_first("a"));
  const InstanceId old = web().slot.id;
  apply(start_first("b"));
  Assign first = hub.assigned.at(0);
  hub.assigned.clear();
  report(first, InstanceState::failed, "not ready within 1m");
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::delete_);
  EXPECT_EQ(hub.assigned[0].placement.instance, first.placement.instance);
  hub.obey(pve1);
  pass(2s);
  EXPECT_EQ(web().slot.id, old);
  EXPECT_EQ(deployment().state, DeploymentState::failed);
  EXPECT_NE(deployment().message.find("not ready within 1m"), std::string::npos) << deployment().message;
  EXPECT_NE(deployment().message.find("bind: no | giving up"), std::string::npos) << deployment().message;
  EXPECT_TRUE(hub.assigned.empty());  // and it is not tried again by itself
  pass(700s);
  EXPECT_TRUE(hub.assigned.empty());
  apply(start_first("b"));  // a person tries again
  EXPECT_EQ(hub.assigned.size(), 1u);
}

TEST_F(Succession, OneThatWasStartedAgainByItselfHasFailed) {
  settled(start_first("a"));
  apply(start_first("b"));
  Assign first = hub.assigned.at(0);
  hub.assigned.clear();
  Observed seen = hub.observed(first);
  seen.restarts = 1;
  hub.frame(pve1, TaskStarted{first.task, first.attempt});
  hub.frame(pve1, StateReport{{seen}});
  hub.frame(pve1, TaskEnded{.task = first.task, .attempt = first.attempt});
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::delete_);
}

TEST_F(Succession, AFailedDeploymentGoesBackWhereTheFileSaysSo) {
  settled(start_first("a"));
  const InstanceId old = web().slot.id;
  Stack bad = start_first("b");
  bad.services[0].update.on_failure = UpdateFailure::rollback;
  apply(bad);
  Assign first = hub.assigned.at(0);
  hub.assigned.clear();
  report(first, InstanceState::failed, "exit 1");
  hub.obey(pve1);
  pass(2s);
  EXPECT_EQ(hub.state().stacks.at("shop").row.revision, 3u);
  EXPECT_EQ(deployment().state, DeploymentState::succeeded);
  EXPECT_EQ(deployment().rolls_back, first_failed().id);
  EXPECT_NE(first_failed().message.find("rolled back to revision 1"), std::string::npos);
  EXPECT_EQ(web().slot.id, old);
  EXPECT_TRUE(hub.assigned.empty());
}

TEST_F(Succession, AStopFirstDeploymentGoesBackToo) {
  Stack good = one_service(), bad = one_service();
  std::get<ProcessSpec>(bad.services[0].spec).command = {"broken"};
  bad.services[0].update.on_failure = UpdateFailure::rollback;
  settled(good);
  apply(bad);
  Assign update = hub.assigned.at(0);
  hub.assigned.clear();
  report(update, InstanceState::failed, "exit 1");
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::update);
  EXPECT_EQ(hub.assigned[0].placement.generation, 3u);
  hub.obey(pve1);
  pass(2s);
  EXPECT_EQ(deployment().state, DeploymentState::succeeded);
}

TEST_F(Succession, TheFirstRevisionHasNoWayBack) {
  Stack bad = one_service();
  bad.services[0].update.on_failure = UpdateFailure::rollback;
  apply(bad);
  Assign deploy = hub.assigned.at(0);
  hub.assigned.clear();
  report(deploy, InstanceState::failed, "exit 1");
  EXPECT_EQ(deployment().state, DeploymentState::failed);
  EXPECT_EQ(hub.state().stacks.at("shop").row.revision, 1u);
}

TEST_F(Succession, ABatchIsNotExceeded) {
  settled(start_first("a", 3));
  apply(start_first("b", 3));
  std::set<std::string> changed;
  for (int i = 0; i < 20; ++i) {
    EXPECT_LE(hub.state().slots.size(), 4u);
    for (const Assign& assign : hub.assigned)
      if (assign.type == TaskType::deploy) changed.insert(assign.instance_name);
    hub.obey(pve1);
    pass(2s);
  }
  EXPECT_EQ(changed.size(), 3u);
  EXPECT_EQ(deployment().state, DeploymentState::succeeded);
}

TEST_F(Succession, ANewerRevisionTakesOverHalfWay) {
  settled(start_first("a"));
  const InstanceId old = web().slot.id;
  apply(start_first("b"));
  Assign second = hub.assigned.at(0);
  apply(start_first("c"));
  for (int i = 0; i < 8; ++i) {
    hub.obey(pve1);
    EXPECT_LE(hub.state().slots.size(), 3u);
    pass(2s);
  }
  EXPECT_EQ(deployment().state, DeploymentState::succeeded);
  EXPECT_EQ(hub.state().slots.size(), 1u);
  EXPECT_NE(web().slot.id, old);
  EXPECT_NE(web().slot.id, second.placement.instance);
  EXPECT_EQ(web().slot.generation, 3u);
}

TEST_F(Succession, TheOldContentAgainKeepsTheOldOne) {
  settled(start_first("a"));
  const InstanceId old = web().slot.id;
  apply(start_first("b"));
  hub.obey(pve1);
  apply(start_first("a"));
  for (int i = 0; i < 4; ++i) {
    hub.obey(pve1);
    pass(2s);
  }
  EXPECT_EQ(web().slot.id, old);
  EXPECT_EQ(hub.state().slots.size(), 1u);
  EXPECT_EQ(deployment().state, DeploymentState::succeeded);
}

TEST_F(Succession, AStopAndADeleteTakeBothAway) {
  settled(start_first("a"));
  apply(start_first("b"));
  hub.obey(pve1);
  ASSERT_TRUE(hub.call(DeleteStack{"shop"}));
  for (int i = 0; i < 4; ++i) {
    hub.obey(pve1);
    pass(2s);
  }
  EXPECT_TRUE(hub.state().slots.empty());
  EXPECT_TRUE(hub.state().stacks.empty());
}

TEST_F(Succession, WhatDoesNotServeIsChangedInItsPlace) {
  settled(start_first("a"));
  const InstanceId old = web().slot.id;
  ASSERT_TRUE(hub.call(ChangeRun{OperationKind::stop, false, {"shop"}}));
  hub.obey(pve1);
  apply(start_first("b"));
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::update);
  EXPECT_EQ(hub.assigned[0].placement.instance, old);
}

TEST_F(Succession, ARestartWantedMeanwhileIsMadeOfTheNewOne) {
  settled(start_first("a"));
  apply(start_first("b"));
  ASSERT_TRUE(hub.call(ChangeRun{OperationKind::restart, false, {"shop"}}));
  for (int i = 0; i < 6; ++i) {
    hub.obey(pve1);
    pass(2s);
  }
  EXPECT_EQ(web().slot.restart_generation, 1u);
  EXPECT_EQ(hub.state().operations.rbegin()->second.state, OperationState::succeeded);
}

// ---- reload

TEST_F(Succession, AReloadGoesToTheRun) {
  Stack stack = one_service();
  stack.services[0].reload.signal = "SIGHUP";
  settled(stack);
  ASSERT_TRUE(hub.call(ChangeRun{OperationKind::reload, false, {"web"}}));
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::reload);
  EXPECT_EQ(hub.assigned[0].reload_generation, 1u);
  hub.obey(pve1);
  pass(2s);  // to stay ready for a while
  EXPECT_EQ(hub.state().operations.rbegin()->second.state, OperationState::succeeded);
  EXPECT_EQ(item().message, "SIGHUP to its main process");
}

TEST_F(Succession, AReloadThatFailsIsToldToWhoeverAskedForIt) {
  Stack stack = one_service();
  stack.services[0].reload.command = {"./reload"};
  settled(stack);
  ASSERT_TRUE(hub.call(ChangeRun{OperationKind::reload, false, {"web"}}));
  Assign assign = hub.assigned.at(0);
  hub.assigned.clear();
  hub.frame(pve1, TaskStarted{assign.task, assign.attempt});
  hub.frame(pve1, StateReport{{hub.observed(assign)}});
  hub.frame(pve1, TaskEnded{assign.task, assign.attempt, TaskMove::attempt_failed, "exit 1", {}});
  EXPECT_EQ(hub.state().operations.rbegin()->second.state, OperationState::failed);
  EXPECT_EQ(item().message, "exit 1");
  EXPECT_EQ(web().slot.blocked, "");
  pass(60s);
  EXPECT_TRUE(hub.assigned.empty());
}

TEST_F(Succession, AReloadWithoutASignalReplacesStartFirst) {
  settled(start_first("a"));
  const InstanceId old = web().slot.id;
  ASSERT_TRUE(hub.call(ChangeRun{OperationKind::reload, false, {"web"}}));
  EXPECT_EQ(item().message, "replaced by a new one, start-first");
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::deploy);
  for (int i = 0; i < 4; ++i) {
    hub.obey(pve1);
    pass(2s);
  }
  EXPECT_NE(web().slot.id, old);
  EXPECT_EQ(hub.state().slots.size(), 1u);
  EXPECT_EQ(hub.state().operations.rbegin()->second.state, OperationState::succeeded);
}

TEST_F(Succession, AReloadOtherwiseIsARestartAndSaysSo) {
  settled(one_service());
  ASSERT_TRUE(hub.call(ChangeRun{OperationKind::reload, false, {"web"}}));
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::restart);
  EXPECT_TRUE(item().message.starts_with("restarted: ")) << item().message;
}

TEST_F(Succession, WhatIsStoppedHasNothingToReload) {
  settled(one_service());
  ASSERT_TRUE(hub.call(ChangeRun{OperationKind::stop, false, {"shop"}}));
  hub.obey(pve1);
  auto answer = hub.call(ChangeRun{OperationKind::reload, false, {"shop"}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::conflict);
  EXPECT_EQ(answer.error().cause, "shop/web-1: it was stopped on purpose");
}

}  // namespace
}  // namespace drover::hub::testing
