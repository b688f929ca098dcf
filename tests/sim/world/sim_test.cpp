// Many histories of a hub with its agents under faults. SEED=42 runs one; SEEDS=100000 runs so many.

#include <gtest/gtest.h>

#include <charconv>

#include "world.hpp"

namespace drover::sim {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  std::uint64_t value = otherwise;
  if (text) std::from_chars(text, text + std::strlen(text), value);
  return value;
}

std::vector<std::uint64_t> seeds(std::uint64_t count) {
  if (std::getenv("SEED")) return {from_environment("SEED", 0)};
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 1; i <= from_environment("SEEDS", count); ++i) all.push_back(i);
  return all;
}

constexpr Chaos rough{.lose = 1,
                      .duplicate = 3,
                      .reorder = 2,
                      .cut = 5,
                      .partition = 3,
                      .crash_agent = 4,
                      .crash_hub = 3,
                      .reboot = 1,
                      .kill_process = 10,
                      .disk_full = 2,
                      .crash_edges = 5,
                      .commands = 40};

Stack shop() {
  Stack stack{.name = "shop"};
  Service db{.name = "db", .spec = ProcessSpec{.command = {"serve", "v1"}, .working_dir = "/"}};
  db.probes.ready = Probe{.check = TcpCheck{"127.0.0.1:1"}, .interval = 200ms, .timeout = 1s};
  Service migrate{.name = "migrate",
                  .kind = ServiceKind::job,
                  .spec = ProcessSpec{.command = {"job", "v1"}, .working_dir = "/"}};
  migrate.depends_on = {{"db", Condition::ready}};
  Service web{.name = "web",
              .spec = ProcessSpec{.command = {"serve", "v1"}, .working_dir = "/"},
              .scale = {ScaleKind::count, 3}};
  web.depends_on = {{"db", Condition::ready}, {"migrate", Condition::completed}};
  stack.services = {db, migrate, web};
  return stack;
}

TEST(Sim, AStackBecomesReadyInOrder) {
  World world(1);
  world.apply(shop());
  world.run(20s);
  EXPECT_EQ(world.broken(), "");
  EXPECT_EQ(world.unsettled(), "");
  EXPECT_EQ(world.processes(), world.desired());
  ASSERT_EQ(world.hub_state().deployments.size(), 1u);
  EXPECT_EQ(world.hub_state().deployments.begin()->second.state, DeploymentState::succeeded);
}

TEST(Sim, ADeletedStackLeavesNothing) {
  World world(2);
  world.apply(shop());
  world.run(10s);
  world.command(hub::DeleteStack{"shop"});
  world.run(60s);
  EXPECT_EQ(world.unsettled(), "");
  EXPECT_EQ(world.processes(), "");
  EXPECT_TRUE(world.hub_state().slots.empty());
  EXPECT_TRUE(world.hub_state().stacks.empty());
}

TEST(Sim, AHundredEqualAppliesMakeOneDeployment) {
  World world(3);
  for (int i = 0; i < 100; ++i) world.apply(shop());
  world.run(20s);
  EXPECT_EQ(world.hub_state().deployments.size(), 1u);
  EXPECT_EQ(world.hub_state().stacks.at("shop").row.revision, 1u);
  EXPECT_EQ(world.processes(), world.desired());
}

TEST(Sim, ASecondRevisionTakesOverHalfWay) {
  World world(4);
  world.apply(shop());
  world.run(1s);
  Stack second = shop();
  std::get<ProcessSpec>(second.services[2].spec).command[1] = "v2";
  world.apply(second);
  world.run(60s);
  EXPECT_EQ(world.unsettled(), "");
  EXPECT_EQ(world.processes(), world.desired());
  EXPECT_NE(world.processes().find("v2"), std::string::npos);
}

TEST(Sim, AnInstanceIsMissingAfterAReinstall) {
  World world(5);
  world.apply(shop());
  world.run(10s);
  world.host(0).crash_agent();
  world.host(0).reinstall(world.host(0).uid());
  world.run(120s);
  EXPECT_EQ(world.broken(), "");
  EXPECT_EQ(world.processes(), world.desired());
}

TEST(Sim, TheSameSeedGivesTheSameTrace) {
  auto trace = [](std::uint64_t seed) {
    World world(seed);
    world.chaos(60s, rough);
    world.heal(300s);
    return world.trace_digest();
  };
  EXPECT_EQ(trace(7), trace(7));
  EXPECT_NE(trace(7), trace(8));
}

TEST(Sim, EveryHistoryConverges) {
  for (std::uint64_t seed : seeds(2000)) {
    World world(seed);
    world.chaos(30s, rough);
    ASSERT_EQ(world.broken(), "") << "SEED=" << seed;
    world.heal(3600s);
    ASSERT_EQ(world.broken(), "") << "SEED=" << seed;
    ASSERT_EQ(world.unsettled(), "") << "SEED=" << seed;
    ASSERT_EQ(world.processes(), world.desired()) << "SEED=" << seed;
  }
}

}  // namespace
}  // namespace drover::sim
