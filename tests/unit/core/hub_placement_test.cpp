// Where instances go: resources, constraints, wishes, strategies; drains; the reasons.
#include "hub_harness.hpp"

namespace drover::hub::testing {
namespace {

constexpr double GiB = 1ull << 30;

NodeId sized(Harness& hub, const std::string& name, double memory,
             std::map<std::string, std::string> labels = {}) {
  NodeId uid{make_uuid(hub.now.wall, hub.rng)};
  EXPECT_TRUE(hub.call(RegisterNode{"token", uid, name, "serial-" + name, "pin"}));
  HostFacts facts;
  facts.drivers = {"process"};
  facts.resources.quantities = {{"cpu", 4}, {"memory", memory}};
  facts.labels = std::move(labels);
  hub.connect(uid, name, std::move(facts));
  return uid;
}

std::string node_of(Harness& hub, const std::string& name) {
  const Slot& slot = hub.slot("shop", "web", name).slot;
  return slot.node ? slot.node_name : "";
}

Stack asking(double memory, std::uint32_t count) {
  Stack stack = one_service();
  stack.services[0].reserve = {{"memory", memory}};
  stack.services[0].scale.count = count;
  return stack;
}

std::string verdict(const Why& why, const std::string& node) {
  for (const Verdict& one : why.nodes)
    if (one.node == node) return one.reason;
  return "not judged";
}

TEST(HubPlacement, AReservationThatFitsNowhereIsExplainedForEachNode) {
  Harness hub;
  sized(hub, "n1", 2 * GiB);
  sized(hub, "n2", 8 * GiB);
  hub.node("bare");
  ASSERT_TRUE(hub.call(CordonNode{"bare", true}));
  ASSERT_TRUE(hub.call(ApplyStack{asking(3 * GiB, 3), std::nullopt}));
  EXPECT_EQ(node_of(hub, "web-1"), "n2");
  EXPECT_EQ(node_of(hub, "web-2"), "n2");
  EXPECT_EQ(node_of(hub, "web-3"), "");
  auto told = why(hub.state(), "shop/web-3");
  ASSERT_TRUE(told);
  EXPECT_EQ(verdict(told->at(0), "n1"), "memory: 3.0 GiB asked, 2.0 GiB of 2.0 GiB free");
  EXPECT_EQ(verdict(told->at(0), "n2"), "memory: 3.0 GiB asked, 2.0 GiB of 8.0 GiB free");
  EXPECT_EQ(verdict(told->at(0), "bare"), "is cordoned");
  EXPECT_TRUE(hub.slot("shop", "web", "web-3").waits.starts_with("no node fits: n1 memory: 3.0 GiB asked"))
      << hub.slot("shop", "web", "web-3").waits;
}

TEST(HubPlacement, WhatIsGivenBackIsTakenBySomebodyWhoWaits) {
  Harness hub;
  NodeId n1 = sized(hub, "n1", 4 * GiB);
  Stack other = asking(3 * GiB, 1);
  other.name = "other";
  ASSERT_TRUE(hub.call(ApplyStack{other, std::nullopt}));
  hub.obey(n1);
  ASSERT_TRUE(hub.call(ApplyStack{asking(3 * GiB, 1), std::nullopt}));
  EXPECT_EQ(node_of(hub, "web-1"), "");
  ASSERT_TRUE(hub.call(DeleteStack{"other"}));
  hub.obey(n1);
  hub.pass(6s);
  EXPECT_EQ(node_of(hub, "web-1"), "n1");
}

TEST(HubPlacement, AJobThatIsDoneHoldsNothing) {
  Harness hub;
  NodeId n1 = sized(hub, "n1", 4 * GiB);
  Stack stack = asking(3 * GiB, 1);
  stack.services[0].kind = ServiceKind::job;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  auto done = hub.observed(hub.assigned.at(0));
  done.state = InstanceState::completed;
  const Assign assign = hub.assigned[0];
  hub.assigned.clear();
  hub.frame(n1, TaskStarted{assign.task, assign.attempt});
  hub.frame(n1, StateReport{{done}});
  hub.frame(n1, TaskEnded{.task = assign.task, .attempt = assign.attempt});
  Stack other = asking(4 * GiB, 1);
  other.name = "other";
  ASSERT_TRUE(hub.call(ApplyStack{other, std::nullopt}));
  EXPECT_EQ(hub.slot("other", "web", "web-1").slot.node_name, "n1");
}

TEST(HubPlacement, BinpackFillsOneNodeBeforeTheNext) {
  Harness hub;
  sized(hub, "n1", 4 * GiB);
  sized(hub, "n2", 4 * GiB);
  Stack stack = asking(1 * GiB, 5);
  stack.services[0].place.strategy = PlaceStrategy::binpack;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  for (const char* name : {"web-1", "web-2", "web-3", "web-4"}) EXPECT_EQ(node_of(hub, name), "n1") << name;
  EXPECT_EQ(node_of(hub, "web-5"), "n2");
}

TEST(HubPlacement, WishesComeFirstAsLongAsThereIsRoom) {
  Harness hub;
  sized(hub, "n1", 4 * GiB);
  sized(hub, "n2", 2 * GiB, {{"disk", "fast"}});
  Stack stack = asking(1 * GiB, 3);
  stack.services[0].place.prefer = {"host.disk == fast"};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  EXPECT_EQ(node_of(hub, "web-1"), "n2");
  EXPECT_EQ(node_of(hub, "web-2"), "n2");
  EXPECT_EQ(node_of(hub, "web-3"), "n1");
}

TEST(HubPlacement, SpreadsOverTheValuesOfALabelFirst) {
  Harness hub;
  for (const char* name : {"a1", "a2", "a3"}) sized(hub, name, 4 * GiB, {{"zone", "a"}});
  sized(hub, "b1", 4 * GiB, {{"zone", "b"}});
  Stack stack = asking(1 * GiB, 4);
  stack.services[0].place.spread_over = "host.zone";
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  std::map<std::string, int> zones;
  for (const char* name : {"web-1", "web-2", "web-3", "web-4"}) ++zones[node_of(hub, name).substr(0, 1)];
  EXPECT_EQ(zones["a"], 2);
  EXPECT_EQ(zones["b"], 2);
}

TEST(HubPlacement, AtMostSoManyOnANode) {
  Harness hub;
  sized(hub, "n1", 4 * GiB);
  sized(hub, "n2", 4 * GiB);
  Stack stack = asking(1, 3);
  stack.services[0].place.max_per_node = 1;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  EXPECT_EQ(node_of(hub, "web-3"), "");
  EXPECT_EQ(verdict(why(hub.state(), "shop/web-3")->at(0), "n1"), "has 1 of it already");
}

TEST(HubPlacement, ConstraintsCompareWhatANodeHas) {
  Harness hub;
  sized(hub, "n1", 2 * GiB);
  sized(hub, "n2", 8 * GiB);
  Stack stack = one_service();
  stack.services[0].place.constraints = {"resource.memory >= 4GiB"};
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  EXPECT_EQ(node_of(hub, "web-1"), "n2");
}

TEST(HubPlacement, AnOperatorsOwnResourceIsCounted) {
  Harness hub;
  NodeId uid{make_uuid(hub.now.wall, hub.rng)};
  ASSERT_TRUE(hub.call(RegisterNode{"token", uid, "n1", "serial", "pin"}));
  HostFacts facts;
  facts.drivers = {"process"};
  facts.resources.sets = {{"licence", {"a", "b"}}};
  hub.connect(uid, "n1", facts);
  Stack stack = one_service();
  stack.services[0].reserve = {{"licence", 1}};
  stack.services[0].scale.count = 3;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  EXPECT_EQ(node_of(hub, "web-2"), "n1");
  EXPECT_EQ(verdict(why(hub.state(), "shop/web-3")->at(0), "n1"), "licence: 1 asked, 0 of 2 free");
}

TEST(HubPlacement, APlanSaysWhatTheApplyThenDoes) {
  Harness hub;
  sized(hub, "n1", 4 * GiB);
  sized(hub, "n2", 2 * GiB);
  Stack stack = asking(1 * GiB, 7);
  auto steps = plan(hub.state(), stack);
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  ASSERT_EQ(steps.size(), 7u);
  for (const PlanStep& step : steps)
    EXPECT_EQ(node_of(hub, step.instance_name), step.node) << step.instance_name;
  EXPECT_EQ(steps.back().node, "");
  EXPECT_TRUE(steps.back().reason.starts_with("no node fits")) << steps.back().reason;
}

// ---- an update that needs more than there is

TEST(HubPlacement, AnUpdateThatDoesNotFitWhereItIsGoesElsewhere) {
  Harness hub;
  NodeId n1 = sized(hub, "n1", 2 * GiB), n2 = sized(hub, "n2", 8 * GiB);
  ASSERT_TRUE(hub.call(CordonNode{"n2", true}));
  ASSERT_TRUE(hub.call(ApplyStack{asking(1 * GiB, 1), std::nullopt}));
  hub.obey(n1);
  hub.pass(2s);
  ASSERT_TRUE(hub.call(CordonNode{"n2", false}));
  ASSERT_TRUE(hub.call(ApplyStack{asking(4 * GiB, 1), std::nullopt}));
  ASSERT_EQ(hub.assigned.size(), 1u);
  EXPECT_EQ(hub.assigned[0].type, TaskType::delete_);
  hub.obey(n1);
  hub.obey(n2);
  EXPECT_EQ(node_of(hub, "web-1"), "n2");
}

TEST(HubPlacement, AnUpdateThatFitsNowhereLeavesWhatRunsAlone) {
  Harness hub;
  NodeId n1 = sized(hub, "n1", 2 * GiB);
  ASSERT_TRUE(hub.call(ApplyStack{asking(1 * GiB, 1), std::nullopt}));
  hub.obey(n1);
  hub.pass(2s);
  Stack more = asking(4 * GiB, 1);
  std::get<ProcessSpec>(more.services[0].spec).command = {"serve", "v2"};
  ASSERT_TRUE(hub.call(ApplyStack{more, std::nullopt}));
  EXPECT_TRUE(hub.assigned.empty());
  EXPECT_EQ(hub.slot("shop", "web", "web-1").waits,
            "no node fits: n1 memory: 4.0 GiB asked, 2.0 GiB of 2.0 GiB free");
}

// ---- drains

struct Drained {
  Harness hub;
  NodeId n1, n2;
  explicit Drained(std::uint32_t count, std::uint32_t batch = 1, UpdateOrder order = UpdateOrder::stop_first)
      : n1(sized(hub, "n1", 8 * GiB)), n2(sized(hub, "n2", 8 * GiB)) {
    EXPECT_TRUE(hub.call(CordonNode{"n2", true}));
    Stack stack = asking(1 * GiB, count);
    stack.services[0].update = {.order = order, .batch = batch};
    EXPECT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
    hub.obey(n1);
    hub.pass(2s);
    EXPECT_TRUE(hub.call(CordonNode{"n2", false}));
  }
};

TEST(HubDrain, ThePreviewSaysWhatMovesWhereAndChangesNothing) {
  Drained it(3);
  auto steps = drain_plan(it.hub.state(), it.hub.state().nodes.at(it.n1));
  ASSERT_EQ(steps.size(), 3u);
  for (const DrainStep& step : steps) {
    EXPECT_EQ(step.what, DrainWhat::moves);
    EXPECT_EQ(step.to, "n2");
  }
  EXPECT_TRUE(it.hub.assigned.empty());
  EXPECT_TRUE(it.hub.state().fleet.rooms()[*it.hub.state().fleet.room_of(it.n1)].closed.empty());
}

TEST(HubDrain, WhatCannotGoStaysAndIsNamed) {
  Drained it(3);
  Stack big = asking(6 * GiB, 1);
  big.name = "big";
  ASSERT_TRUE(it.hub.call(ApplyStack{big, std::nullopt}));
  EXPECT_EQ(it.hub.slot("big", "web", "web-1").slot.node_name, "n2");
  auto steps = drain_plan(it.hub.state(), it.hub.state().nodes.at(it.n1));
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0].what, DrainWhat::moves);
  EXPECT_EQ(steps[1].what, DrainWhat::moves);
  EXPECT_EQ(steps[2].what, DrainWhat::stays);
  EXPECT_EQ(steps[2].reason, "no node fits: n2 memory: 1.0 GiB asked, 0 of 8.0 GiB free, and 1 more");
}

TEST(HubDrain, MovesABatchAtATime) {
  Drained it(3, 1);
  ASSERT_TRUE(it.hub.call(DrainNode{"n1", true}));
  for (int moved = 0; moved < 3; ++moved) {
    ASSERT_EQ(it.hub.assigned.size(), 1u) << moved;
    EXPECT_EQ(it.hub.assigned[0].type, TaskType::delete_);
    it.hub.obey(it.n1);
    ASSERT_EQ(it.hub.assigned.size(), 1u) << moved;
    EXPECT_EQ(it.hub.assigned[0].type, TaskType::deploy);
    it.hub.obey(it.n2);
    EXPECT_TRUE(it.hub.assigned.empty());
    it.hub.pass(1s);  // it has to live so long
  }
  EXPECT_TRUE(it.hub.state().nodes.at(it.n1).slots.empty());
  const auto& events = it.hub.state().events;
  EXPECT_EQ(std::ranges::count_if(events, [](const Event& one) { return one.type == "node.drained"; }), 1);
}

TEST(HubDrain, StartFirstIsReadyThereBeforeItEndsHere) {
  Drained it(1, 1, UpdateOrder::start_first);
  ASSERT_TRUE(it.hub.call(DrainNode{"n1", true}));
  ASSERT_EQ(it.hub.assigned.size(), 1u);
  EXPECT_EQ(it.hub.assigned[0].type, TaskType::deploy);
  it.hub.obey(it.n2);
  EXPECT_TRUE(it.hub.assigned.empty());
  it.hub.pass(1s);
  ASSERT_EQ(it.hub.assigned.size(), 1u);
  EXPECT_EQ(it.hub.assigned[0].type, TaskType::delete_);
  it.hub.obey(it.n1);
  EXPECT_TRUE(it.hub.state().nodes.at(it.n1).slots.empty());
  EXPECT_EQ(node_of(it.hub, "web-1"), "n2");
}

TEST(HubDrain, AnEndedDrainKeepsWhatIsLeft) {
  Drained it(2, 1);
  ASSERT_TRUE(it.hub.call(DrainNode{"n1", true}));
  it.hub.obey(it.n1);
  ASSERT_TRUE(it.hub.call(DrainNode{"n1", false}));
  it.hub.obey(it.n2);
  it.hub.pass(2s);
  EXPECT_TRUE(it.hub.assigned.empty());
  EXPECT_EQ(it.hub.state().nodes.at(it.n1).slots.size(), 1u);
}

TEST(HubDrain, AJobIsLetRunToItsEnd) {
  Harness hub;
  NodeId n1 = sized(hub, "n1", 8 * GiB);
  Stack stack = asking(1 * GiB, 1);
  stack.services[0].kind = ServiceKind::job;
  ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
  sized(hub, "n2", 8 * GiB);
  auto running = hub.observed(hub.assigned.at(0));
  running.state = InstanceState::starting;
  const Assign assign = std::exchange(hub.assigned, {})[0];
  hub.frame(n1, TaskStarted{assign.task, assign.attempt});
  hub.frame(n1, StateReport{{running}});
  hub.frame(n1, TaskEnded{.task = assign.task, .attempt = assign.attempt});
  ASSERT_TRUE(hub.call(DrainNode{"n1", true}));
  EXPECT_TRUE(hub.assigned.empty());
  EXPECT_EQ(drain_plan(hub.state(), hub.state().nodes.at(n1)).at(0).reason, "a job is let run to its end");
}

/// No node over its capacity, whatever is applied, scaled and drained.
TEST(HubPlacement, NoNodeIsEverGivenMoreThanItHas) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Harness hub;
    hub.rng = Rng(seed);
    std::vector<NodeId> nodes;
    for (int i = 1; i <= 4; ++i) nodes.push_back(sized(hub, "n" + std::to_string(i), double(1 + i) * GiB));
    for (int round = 0; round < 60; ++round) {
      Stack stack = asking(double(1 + hub.rng.below(8)) * GiB / 4, std::uint32_t(hub.rng.below(8)));
      stack.name = hub.rng.percent(50) ? "shop" : "lab";
      stack.services[0].place.strategy = hub.rng.percent(50) ? PlaceStrategy::spread : PlaceStrategy::binpack;
      stack.services[0].update.order =
          hub.rng.percent(30) ? UpdateOrder::start_first : UpdateOrder::stop_first;
      std::get<ProcessSpec>(stack.services[0].spec).command = {"serve", std::to_string(hub.rng.below(3))};
      ASSERT_TRUE(hub.call(ApplyStack{stack, std::nullopt}));
      const std::string node = "n" + std::to_string(1 + hub.rng.below(4));
      ASSERT_TRUE(hub.call(DrainNode{node, hub.rng.percent(40)}));
      for (NodeId uid : nodes)
        if (hub.rng.percent(70)) hub.obey(uid);
      hub.pass(1s);
      for (const Room& room : hub.state().fleet.rooms())
        for (std::uint32_t i = 0; i < room.taken.size(); ++i)
          ASSERT_GE(room.free(i), 0) << "seed " << seed << " round " << round << " " << room.node->name;
    }
  }
}

}  // namespace
}  // namespace drover::hub::testing
