// A run takes its configuration anew, and two placements of one name share what is passed to them.

#include <gtest/gtest.h>

#include "agent_host.hpp"

namespace drover::agent::test {
namespace {

Service listening() {
  Service service = program();
  service.reload.signal = "SIGHUP";
  return service;
}

/// A host on which instance 1 runs.
struct Serving : Host {
  explicit Serving(const Service& service = listening()) {
    start();
    connect();
    give_task(TaskType::deploy, 1, service);
  }
};

std::uint64_t reload(Host& host, const Service& service = listening()) {
  ++host.reload_count;
  return host.give_task(TaskType::reload, 1, service);
}

TEST(AgentReload, TheRunIsToldAndGoesOn) {
  Serving host;
  auto pid = host.seen(1).pid;
  auto task = reload(host);
  ASSERT_EQ(host.reloads.size(), 1u);
  EXPECT_EQ(host.reloads[0].how.signal, "SIGHUP");
  EXPECT_EQ(host.reloads[0].run, host.run(1));
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.seen(1).reload_generation, 1u);
  EXPECT_EQ(host.seen(1).pid, pid);
  EXPECT_TRUE(host.seen(1).reloaded_at);
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST(AgentReload, AFailureIsToldOnceAndTheRunGoesOn) {
  Serving host;
  host.reload_fault = "the reload command failed: exit 1";
  auto task = reload(host);
  EXPECT_EQ(host.outcome(task), "attempt_failed");
  EXPECT_EQ(host.error(task), host.reload_fault);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.seen(1).reload_generation, 1u);
  EXPECT_EQ(host.outcome(host.give_task(TaskType::reload, 1, listening())), "succeed");
  EXPECT_EQ(host.reloads.size(), 1u);  // the same order is not carried out twice
}

TEST(AgentReload, OneThatIsNotReadyYetIsToldWhenItIs) {
  Service service = listening();
  service.probes.ready = probe();
  Host host;
  host.well = false;
  host.start();
  host.connect();
  host.give_task(TaskType::deploy, 1, service);
  auto task = reload(host, service);
  host.pass(3s);
  EXPECT_TRUE(host.reloads.empty());
  EXPECT_EQ(host.outcome(task), "");
  host.well = true;
  host.pass(3s);
  EXPECT_EQ(host.reloads.size(), 1u);
  EXPECT_EQ(host.outcome(task), "succeed");
}

TEST(AgentReload, WhatDoesNotRunHasNothingToBeTold) {
  Serving host;
  host.give_task(TaskType::stop, 1, listening());
  auto task = reload(host);
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_TRUE(host.reloads.empty());
  EXPECT_EQ(host.state(1), InstanceState::stopped);
}

TEST(AgentReload, AnAgentThatDiesMeanwhileTellsItAgain) {
  Serving host;
  host.reloads_at_once = false;
  auto task = reload(host);
  ASSERT_EQ(host.reloads.size(), 1u);
  Found found{.run = host.run(1), .digest = digest_of(listening()), .alive = true, .pid = host.seen(1).pid};
  host.reloads_at_once = true;
  host.start({found});
  EXPECT_EQ(host.reloads.size(), 2u);
  host.connect();
  EXPECT_EQ(host.outcome(task), "succeed");
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST(AgentReload, AStopDoesNotWaitForIt) {
  Serving host;
  host.reloads_at_once = false;
  auto task = reload(host);
  auto stop = host.give_task(TaskType::stop, 1, listening());
  EXPECT_EQ(host.outcome(task), "attempt_failed");
  EXPECT_EQ(host.outcome(stop), "succeed");
  EXPECT_EQ(host.state(1), InstanceState::stopped);
  host.give(Reloaded{host.reloads[0].run, ""});  // too late: of no interest
  EXPECT_EQ(host.seen(1).reload_generation, 0u);
}

TEST(AgentReload, WithoutAWayToTellItIsRestarted) {
  Serving host(program());
  auto task = reload(host, program());
  EXPECT_TRUE(host.reloads.empty());
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.outcome(task), "succeed");
}

TEST(AgentReload, AProgramThatSaysSoIsNotReadyUntilItIsAgain) {
  Serving host;
  host.give(Notified{.run = host.run(1), .reloading = true});
  EXPECT_EQ(host.state(1), InstanceState::starting);
  EXPECT_EQ(host.seen(1).reason, "it takes its configuration anew");
  host.give(Notified{.run = host.run(1)});
  EXPECT_EQ(host.state(1), InstanceState::ready);
  host.pass(120s);
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST(AgentReload, OneThatIsNotReadyAgainInTimeIsRestarted) {
  Serving host;
  host.give(Notified{.run = host.run(1), .reloading = true});
  host.pass(65s);
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

// ---- two placements of one name

Service passing(std::uint16_t published) {
  Service service = program();
  service.ports = {port("http", published)};
  service.ports[0].pass = PortPass::listen_fds;
  return service;
}

TEST(AgentSuccession, BothHaveThePassedPort) {
  for (std::uint16_t published : {std::uint16_t(8080), std::uint16_t(0)}) {
    Serving host(passing(published));
    Service changed = passing(published);
    std::get<ProcessSpec>(changed.spec).environment["LEVEL"] = "debug";
    Assign next = host.order(TaskType::deploy, 2, changed);
    next.instance_name = "web-1";
    host.from_hub(next);
    ASSERT_TRUE(host.has(2));
    EXPECT_EQ(host.state(2), InstanceState::ready);
    EXPECT_EQ(host.state(1), InstanceState::ready);
    EXPECT_EQ(host.seen(2).ports, host.seen(1).ports);
    auto gone = host.give_task(TaskType::delete_, 1, passing(published));
    EXPECT_EQ(host.outcome(gone), "succeed");
    EXPECT_FALSE(host.has(1));
    EXPECT_EQ(host.state(2), InstanceState::ready);
    EXPECT_EQ(host.spawns.size(), 2u);
  }
}

TEST(AgentSuccession, AnotherNameDoesNotGetIt) {
  Serving host(passing(8080));
  host.give_task(TaskType::deploy, 2, passing(8080));
  EXPECT_EQ(host.state(2), InstanceState::waiting);
}

TEST(AgentSuccession, APortThatTheProgramBindsIsNotShared) {
  Service service = program();
  service.ports = {port("http", 8080)};
  Serving host(service);
  Assign next = host.order(TaskType::deploy, 2, service);
  next.instance_name = "web-1";
  host.from_hub(next);
  EXPECT_EQ(host.state(2), InstanceState::waiting);
}

}  // namespace
}  // namespace drover::agent::test
