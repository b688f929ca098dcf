// Tasks by hand, their dependencies, what failed for good, queues that are paused, operations taken back.

#include "hub_harness.hpp"

namespace drover::hub::testing {
namespace {

AddTask exec(std::vector<std::string> nodes = {"n1"}) {
  AddTask add{.type = TaskType::exec, .nodes = std::move(nodes)};
  add.errand.command = {"/bin/true"};
  return add;
}
TaskId id_of(const Result<Answer>& answer) {
  return TaskId{*parse_uuid(std::string_view(answer->body.at("id").as_string()))};
}

struct HubTasksByHand : ::testing::Test {
  Harness hub;
  NodeId node = hub.node("n1");
  const Task& task(TaskId id) { return hub.state().tasks.at(id).task; }
  TaskId add(AddTask what = exec()) {
    auto answer = hub.call(std::move(what));
    EXPECT_TRUE(answer) << answer.error().message;
    return id_of(answer);
  }
  void ends(TaskId id, TaskMove how, std::string error = "exit 1") {
    std::uint32_t attempt = task(id).attempts.back().number;
    hub.frame(node, TaskStarted{id, attempt});
    hub.frame(node, TaskEnded{.task = id, .attempt = attempt, .outcome = how, .error = std::move(error)});
  }
};

TEST_F(HubTasksByHand, ACommandIsHandedOutAndItsResultIsKept) {
  TaskId id = add();
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::exec);
  ASSERT_TRUE(hub.assigned[0].errand);
  EXPECT_EQ(hub.assigned[0].errand->command, std::vector<std::string>{"/bin/true"});
  hub.frame(node, TaskStarted{id, 1});
  hub.frame(node,
            TaskEnded{.task = id, .attempt = 1, .output = {"ok"}, .result = json::object{{"exit_code", 0}}});
  EXPECT_EQ(task(id).state, TaskState::completed);
  EXPECT_EQ(task(id).result->at("exit_code"), 0);
  EXPECT_EQ(task(id).attempts[0].output, std::vector<std::string>{"ok"});
}

TEST_F(HubTasksByHand, ACommandIsNotTriedAgain) {
  TaskId id = add();
  ends(id, TaskMove::attempt_failed);
  EXPECT_EQ(task(id).state, TaskState::failed);
  EXPECT_EQ(task(id).message, "exit 1");
}

TEST_F(HubTasksByHand, ACommandWhoseOutcomeIsNotKnownHasFailed) {
  TaskId id = add();
  ends(id, TaskMove::attempt_lost, "the host restarted");
  EXPECT_EQ(task(id).state, TaskState::failed);
  EXPECT_EQ(task(id).message, "outcome unknown: the host restarted");
  AddTask again = exec();
  again.errand.repeatable = true;
  TaskId other = add(again);
  ends(other, TaskMove::attempt_lost);
  EXPECT_EQ(task(other).state, TaskState::pending);
}

TEST_F(HubTasksByHand, ARefusedCommandIsTriedAgainWhereItHasNotBegun) {
  TaskId id = add();
  ends(id, TaskMove::refused, "disk full");
  EXPECT_EQ(task(id).state, TaskState::pending);
}

TEST_F(HubTasksByHand, PriorityGoesBeforeAge) {
  ASSERT_TRUE(hub.call(PauseQueue{"n1", true}));
  TaskId low = add();
  AddTask first = exec();
  first.priority = 9;
  TaskId high = add(first);
  ASSERT_TRUE(hub.call(PauseQueue{"n1", false}));
  ASSERT_EQ(hub.assigned.size(), 2u);
  EXPECT_EQ(hub.assigned[0].task, high);
  EXPECT_EQ(hub.assigned[1].task, low);
}

TEST_F(HubTasksByHand, WhoDependsOnItWaitsAndIsCancelledWithItsName) {
  TaskId first = add();
  AddTask then = exec();
  then.depends_on = {first};
  TaskId second = add(then);
  then.depends_on = {second};
  TaskId third = add(then);
  EXPECT_EQ(hub.assigned.size(), 1u);
  ends(first, TaskMove::attempt_failed);
  EXPECT_EQ(task(second).state, TaskState::cancelled);
  EXPECT_EQ(task(second).message,
            "exec /bin/true on n1 (" + to_string(first) + "), on which it depends, has failed: exit 1");
  EXPECT_EQ(task(third).state, TaskState::cancelled);
  EXPECT_NE(task(third).message.find(to_string(second)), std::string::npos);
  then.depends_on = {first};
  EXPECT_EQ(hub.call(then).error().code, Errc::conflict);
}

TEST_F(HubTasksByHand, WhoDependsOnItGoesOnWhenItIsDone) {
  TaskId first = add();
  AddTask then = exec();
  then.depends_on = {first};
  TaskId second = add(then);
  ends(first, TaskMove::succeed, "");
  EXPECT_EQ(task(second).state, TaskState::assigned);
}

TEST_F(HubTasksByHand, ItEndsForLackOfProgressAndAtItsTimeout) {
  AddTask slow = exec();
  slow.no_progress = 10s;
  slow.timeout = 25s;
  TaskId id = add(slow);
  hub.frame(node, TaskStarted{id, 1});
  for (int i = 0; i < 3; ++i) {
    hub.pass(8s);
    hub.frame(node, TaskProgress{id, 1, 0, "line " + std::to_string(i)});
  }
  EXPECT_EQ(task(id).state, TaskState::running);
  auto effects = hub.pass(1s);
  EXPECT_EQ(task(id).state, TaskState::failed);
  EXPECT_EQ(task(id).message, "not done within 25s");
  ASSERT_FALSE(effects.frames.empty());
  EXPECT_TRUE(std::holds_alternative<Cancel>(effects.frames[0].envelope.frame));
  TaskId silent = add(slow);
  hub.frame(node, TaskStarted{silent, 1});
  hub.pass(10s);
  EXPECT_EQ(task(silent).message, "no progress for 10s");
}

TEST_F(HubTasksByHand, TheLimitsHoldAfterTheAgentHasComeBack) {
  AddTask slow = exec();
  slow.no_progress = 10s;
  TaskId id = add(slow);
  hub.frame(node, TaskStarted{id, 1});
  hub.step(SessionClosed{hub.sessions.at(node), "cut"});
  hub.pass(20s);
  EXPECT_EQ(task(id).state, TaskState::running);  // it stands as long as its node is not lost
  hub.sessions[node] = 99;
  hub.step(SessionOpened{99, node, "test"});
  Hello hello{.uid = node, .name = "n1", .boot = "b2"};
  hub.step(SessionFrame{99, Envelope{1, 0, 0, hello}});
  hub.step(SessionFrame{99, Envelope{2, 0, 0, Inventory{.attempts = {{id, 1}}}}});
  hub.pass(10s);
  EXPECT_EQ(task(id).message, "no progress for 10s");
}

TEST_F(HubTasksByHand, WhatFailedForGoodWaitsForAPersonAndIsRequeued) {
  TaskId id = add();
  ends(id, TaskMove::attempt_failed);
  ASSERT_EQ(hub.state().dead.size(), 1u);
  EXPECT_TRUE(hub.state().finished.empty());
  auto answer = hub.call(RetryTask{id, std::nullopt});
  ASSERT_TRUE(answer);
  EXPECT_EQ(task(id_of(answer)).retry_of, id);
  EXPECT_EQ(task(id_of(answer)).errand->command, task(id).errand->command);
  EXPECT_TRUE(hub.state().dead.empty());
  ends(id_of(answer), TaskMove::attempt_failed);
  auto all = hub.call(RequeueTasks{});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->body.at("tasks").as_array().size(), 1u);
  EXPECT_TRUE(hub.state().dead.empty());
}

TEST_F(HubTasksByHand, WhatFailedForGoodCanBeDismissed) {
  TaskId id = add();
  ends(id, TaskMove::attempt_failed);
  ASSERT_TRUE(hub.call(DismissTask{id}));
  EXPECT_TRUE(hub.state().dead.empty());
  EXPECT_EQ(hub.state().finished.size(), 1u);
  EXPECT_EQ(hub.call(DismissTask{id}).error().code, Errc::conflict);
}

TEST_F(HubTasksByHand, APausedQueueHandsNothingOut) {
  ASSERT_TRUE(hub.call(PauseQueue{"", true}));
  TaskId id = add();
  EXPECT_EQ(task(id).state, TaskState::pending);
  EXPECT_TRUE(hub.state().paused.contains("hub"));
  ASSERT_TRUE(hub.call(PauseQueue{"", false}));
  EXPECT_EQ(task(id).state, TaskState::assigned);
  EXPECT_TRUE(hub.state().paused.empty());
}

TEST_F(HubTasksByHand, MemoryHoldsTheNewestOnlyAndTheStoreGetsEach) {
  Harness small({.recent_tasks = 3, .version = "test"});
  NodeId n = small.node("n1");
  std::size_t records = 0;
  for (int i = 0; i < 8; ++i) {
    TaskId id = id_of(small.call(exec()));
    small.frame(n, TaskStarted{id, 1});
    auto effects = small.frame(n, TaskEnded{.task = id, .attempt = 1});
    for (const Change& change : effects.changes)
      if (const auto* row = std::get_if<Row>(&change))
        if (const auto* record = std::get_if<TaskRecord>(row)) records = record->seq;
  }
  EXPECT_EQ(records, 8u);
  EXPECT_EQ(small.state().tasks.size(), 3u);
  EXPECT_EQ(small.state().finished.size(), 3u);
}

TEST_F(HubTasksByHand, RecordsGoByNumberAndAge) {
  Harness small({.keep_tasks = 5, .keep_finished = 600s, .version = "test"});
  NodeId n = small.node("n1");
  auto one = [&] {
    TaskId id = id_of(small.call(exec()));
    small.frame(n, TaskEnded{.task = id, .attempt = 1});
  };
  auto erased = [&](Duration after) {
    std::uint64_t before = 0;
    for (const Change& change : small.pass(after).changes)
      if (const auto* erase = std::get_if<Erase>(&change))
        if (const auto* records = std::get_if<EraseRecordsBefore>(erase)) before = records->seq;
    return before;
  };
  for (int i = 0; i < 8; ++i) one();
  EXPECT_EQ(erased(60s), 4u);   // 4 … 8 stay
  EXPECT_EQ(erased(60s), 0u);   // once is enough
  EXPECT_EQ(erased(660s), 9u);  // too old, all of them
}

TEST_F(HubTasksByHand, FiguresOfADay) {
  TaskId id = add();
  hub.now.boot += 2s;
  hub.now.wall += 2s;
  hub.frame(node, TaskStarted{id, 1});
  hub.now.boot += 8s;
  hub.now.wall += 8s;
  hub.frame(node, TaskEnded{.task = id, .attempt = 1});
  auto sums = hub.state().tally.sum(hub.now.wall, std::chrono::hours(1));
  const TypeTally& tally = sums.at(TaskType::exec);
  EXPECT_EQ(tally.completed, 1u);
  EXPECT_NEAR(seconds(*tally.waiting.percentile(0.5)), 2, 0.1);
  EXPECT_NEAR(seconds(*tally.running.percentile(0.99)), 8, 0.5);
  EXPECT_TRUE(hub.state().tally.sum(hub.now.wall + std::chrono::hours(2), std::chrono::hours(1)).empty());
}

TEST_F(HubTasksByHand, OverSeveralNodesItIsAnOperationWithAResultForEach) {
  NodeId other = hub.node("n2");
  auto answer = hub.call(exec({"n1", "n2"}));
  ASSERT_TRUE(answer);
  OperationId id{*parse_uuid(std::string_view(answer->body.at("id").as_string()))};
  ASSERT_EQ(hub.assigned.size(), 2u);
  for (const Assign& assign : hub.assigned) {
    NodeId at = task(assign.task).node;
    hub.frame(at, TaskEnded{.task = assign.task,
                            .attempt = 1,
                            .outcome = at == other ? TaskMove::attempt_failed : TaskMove::succeed});
  }
  const Operation& operation = hub.state().operations.at(id);
  EXPECT_EQ(operation.state, OperationState::partial);
  EXPECT_EQ(operation.items[0].ok, true);
  EXPECT_EQ(operation.items[1].ok, false);
  EXPECT_EQ(hub.call(UndoOperation{id}).error().message, "what a command has done cannot be taken back");
}

TEST_F(HubTasksByHand, AStopIsTakenBackAsItWasAskedFor) {
  Stack stack{.name = "shop", .services = {serving("web"), serving("db")}};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  hub.obey(node);
  ASSERT_TRUE(hub.call(ChangeRun{OperationKind::stop, false, {"shop/db"}}));
  hub.obey(node);
  auto answer = hub.call(ChangeRun{OperationKind::stop, false, {"shop"}});
  hub.obey(node);
  OperationId id{*parse_uuid(std::string_view(answer->body.at("id").as_string()))};
  EXPECT_FALSE(wanted_running(hub.state(), hub.slot("shop", "web", "web-1").slot));
  auto undone = hub.call(UndoOperation{id});
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_EQ(undone->body.at("undo_of").as_string(), to_string(id));
  EXPECT_TRUE(wanted_running(hub.state(), hub.slot("shop", "web", "web-1").slot));
  EXPECT_FALSE(wanted_running(hub.state(), hub.slot("shop", "db", "db-1").slot));  // it was stopped before
}

TEST_F(HubTasksByHand, WhatCannotBeDoneIsRefusedAtOnce) {
  AddTask bad = exec();
  bad.errand.command.clear();
  EXPECT_EQ(hub.call(bad).error().code, Errc::invalid);
  bad = exec();
  bad.type = TaskType::deploy;
  EXPECT_EQ(hub.call(bad).error().code, Errc::invalid);
  EXPECT_EQ(hub.call(exec({"n9"})).error().code, Errc::not_found);
  bad = exec();
  bad.priority = 11;
  EXPECT_EQ(hub.call(bad).error().code, Errc::invalid);
  bad = {.type = TaskType::probe, .nodes = {"n1"}};
  EXPECT_EQ(hub.call(bad).error().code, Errc::invalid);
}

}  // namespace
}  // namespace drover::hub::testing
