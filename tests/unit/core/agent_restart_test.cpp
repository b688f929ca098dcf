// Ends by themselves: policy, the formula, giving up, jobs.

#include "core/agent/restart.hpp"
#include "unit/core/agent_host.hpp"

namespace drover::agent::test {
namespace {

TEST(RestartFormula, DoublesUpToTheLimitWithTwentyPercent) {
  Rng rng(3);
  RestartBook book;
  Restart spec{.backoff = 200ms, .backoff_max = 30s, .give_up = 0};
  Duration nominal = 200ms;
  for (int i = 0; i < 12; ++i) {
    auto delay = next_delay(spec, book, BootTime(1s), 0s, rng);
    ASSERT_TRUE(delay);
    EXPECT_GE(*delay, nominal * 8 / 10);
    EXPECT_LE(*delay, nominal * 12 / 10);
    nominal = std::min<Duration>(nominal * 2, 30s);
  }
}

TEST(RestartFormula, ProvenHealthHalvesAndTheNextIsImmediate) {
  Rng rng(3);
  RestartBook book{.n = 8, .last_delay = 25s};
  Restart spec{.give_up = 0};
  RestartBook young = book;
  EXPECT_GT(*next_delay(spec, young, BootTime(1s), 49s, rng), 0s);  // stable is 50 s here
  EXPECT_EQ(young.n, 9u);
  RestartBook once = book;
  EXPECT_EQ(*next_delay(spec, once, BootTime(1s), 50s, rng), 0s);
  EXPECT_EQ(once.n, 5u);
  RestartBook thrice = book;
  EXPECT_EQ(*next_delay(spec, thrice, BootTime(1s), 150s, rng), 0s);
  EXPECT_EQ(thrice.n, 2u);
}

TEST(RestartFormula, GivesUpInASlidingWindow) {
  Rng rng(3);
  RestartBook book;
  Restart spec{.give_up = 3, .give_up_within = 60s};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(next_delay(spec, book, BootTime(i * 10s), 0s, rng));
  EXPECT_FALSE(next_delay(spec, book, BootTime(59s), 0s, rng));
  EXPECT_TRUE(next_delay(spec, book, BootTime(61s), 0s, rng));
  EXPECT_EQ(give_up_text(Restart{}), "10 restarts in 10m");
}

struct AgentRestart : testing::Test {
  Host host;
  void SetUp() override {
    host.start();
    host.connect();
  }
};

TEST_F(AgentRestart, ACrashIsRestartedAfterItsDelayAndNotBeforeEmpty) {
  host.give_task(TaskType::deploy, 1);
  auto first = host.run(1);
  host.give(Exited{first, exit_code(1), {"boom"}});
  EXPECT_EQ(host.state(1), InstanceState::backoff);
  EXPECT_TRUE(host.seen(1).next_try);
  EXPECT_EQ(host.seen(1).reason, "exit 1");
  host.pass(10s);
  EXPECT_EQ(host.spawns.size(), 1u);  // something of it is left
  host.give(Emptied{first});
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.seen(1).restarts, 1u);
  EXPECT_EQ(host.seen(1).incarnation, 2u);
  host.give(Exited{first, exit_code(9), {}});  // of an older incarnation: changes nothing
  host.give(Emptied{first});
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

TEST_F(AgentRestart, ARestartDoesNotWaitForTheLastLinesAndAGiveUpDoes) {
  Service service = program();
  service.restart = {.backoff = 0s, .backoff_max = 0s, .give_up = 1, .retry_failed = 0s};
  host.give_task(TaskType::deploy, 1, service);
  auto first = host.run(1);
  host.give(Exited{first, exit_code(1), {}, true});
  host.give(Emptied{first});
  EXPECT_EQ(host.spawns.size(), 2u);
  host.give(LastLines{first, {"of the first"}});
  EXPECT_EQ(host.seen(1).last_lines, std::vector<std::string>{"of the first"});
  auto second = host.run(1);
  host.give(Exited{second, exit_code(2), {}, true});
  host.give(Emptied{second});
  EXPECT_EQ(host.state(1), InstanceState::stopping);
  host.give(LastLines{first, {"too late"}});
  EXPECT_EQ(host.state(1), InstanceState::stopping);
  host.give(LastLines{second, {"of the second"}});
  EXPECT_EQ(host.state(1), InstanceState::failed);
  host.start({});
  EXPECT_EQ(host.seen(1).last_lines, std::vector<std::string>{"of the second"});
}

TEST_F(AgentRestart, ACrashLoopIsGivenUpWithReasonAndLastLines) {
  Service service = program();
  service.restart.retry_failed = 0s;
  host.give_task(TaskType::deploy, 1, service);
  for (int i = 0; i < 11; ++i) {
    host.exit(host.run(1), 1, {"Traceback", "KeyError: 'DB'"});
    host.pass(40s);
  }
  EXPECT_EQ(host.state(1), InstanceState::failed);
  EXPECT_EQ(host.seen(1).reason, "10 restarts in 10m; last: exit 1");
  EXPECT_EQ(host.seen(1).last_lines.back(), "KeyError: 'DB'");
  EXPECT_EQ(host.spawns.size(), 11u);
  EXPECT_EQ(host.seen(1).restarts, 10u);
  host.pass(3600s);
  EXPECT_EQ(host.spawns.size(), 11u);
  host.start({});  // failed for good survives
  EXPECT_EQ(host.state(1), InstanceState::failed);
  EXPECT_EQ(host.seen(1).reason, "10 restarts in 10m; last: exit 1");
  host.connect();
  host.give_task(TaskType::start, 1);  // a person's word begins anew
  EXPECT_EQ(host.state(1), InstanceState::ready);
}

TEST_F(AgentRestart, Policies) {
  struct Case {
    RestartPolicy policy;
    int code;
    InstanceState after;
  };
  std::uint64_t n = 0;
  for (const Case& c : {Case{RestartPolicy::no, 0, InstanceState::completed},
                        Case{RestartPolicy::no, 1, InstanceState::failed},
                        Case{RestartPolicy::on_failure, 0, InstanceState::completed},
                        Case{RestartPolicy::on_failure, 1, InstanceState::backoff},
                        Case{RestartPolicy::always, 0, InstanceState::backoff},
                        Case{RestartPolicy::unless_stopped, 0, InstanceState::backoff}}) {
    Service service = program();
    service.restart.policy = c.policy;
    host.give_task(TaskType::deploy, ++n, service);
    host.exit(host.run(n), c.code);
    EXPECT_EQ(host.state(n), c.after) << n;
  }
}

TEST_F(AgentRestart, AJobCompletesOnceAndStaysCompleted) {
  auto task = host.give_task(TaskType::deploy, 1, job());
  EXPECT_EQ(host.outcome(task), "succeed");  // started; its end is the instance's state
  host.exit(host.run(1), 0);
  EXPECT_EQ(host.state(1), InstanceState::completed);
  EXPECT_EQ(host.outcome(host.give_task(TaskType::deploy, 1, job())), "succeed");
  EXPECT_EQ(host.outcome(host.give_task(TaskType::stop, 1)), "succeed");
  EXPECT_EQ(host.outcome(host.give_task(TaskType::start, 1)), "succeed");
  host.start({});
  EXPECT_EQ(host.state(1), InstanceState::completed);
  EXPECT_EQ(host.spawns.size(), 1u);
}

TEST_F(AgentRestart, AJobThatFailsIsNotRepeatedUnlessItsPolicySaysSo) {
  host.give_task(TaskType::deploy, 1, job());
  host.exit(host.run(1), 2, {"no such table"});
  EXPECT_EQ(host.state(1), InstanceState::failed);
  EXPECT_EQ(host.seen(1).reason, "exit 2");
  EXPECT_EQ(host.outcome(host.give_task(TaskType::deploy, 1, job())), "succeed");
  EXPECT_EQ(host.spawns.size(), 1u);
  Service stubborn = job();
  stubborn.restart.policy = RestartPolicy::on_failure;
  host.give_task(TaskType::deploy, 2, stubborn);
  host.exit(host.run(2), 2);
  host.pass(1s);
  EXPECT_EQ(host.spawns.size(), 3u);
}

TEST_F(AgentRestart, TransientFailuresAreNoRestarts) {
  host.runs = false;
  host.give_task(TaskType::deploy, 1);
  host.give(SpawnFailed{host.run(1), SpawnFailed::Why::transient, "no more processes", 0});
  EXPECT_EQ(host.state(1), InstanceState::backoff);
  host.pass(2s);
  EXPECT_EQ(host.spawns.size(), 2u);
  EXPECT_EQ(host.seen(1).restarts, 0u);
}

TEST_F(AgentRestart, AStopDuringBackoffStaysStopped) {
  host.give_task(TaskType::deploy, 1);
  host.exit(host.run(1), 1);
  EXPECT_EQ(host.outcome(host.give_task(TaskType::stop, 1)), "succeed");
  host.pass(60s);
  EXPECT_EQ(host.state(1), InstanceState::stopped);
  EXPECT_EQ(host.spawns.size(), 1u);
  EXPECT_EQ(host.forgotten.size(), 1u);
}

TEST_F(AgentRestart, AStopRacesWithACrash) {
  host.give_task(TaskType::deploy, 1);
  host.stops = false;
  auto stop = host.give_task(TaskType::stop, 1);
  host.exit(host.run(1), 1);
  EXPECT_EQ(host.state(1), InstanceState::stopped);
  EXPECT_EQ(host.outcome(stop), "succeed");
  EXPECT_EQ(host.seen(1).restarts, 0u);
}

}  // namespace
}  // namespace drover::agent::test
