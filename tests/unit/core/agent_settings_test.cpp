// A new revision that needs no new process is taken over while the old one runs.

#include "unit/core/agent_host.hpp"

namespace drover::agent::test {
namespace {

struct AgentSettingsTest : testing::Test {
  Host host;
  void SetUp() override {
    host.start();
    host.connect();
  }
  std::uint64_t update(const Service& service) {
    ++host.generation;
    return host.give_task(TaskType::update, 1, service);
  }
};

TEST_F(AgentSettingsTest, NothingEndsAndTheRecordTurnsToTheNew) {
  host.give_task(TaskType::deploy, 1);
  auto run = host.run(1);
  Service changed = program();
  changed.logs.budget = 1 << 20;
  changed.restart.policy = RestartPolicy::always;
  auto task = update(changed);
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.run(1), run);
  EXPECT_TRUE(host.stop_orders.empty());
  EXPECT_EQ(host.seen(1).digest, digest_of(changed));
  EXPECT_EQ(host.seen(1).generation, 2u);
  ASSERT_EQ(host.adjusted.size(), 1u);
  EXPECT_EQ(host.adjusted[0].logs.budget, 1u << 20);
  EXPECT_EQ(host.disk.placements.at(instance_id(1)).service, changed);
  host.exit(run, 0);
  EXPECT_EQ(host.state(1), InstanceState::backoff);  // by the new policy
}

TEST_F(AgentSettingsTest, TheNextStopIsTheNewOne) {
  host.give_task(TaskType::deploy, 1);
  Service changed = program();
  changed.stop.signal = "SIGINT";
  update(changed);
  host.give_task(TaskType::stop, 1);
  ASSERT_EQ(host.stop_orders.size(), 1u);
  EXPECT_EQ(host.stop_orders[0].stop.signal, "SIGINT");
}

TEST_F(AgentSettingsTest, WhatIsReadyStaysSoUntilTheNewProbeSaysOtherwise) {
  Service service = program();
  service.probes.ready = probe();
  host.give_task(TaskType::deploy, 1, service);
  ASSERT_EQ(host.state(1), InstanceState::ready);
  host.well = false;
  service.probes.ready->failures = 2;
  update(service);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  host.pass(5s);
  EXPECT_EQ(host.state(1), InstanceState::unhealthy);
  service.probes.ready.reset();
  update(service);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_TRUE(host.stop_orders.empty());
}

TEST_F(AgentSettingsTest, AnAnswerToTheOldQuestionIsDropped) {
  Service service = program();
  service.probes.live = probe();
  service.probes.live->failures = 1;
  host.give_task(TaskType::deploy, 1, service);
  host.answers = false;
  host.pass(2s);
  ASSERT_EQ(host.asked.size(), 1u);
  service.probes.live->check = FileCheck{"/run/alive"};
  update(service);
  EXPECT_EQ(host.asked.size(), 1u);  // never two at once
  host.give(ProbeAnswer{host.run(1), Asked::live, false, "the old one has failed"});
  EXPECT_TRUE(host.stop_orders.empty());
  ASSERT_EQ(host.asked.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<FileCheck>(host.asked[1].probe.check));
}

TEST_F(AgentSettingsTest, ALongerTimeToBecomeReadyCountsFromTheStart) {
  Service service = program();
  service.probes.ready = probe();
  service.probes.start_timeout = 10s;
  host.well = false;
  host.give_task(TaskType::deploy, 1, service);
  host.pass(8s);
  service.probes.start_timeout = 20s;
  update(service);
  host.pass(8s);
  EXPECT_TRUE(host.stop_orders.empty());
  host.pass(6s);
  EXPECT_FALSE(host.stop_orders.empty());
}

TEST_F(AgentSettingsTest, AShorterTimeThatIsOverEndsIt) {
  Service service = program();
  service.probes.ready = probe();
  service.probes.start_timeout = 60s;
  host.well = false;
  host.give_task(TaskType::deploy, 1, service);
  host.pass(8s);
  service.probes.start_timeout = 5s;
  update(service);
  EXPECT_TRUE(host.stop_orders.empty());
  host.pass(2s);
  EXPECT_FALSE(host.stop_orders.empty());
}

TEST_F(AgentSettingsTest, WhatIsWatchedIsTheNew) {
  Service service = program();
  service.restart.watch = {"/etc/a"};
  host.give_task(TaskType::deploy, 1, service);
  service.restart.watch.clear();
  update(service);
  ASSERT_EQ(host.watches.size(), 2u);
  EXPECT_TRUE(host.watches[1].paths.empty());
  service.restart.max_age = 60s;
  update(service);
  host.pass(70s);
  EXPECT_EQ(host.stop_orders.size(), 1u);
}

TEST_F(AgentSettingsTest, AFailedServiceIsTriedAgainAndAJobIsNot) {
  Service service = program();
  service.restart.policy = RestartPolicy::no;
  host.give_task(TaskType::deploy, 1, service);
  host.exit(host.run(1), 1);
  ASSERT_EQ(host.state(1), InstanceState::failed);
  service.restart.policy = RestartPolicy::always;
  update(service);
  EXPECT_EQ(host.state(1), InstanceState::ready);

  Service once = job();
  host.give_task(TaskType::deploy, 2, once);
  host.exit(host.run(2), 1);
  auto starts = host.spawns.size();
  once.logs.budget = 1 << 20;
  auto task = host.give_task(TaskType::update, 2, once);
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.spawns.size(), starts);
  EXPECT_EQ(host.seen(2).digest, digest_of(once));
}

TEST_F(AgentSettingsTest, AnAgentThatStartsTellsTheHostAgain) {
  host.give_task(TaskType::deploy, 1);
  Service changed = program();
  changed.logs.budget = 1 << 20;
  update(changed);
  host.adjusted.clear();
  host.start({Found{.run = host.run(1), .digest = digest_of(program()), .alive = true, .pid = 5}});
  EXPECT_TRUE(host.stop_orders.empty());
  EXPECT_EQ(host.seen(1).digest, digest_of(changed));
  ASSERT_EQ(host.adjusted.size(), 1u);
  EXPECT_EQ(host.adjusted[0].logs.budget, 1u << 20);
}

}  // namespace
}  // namespace drover::agent::test
