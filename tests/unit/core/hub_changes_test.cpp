// What a change does, as it is planned and as it is carried out.
#include "hub_harness.hpp"

namespace drover::hub::testing {
namespace {

Stack two() {
  Stack stack{.name = "shop", .services = {serving("db"), serving("web")}};
  stack.services[1].depends_on = {{"db", Condition::ready}};
  stack.services[1].scale.count = 2;
  return stack;
}

struct HubChanges : ::testing::Test {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack = two();
  void SetUp() override {
    apply();
    settle();
  }
  Result<Answer> apply() { return hub.call(ApplyStack{stack, std::nullopt}); }
  void settle() {
    for (int i = 0; i < 4; ++i) {
      hub.obey(n1);
      hub.pass(1s);
    }
  }
  DeploymentState state() {
    return hub.state().deployments.at(*hub.state().stacks.at("shop").row.deployment).state;
  }
  std::map<std::string, StepKind> planned() {
    std::map<std::string, StepKind> kinds;
    for (const PlanStep& step : plan(hub.state(), stack)) kinds[step.instance_name] = step.kind;
    return kinds;
  }
};

TEST_F(HubChanges, LiveOnesGoToAllAtOnceAndEndNothing) {
  stack.services[1].logs.budget = 64 << 20;
  EXPECT_EQ(planned(),
            (std::map<std::string, StepKind>{
                {"db-1", StepKind::keep}, {"web-1", StepKind::adjust}, {"web-2", StepKind::adjust}}));
  auto changes = field_changes(hub.state(), stack);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].path, "logs.budget");
  EXPECT_EQ(changes[0].effect, ChangeEffect::live);
  auto answer = apply();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.at("changes").as_array().size(), 1u);
  ASSERT_EQ(hub.assigned.size(), 2u);  // both at once: no batch, nothing to wait for
  for (const Assign& assign : hub.assigned) {
    EXPECT_EQ(assign.type, TaskType::update);
    EXPECT_TRUE(same_run(assign.placement.digest, hub.slot("shop", "web", "web-1").slot.digest));
  }
  settle();
  EXPECT_EQ(state(), DeploymentState::succeeded);
}

TEST_F(HubChanges, OthersThanTheChangedServiceAreLeftAlone) {
  std::get<ProcessSpec>(stack.services[0].spec).environment["A"] = "2";
  EXPECT_EQ(planned(),
            (std::map<std::string, StepKind>{
                {"db-1", StepKind::update}, {"web-1", StepKind::keep}, {"web-2", StepKind::keep}}));
  apply();
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].instance_name, "db-1");
}

TEST_F(HubChanges, WhatOnlyTheHubLooksAtMakesNoTask) {
  stack.services[0].labels["a"] = "b";
  stack.services[1].update.batch = 2;
  stack.services[1].scale.count = 3;
  apply();
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::deploy);
  EXPECT_EQ(hub.assigned[0].instance_name, "web-3");
}

TEST_F(HubChanges, ADependantDoesNotWaitWhileSettingsAreOnTheirWay) {
  stack.services[0].restart.policy = RestartPolicy::always;
  std::get<ProcessSpec>(stack.services[1].spec).environment["A"] = "2";
  apply();
  std::set<std::string> names;
  for (const Assign& assign : hub.assigned) names.insert(assign.instance_name);
  EXPECT_EQ(names, (std::set<std::string>{"db-1", "web-1"}));
}

}  // namespace
}  // namespace drover::hub::testing
