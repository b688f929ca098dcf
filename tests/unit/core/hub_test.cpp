#include "hub_harness.hpp"

namespace drover::hub::testing {
namespace {

TEST(HubApply, MakesARevisionAndHandsOutATask) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  auto answer = hub.call(ApplyStack{one_service(), std::nullopt});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(answer->body.at("revision").to_number<int>(), 1);
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::deploy);
  EXPECT_EQ(hub.assigned[0].instance_name, "web-1");
  hub.obey(n1);
  hub.pass(1s);
  EXPECT_EQ(hub.state().deployments.begin()->second.state, DeploymentState::succeeded);
}

TEST(HubApply, EqualContentChangesNothing) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  hub.obey(n1);
  auto again = hub.call(ApplyStack{one_service(), std::nullopt});
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->body.at("changed").as_bool());
  EXPECT_EQ(hub.state().deployments.size(), 1u);
  EXPECT_TRUE(hub.assigned.empty());
}

TEST(HubApply, AStaleIfMatchIsRefused) {
  Harness hub;
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), 0}));
  auto answer = hub.call(ApplyStack{{.name = "shop", .services = {serving("web"), serving("db")}}, 0});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::stale);
  EXPECT_EQ(hub.state().stacks.at("shop").row.revision, 1u);
}

TEST(HubApply, AnInvalidStackChangesNothing) {
  Harness hub;
  Stack wrong = one_service();
  wrong.services[0].depends_on = {{"nothing", Condition::ready}};
  auto answer = hub.call(ApplyStack{wrong, std::nullopt});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::invalid);
  EXPECT_FALSE(answer.error().problems.empty());
  EXPECT_TRUE(hub.state().stacks.empty());
}

TEST(HubApply, TheSameKeyGivesTheSameAnswer) {
  Harness hub;
  auto first = hub.call(ApplyStack{one_service(), std::nullopt}, Idempotency{"k", "f"});
  auto second = hub.call(ApplyStack{one_service(), std::nullopt}, Idempotency{"k", "f"});
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(second->replayed);
  EXPECT_EQ(first->body, second->body);
  auto other = hub.call(ApplyStack{one_service(), std::nullopt}, Idempotency{"k", "other"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::conflict);
}

TEST(HubPlace, SaysWhyNothingFits) {
  Harness hub;
  hub.node("n1");
  Stack stack = one_service();
  stack.services[0].place.constraints = {"label.site == home"};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  const SlotEntry& slot = hub.slot("shop", "web", "web-1");
  EXPECT_FALSE(slot.slot.node);
  EXPECT_NE(slot.waits.find("label.site"), std::string::npos) << slot.waits;
  ASSERT_TRUE(hub.call(LabelNode{"n1", {{"site", "home"}}}));
  EXPECT_EQ(hub.assigned.size(), 1u);
}

TEST(HubPlace, SpreadsOverNodes) {
  Harness hub;
  hub.node("n1");
  hub.node("n2");
  Stack stack = one_service();
  stack.services[0].scale.count = 4;
  stack.services[0].update.batch = 4;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  for (const auto& [id, node] : hub.state().nodes) EXPECT_EQ(node.slots.size(), 2u);
}

TEST(HubDepends, WaitsForTheCondition) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack{.name = "shop", .services = {serving("db"), serving("web")}};
  stack.services[1].depends_on = {{"db", Condition::ready}};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].instance_name, "db-1");
  EXPECT_EQ(hub.slot("shop", "web", "web-1").waits, "waiting for db: ready (0/1)");
  hub.obey(n1);
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].instance_name, "web-1");
}

TEST(HubRun, StopsDependantsFirst) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack{.name = "shop", .services = {serving("db"), serving("web")}};
  stack.services[1].depends_on = {{"db", Condition::ready}};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  hub.obey(n1);
  hub.obey(n1);
  ASSERT_TRUE(hub.call(ChangeRun{OperationKind::stop, true, {}}));
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].instance_name, "web-1");
  hub.obey(n1);
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].instance_name, "db-1");
  hub.obey(n1);
  EXPECT_EQ(hub.state().operations.begin()->second.state, OperationState::succeeded);
}

TEST(HubRun, ARestartIsDoneOnceTheProgramHasLivedForAWhile) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  hub.obey(n1);
  hub.pass(2s);
  ASSERT_TRUE(hub.call(ChangeRun{OperationKind::restart, false, {"shop/web"}}));
  hub.obey(n1);
  const auto& operation = hub.state().operations.begin()->second;
  EXPECT_EQ(operation.state, OperationState::running) << "it could be a program that ends at once";
  hub.pass(1s);
  EXPECT_EQ(operation.state, OperationState::succeeded);
}

TEST(HubRun, AnAmbiguousNameIsRefusedWithTheCandidates) {
  Harness hub;
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  ASSERT_TRUE(hub.call(ApplyStack{{.name = "lab", .services = {serving("web")}}, std::nullopt}));
  auto answer = hub.call(ChangeRun{OperationKind::stop, false, {"web"}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::conflict);
  EXPECT_NE(answer.error().message.find("lab/web"), std::string::npos);
  auto wrong = hub.call(ChangeRun{OperationKind::stop, false, {"shop/wbe"}});
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().hint.find("shop/web"), std::string::npos) << wrong.error().hint;
}

TEST(HubTasks, AFailedAttemptIsRepeatedAndThenFails) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  for (int attempt = 1; attempt <= 4; ++attempt) {
    ASSERT_EQ(hub.assigned.size(), 1u) << attempt;
    Assign assign = hub.assigned[0];
    hub.assigned.clear();
    EXPECT_EQ(assign.attempt, std::uint32_t(attempt));
    hub.frame(n1, TaskStarted{assign.task, assign.attempt});
    hub.frame(n1, TaskEnded{assign.task, assign.attempt, TaskMove::attempt_failed, "no such file", {}});
    hub.pass(100s);
    hub.frame(n1, Heartbeat{});
  }
  EXPECT_TRUE(hub.assigned.empty());
  EXPECT_EQ(hub.slot("shop", "web", "web-1").slot.blocked, "no such file");
  EXPECT_EQ(hub.state().deployments.begin()->second.state, DeploymentState::failed);
}

TEST(HubTasks, AnOldAttemptsReportChangesNothing) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  Assign first = hub.assigned.at(0);
  hub.frame(n1, TaskStarted{first.task, 1});
  hub.frame(n1, TaskEnded{first.task, 1, TaskMove::attempt_failed, "once", {}});
  hub.pass(5s);
  ASSERT_EQ(hub.assigned.size(), 2u);
  hub.frame(n1, TaskEnded{.task = first.task, .attempt = 1});
  EXPECT_EQ(hub.state().tasks.at(first.task).task.state, TaskState::assigned);
}

TEST(HubTasks, NoProgressEndsAnAttempt) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  Assign first = hub.assigned.at(0);
  hub.frame(n1, TaskStarted{first.task, 1});
  for (int i = 0; i < 70; ++i) {
    hub.pass(5s);
    hub.frame(n1, Heartbeat{});
  }
  ASSERT_GE(hub.assigned.size(), 2u);
  EXPECT_EQ(hub.assigned[1].attempt, 2u);
}

TEST(HubNodes, SilenceMakesSuspectThenLost) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  hub.obey(n1);
  hub.pass(19s);
  EXPECT_EQ(hub.state().nodes.at(n1).row.node.state, NodeState::suspect);
  hub.pass(20s);
  EXPECT_EQ(hub.state().nodes.at(n1).row.node.state, NodeState::lost);
  EXPECT_EQ(seen_state(hub.state(), hub.slot("shop", "web", "web-1")).state, InstanceState::lost);
  EXPECT_TRUE(hub.assigned.empty());  // neither there nor missing
}

TEST(HubNodes, ACloneIsRefusedAndNamed) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  hub.step(SessionOpened{99, n1, "elsewhere"});
  Hello hello{.uid = n1, .name = "n1", .boot = "another"};
  auto effects = hub.step(SessionFrame{99, Envelope{1, 0, 0, hello}});
  ASSERT_FALSE(effects.frames.empty());
  const auto* refuse = std::get_if<Refuse>(&effects.frames[0].envelope.frame);
  ASSERT_TRUE(refuse);
  EXPECT_EQ(refuse->code, "clone");
}

TEST(HubNodes, ReplaceTakesTheNameOver) {
  Harness hub;
  NodeId old = hub.node("n1");
  auto refused = hub.call(RegisterNode{"token", NodeId{make_uuid(hub.now.wall, hub.rng)}, "n1", "s", "p"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  JoinToken token{
      .id = TokenId{make_uuid(hub.now.wall, hub.rng)}, .hash = "again", .uses_left = 1, .replace = "n1"};
  token.expires_at = hub.now.wall + std::chrono::hours(1);
  ASSERT_TRUE(hub.call(PutJoinToken{token}));
  NodeId fresh{make_uuid(hub.now.wall, hub.rng)};
  ASSERT_TRUE(hub.call(RegisterNode{"again", fresh, "n1", "s", "p"}));
  EXPECT_FALSE(hub.state().nodes.contains(old));
  EXPECT_EQ(hub.state().node_names.at("n1"), fresh);
  EXPECT_FALSE(hub.call(RegisterNode{"again", fresh, "n1", "s", "p"}));  // one use
}

TEST(HubInventory, AnOrphanIsDeleted) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Observed stray{
      .instance = InstanceId{make_uuid(hub.now.wall, hub.rng)}, .epoch = 1, .state = InstanceState::ready};
  hub.frame(n1, Inventory{0, {stray}, {}});
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::delete_);
  EXPECT_EQ(hub.assigned[0].placement.instance, stray.instance);
}

TEST(HubScale, KeepsTheOthers) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  hub.obey(n1);
  InstanceId first = hub.slot("shop", "web", "web-1").slot.id;
  ASSERT_TRUE(hub.call(ScaleService{"shop", "web", 3}));
  EXPECT_EQ(hub.assigned.size(), 2u);
  hub.obey(n1);
  ASSERT_TRUE(hub.call(ScaleService{"shop", "web", 1}));
  hub.obey(n1);
  EXPECT_EQ(hub.state().slots.size(), 1u);
  EXPECT_EQ(hub.slot("shop", "web", "web-1").slot.id, first);
}

TEST(HubUpdate, RollsInBatches) {
  Harness hub;
  NodeId n1 = hub.node("n1");
  Stack stack = one_service();
  stack.services[0].scale.count = 3;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  for (int i = 0; i < 3; ++i) hub.obey(n1);
  std::get<ProcessSpec>(stack.services[0].spec).command = {"serve", "v2"};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(hub.assigned.size(), 1u) << i;
    EXPECT_EQ(hub.assigned[0].type, TaskType::update);
    hub.obey(n1);
    EXPECT_TRUE(hub.assigned.empty());  // it has no probe: whether it lives is seen first
    hub.pass(1s);
  }
  EXPECT_TRUE(hub.assigned.empty());
}

}  // namespace
}  // namespace drover::hub::testing
