// Ports: fixed, plus the index, given out; the journal; the agent's own API.

#include "unit/core/agent_host.hpp"

namespace drover::agent::test {
namespace {

struct AgentPorts : testing::Test {
  Host host;
  void SetUp() override {
    host.start();
    host.connect();
  }
  Service with(std::vector<Port> ports, std::string name = "web") {
    Service service = program(std::move(name));
    service.ports = std::move(ports);
    return service;
  }
};

TEST_F(AgentPorts, FixedPlusIndexAndAuto) {
  host.give_task(TaskType::deploy, 3,
                 with({port("http", 8080), port("gpu", 8100, "instance.index"), port("x", 0)}));
  EXPECT_EQ(host.spawns[0].ports,
            (std::map<std::string, std::uint16_t>{{"http", 8080}, {"gpu", 8102}, {"x", 20000}}));
  EXPECT_EQ(host.seen(3).ports.at("x"), 20000);
}

TEST_F(AgentPorts, NeverTheSameTwiceAndKeptOverRestarts) {
  for (std::uint64_t i = 1; i <= 10; ++i) host.give_task(TaskType::deploy, i, with({port("x", 0)}));
  std::set<std::uint16_t> given;
  for (const Spawn& spawn : host.spawns) given.insert(spawn.ports.at("x"));
  EXPECT_EQ(given.size(), 10u);
  auto before = host.seen(4).ports;
  host.exit(host.run(4), 1);
  host.pass(1s);
  EXPECT_EQ(host.seen(4).ports, before);
  auto more = host.give_task(TaskType::deploy, 11, with({port("x", 0)}));
  EXPECT_EQ(host.state(11), InstanceState::waiting);
  EXPECT_EQ(host.seen(11).reason, "no port is free between 20000 and 20009");
  EXPECT_EQ(host.outcome(more), "");
  host.give_task(TaskType::delete_, 4);
  EXPECT_EQ(host.outcome(more), "succeed");
  EXPECT_EQ(host.seen(11).ports, before);
}

TEST_F(AgentPorts, AFixedPortOfAnotherInstanceIsWaitedForByName) {
  host.give_task(TaskType::deploy, 1, with({port("http", 80)}));
  auto second = host.give_task(TaskType::deploy, 2, with({port("http", 80)}, "api"));
  EXPECT_EQ(host.state(2), InstanceState::waiting);
  EXPECT_EQ(host.seen(2).reason, "port 80 is held by shop/web-1");
  host.give_task(TaskType::stop, 1);
  EXPECT_EQ(host.outcome(second), "succeed");  // at once, not after a backoff
  EXPECT_EQ(host.state(2), InstanceState::ready);
}

TEST_F(AgentPorts, ThePortsOfARunThatEndsAreStillItsOwn) {
  host.give_task(TaskType::deploy, 1, with({port("http", 80)}));
  host.stops = false;
  host.give_task(TaskType::update, 1, with({port("http", 81)}));
  host.give_task(TaskType::deploy, 2, with({port("http", 80)}, "api"));
  EXPECT_EQ(host.state(2), InstanceState::waiting);
  host.exit(host.run(1), 0);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.state(2), InstanceState::ready);
}

TEST_F(AgentPorts, AGivenPortThatAStrangerHoldsIsExchanged) {
  host.runs = false;
  auto task = host.give_task(TaskType::deploy, 1, with({port("x", 0)}));
  host.give(
      SpawnFailed{host.run(1), SpawnFailed::Why::port_busy, "port 20000 is held by java (pid 9)", 20000});
  host.pass(2s);
  EXPECT_EQ(host.spawns.back().ports.at("x"), 20001);
  host.give(Spawned{host.run(1), 5, host.now.wall});
  EXPECT_EQ(host.outcome(task), "succeed");
}

TEST_F(AgentPorts, NoSuchPortNumber) {
  auto task = host.give_task(TaskType::deploy, 9, with({port("x", 65530, "instance.index")}));
  EXPECT_EQ(host.outcome(task), "attempt_failed");
  EXPECT_EQ(host.error(task), "port x: 65538 is not a port number");
}

struct AgentJournal : AgentPorts {};

TEST_F(AgentJournal, AFullDiskStopsNoRestartAndRefusesNewTasks) {
  host.give_task(TaskType::deploy, 1);
  host.disk_full = true;
  auto refused = host.give_task(TaskType::deploy, 2);
  EXPECT_EQ(host.outcome(refused), "refused");
  EXPECT_FALSE(host.has(2));
  host.exit(host.run(1), 1);
  host.pass(1s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.spawns.size(), 2u);
  auto next = host.give_task(TaskType::stop, 1);
  EXPECT_EQ(host.error(next), "disk full under the agent: no space left on device");
  EXPECT_EQ(host.state(1), InstanceState::ready);
  std::size_t errors = 0;
  for (const Note& note : host.notes) errors += note.level == "error" ? 1 : 0;
  EXPECT_EQ(errors, 1u);  // said once
}

TEST_F(AgentJournal, WhatWasNotDurableIsWrittenWhenItCanBe) {
  host.give_task(TaskType::deploy, 1, job());
  host.give_task(TaskType::deploy, 2);
  auto remove = host.give_task(TaskType::delete_, 2);
  host.disk_full = true;
  host.exit(host.run(1), 0);  // its record is not durable
  host.from_hub(OutcomeRecorded{task_id(remove), 1});
  EXPECT_FALSE(host.disk.placements.at(instance_id(1)).finished);
  host.disk_full = false;
  host.pass(60s);
  EXPECT_TRUE(host.disk.placements.at(instance_id(1)).finished);
  EXPECT_FALSE(host.disk.attempts.contains({task_id(remove), 1}));
  EXPECT_EQ(host.disk.meta.ticket, "ticket");
  EXPECT_EQ(host.outcome(host.give_task(TaskType::deploy, 3)), "succeed");
}

TEST_F(AgentJournal, CountsOfStartsAreWrittenDownNowAndThen) {
  host.give_task(TaskType::deploy, 1);
  host.exit(host.run(1), 1);
  host.pass(1s);
  EXPECT_EQ(host.disk.placements.at(instance_id(1)).incarnation, 0u);
  host.pass(65s);
  EXPECT_EQ(host.disk.placements.at(instance_id(1)).incarnation, 2u);
}

struct AgentLocal : AgentPorts {
  void ask(const std::string& action, const std::string& target) {
    host.give(LocalCommand{"id", action, target, Who{"unix:0", "api", ""}});
  }
};

TEST_F(AgentLocal, RestartIsCarriedOutHereEvenWithoutHub) {
  host.give_task(TaskType::deploy, 1);
  host.give_task(TaskType::deploy, 2);
  host.give(LinkDown{"cut"});
  ask("restart", "shop/web");
  ASSERT_EQ(host.local_answers.size(), 1u);
  EXPECT_EQ(*host.local_answers[0].result, "restarting 2 instances");
  EXPECT_EQ(host.spawns.size(), 4u);
  EXPECT_EQ(host.seen(1).restarts, 0u);
  ask("restart", "web-2");
  EXPECT_EQ(host.seen(2).incarnation, 3u);
  EXPECT_EQ(host.seen(1).incarnation, 2u);
  ask("restart", "nope");
  EXPECT_EQ(host.local_answers.back().result.error().code, Errc::not_found);
  ask("explode", "web");
  EXPECT_EQ(host.local_answers.back().result.error().code, Errc::invalid);
}

TEST_F(AgentLocal, StartAndStopAreTheHubsToDecide) {
  host.give_task(TaskType::deploy, 1);
  ask("stop", "shop/web");
  EXPECT_TRUE(host.local_answers.empty());
  ASSERT_EQ(host.frames<LocalRequest>().size(), 1u);
  host.from_hub(LocalAnswer{"id", true, "stopped"});
  EXPECT_EQ(*host.local_answers.at(0).result, "stopped");
  ask("stop", "shop/web");
  host.give(LinkDown{"cut"});
  EXPECT_EQ(host.local_answers.at(1).result.error().code, Errc::unavailable);
  ask("start", "shop/web");
  EXPECT_EQ(host.local_answers.at(2).result.error().code, Errc::unavailable);
  EXPECT_FALSE(host.local_answers.at(2).result.error().hint.empty());
  host.connect();
  ask("start", "shop/web");
  host.pass(35s);
  EXPECT_EQ(host.local_answers.at(3).result.error().code, Errc::timeout);
}

}  // namespace
}  // namespace drover::agent::test
