// Probes: when they are asked, and what their answers do.

#include "unit/core/agent_host.hpp"

namespace drover::agent::test {
namespace {

struct AgentProbes : testing::Test {
  Host host;
  Service service = program();
  void SetUp() override {
    host.start();
    host.connect();
  }
  std::size_t count(Asked kind) const {
    std::size_t n = 0;
    for (const AskProbe& ask : host.asked) n += ask.asked == kind ? 1 : 0;
    return n;
  }
};

TEST_F(AgentProbes, NoneIsReadyAtOnce) {
  host.give_task(TaskType::deploy, 1);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.seen(1).health, Health::none);
  EXPECT_TRUE(host.asked.empty());
}

TEST_F(AgentProbes, ReadyIsAskedAtOnceAndThenMoreAndMoreSeldom) {
  service.probes.ready = probe(2s);
  host.well = false;
  host.give_task(TaskType::deploy, 1, service);
  EXPECT_EQ(host.asked.size(), 1u);
  EXPECT_EQ(host.state(1), InstanceState::starting);
  EXPECT_EQ(host.seen(1).health, Health::unknown);
  EXPECT_EQ(host.seen(1).reason, "refused");
  host.pass(120ms);
  EXPECT_EQ(host.asked.size(), 2u);
  host.pass(3500ms);  // after 0.1 0.3 0.7 1.5 3.1 s
  EXPECT_GE(host.asked.size(), 5u);
  EXPECT_LE(host.asked.size(), 7u);
  host.well = true;
  host.pass(3s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.seen(1).health, Health::healthy);
  EXPECT_TRUE(host.seen(1).ready_at);
  std::size_t before = host.asked.size();
  host.pass(20s);
  EXPECT_GE(host.asked.size() - before, 8u);
  EXPECT_LE(host.asked.size() - before, 12u);
}

TEST_F(AgentProbes, LostReadinessIsUnhealthyAndComesBackWithoutARestart) {
  service.probes.ready = probe();
  host.give_task(TaskType::deploy, 1, service);
  host.well = false;
  host.pass(2300ms);
  EXPECT_EQ(host.state(1), InstanceState::ready);  // fewer than 3 in a row
  host.pass(2s);
  EXPECT_EQ(host.state(1), InstanceState::unhealthy);
  EXPECT_EQ(host.seen(1).health, Health::unhealthy);
  host.pass(600s);
  EXPECT_EQ(host.spawns.size(), 1u);
  host.well = true;
  host.pass(3s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

TEST_F(AgentProbes, SuccessesInARow) {
  service.probes.ready = probe();
  service.probes.ready->successes = 3;
  host.give_task(TaskType::deploy, 1, service);
  EXPECT_EQ(host.state(1), InstanceState::starting);
  host.pass(1s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_GE(host.asked.size(), 3u);
}

TEST_F(AgentProbes, FailedLiveEndsTheRunAndCounts) {
  service.probes.live = probe();
  host.give_task(TaskType::deploy, 1, service);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  host.well = false;
  host.stops = false;
  host.pass(5s);
  ASSERT_EQ(host.stop_orders.size(), 1u);
  EXPECT_EQ(host.seen(1).reason, "unhealthy: refused");
  host.exit(host.run(1), 0);  // even when it ends well
  EXPECT_EQ(host.state(1), InstanceState::backoff);
  host.well = true;
  host.pass(1s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.seen(1).restarts, 1u);
}

TEST_F(AgentProbes, LiveWaitsForStart) {
  service.probes.start = probe();
  service.probes.live = probe();
  host.well = false;
  host.give_task(TaskType::deploy, 1, service);
  host.pass(20s);
  EXPECT_EQ(count(Asked::live), 0u);
  host.well = true;
  host.pass(5s);
  EXPECT_GT(count(Asked::live), 0u);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  std::size_t starts = count(Asked::start);
  host.pass(10s);
  EXPECT_EQ(count(Asked::start), starts);  // until its first success
}

TEST_F(AgentProbes, NotReadyInTimeIsAFailedStart) {
  service.probes.ready = probe();
  service.probes.start_timeout = 5s;
  service.restart.give_up = 2;
  host.well = false;
  host.give_task(TaskType::deploy, 1, service);
  host.pass(4900ms);
  EXPECT_TRUE(host.stop_orders.empty());
  host.pass(200ms);
  EXPECT_EQ(host.stop_orders.size(), 1u);
  EXPECT_EQ(host.seen(1).reason, "not ready within 5s; last: refused");
  host.pass(60s);
  EXPECT_EQ(host.state(1), InstanceState::failed);
  EXPECT_EQ(host.seen(1).reason, "2 restarts in 10m; last: not ready within 5s; last: refused");
}

TEST_F(AgentProbes, NoOverlapAndNoAnswerIsAFailure) {
  service.probes.ready = probe(100ms);
  service.probes.start_timeout = 600s;
  host.answers = false;
  host.give_task(TaskType::deploy, 1, service);
  host.pass(5900ms);
  EXPECT_EQ(host.asked.size(), 1u);
  host.pass(300ms);  // timeout + 5 s
  EXPECT_EQ(host.seen(1).reason, "no answer to the probe");
  EXPECT_EQ(host.asked.size(), 2u);
}

TEST_F(AgentProbes, AnswersOfAnOlderRunDoNotCount) {
  service.probes.ready = probe();
  host.answers = false;
  host.give_task(TaskType::deploy, 1, service);
  auto first = host.run(1);
  host.exit(first, 1);
  host.pass(1s);
  host.give(ProbeAnswer{first, Asked::ready, true, ""});
  EXPECT_EQ(host.state(1), InstanceState::starting);
}

}  // namespace
}  // namespace drover::agent::test
