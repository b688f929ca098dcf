// Runs that are replaced though they work, turns of automatic restarts, slow tries, what exits mean.

#include "core/agent/restart.hpp"
#include "unit/core/agent_host.hpp"

namespace drover::agent::test {
namespace {

TEST(JudgeExit, ByTheListsOfCodesAndSignals) {
  Restart spec;
  EXPECT_EQ(judge_exit(spec, exit_code(0)), Verdict::success);
  EXPECT_EQ(judge_exit(spec, exit_code(1)), Verdict::failure);
  EXPECT_EQ(judge_exit(spec, exit_code(78)), Verdict::fatal);
  EXPECT_EQ(judge_exit(spec, Exit{.code = -1, .signal = 11}), Verdict::failure);
  spec.success = {0, 3};
  spec.fatal = {4};
  spec.fatal_signals = {"SIGSEGV"};
  EXPECT_EQ(judge_exit(spec, exit_code(3)), Verdict::success);
  EXPECT_EQ(judge_exit(spec, exit_code(78)), Verdict::failure);
  EXPECT_EQ(judge_exit(spec, exit_code(4)), Verdict::fatal);
  EXPECT_EQ(judge_exit(spec, Exit{.code = -1, .signal = 11}), Verdict::fatal);
  EXPECT_EQ(judge_exit(spec, Exit{.code = -1, .known = false}), Verdict::failure);
}

TEST(TakeTurn, ASecondsWorthAtOnceThenEvenly) {
  std::optional<BootTime> next;
  const BootTime now(100s);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(take_turn(next, 20, now)) << i;
  EXPECT_EQ(take_turn(next, 20, now), now + 50ms);
  EXPECT_EQ(take_turn(next, 20, now), now + 100ms);
  EXPECT_FALSE(take_turn(next, 20, now + 5s));
  std::optional<BootTime> none;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(take_turn(none, 0, now));
}

TEST(RestartFormula, ATrialThatFailsGivesUpAndAProvenOneBeginsAnew) {
  Rng rng(3);
  RestartBook book{.n = 9, .on_trial = true};
  EXPECT_FALSE(next_delay(Restart{}, book, BootTime(1s), 5s, rng));
  EXPECT_EQ(next_delay(Restart{}, book, BootTime(1s), 31s, rng), Duration(200ms * 0));
  EXPECT_FALSE(book.on_trial);
}

struct AgentUpkeep : testing::Test {
  Host host;
  Service service = program();
  void SetUp() override {
    host.start();
    host.connect();
  }
};

TEST_F(AgentUpkeep, AFatalExitIsNotTriedAgain) {
  host.give_task(TaskType::deploy, 1);
  host.exit(host.run(1), 78);
  EXPECT_EQ(host.state(1), InstanceState::failed);
  EXPECT_EQ(host.seen(1).reason, "exit 78: not tried again (restart.fatal)");
  host.pass(3600s);
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST_F(AgentUpkeep, AnotherExitCodeThatIsASuccess) {
  service.restart.success = {0, 7};
  host.give_task(TaskType::deploy, 1, service);
  host.exit(host.run(1), 7);
  EXPECT_EQ(host.state(1), InstanceState::completed);
}

TEST_F(AgentUpkeep, WhatGaveUpIsTriedSlowlyAndRecovers) {
  service.restart = {.backoff = 10ms, .backoff_max = 10ms, .give_up = 2, .retry_failed = 300s};
  host.give_task(TaskType::deploy, 1, service);
  for (int i = 0; i < 3; ++i) {
    host.exit(host.run(1), 1);
    host.pass(1s);
  }
  EXPECT_EQ(host.state(1), InstanceState::failed);
  EXPECT_TRUE(host.seen(1).next_try);
  EXPECT_EQ(host.spawns.size(), 3u);
  host.pass(200s);
  EXPECT_EQ(host.spawns.size(), 3u);
  for (int i = 0; i < 150 && host.spawns.size() < 4; ++i) host.pass(1s);
  ASSERT_EQ(host.spawns.size(), 4u);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  host.exit(host.run(1), 1);  // one try, not another ten
  EXPECT_EQ(host.state(1), InstanceState::failed);
  host.pass(350s);
  ASSERT_EQ(host.spawns.size(), 5u);
  host.pass(60s);
  host.exit(host.run(1), 1);  // it has proven itself: counted anew
  EXPECT_NE(host.state(1), InstanceState::failed);
}

TEST_F(AgentUpkeep, TheSlowTryOutlivesTheAgent) {
  service.restart = {.backoff = 10ms, .backoff_max = 10ms, .give_up = 1, .retry_failed = 60s};
  host.give_task(TaskType::deploy, 1, service);
  for (int i = 0; i < 2; ++i) {
    host.exit(host.run(1), 1);
    host.pass(1s);
  }
  ASSERT_EQ(host.state(1), InstanceState::failed);
  host.start();
  EXPECT_EQ(host.state(1), InstanceState::failed);
  EXPECT_EQ(host.spawns.size(), 2u);
  host.pass(70s);
  EXPECT_EQ(host.spawns.size(), 3u);
}

TEST_F(AgentUpkeep, NoSlowTryWhereItIsSwitchedOff) {
  service.restart = {.backoff = 10ms, .backoff_max = 10ms, .give_up = 1, .retry_failed = 0s};
  host.give_task(TaskType::deploy, 1, service);
  for (int i = 0; i < 2; ++i) {
    host.exit(host.run(1), 1);
    host.pass(1s);
  }
  host.pass(3600s);
  EXPECT_EQ(host.state(1), InstanceState::failed);
  EXPECT_EQ(host.spawns.size(), 2u);
}

TEST_F(AgentUpkeep, AStormOfRestartsIsSpreadOut) {
  host.settings.restarts_per_second = 10;
  host.start();
  host.connect();
  service.restart.backoff = service.restart.backoff_max = 1ms;
  for (std::uint64_t i = 1; i <= 40; ++i) host.give_task(TaskType::deploy, i, service);
  ASSERT_EQ(host.spawns.size(), 40u);
  for (std::uint64_t i = 1; i <= 40; ++i) host.exit(host.run(i), 1);
  host.pass(20ms);
  EXPECT_LE(host.spawns.size(), 51u);
  std::size_t waiting = 0;
  for (std::uint64_t i = 1; i <= 40; ++i)
    waiting += host.seen(i).reason.find("at most 10 restarts a second") != std::string::npos ? 1 : 0;
  EXPECT_GE(waiting, 29u);
  host.pass(1s);
  EXPECT_LE(host.spawns.size(), 61u);
  host.pass(4s);
  EXPECT_EQ(host.spawns.size(), 80u);
}

TEST_F(AgentUpkeep, TooMuchMemoryIsARestartThatCounts) {
  service.restart.memory_max = 100 << 20;
  service.restart.backoff = 20s;
  host.give_task(TaskType::deploy, 1, service);
  host.memory = 90 << 20;
  host.pass(20s);
  EXPECT_EQ(host.spawns.size(), 1u);
  host.memory = 101 << 20;
  host.pass(6s);
  EXPECT_EQ(host.stop_orders.size(), 1u);
  EXPECT_EQ(host.seen(1).restarts, 1u);
  EXPECT_EQ(host.seen(1).reason, "its memory of 101MiB is above memory_max 100MiB");
}

TEST_F(AgentUpkeep, AnOldOneIsReplacedWithoutBeingCounted) {
  service.restart.max_age = 3600s;
  host.give_task(TaskType::deploy, 1, service);
  host.pass(3000s);
  EXPECT_EQ(host.spawns.size(), 1u);
  host.pass(1000s);
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.seen(1).restarts, 0u);
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

TEST_F(AgentUpkeep, AChangedFileReplacesIt) {
  service.restart.watch = {"/srv/app"};
  host.give_task(TaskType::deploy, 1, service);
  ASSERT_EQ(host.watches.size(), 1u);
  EXPECT_EQ(host.watches[0].paths, service.restart.watch);
  host.stops = false;
  host.give(FilesChanged{host.run(1), "/srv/app/main.py"});
  EXPECT_EQ(host.state(1), InstanceState::restarting);
  EXPECT_EQ(host.seen(1).reason, "/srv/app/main.py has changed");
  ASSERT_EQ(host.watches.size(), 2u);
  EXPECT_TRUE(host.watches[1].paths.empty());
  host.exit(host.run(1), 0);
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.watches.size(), 3u);
  host.give(Trouble{host.run(1), About::watch, "not all is watched"});
  EXPECT_EQ(host.seen(1).reason, "not all is watched");
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

TEST_F(AgentUpkeep, APortThatNothingListensOnIsToldUntilItDoes) {
  service.ports = {port("http", 8080)};
  service.probes.start_timeout = 5s;
  host.port_trouble = "nothing listens on its port 8080 (http)";
  host.give_task(TaskType::deploy, 1, service);
  host.pass(4s);
  EXPECT_EQ(host.seen(1).reason, "");
  host.pass(2s);
  EXPECT_EQ(host.seen(1).reason, host.port_trouble);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  host.port_trouble.clear();
  host.pass(40s);
  EXPECT_EQ(host.seen(1).reason, "");
  host.port_trouble = "not asked any more";
  host.pass(100s);
  EXPECT_EQ(host.seen(1).reason, "");
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST_F(AgentUpkeep, ALogThatCannotBeWrittenIsToldUntilItCan) {
  host.give_task(TaskType::deploy, 1, service);
  host.give(Trouble{host.run(1), About::log, "its log cannot be written"});
  EXPECT_EQ(host.seen(1).reason, "its log cannot be written; it is held up when it prints more");
  host.give(Trouble{host.run(1), About::watch, "not all is watched"});
  EXPECT_EQ(host.seen(1).reason, "its log cannot be written; it is held up when it prints more");
  host.give(Trouble{host.run(1), About::log, ""});
  EXPECT_EQ(host.seen(1).reason, "not all is watched");
  host.give(Trouble{host.run(1), About::log, "again"});
  host.exit(host.run(1), 1);
  host.pass(1s);
  EXPECT_EQ(host.seen(1).reason, "");  // another run
}

TEST_F(AgentUpkeep, DependantsFollowARestartAndWhatGaveUpIsTriedAtOnce) {
  service.restart.dependants = true;
  service.probes.ready = probe();
  host.give_task(TaskType::deploy, 1, service);
  host.pass(1s);
  Service other = program("front"), failing = program("back");
  other.depends_on = failing.depends_on = {{"web", Condition::ready}};
  failing.restart = {.backoff = 10ms, .backoff_max = 10ms, .give_up = 1};
  host.give_task(TaskType::deploy, 2, other);
  host.give_task(TaskType::deploy, 3, failing);
  for (int i = 0; i < 2; ++i) {
    host.exit(host.run(3), 1);
    host.pass(1s);
  }
  ASSERT_EQ(host.state(3), InstanceState::failed);
  const auto before = host.seen(2).incarnation;
  host.exit(host.run(1), 1);
  host.pass(5s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.seen(2).incarnation, before + 1);
  EXPECT_EQ(host.seen(2).restarts, 0u);
  EXPECT_EQ(host.state(2), InstanceState::ready);
  EXPECT_EQ(host.state(3), InstanceState::ready);
}

// ---- probes

TEST_F(AgentUpkeep, AnUnhealthyOneIsOnlyToldOfWithAlert) {
  service.probes.live = probe();
  service.restart.on_unhealthy = OnUnhealthy::alert;
  host.give_task(TaskType::deploy, 1, service);
  host.well = false;
  host.pass(10s);
  EXPECT_EQ(host.state(1), InstanceState::unhealthy);
  EXPECT_EQ(host.seen(1).health, Health::unhealthy);
  EXPECT_EQ(host.seen(1).reason, "live: refused");
  EXPECT_EQ(host.spawns.size(), 1u);
  host.well = true;
  host.pass(5s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

TEST_F(AgentUpkeep, AProbeThatCannotBeRunFailsNothing) {
  service.probes.ready = probe();
  service.probes.live = probe();
  service.probes.start_timeout = 5s;
  host.unrunnable = true;
  host.well = false;
  host.give_task(TaskType::deploy, 1, service);
  host.pass(120s);
  EXPECT_EQ(host.spawns.size(), 1u);
  EXPECT_EQ(host.state(1), InstanceState::starting);
  EXPECT_EQ(host.seen(1).reason, "the ready probe cannot be run: refused");
  host.unrunnable = false;
  host.well = true;
  host.pass(5s);
  EXPECT_EQ(host.state(1), InstanceState::ready);
  EXPECT_EQ(host.seen(1).reason, "");
}

TEST_F(AgentUpkeep, TheLastTenAnswersAreKeptOverRuns) {
  service.probes.ready = probe();
  service.restart.backoff = service.restart.backoff_max = 10ms;
  host.give_task(TaskType::deploy, 1, service);
  host.pass(30s);
  host.well = false;
  host.exit(host.run(1), 1);
  host.pass(1s);
  const auto all = host.core->probes(instance_id(1));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind, "tcp");
  EXPECT_EQ(all[0].probe, Asked::ready);
  EXPECT_FALSE(all[0].passed);
  ASSERT_EQ(all[0].results.size(), 10u);
  EXPECT_TRUE(all[0].results.front().ok);
  EXPECT_EQ(all[0].results.front().incarnation, 1u);
  EXPECT_EQ(all[0].results.back().detail, "refused");
  EXPECT_EQ(all[0].results.back().incarnation, 2u);
}

TEST_F(AgentUpkeep, WhatAProgramSaysIsLookedAtAtOnce) {
  service.probes.ready = Probe{.check = NotifyCheck{}, .interval = 3600s, .timeout = 1s};
  service.probes.start_timeout = 10s;
  host.well = false;
  host.give_task(TaskType::deploy, 1, service);
  host.pass(9s);
  const auto asked = host.asked.size();
  host.give(Notified{host.run(1), 60s, ""});  // EXTEND_TIMEOUT_USEC
  EXPECT_EQ(host.asked.size(), asked + 1);
  host.pass(30s);
  EXPECT_EQ(host.spawns.size(), 1u);
  host.well = true;
  host.give(Notified{host.run(1), std::nullopt, ""});
  EXPECT_EQ(host.state(1), InstanceState::ready);
  host.give(Notified{host.run(1), std::nullopt, "unhealthy: it set off its own watchdog"});
  EXPECT_EQ(host.stop_orders.size(), 1u);
}

}  // namespace
}  // namespace drover::agent::test
