// Many histories of a hub with its agents under faults. SEED=42 runs one; SEEDS=100000 runs so many.

#include <fmt/format.h>
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

Stack one_by_one(const std::string& content) {
  Service web{.name = "web", .spec = ProcessSpec{.command = {"serve", content}, .working_dir = "/"}};
  web.ports = {{.name = "http", .published = 8080, .pass = PortPass::listen_fds}};
  web.probes.ready = Probe{.check = TcpCheck{"127.0.0.1:1"}, .interval = 200ms, .timeout = 1s};
  web.stop.grace = 2s;
  web.update.order = UpdateOrder::start_first;
  return {.name = "shop", .services = {web}};
}

/// Agents and hub die while an instance is being replaced: somebody serves at every moment, never more than
/// two.
TEST(Sim, AStartFirstChangeHasNoGap) {
  for (std::uint64_t seed : seeds(300)) {
    World world(seed);
    world.apply(one_by_one("v1"));
    world.run(10s);
    ASSERT_EQ(world.serving("web-1"), 1u) << "SEED=" << seed;
    world.apply(one_by_one("v2"));
    for (int i = 0; i < 200; ++i) {
      if (i == 60) world.command(hub::ChangeRun{OperationKind::reload, false, {"shop/web"}});
      if (world.rng().percent(3)) world.host(world.rng().below(3)).crash_agent();
      if (world.rng().percent(2)) world.crash_hub();
      world.run(50ms);
      ASSERT_GE(world.serving("web-1"), 1u) << "SEED=" << seed;
      ASSERT_LE(world.serving("web-1"), 2u) << "SEED=" << seed;
    }
    world.heal(600s);
    ASSERT_EQ(world.broken(), "") << "SEED=" << seed;
    ASSERT_EQ(world.unsettled(), "") << "SEED=" << seed;
    ASSERT_EQ(world.serving("web-1"), 1u) << "SEED=" << seed;
    ASSERT_EQ(world.processes(), world.desired()) << "SEED=" << seed;
    // A hub that dies before it has answered has not taken the change.
    bool taken = world.hub_state().stacks.at("shop").row.revision == 2;
    ASSERT_EQ(world.processes().find("v2") != std::string::npos, taken) << "SEED=" << seed;
  }
}

TEST(Sim, AFailedSuccessorLeavesTheOldOneAlone) {
  World world(6);
  world.apply(one_by_one("v1"));
  world.run(10s);
  Stack bad = one_by_one("v2");
  std::get<ProcessSpec>(bad.services[0].spec).command[0] = "crash";
  bad.services[0].update.on_failure = UpdateFailure::rollback;
  world.apply(bad);
  for (int i = 0; i < 400; ++i) {
    world.run(50ms);
    ASSERT_GE(world.serving("web-1"), 1u);
  }
  EXPECT_EQ(world.unsettled(), "");
  EXPECT_EQ(world.processes(), world.desired());
  EXPECT_NE(world.processes().find("v1"), std::string::npos);
  const auto& state = world.hub_state();
  EXPECT_EQ(state.stacks.at("shop").row.revision, 3u);
  ASSERT_EQ(state.deployments.size(), 3u);
  auto last = state.deployments.rbegin();
  EXPECT_EQ(last->second.state, DeploymentState::succeeded);
  EXPECT_EQ(last->second.rolls_back, std::next(last)->first);
  EXPECT_EQ(std::next(last)->second.state, DeploymentState::rolled_back);
  EXPECT_NE(std::next(last)->second.message.find("rolled back to revision 1"), std::string::npos);
}

Stack five(const std::string& command, const std::string& content, Update update) {
  Service web{.name = "web",
              .spec = ProcessSpec{.command = {command, content}, .working_dir = "/"},
              .scale = {ScaleKind::count, 5}};
  web.ports = {{.name = "http", .published = 0}};
  web.probes.ready = Probe{.check = TcpCheck{"127.0.0.1:1"}, .interval = 200ms, .timeout = 1s};
  web.reserve = {{"memory", double(1ull << 30)}};
  web.update = update;
  return {.name = "shop", .services = {web}};
}

/// Hub and agents die; workloads do not. At each moment at least `least` serve.
std::string watch(World& world, int steps, std::size_t least) {
  for (int i = 0; i < steps; ++i) {
    if (world.rng().percent(3)) world.host(world.rng().below(3)).crash_agent();
    if (world.rng().percent(2)) world.crash_hub();
    world.run(50ms);
    if (world.serving_all("web") < least)
      return fmt::format("only {} serve after {} ms", world.serving_all("web"), 50 * (i + 1));
  }
  return world.broken();
}

std::size_t placed_on(World& world, std::size_t host) {
  return world.hub_state().nodes.at(world.host(host).uid()).slots.size();
}

TEST(Sim, ADrainKeepsAllButABatchServing) {
  for (std::uint64_t seed : seeds(60)) {
    World world(seed);
    world.apply(five("serve", "v1", {.batch = 2}));
    world.run(20s);
    ASSERT_EQ(world.serving_all("web"), 5u) << "SEED=" << seed;
    world.command(hub::DrainNode{"n1", true});
    ASSERT_EQ(watch(world, 400, 3), "") << "SEED=" << seed;
    world.command(hub::DrainNode{"n1", true});  // the one before may have died with its hub
    for (int i = 0; i < 60 && (!world.hub_is_up() || placed_on(world, 0) > 0); ++i) world.run(2s);
    ASSERT_TRUE(world.hub_is_up()) << "SEED=" << seed;
    world.command(hub::DrainNode{"n1", true});
    for (int i = 0; i < 60 && placed_on(world, 0) > 0; ++i) world.run(2s);
    ASSERT_EQ(placed_on(world, 0), 0u) << "SEED=" << seed;
    world.heal(600s);
    ASSERT_EQ(world.unsettled(), "") << "SEED=" << seed;
    ASSERT_EQ(world.serving_all("web"), 5u) << "SEED=" << seed;
  }
}

TEST(Sim, AFailedCanaryLeavesAllAsItWas) {
  for (std::uint64_t seed : seeds(40)) {
    World world(seed);
    Update update{.batch = 1, .canary = 2};
    world.apply(five("serve", "v1", update));
    world.run(20s);
    world.apply(five("crash", "v2", update));
    ASSERT_EQ(watch(world, 300, 5), "") << "SEED=" << seed;
    world.heal(600s);
    ASSERT_EQ(world.unsettled(), "") << "SEED=" << seed;
    ASSERT_EQ(world.processes(), world.desired()) << "SEED=" << seed;
    ASSERT_EQ(world.processes().find("v2"), std::string::npos) << "SEED=" << seed;
    ASSERT_EQ(world.serving_all("web"), 5u) << "SEED=" << seed;
  }
}

TEST(Sim, ACanaryIsPromotedUnderFaults) {
  for (std::uint64_t seed : seeds(60)) {
    World world(seed);
    Update update{.batch = 2, .canary = 1};
    world.apply(five("serve", "v1", update));
    world.run(20s);
    world.apply(five("serve", "v2", update));
    ASSERT_EQ(watch(world, 200, 5), "") << "SEED=" << seed;
    for (int i = 0; i < 10; ++i) {
      world.end_deployments();
      ASSERT_EQ(watch(world, 40, 3), "") << "SEED=" << seed;
    }
    world.heal(600s);
    ASSERT_EQ(world.unsettled(), "") << "SEED=" << seed;
    ASSERT_EQ(world.processes(), world.desired()) << "SEED=" << seed;
    bool taken = world.hub_state().stacks.at("shop").row.revision == 2;
    ASSERT_EQ(world.processes().find("v1") == std::string::npos, taken) << "SEED=" << seed;
    ASSERT_EQ(world.serving_all("web"), 5u) << "SEED=" << seed;
  }
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
