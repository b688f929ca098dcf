// A new agent process: adoption, what ended meanwhile, reboots, interrupted attempts, an empty journal.

#include "unit/core/agent_host.hpp"

namespace drover::agent::test {
namespace {

struct AgentRecover : testing::Test {
  Host host;
  void SetUp() override {
    host.start();
    host.connect();
  }
  Found found(std::uint64_t n, const Service& service = program(), bool alive = true) {
    return Found{.run = host.run(n),
                 .digest = digest_of(service),
                 .alive = alive,
                 .empty = !alive,
                 .pid = 4242,
                 .started_at = host.now.wall - 3600s};
  }
};

TEST_F(AgentRecover, AnAliveRunIsAdopted) {
  host.give_task(TaskType::deploy, 1);
  Found alive = found(1);
  host.start({alive});
  EXPECT_EQ(host.spawns.size(), 1u);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.seen(1).pid, 4242);
  EXPECT_EQ(host.seen(1).started_at, alive.started_at);  // uptime goes on
  EXPECT_EQ(host.seen(1).restarts, 0u);
}

TEST_F(AgentRecover, ProbesResumeAndReadinessAloneEndsNothing) {
  Service service = program();
  service.probes.ready = probe();
  host.give_task(TaskType::deploy, 1, service);
  host.well = false;
  host.start({found(1, service)});
  EXPECT_EQ(host.state(1), InstanceState::starting);
  host.pass(600s);
  EXPECT_TRUE(host.stop_orders.empty());
  host.well = true;
  host.pass(2s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

TEST_F(AgentRecover, WhatEndedMeanwhileIsTakenInAsIfJustSeen) {
  host.give_task(TaskType::deploy, 1);
  Found dead = found(1, program(), false);
  dead.exit = Exit{.code = 3, .at = host.now.wall};
  dead.started_at = host.now.wall - 1s;
  host.start({dead});
  EXPECT_EQ(host.state(1), InstanceState::backoff);
  EXPECT_EQ(host.seen(1).last_exit->code, 3);
  host.pass(1s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.seen(1).incarnation, 2u);
}

TEST_F(AgentRecover, ALongRunThatEndedMeanwhileIsRestartedAtOnce) {
  host.give_task(TaskType::deploy, 1);
  Found dead = found(1, program(), false);
  dead.exit = Exit{.code = 3, .at = host.now.wall};
  host.start({dead});
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

TEST_F(AgentRecover, AJobThatEndedMeanwhileIsCompleted) {
  host.give_task(TaskType::deploy, 1, job());
  Found dead = found(1, job(), false);
  dead.exit = Exit{.code = 0, .at = host.now.wall};
  host.start({dead});
  EXPECT_EQ(host.state(1), InstanceState::completed);
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST_F(AgentRecover, AfterARebootPlacementsAreMadeTrueWithoutAsking) {
  host.give_task(TaskType::deploy, 1);
  host.give_task(TaskType::deploy, 2);
  host.give_task(TaskType::stop, 2);
  host.start();
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.state(2), InstanceState::stopped);
  EXPECT_EQ(host.spawns.size(), 3u);
}

TEST_F(AgentRecover, AJobThatRanAtARebootIsNotRunAgain) {
  host.give_task(TaskType::deploy, 1, job());
  host.start();
  EXPECT_EQ(host.state(1), InstanceState::failed);
  EXPECT_TRUE(host.seen(1).reason.starts_with("outcome unknown"));
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST_F(AgentRecover, AJobWrittenDownButNeverSeenIsLost) {
  host.runs = false;
  auto task = host.give_task(TaskType::deploy, 1, job());
  host.start();
  EXPECT_EQ(host.state(1), InstanceState::failed);
  host.connect();
  EXPECT_EQ(host.outcome(task), "attempt_lost");
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST_F(AgentRecover, AnInterruptedDeployIsSettledByLooking) {
  host.runs = false;
  auto task = host.give_task(TaskType::deploy, 1);
  host.start({found(1)});
  EXPECT_EQ(host.spawns.size(), 1u);
  host.connect();
  EXPECT_EQ(host.outcome(task), "succeed");
}

TEST_F(AgentRecover, AnInterruptedUpdateGoesOn) {
  host.give_task(TaskType::deploy, 1);
  host.stops = false;
  Service changed = program();
  std::get<ProcessSpec>(changed.spec).environment["A"] = "b";
  auto task = host.give_task(TaskType::update, 1, changed);
  host.stops = true;
  host.start({found(1)});  // the old one still lives
  EXPECT_EQ(host.seen(1).digest, digest_of(changed));
  EXPECT_EQ(host.spawns.size(), 2u);
  host.connect();
  EXPECT_EQ(host.outcome(task), "succeed");
}

TEST_F(AgentRecover, AnInterruptedRestartIsDoneOnce) {
  host.give_task(TaskType::deploy, 1);
  host.stops = false;
  host.restarts = 1;
  auto task = host.give_task(TaskType::restart, 1);
  host.stops = true;
  host.start({found(1)});  // not done yet
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.seen(1).restart_generation, 1u);
  host.connect();
  EXPECT_EQ(host.outcome(task), "succeed");
}

TEST_F(AgentRecover, ARestartThatIsDoneButNotWrittenDownIsNotRepeated) {
  host.give_task(TaskType::deploy, 1);
  host.restarts = 1;
  Disk before;
  host.runs = false;
  auto task = host.give_task(TaskType::restart, 1);
  EXPECT_EQ(host.spawns.size(), 2u);
  host.start({found(1)});  // run 2 was started just before the agent died
  host.connect();
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.spawns.size(), 2u);
}

TEST_F(AgentRecover, AnInterruptedDeleteGoesOn) {
  host.give_task(TaskType::deploy, 1);
  host.stops = false;
  auto task = host.give_task(TaskType::delete_, 1);
  host.stops = true;
  host.start({found(1)});
  EXPECT_FALSE(host.has(1));
  host.connect();
  EXPECT_EQ(host.outcome(task), "succeed");
}

TEST_F(AgentRecover, WhatHadNotBegunIsAssignedAgainByTheHub) {
  host.runs = false;
  Assign last;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    last = host.order(TaskType::deploy, i);
    host.from_hub(last);
  }
  EXPECT_EQ(host.spawns.size(), 4u);
  host.spawns.clear();
  host.runs = true;
  host.start();
  EXPECT_EQ(host.spawns.size(), 4u);
  host.connect();
  EXPECT_EQ(host.spawns.size(), 4u);
  EXPECT_EQ(host.frames<Inventory>().back().attempts.size(), 0u);
  host.from_hub(last);
  EXPECT_EQ(host.spawns.size(), 5u);
  EXPECT_EQ(host.outcome(5), "succeed");
}

TEST_F(AgentRecover, WithAnEmptyJournalNothingIsTouchedBeforeTheHubsAnswer) {
  host.give_task(TaskType::deploy, 1);
  host.give_task(TaskType::deploy, 2);
  Found alive = found(1), dead = found(2, program(), false);
  host.disk = {};
  host.spawns.clear();
  host.start({alive, dead});
  host.give(LinkUp{"s"});
  host.pass(29s);
  EXPECT_TRUE(host.spawns.empty() && host.stop_orders.empty() && host.forgotten.empty() &&
              host.removed.empty());
  host.connect();
  auto inventory = host.frames<Inventory>().back();
  ASSERT_EQ(inventory.instances.size(), 1u);  // what has ended is forgotten now
  EXPECT_EQ(inventory.instances[0].instance, instance_id(1));
  EXPECT_EQ(inventory.instances[0].epoch, 0u);
  EXPECT_EQ(host.forgotten.size(), 1u);
  EXPECT_TRUE(host.stop_orders.empty());  // still alive: the hub decides
  host.epoch = 0;
  EXPECT_EQ(host.outcome(host.give_task(TaskType::delete_, 1)), "succeed");
  EXPECT_EQ(host.stop_orders.size(), 1u);
  EXPECT_FALSE(host.has(1));
}

TEST_F(AgentRecover, TheHubMayPlaceWhatRunsAlready) {
  host.give_task(TaskType::deploy, 1);
  Found alive = found(1);
  host.disk = {};
  host.spawns.clear();
  host.start({alive});
  host.connect();
  EXPECT_EQ(host.outcome(host.give_task(TaskType::deploy, 1)), "succeed");
  EXPECT_TRUE(host.spawns.empty());
  EXPECT_EQ(host.seen(1).pid, 4242);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  host.exit(host.run(1), 1);
  host.pass(1s);
  EXPECT_EQ(host.spawns.size(), 1u);  // from now on it is ours to restart
}

TEST_F(AgentRecover, OlderRunsThatWereLeftBehindAreEnded) {
  host.give_task(TaskType::deploy, 1);
  Found old = found(1), fresh = found(1);
  fresh.run.incarnation = 2;
  old.alive = false;
  host.stops = false;
  host.start({old, fresh});
  ASSERT_EQ(host.stop_orders.size(), 1u);
  EXPECT_EQ(host.stop_orders[0].run, old.run);
  host.give(Emptied{old.run});
  EXPECT_EQ(host.forgotten.back().run, old.run);
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

}  // namespace
}  // namespace drover::agent::test
