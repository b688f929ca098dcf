// Attempts: carried out once, in order, cancelled, kept until recorded.

#include "unit/core/agent_host.hpp"

namespace drover::agent::test {
namespace {

struct AgentTasks : testing::Test {
  Host host;
  void SetUp() override {
    host.start();
    host.connect();
  }
};

TEST_F(AgentTasks, DeployStartsAndCompletesWhenSeenAlive) {
  host.runs = false;
  auto task = host.give_task(TaskType::deploy, 1);
  ASSERT_EQ(host.spawns.size(), 1u);
  EXPECT_EQ(host.spawns[0].stack, "shop");
  EXPECT_EQ(host.outcome(task), "");
  EXPECT_EQ(host.state(1), InstanceState::configuring);
  EXPECT_EQ(host.frames<TaskStarted>().size(), 1u);
  host.give(Spawned{host.run(1), 4711, host.now.wall});
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.seen(1).pid, 4711);
  EXPECT_TRUE(host.disk.placements.contains(instance_id(1)));
}

TEST_F(AgentTasks, WhatWasDoneIsReportedBeforeTheEndOfTheTask) {
  host.give_task(TaskType::deploy, 1);
  std::size_t report = 0, end = 0;
  for (std::size_t i = 0; i < host.sent.size(); ++i) {
    const auto* state = std::get_if<StateReport>(&host.sent[i].frame);
    if (state && state->instances[0].state == InstanceState::ready) report = i;
    if (std::holds_alternative<TaskEnded>(host.sent[i].frame)) end = i;
  }
  EXPECT_GT(report, 0u);
  EXPECT_GT(end, report);
}

TEST_F(AgentTasks, NothingHappensBeforeItIsDurable) {
  host.disk_full = true;
  auto task = host.give_task(TaskType::deploy, 1);
  EXPECT_TRUE(host.spawns.empty());
  EXPECT_EQ(host.outcome(task), "refused");
  EXPECT_TRUE(host.error(task).starts_with("disk full under the agent")) << host.error(task);
}

TEST_F(AgentTasks, TheSameAttemptTwiceIsOneAttempt) {
  Assign order = host.order(TaskType::deploy, 1);
  host.from_hub(order);
  host.from_hub(order);
  EXPECT_EQ(host.spawns.size(), 1u);
  EXPECT_EQ(host.ended(1).size(), 2u);  // the outcome is told again
  host.from_hub(OutcomeRecorded{order.task, order.attempt});
  EXPECT_TRUE(host.disk.attempts.empty());
}

TEST_F(AgentTasks, AlreadyThereIsSuccessAtOnce) {
  host.give_task(TaskType::deploy, 1);
  auto again = host.give_task(TaskType::deploy, 1);
  EXPECT_EQ(host.outcome(again), "succeed");
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST_F(AgentTasks, ALowerEpochIsRefused) {
  host.epoch = 5;
  host.give_task(TaskType::deploy, 1);
  host.epoch = 4;
  for (TaskType type : {TaskType::deploy, TaskType::stop, TaskType::delete_, TaskType::restart}) {
    auto task = host.give_task(type, 1);
    EXPECT_EQ(host.outcome(task), "refused");
    EXPECT_EQ(host.error(task), "epoch 4 is older than 5, which this node holds");
  }
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

TEST_F(AgentTasks, UpdateStopsTheOldRunFirst) {
  host.give_task(TaskType::deploy, 1);
  host.stops = false;
  Service changed = program();
  changed.stop = {"SIGINT", 3s};
  std::get<ProcessSpec>(changed.spec).environment["A"] = "b";
  host.generation = 2;
  auto task = host.give_task(TaskType::update, 1, changed);
  ASSERT_EQ(host.stop_orders.size(), 1u);
  EXPECT_EQ(host.stop_orders[0].stop.signal, "SIGTERM");  // of the run that ends, not of the new one
  EXPECT_EQ(host.state(1), InstanceState::restarting);
  EXPECT_EQ(host.seen(1).digest, digest_of(program()));
  auto old = host.run(1);
  host.give(Exited{old, exit_code(0), {}});
  EXPECT_EQ(host.spawns.size(), 1u);  // the main process has ended, but something is left
  host.give(Emptied{old});
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.seen(1).generation, 2u);
  EXPECT_EQ(host.seen(1).restarts, 0u);
}

TEST_F(AgentTasks, UpdateToTheSameContentOnlyTakesTheGenerationOver) {
  host.give_task(TaskType::deploy, 1);
  host.generation = 7;
  auto task = host.give_task(TaskType::update, 1);
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.seen(1).generation, 7u);
  EXPECT_EQ(host.spawns.size(), 1u);
  EXPECT_EQ(host.disk.placements.at(instance_id(1)).placement.generation, 7u);
}

TEST_F(AgentTasks, PlacedStopped) {
  host.run_flag = false;
  auto task = host.give_task(TaskType::deploy, 1);
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.state(1), InstanceState::stopped);
  EXPECT_TRUE(host.spawns.empty());
}

TEST_F(AgentTasks, StopAndStart) {
  host.give_task(TaskType::deploy, 1);
  host.stops = false;
  auto stop = host.give_task(TaskType::stop, 1);
  EXPECT_EQ(host.state(1), InstanceState::stopping);
  host.give(Exited{host.run(1), exit_code(0), {}});
  EXPECT_EQ(host.outcome(stop), "");
  host.give(Emptied{host.run(1)});
  EXPECT_EQ(host.outcome(stop), "succeed");
  EXPECT_EQ(host.state(1), InstanceState::stopped);
  EXPECT_FALSE(host.disk.placements.at(instance_id(1)).run);
  auto start = host.give_task(TaskType::start, 1);
  EXPECT_EQ(host.outcome(start), "succeed");
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.seen(1).incarnation, 2u);
}

TEST_F(AgentTasks, StopAndDeleteOfTheUnknownSucceed) {
  auto stop = host.give_task(TaskType::stop, 8);
  auto remove = host.give_task(TaskType::delete_, 9);
  EXPECT_EQ(host.outcome(stop), "succeed");
  EXPECT_EQ(host.outcome(remove), "succeed");
}

TEST_F(AgentTasks, RestartOncePerGeneration) {
  host.give_task(TaskType::deploy, 1);
  host.restarts = 1;
  auto task = host.give_task(TaskType::restart, 1);
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.seen(1).restart_generation, 1u);
  auto again = host.give_task(TaskType::restart, 1);
  EXPECT_EQ(host.outcome(again), "succeed");
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.seen(1).restarts, 0u);  // none of them automatic
}

TEST_F(AgentTasks, DeleteLeavesNothing) {
  host.give_task(TaskType::deploy, 1);
  auto task = host.give_task(TaskType::delete_, 1);
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_FALSE(host.has(1));
  ASSERT_EQ(host.removed.size(), 1u);
  EXPECT_EQ(host.removed[0].instance_name, "web-1");
  EXPECT_EQ(host.forgotten.size(), 1u);
  EXPECT_TRUE(host.disk.placements.empty());
}

TEST_F(AgentTasks, PriorityThenAgeAndAtMostSoManyAtOnce) {
  host.runs = false;
  for (std::uint64_t i = 1; i <= 6; ++i) host.give_task(TaskType::deploy, i);
  host.priority = 9;
  host.give_task(TaskType::deploy, 7);
  ASSERT_EQ(host.spawns.size(), 4u);
  host.give(Spawned{host.run(1), 1, host.now.wall});
  ASSERT_EQ(host.spawns.size(), 5u);
  EXPECT_EQ(host.spawns[4].run.instance, instance_id(7));
  host.give(Spawned{host.run(2), 2, host.now.wall});
  EXPECT_EQ(host.spawns[5].run.instance, instance_id(5));
}

TEST_F(AgentTasks, NeverTwoForOneInstanceAtOnce) {
  host.runs = false;
  auto deploy = host.give_task(TaskType::deploy, 1);
  auto stop = host.give_task(TaskType::stop, 1);
  EXPECT_TRUE(host.stop_orders.empty());
  EXPECT_EQ(host.outcome(stop), "");
  host.give(Spawned{host.run(1), 1, host.now.wall});
  EXPECT_EQ(host.outcome(deploy), "succeed");
  EXPECT_EQ(host.outcome(stop), "succeed");
}

TEST_F(AgentTasks, APermanentFailureEndsTheAttemptWithItsReason) {
  host.runs = false;
  auto task = host.give_task(TaskType::deploy, 1);
  host.give(SpawnFailed{host.run(1), SpawnFailed::Why::permanent, "/bin/nope: no such file", 0});
  EXPECT_EQ(host.outcome(task), "attempt_failed");
  EXPECT_EQ(host.error(task), "/bin/nope: no such file");
  EXPECT_EQ(host.state(1), InstanceState::failed);
  host.pass(3600s);
  EXPECT_EQ(host.spawns.size(), 1u);  // no loop
  host.runs = true;
  EXPECT_EQ(host.outcome(host.give_task(TaskType::deploy, 1)), "succeed");  // asked for again: tried again
  EXPECT_EQ(host.spawns.size(), 2u);
}

TEST_F(AgentTasks, ABusyPortIsWaitedForAndBurnsNoRestart) {
  host.runs = false;
  auto task = host.give_task(TaskType::deploy, 1);
  for (int i = 0; i < 4; ++i) {
    host.give(SpawnFailed{host.run(1), SpawnFailed::Why::port_busy, "port 80 is held by nginx (pid 7)", 80});
    EXPECT_EQ(host.state(1), InstanceState::waiting);
    EXPECT_EQ(host.seen(1).reason, "port 80 is held by nginx (pid 7)");
    host.pass(40s);
  }
  EXPECT_EQ(host.spawns.size(), 5u);
  EXPECT_EQ(host.outcome(task), "");
  EXPECT_EQ(host.frames<TaskProgress>().back().message, "port 80 is held by nginx (pid 7)");
  host.give(Spawned{host.run(1), 5, host.now.wall});
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.seen(1).restarts, 0u);
}

TEST_F(AgentTasks, AStopDoesNotWaitBehindADeployThatCannotSpawn) {
  host.runs = false;
  auto deploy = host.give_task(TaskType::deploy, 1);
  host.give(SpawnFailed{host.run(1), SpawnFailed::Why::port_busy, "busy", 80});
  auto stop = host.give_task(TaskType::stop, 1);
  EXPECT_EQ(host.outcome(deploy), "attempt_failed");
  EXPECT_EQ(host.error(deploy), "superseded by a stop");
  EXPECT_EQ(host.outcome(stop), "succeed");
  EXPECT_EQ(host.state(1), InstanceState::stopped);
  host.pass(60s);
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST_F(AgentTasks, WaitingForAPortHoldsNobodyUp) {
  host.runs = false;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    host.give_task(TaskType::deploy, i);
    host.give(SpawnFailed{host.run(i), SpawnFailed::Why::port_busy, "busy", 80});
  }
  host.give_task(TaskType::deploy, 5);
  EXPECT_EQ(host.spawns.back().run.instance, instance_id(5));
}

TEST_F(AgentTasks, CancelOfAQueuedAttempt) {
  host.runs = false;
  host.give_task(TaskType::deploy, 1);
  auto queued = host.give_task(TaskType::restart, 1);
  host.from_hub(Cancel{task_id(queued), 1});
  EXPECT_EQ(host.outcome(queued), "cancel_confirmed");
}

TEST_F(AgentTasks, CancelOfWhatHasBegunLetsItWin) {
  host.runs = false;
  auto task = host.give_task(TaskType::deploy, 1);
  host.from_hub(Cancel{task_id(task), 1});
  EXPECT_EQ(host.outcome(task), "");
  host.give(Spawned{host.run(1), 1, host.now.wall});
  EXPECT_EQ(host.outcome(task), "succeed");
}

TEST_F(AgentTasks, CancelOfADeployThatWaitsForAPort) {
  host.runs = false;
  auto task = host.give_task(TaskType::deploy, 1);
  host.give(SpawnFailed{host.run(1), SpawnFailed::Why::port_busy, "port 80 is held by nginx", 80});
  host.from_hub(Cancel{task_id(task), 1});
  EXPECT_EQ(host.outcome(task), "cancel_confirmed");
  EXPECT_EQ(host.state(1), InstanceState::stopped);
  EXPECT_FALSE(host.disk.placements.at(instance_id(1)).run);
  host.pass(60s);
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST_F(AgentTasks, CancelOfWhatNeverCameIsConfirmedAndStaysCancelled) {
  Assign order = host.order(TaskType::deploy, 1);
  host.from_hub(Cancel{order.task, 1});
  EXPECT_EQ(host.outcome(1), "cancel_confirmed");
  host.from_hub(order);
  EXPECT_TRUE(host.spawns.empty());
}

TEST_F(AgentTasks, OutcomesAreKeptUntilRecorded) {
  auto task = host.give_task(TaskType::deploy, 1);
  host.give(LinkDown{"cut"});
  host.connect();
  EXPECT_EQ(host.ended(task).size(), 2u);
  host.start({Found{.run = host.run(1), .digest = digest_of(program()), .alive = true, .pid = 5}});
  host.connect();
  EXPECT_EQ(host.ended(task).size(), 3u);
  host.from_hub(OutcomeRecorded{task_id(task), 1});
  host.connect();
  EXPECT_EQ(host.ended(task).size(), 3u);
}

TEST_F(AgentTasks, ANewerAttemptReplacesTheOlder) {
  host.runs = false;
  Assign order = host.order(TaskType::deploy, 1);
  host.from_hub(order);
  host.give(SpawnFailed{host.run(1), SpawnFailed::Why::port_busy, "busy", 80});
  order.attempt = 2;
  host.from_hub(order);
  EXPECT_EQ(host.ended(1)[0].outcome, TaskMove::attempt_failed);
  host.give(Spawned{host.run(1), 5, host.now.wall});
  EXPECT_EQ(host.ended(1)[1].attempt, 2u);
  EXPECT_EQ(host.ended(1)[1].outcome, TaskMove::succeed);
}

TEST_F(AgentTasks, StuckIsShownAndNoSecondCopyIsStarted) {
  host.give_task(TaskType::deploy, 1);
  host.stops = false;
  host.restarts = 1;
  auto task = host.give_task(TaskType::restart, 1);
  host.give(Stuck{host.run(1), "pid 7 does not die (in the kernel: nfs)"});
  EXPECT_EQ(host.state(1), InstanceState::stuck);
  host.pass(600s);
  EXPECT_EQ(host.spawns.size(), 1u);
  EXPECT_EQ(host.outcome(task), "");
  host.exit(host.run(1), 0);
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.outcome(task), "succeed");
}

}  // namespace
}  // namespace drover::agent::test
