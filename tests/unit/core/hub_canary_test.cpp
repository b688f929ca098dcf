// Canaries, promotion, abort, pause, and what becomes of a deployment that is undone.
#include "hub_harness.hpp"

namespace drover::hub::testing {
namespace {

struct Fleet3 {
  Harness hub;
  NodeId n1;
  Fleet3() : n1(hub.node("n1")) {
    EXPECT_TRUE(apply("v1"));
    settle();
    EXPECT_EQ(newest().state, DeploymentState::succeeded);
  }

  Stack content(const std::string& version) {
    Stack stack = one_service();
    std::get<ProcessSpec>(stack.services[0].spec).command = {"serve", version};
    stack.services[0].scale.count = replicas;
    stack.services[0].update = update;
    return stack;
  }
  Result<Answer> apply(const std::string& version) {
    return hub.call(ApplyStack{content(version), std::nullopt});
  }
  /// Everything is obeyed and lives long enough, until nothing moves.
  void settle() {
    for (int i = 0; i < 20; ++i) {
      hub.obey(n1);
      live(1s);
    }
  }
  void live(Duration time) {
    hub.pass(time);
    hub.frame(n1, Heartbeat{});
  }
  const Deployment& newest() {
    return hub.state().deployments.at(*hub.state().stacks.at("shop").row.deployment);
  }
  const Deployment& before() {
    for (const auto& [id, one] : hub.state().deployments)
      if (one.revision + 1 == newest().revision) return one;
    return newest();
  }
  std::size_t running(const std::string& version) {
    std::size_t count = 0;
    for (const auto& [id, observed] : hub.state().nodes.at(n1).observed) {
      const auto& stack = hub.state().stacks.at("shop");
      auto revision = stack.revisions.find(observed.generation);
      if (revision == stack.revisions.end() || observed.state != InstanceState::ready) continue;
      count += std::get<ProcessSpec>(revision->second.content.services[0].spec).command[1] == version ? 1 : 0;
    }
    return count;
  }
  /// A successor's process ends for good.
  void fail_canary() {
    const auto& successors = hub.state().stacks.at("shop").successors;
    ASSERT_FALSE(successors.empty());
    Observed seen = *observed_of(hub.state(), hub.state().slots.at(successors.begin()->second).slot);
    ++seen.version;
    seen.state = InstanceState::failed;
    seen.reason = "exit status 3";
    hub.frame(n1, StateReport{{seen}});
  }
  std::uint32_t replicas = 3;
  Update update{.batch = 1, .canary = 1};
};

TEST(HubCanary, StandsBesideTheOldOnesUntilItIsPromoted) {
  Fleet3 it;
  ASSERT_TRUE(it.apply("v2"));
  EXPECT_EQ(it.newest().canaries, (std::map<std::string, std::uint32_t>{{"web", 1}}));
  it.settle();
  EXPECT_EQ(it.running("v1"), 3u);
  EXPECT_EQ(it.running("v2"), 1u);
  EXPECT_EQ(it.newest().state, DeploymentState::running);
  EXPECT_TRUE(it.newest().promotable);
  EXPECT_EQ(it.newest().message, "1 canary is ready: promote or abort");
  for (int i = 0; i < 100; ++i) it.live(12s);  // people may take their time
  EXPECT_EQ(it.newest().state, DeploymentState::running);
  ASSERT_TRUE(it.hub.call(PromoteDeployment{it.newest().id}));
  it.settle();
  EXPECT_EQ(it.running("v1"), 0u);
  EXPECT_EQ(it.running("v2"), 3u);
  EXPECT_EQ(it.newest().state, DeploymentState::succeeded);
  EXPECT_TRUE(it.hub.state().stacks.at("shop").successors.empty());
}

TEST(HubCanary, IsNotPromotedBeforeItHasProvenItself) {
  Fleet3 it;
  ASSERT_TRUE(it.apply("v2"));
  auto refused = it.hub.call(PromoteDeployment{it.newest().id});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
}

TEST(HubCanary, PromotesItselfWhereThatIsWanted) {
  Fleet3 it;
  it.update.auto_promote = true;
  ASSERT_TRUE(it.apply("v2"));
  it.settle();
  EXPECT_EQ(it.newest().state, DeploymentState::succeeded);
  EXPECT_EQ(it.running("v2"), 3u);
}

TEST(HubCanary, AFailedOneBringsTheOldContentBack) {
  Fleet3 it;
  ASSERT_TRUE(it.apply("v2"));
  it.hub.obey(it.n1);
  it.fail_canary();
  it.settle();
  EXPECT_EQ(it.before().state, DeploymentState::rolled_back);
  EXPECT_EQ(it.newest().rolls_back, it.before().id);
  EXPECT_EQ(it.newest().state, DeploymentState::succeeded);
  EXPECT_EQ(it.running("v1"), 3u);
  EXPECT_EQ(it.running("v2"), 0u);
  EXPECT_EQ(it.hub.state().stacks.at("shop").row.revision, 3u);
}

/// The new content is the remedy.
TEST(HubCanary, TheOldOnesMayBeIll) {
  Fleet3 it;
  for (const char* name : {"web-1", "web-2"}) {
    Observed seen = *observed_of(it.hub.state(), it.hub.slot("shop", "web", name).slot);
    ++seen.version;
    seen.state = name == std::string("web-2") ? InstanceState::unhealthy : InstanceState::failed;
    it.hub.frame(it.n1, StateReport{{seen}});
  }
  ASSERT_TRUE(it.apply("v2"));
  it.settle();
  EXPECT_TRUE(it.newest().promotable) << it.newest().message;
}

TEST(HubCanary, AbortBringsTheOldContentBack) {
  Fleet3 it;
  ASSERT_TRUE(it.apply("v2"));
  it.settle();
  ASSERT_TRUE(it.hub.call(AbortDeployment{it.newest().id}));
  it.settle();
  EXPECT_EQ(it.before().state, DeploymentState::rolled_back);
  EXPECT_EQ(it.running("v1"), 3u);
  EXPECT_EQ(it.running("v2"), 0u);
}

TEST(HubCanary, ANewerContentTakesItsPlace) {
  Fleet3 it;
  ASSERT_TRUE(it.apply("v2"));
  it.settle();
  ASSERT_TRUE(it.apply("v3"));
  EXPECT_EQ(it.before().state, DeploymentState::superseded);
  it.settle();
  EXPECT_EQ(it.running("v1"), 3u);
  EXPECT_EQ(it.running("v2"), 0u);
  EXPECT_EQ(it.running("v3"), 1u);
  EXPECT_TRUE(it.newest().promotable);
}

TEST(HubCanary, WhatTheNewRevisionHasMoreComesWithThePromotion) {
  Fleet3 it;
  it.replicas = 5;
  ASSERT_TRUE(it.apply("v2"));
  it.settle();
  EXPECT_EQ(it.running("v1") + it.running("v2"), 4u);
  ASSERT_TRUE(it.hub.call(PromoteDeployment{it.newest().id}));
  it.settle();
  EXPECT_EQ(it.running("v2"), 5u);
}

TEST(HubCanary, WhatItHasLessGoesWithThePromotion) {
  Fleet3 it;
  it.replicas = 1;
  ASSERT_TRUE(it.apply("v2"));
  it.settle();
  EXPECT_EQ(it.running("v1"), 3u);
  ASSERT_TRUE(it.hub.call(PromoteDeployment{it.newest().id}));
  it.settle();
  EXPECT_EQ(it.running("v1"), 0u);
  EXPECT_EQ(it.running("v2"), 1u);
}

TEST(HubCanary, StaysWhileTheDeploymentIsPaused) {
  Fleet3 it;
  ASSERT_TRUE(it.apply("v2"));
  it.settle();
  ASSERT_TRUE(it.hub.call(PauseDeployment{it.newest().id, true}));
  it.settle();
  EXPECT_EQ(it.running("v2"), 1u);
  EXPECT_FALSE(it.hub.call(PromoteDeployment{it.newest().id}));
  ASSERT_TRUE(it.hub.call(PauseDeployment{it.newest().id, false}));
  EXPECT_TRUE(it.newest().promotable);
}

TEST(HubCanary, TheFirstContentHasNobodyToStandBeside) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack = one_service();
  stack.services[0].update.canary = 1;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  hub.obey(n1);
  hub.pass(1s);
  EXPECT_EQ(hub.state().deployments.begin()->second.state, DeploymentState::succeeded);
}

/// Where there is nothing that has worked to go back to, what runs stays, and nothing follows the failed one.
TEST(HubCanary, AFailedOneIsNeverFollowed) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack = one_service();
  stack.services[0].update.canary = 1;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  hub.obey(n1);  // superseded before it has proven itself: no revision has succeeded
  std::get<ProcessSpec>(stack.services[0].spec).command = {"serve", "v2"};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  hub.obey(n1);
  const auto& shop = hub.state().stacks.at("shop");
  ASSERT_EQ(shop.successors.size(), 1u);
  Observed seen = *observed_of(hub.state(), hub.state().slots.at(shop.successors.begin()->second).slot);
  ++seen.version;
  seen.state = InstanceState::failed;
  hub.frame(n1, StateReport{{seen}});
  hub.obey(n1);
  hub.pass(10s);
  EXPECT_EQ(hub.state().deployments.at(*shop.row.deployment).state, DeploymentState::failed);
  EXPECT_EQ(hub.slot("shop", "web", "web-1").slot.generation, 1u);
  EXPECT_TRUE(hub.assigned.empty());
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));  // the same again: another try
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::deploy);
  EXPECT_EQ(shop.successors.size(), 1u);
}

TEST(HubAbort, NeedsSomethingToGoBackTo) {
  Harness hub;
  hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  auto refused = hub.call(AbortDeployment{*hub.state().stacks.at("shop").row.deployment});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
}

TEST(HubAbort, ARollbackThatFailsIsSaidOfWhatItUndoes) {
  Fleet3 it;
  it.update = {};
  ASSERT_TRUE(it.apply("v2"));
  it.hub.obey(it.n1);
  ASSERT_TRUE(it.hub.call(AbortDeployment{it.newest().id}));
  const DeploymentId aborted = it.before().id;
  ASSERT_TRUE(it.hub.call(CancelDeployment{it.newest().id}));
  EXPECT_EQ(it.hub.state().deployments.at(aborted).state, DeploymentState::rollback_failed);
}

}  // namespace
}  // namespace drover::hub::testing
