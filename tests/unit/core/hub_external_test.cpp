// Nodes whose agent is a script: fetch, report, silence.

#include "hub_harness.hpp"

namespace drover::hub::testing {
namespace {

struct HubExternal : ::testing::Test {
  Harness hub;
  NodeId node{make_uuid(hub.now.wall, hub.rng)};
  void SetUp() override {
    Credential credential{
        .id = TokenId{make_uuid(hub.now.wall, hub.rng)}, .kind = "agent", .name = "nas", .hash = "h"};
    credential.user = to_string(node);
    ASSERT_TRUE(hub.call(AddExternalNode{node, "nas", {}, 60s, credential}));
  }
  TaskId add(TaskType type = TaskType::deploy) {
    AddTask add{.type = type, .nodes = {"nas"}};
    add.errand.payload = json::object{{"containerName", "web"}};
    auto answer = hub.call(add);
    EXPECT_TRUE(answer) << answer.error().message;
    return TaskId{*parse_uuid(std::string_view(answer->body.at("id").as_string()))};
  }
  std::size_t fetch(std::uint32_t limit = 10) {
    auto answer = hub.call(FetchTasks{node, limit});
    EXPECT_TRUE(answer);
    return answer->body.at("tasks").as_array().size();
  }
  Result<Answer> report(TaskId id, TaskState state, std::optional<std::uint32_t> attempt = std::nullopt) {
    return hub.call(
        ReportTask{.node = node, .id = id, .attempt = attempt, .state = state, .message = "said"});
  }
  TaskState state(TaskId id) { return hub.state().tasks.at(id).task.state; }
  NodeState node_state() { return hub.state().nodes.at(node).row.node.state; }
};

TEST_F(HubExternal, FetchingAssignsAndReportsMoveItOn) {
  TaskId id = add();
  EXPECT_EQ(state(id), TaskState::pending);
  EXPECT_EQ(node_state(), NodeState::joined);
  EXPECT_EQ(fetch(), 1u);
  EXPECT_EQ(node_state(), NodeState::online);
  EXPECT_EQ(state(id), TaskState::assigned);
  EXPECT_EQ(fetch(), 1u);  // again until it is over
  ASSERT_TRUE(report(id, TaskState::running));
  EXPECT_EQ(state(id), TaskState::running);
  ASSERT_TRUE(report(id, TaskState::completed, 1));
  EXPECT_EQ(state(id), TaskState::completed);
  EXPECT_TRUE(report(id, TaskState::completed, 1));  // its answer was lost
  EXPECT_EQ(report(id, TaskState::failed, 1).error().code, Errc::conflict);
  EXPECT_EQ(fetch(), 0u);
}

TEST_F(HubExternal, NotMoreThanItAsksFor) {
  for (int i = 0; i < 5; ++i) add();
  EXPECT_EQ(fetch(2), 2u);
  EXPECT_EQ(fetch(3), 3u);
}

TEST_F(HubExternal, OldAttemptsAndStrangersAreRefused) {
  TaskId id = add();
  fetch();
  ASSERT_TRUE(report(id, TaskState::failed, 1));
  EXPECT_EQ(state(id), TaskState::pending);  // retries are left
  hub.pass(120s);
  fetch();
  EXPECT_EQ(report(id, TaskState::completed, 1).error().code, Errc::conflict);
  EXPECT_EQ(state(id), TaskState::assigned);
  NodeId other = hub.node("n1");
  EXPECT_EQ(hub.call(ReportTask{.node = other, .id = id}).error().code, Errc::not_found);
  EXPECT_TRUE(report(id, TaskState::completed, 2));
}

TEST_F(HubExternal, SilenceLosesItAndItsTasksWait) {
  TaskId id = add();
  TaskId once = add(TaskType::exec);
  fetch();
  ASSERT_TRUE(report(once, TaskState::running));
  hub.pass(61s);
  EXPECT_EQ(node_state(), NodeState::lost);
  EXPECT_EQ(state(id), TaskState::pending);
  EXPECT_EQ(state(once), TaskState::failed);
  EXPECT_NE(hub.state().tasks.at(once).task.message.find("outcome unknown"), std::string::npos);
  hub.pass(10s);
  EXPECT_EQ(fetch(), 1u);
  EXPECT_EQ(node_state(), NodeState::online);
  EXPECT_EQ(hub.state().tasks.at(id).task.attempts.back().number, 2u);
}

TEST_F(HubExternal, ACancelIsSeenByTheNextCall) {
  TaskId id = add();
  fetch();
  ASSERT_TRUE(hub.call(CancelTask{id}));
  EXPECT_EQ(state(id), TaskState::assigned);
  auto told = report(id, TaskState::running);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->body.at("cancel_requested").as_bool(), true);
  ASSERT_TRUE(report(id, TaskState::cancelled));
  EXPECT_EQ(state(id), TaskState::cancelled);
}

TEST_F(HubExternal, ItTakesNoInstances) {
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  fetch();
  const SlotEntry& slot = hub.slot("shop", "web", "web-1");
  EXPECT_FALSE(slot.slot.node);
  auto reasons = why(hub.state(), "shop/web");
  ASSERT_TRUE(reasons);
  ASSERT_EQ(reasons->at(0).nodes.size(), 1u);
  EXPECT_EQ(reasons->at(0).nodes[0].reason, "its agent is a script: it takes tasks only");
}

TEST_F(HubExternal, ANewTokenEndsTheOldOne) {
  Credential fresh{.id = TokenId{make_uuid(hub.now.wall, hub.rng)}, .kind = "agent", .hash = "new"};
  ASSERT_TRUE(hub.call(RenewExternalNode{"nas", fresh}));
  EXPECT_FALSE(hub.state().credential_hashes.contains("h"));
  EXPECT_TRUE(hub.state().credential_hashes.contains("new"));
}

}  // namespace
}  // namespace drover::hub::testing
