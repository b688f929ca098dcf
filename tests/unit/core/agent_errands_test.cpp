// Commands, questions and looks: begun once, ended for sure, told for sure.

#include "unit/core/agent_host.hpp"

namespace drover::agent::test {
namespace {

struct AgentErrands : testing::Test {
  Host host;
  void SetUp() override {
    host.start();
    host.connect();
  }
  Assign exec(std::uint64_t n, std::uint32_t attempt = 1) {
    Assign order{.task = task_id(n), .attempt = attempt, .type = TaskType::exec};
    order.placement.instance = InstanceId{order.task.value};
    order.errand = Errand{.command = {"/bin/true"}};
    return order;
  }
  void ends(std::uint64_t n, TaskMove how = TaskMove::succeed, std::uint32_t attempt = 1) {
    host.give(ErrandEnded{task_id(n),
                          attempt,
                          how,
                          how == TaskMove::succeed ? "" : "exit 1",
                          {"bye"},
                          json::object{{"exit_code", 0}}});
  }
};

TEST_F(AgentErrands, ACommandBeginsWhenThatIsWrittenDownAndIsToldWithItsResult) {
  host.from_hub(exec(1));
  ASSERT_EQ(host.errands.size(), 1u);
  EXPECT_FALSE(host.errands[0].again);
  EXPECT_EQ(host.frames<TaskStarted>().size(), 1u);
  ASSERT_EQ(host.disk.attempts.size(), 1u);
  EXPECT_TRUE(host.disk.attempts.begin()->second.begun);
  EXPECT_EQ(host.outcome(1), "");
  ends(1);
  EXPECT_EQ(host.outcome(1), "succeed");
  auto ended = host.ended(1);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].output, std::vector<std::string>{"bye"});
  ASSERT_TRUE(ended[0].result);
  EXPECT_EQ(ended[0].result->at("exit_code"), 0);
  host.from_hub(OutcomeRecorded{task_id(1), 1});
  EXPECT_TRUE(host.disk.attempts.empty());
}

TEST_F(AgentErrands, WhatCannotBeWrittenDownDoesNotBegin) {
  host.disk_full = true;
  host.from_hub(exec(1));
  EXPECT_TRUE(host.errands.empty());
  EXPECT_EQ(host.outcome(1), "refused");
}

TEST_F(AgentErrands, TheSameAttemptTwiceIsOneCommand) {
  host.from_hub(exec(1));
  host.from_hub(exec(1));
  EXPECT_EQ(host.errands.size(), 1u);
}

TEST_F(AgentErrands, AfterADeathInTheMiddleItIsLookedForAndNotBegunAgain) {
  host.from_hub(exec(1));
  host.start();
  ASSERT_EQ(host.errands.size(), 2u);
  EXPECT_TRUE(host.errands[1].again);
  host.connect();
  ends(1, TaskMove::attempt_lost);
  EXPECT_EQ(host.outcome(1), "attempt_lost");
}

TEST_F(AgentErrands, ACancelReachesWhatRuns) {
  host.from_hub(exec(1));
  host.from_hub(Cancel{task_id(1), 1});
  ASSERT_EQ(host.ended_errands.size(), 1u);
  EXPECT_EQ(host.outcome(1), "");  // not before it has ended
  ends(1, TaskMove::attempt_failed);
  EXPECT_EQ(host.outcome(1), "cancel_confirmed");
}

TEST_F(AgentErrands, WhoWasFasterThanTheCancelHasDoneIt) {
  host.from_hub(exec(1));
  host.from_hub(Cancel{task_id(1), 1});
  ends(1);
  EXPECT_EQ(host.outcome(1), "succeed");
}

TEST_F(AgentErrands, ANewerAttemptWaitsUntilNothingIsLeftOfTheOlder) {
  host.from_hub(exec(1));
  host.from_hub(exec(1, 2));
  EXPECT_EQ(host.errands.size(), 1u);
  ASSERT_EQ(host.ended_errands.size(), 1u);
  ends(1, TaskMove::attempt_failed);
  ASSERT_EQ(host.errands.size(), 2u);
  EXPECT_EQ(host.errands[1].assign.attempt, 2u);
}

TEST_F(AgentErrands, ANodeMayRunNoCommands) {
  host.settings.exec = false;
  host.start();
  host.connect();
  host.from_hub(exec(1));
  EXPECT_TRUE(host.errands.empty());
  EXPECT_EQ(host.outcome(1), "attempt_failed");
  EXPECT_NE(host.error(1).find("exec = false"), std::string::npos);
}

TEST_F(AgentErrands, AProbeAsksAsTheServiceDoes) {
  Service web = program();
  web.probes.ready = probe();
  host.give_task(TaskType::deploy, 1, web);
  Assign order{.task = task_id(50), .attempt = 1, .type = TaskType::probe};
  order.placement.instance = InstanceId{order.task.value};
  order.errand = Errand{.instance = instance_id(1)};
  host.from_hub(order);
  ASSERT_EQ(host.errands.size(), 1u);
  ASSERT_TRUE(host.errands[0].ask);
  EXPECT_EQ(host.errands[0].ask->run, host.run(1));
  EXPECT_EQ(host.errands[0].ask->probe, *web.probes.ready);
  order.task = task_id(51);
  order.placement.instance = InstanceId{order.task.value};
  order.errand->asked = "live";
  host.from_hub(order);
  EXPECT_EQ(host.outcome(51), "attempt_failed");
  EXPECT_EQ(host.error(51), "its service has no \"live\" probe");
}

TEST_F(AgentErrands, ItsProgressIsTold) {
  host.from_hub(exec(1));
  host.give(ErrandProgress{task_id(1), 1, "half way"});
  host.give(ErrandProgress{task_id(1), 1, "half way"});
  auto told = host.frames<TaskProgress>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].message, "half way");
}

}  // namespace
}  // namespace drover::agent::test
