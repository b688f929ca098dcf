// Hello, welcome, heartbeats, inventory, reports, numbers, leaders.

#include "unit/core/agent_host.hpp"

namespace drover::agent::test {
namespace {

struct AgentSession : testing::Test {
  Host host;
  void SetUp() override { host.start(); }
};

TEST_F(AgentSession, HelloFirstThenOutcomesThenInventory) {
  host.give(LinkUp{"s"});
  ASSERT_EQ(host.sent.size(), 1u);
  const auto& hello = std::get<Hello>(host.sent[0].frame);
  EXPECT_EQ(hello.name, "pve1");
  EXPECT_FALSE(hello.store);
  EXPECT_FALSE(host.core->connected());
  host.connect();
  EXPECT_TRUE(host.core->connected());
  EXPECT_EQ(host.disk.meta.ticket, "ticket");
  host.give_task(TaskType::deploy, 1);
  host.give(LinkDown{"cut"});
  host.sent.clear();
  host.connect();
  ASSERT_EQ(host.sent.size(), 3u);
  EXPECT_EQ(std::get<Hello>(host.sent[0].frame).ticket, "ticket");
  EXPECT_EQ(std::get<Hello>(host.sent[0].frame).commit_seen, 5u);
  EXPECT_TRUE(std::holds_alternative<TaskEnded>(host.sent[1].frame));
  const auto& inventory = std::get<Inventory>(host.sent[2].frame);
  EXPECT_EQ(inventory.instances.size(), 1u);
  EXPECT_TRUE(inventory.attempts.empty());
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(host.sent[i].n, i + 1);
  EXPECT_EQ(host.sent[2].a, 1u);
}

TEST_F(AgentSession, NoWelcomeNoSession) {
  host.give(LinkUp{"s"});
  host.pass(31s);
  ASSERT_EQ(host.closed.size(), 1u);
}

TEST_F(AgentSession, RefusalIsNotedAndTheLinkGivenUp) {
  host.give(LinkUp{"s"});
  host.from_hub(Refuse{"clone", "another agent has this identity", "join anew", true});
  EXPECT_EQ(host.closed.size(), 1u);
  ASSERT_EQ(host.notes.size(), 1u);
  EXPECT_TRUE(host.notes[0].message.contains("another agent has this identity"));
}

TEST_F(AgentSession, HeartbeatsAtTheirIntervalAndSilenceEndsIt) {
  host.connect();
  host.pass(100s);
  auto beats = host.frames<Heartbeat>();
  EXPECT_GE(beats.size(), 16u);
  EXPECT_LE(beats.size(), 26u);
  EXPECT_TRUE(host.closed.empty());
  host.hub_alive = false;
  host.pass(36s);
  EXPECT_EQ(host.closed.size(), 1u);
  EXPECT_FALSE(host.core->connected());
}

TEST_F(AgentSession, ADeposedLeaderIsNotHeard) {
  host.connect(5);
  host.from_hub(host.order(TaskType::deploy, 1), 4);
  EXPECT_TRUE(host.spawns.empty());
  host.from_hub(host.order(TaskType::deploy, 1), 6);
  EXPECT_EQ(host.spawns.size(), 1u);
  EXPECT_EQ(host.disk.meta.leader_epoch, 6u);
}

TEST_F(AgentSession, EveryChangeHasAHigherVersionAndStatesGoOutAtOnce) {
  host.connect();
  host.give_task(TaskType::deploy, 1);
  host.exit(host.run(1), 1);
  host.pass(10s);
  std::uint64_t last = 0;
  std::vector<InstanceState> states;
  for (const auto& report : host.frames<StateReport>())
    for (const Observed& seen : report.instances) {
      EXPECT_GT(seen.version, last);
      last = seen.version;
      states.push_back(seen.state);
    }
  EXPECT_EQ(states, (std::vector{InstanceState::configuring, InstanceState::ready, InstanceState::backoff,
                                 InstanceState::configuring, InstanceState::ready}));
}

TEST_F(AgentSession, RepeatsOfTheSameStateAreCoalesced) {
  host.connect();
  host.runs = false;
  host.give_task(TaskType::deploy, 1);
  host.give(SpawnFailed{host.run(1), SpawnFailed::Why::port_busy, "port 80 is held by a", 80});
  std::size_t before = host.frames<StateReport>().size();
  // The state stays; only its reason changes.
  host.settings.report_delay = 200ms;
  host.pass(1500ms);
  host.give(SpawnFailed{host.run(1), SpawnFailed::Why::port_busy, "port 80 is held by b", 80});
  host.pass(1s);
  EXPECT_GE(host.frames<StateReport>().size(), before + 1);
  EXPECT_EQ(host.frames<StateReport>().back().instances[0].reason, "port 80 is held by b");
}

TEST_F(AgentSession, TheDigestIsThatOfTheLastReports) {
  host.connect();
  host.give_task(TaskType::deploy, 1);
  host.give_task(TaskType::deploy, 2);
  host.pass(65s);
  std::map<InstanceId, Observed> known;
  for (const auto& report : host.frames<StateReport>())
    for (const Observed& seen : report.instances) known[seen.instance] = seen;
  std::vector<const Observed*> all;
  for (const auto& [id, seen] : known) all.push_back(&seen);
  ASSERT_EQ(host.frames<InventoryDigest>().size(), 1u);
  EXPECT_EQ(host.frames<InventoryDigest>()[0].digest, inventory_digest(all));
  host.from_hub(InventoryWanted{});
  EXPECT_EQ(host.frames<Inventory>().back().instances.size(), 2u);
}

TEST_F(AgentSession, GoodbyeAndThenNothing) {
  host.connect();
  host.give_task(TaskType::deploy, 1);
  host.give(Stopping{"update"});
  EXPECT_EQ(host.frames<Goodbye>().size(), 1u);
  std::size_t sent = host.sent.size();
  host.exit(host.run(1), 1);
  host.pass(60s);
  EXPECT_EQ(host.sent.size(), sent);
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST_F(AgentSession, WorkGoesOnWhileTheHubIsAway) {
  host.connect();
  host.give_task(TaskType::deploy, 1);
  host.give(LinkDown{"cut"});
  host.exit(host.run(1), 1);
  host.pass(60s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.spawns.size(), 2u);
}

}  // namespace
}  // namespace drover::agent::test
