// Ending: whole trees, at every level; deadlines that hold without the agent; the cgroup trap.

#include <signal.h>

#include <filesystem>
#include <thread>

#include "client.hpp"

namespace drover::keeper::testing {

namespace {
std::string token_of(const std::string& key, int incarnation) {
  return "token-" + std::to_string(::getpid()) + "-" + key + "-" + std::to_string(incarnation);
}
// A child, one that ignores TERM, one in its own session, a double fork in its own session that ignores TERM
// too.
constexpr const char* tree =
    "sleep 1000 & (trap '' TERM; while :; do sleep 1000; done) & setsid sleep 1001 &"
    "(setsid sh -c 'trap \"\" TERM; sleep 1002; sleep 1003' &) & echo up; wait; sleep 1000";
}  // namespace

class Ending : public KeeperTest {};

struct Rung {
  const char* level;
  const char* way;
};
class EveryLevel : public KeeperTest, public ::testing::WithParamInterface<Rung> {
 protected:
  void SetUp() override {
    KeeperTest::SetUp();
    start({"--level", GetParam().level, "--spawn", GetParam().way});
  }
  /// Skips when this machine has not got the rung.
  bool in_force(Client& client) {
    const auto level = client.status().texts()[0];
    return level == GetParam().level;
  }
};

TEST_P(EveryLevel, StopLeavesNothing) {
  Client client(state());
  if (!in_force(client)) GTEST_SKIP() << "this machine has no " << GetParam().level;
  client.subscribe();
  ASSERT_EQ(client.spawn("t/tree", 1, shell_with_log(tree)).header.status, Status::ok);
  ASSERT_TRUE(eventually([&] { return with_token(token_of("t/tree", 1)).size() >= 7; }))
      << with_token(token_of("t/tree", 1)).size();
  ASSERT_EQ(client.stop("t/tree", 1, 300), Status::ok);
  const auto emptied = client.wait_event(EventKind::emptied, "t/tree");
  ASSERT_TRUE(emptied);
  if (std::string(GetParam().level) == "group") {  // all that a process group can promise
    for (const pid_t pid : with_token(token_of("t/tree", 1))) ::kill(pid, SIGKILL);
    return;
  }
  EXPECT_TRUE(with_token(token_of("t/tree", 1)).empty());
  EXPECT_EQ(emptied->info.killed, 1);
  EXPECT_EQ(emptied->info.stopping, 1);
  EXPECT_EQ(emptied->info.exit, ExitKind::signal);
  EXPECT_EQ(emptied->info.exit_value, SIGTERM);
  const double waited = double(emptied->info.emptied_boot_ns - emptied->info.exited_boot_ns) / 1e6;
  EXPECT_GT(waited, 200);
  EXPECT_LT(waited, 3000);
  if (!emptied->cgroup.empty()) EXPECT_FALSE(std::filesystem::exists(emptied->cgroup));
}

TEST_P(EveryLevel, CrashLeftoversAreKilled) {
  Client client(state());
  if (!in_force(client)) GTEST_SKIP() << "this machine has no " << GetParam().level;
  client.subscribe();
  ASSERT_EQ(client
                .spawn("c", 1,
                       shell("(trap '' TERM; while :; do sleep 1000; done) & sleep 1000 & sleep 0.1; exit 3"))
                .header.status,
            Status::ok);
  const auto exited = client.wait_event(EventKind::exited, "c");
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->info.exit_value, 3);
  EXPECT_EQ(exited->info.state, State::exited);
  const auto emptied = client.wait_event(EventKind::emptied, "c");
  ASSERT_TRUE(emptied);
  const double after = double(emptied->info.emptied_boot_ns - emptied->info.exited_boot_ns) / 1e6;
  EXPECT_GE(after, 450);
  EXPECT_LT(after, 2000);
  EXPECT_TRUE(with_token(token_of("c", 1)).empty());
}

TEST_P(EveryLevel, NextIncarnationLivesAfterAKill) {
  Client client(state());
  if (!in_force(client)) GTEST_SKIP() << "this machine has no " << GetParam().level;
  for (std::uint64_t incarnation = 1; incarnation <= 5; ++incarnation) {
    ASSERT_EQ(client.spawn("again", incarnation, shell("sleep 1000")).header.status, Status::ok);
    std::this_thread::sleep_for(20ms);
    ASSERT_EQ(client.find("again", incarnation)->info.state, State::running) << incarnation;
    ASSERT_EQ(client.kill("again", incarnation), Status::ok);
    const auto seen = client.wait_state("again", incarnation, State::emptied);
    EXPECT_EQ(seen.info.exit_value, SIGKILL);
  }
}

INSTANTIATE_TEST_SUITE_P(Ladder, EveryLevel,
                         ::testing::Values(Rung{"cgroup2", "clone3"}, Rung{"cgroup2", "migrate"},
                                           Rung{"cgroup2", "fork"}, Rung{"cgroup2-freeze", "clone3"},
                                           Rung{"freezer", "migrate"}, Rung{"freezer", "fork"},
                                           Rung{"subreaper", "clone3"}, Rung{"subreaper", "fork"},
                                           Rung{"group", "clone3"}),
                         [](const auto& param) {
                           std::string name = std::string(param.param.level) + "_" + param.param.way;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_F(Ending, LeaderExitsFirstAndTheRestHasTheGrace) {
  start();
  Client client(state());
  client.subscribe();
  const char* script =
      "(trap 'echo leftover got TERM; sleep 0.3; echo leftover ends; exit 0' TERM; while :; do sleep 0.02; "
      "done) &"
      "trap 'echo leader ends; exit 0' TERM; echo up; while :; do sleep 0.02; done";
  ASSERT_EQ(client.spawn("l", 1, shell_with_log(script)).header.status, Status::ok);
  ASSERT_TRUE(eventually([&] { return contains(read_log(log_directory()), "up"); }));
  ASSERT_EQ(client.stop("l", 1, 5000), Status::ok);
  const auto emptied = client.wait_event(EventKind::emptied, "l");
  ASSERT_TRUE(emptied);
  EXPECT_EQ(emptied->info.killed, 0);
  client.wait("l", 1, [](const Seen& seen) { return seen.info.log_closed != 0; });
  const auto lines = read_log(log_directory());
  EXPECT_TRUE(contains(lines, "leader ends"));
  EXPECT_TRUE(contains(lines, "leftover ends"));
  EXPECT_EQ(
      std::count_if(lines.begin(), lines.end(), [](const auto& l) { return l.text == "leftover got TERM"; }),
      1);
}

TEST_F(Ending, TheExitOfMainDoesNotWaitForAGrandchildWithItsStdout) {
  start();
  Client client(state());
  client.subscribe();
  ASSERT_EQ(client.spawn("g", 1, shell_with_log("setsid sleep 1000 & exit 7")).header.status, Status::ok);
  const auto exited = client.wait_event(EventKind::exited, "g", 400ms);  // before the leftovers are killed
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->info.exit_value, 7);
}

TEST_F(Ending, TheDeadlineHoldsWithoutTheAgent) {
  start();
  {
    Client client(state());
    ASSERT_EQ(client.spawn("d", 1, shell("trap '' TERM; while :; do sleep 0.05; done")).header.status,
              Status::ok);
    std::this_thread::sleep_for(100ms);
    ASSERT_EQ(client.stop("d", 1, 400), Status::ok);
  }  // the agent is gone
  EXPECT_FALSE(with_token(token_of("d", 1)).empty());
  EXPECT_TRUE(eventually([&] { return with_token(token_of("d", 1)).empty(); }, 3s));
  Client client(state());
  const auto seen = client.wait_state("d", 1, State::emptied);
  EXPECT_EQ(seen.info.exit_value, SIGKILL);
  EXPECT_EQ(seen.info.killed, 1);
}

TEST_F(Ending, TheDeadlineHoldsWithoutAgentAndKeeper) {
  start();
  Client(state()).spawn("d", 1, shell("trap '' TERM; while :; do sleep 0.05; done"));
  std::this_thread::sleep_for(100ms);
  ASSERT_EQ(Client(state()).stop("d", 1, 600), Status::ok);
  kill_hard(keeper_pid());
  EXPECT_TRUE(eventually([&] { return with_token(token_of("d", 1)).empty(); }, 3s));
  const auto seen = Client(state()).wait_state("d", 1, State::emptied);
  EXPECT_EQ(seen.info.exit_value, SIGKILL);
}

TEST_F(Ending, ModeAllAndSignals) {
  start();
  Client client(state());
  const char* script =
      "(trap 'echo child USR1' USR1; trap 'echo child TERM; exit' TERM; echo up; while :; do sleep 0.02; "
      "done) &"
      "trap 'echo main USR1' USR1; trap 'echo main TERM; exit' TERM; echo up; while :; do sleep 0.02; done";
  ASSERT_EQ(client.spawn("s", 1, shell_with_log(script)).header.status, Status::ok);
  const auto count = [&](const std::string& text) {
    const auto lines = read_log(log_directory());
    return std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line.text == text; });
  };
  ASSERT_TRUE(eventually([&] { return count("up") == 2; }));
  ASSERT_EQ(client.signal("s", 1, SIGUSR1), Status::ok);
  ASSERT_TRUE(eventually([&] { return count("main USR1") == 1; }));
  EXPECT_EQ(count("child USR1"), 0);
  ASSERT_EQ(client.signal("s", 1, SIGUSR1, Mode::all), Status::ok);
  ASSERT_TRUE(eventually([&] { return count("child USR1") == 1 && count("main USR1") == 2; }));
  ASSERT_EQ(client.stop("s", 1, 5000, Mode::all), Status::ok);
  client.wait("s", 1, [](const Seen& seen) { return seen.info.log_closed != 0; });
  EXPECT_EQ(count("main TERM"), 1);
  EXPECT_EQ(count("child TERM"), 1);
  EXPECT_EQ(client.signal("s", 1, SIGUSR1), Status::not_found);
  EXPECT_EQ(client.stop("s", 1, 100), Status::ok);
  EXPECT_EQ(client.stop("nobody", 1, 100), Status::ok);
}

TEST_F(Ending, AStoppedProcessEndsToo) {
  start();
  Client client(state());
  ASSERT_EQ(client.spawn("z", 1, shell("exec sleep 1000")).header.status, Status::ok);
  ASSERT_EQ(client.signal("z", 1, SIGSTOP), Status::ok);
  ASSERT_EQ(client.stop("z", 1, 5000), Status::ok);
  EXPECT_EQ(client.wait_state("z", 1, State::emptied).info.exit_value, SIGTERM);
}

TEST_F(Ending, ShutdownKeepsTheOrder) {
  start();
  {
    Client client(state());
    client.subscribe();
    for (const char* key : {"first", "second", "third", "rest"})
      ASSERT_EQ(client.spawn(key, 1, shell("trap 'sleep 0.1; exit' TERM; while :; do sleep 0.02; done"))
                    .header.status,
                Status::ok);
    std::this_thread::sleep_for(100ms);
    ASSERT_EQ(client.shutdown(5000, {"first", "second", "third"}), Status::ok);
    EXPECT_EQ(client.spawn("late", 1, shell("true")).header.status, Status::unavailable);
    EXPECT_TRUE(client.at_end(10s));
    std::vector<std::string> order;
    for (const auto& event : client.events)
      if (event.info.event == EventKind::emptied) order.push_back(event.key);
    EXPECT_EQ(order, (std::vector<std::string>{"first", "second", "third", "rest"}));
  }
  EXPECT_TRUE(eventually([&] { return !alive(guard_pid()) && !alive(keeper_pid()); }));
}

TEST_F(Ending, TermForTheKeeperLeavesTheServices) {
  for (const bool guard : {false, true}) {
    start();
    const std::uint64_t incarnation = guard ? 2 : 1;
    const auto key = std::string("stay");
    pid_t pid = 0;
    {
      Client client(state());
      pid = client.spawn(key, incarnation, shell("exec sleep 1000")).seen().info.pid;
    }
    const pid_t old_guard = guard_pid(), old_keeper = keeper_pid();
    ::kill(guard ? old_guard : old_keeper, SIGTERM);
    ASSERT_TRUE(eventually([&] { return !alive(old_guard) && !alive(old_keeper); }));
    EXPECT_TRUE(alive(pid));
    start();
    Client client(state());
    const auto seen = client.find(key, incarnation);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->info.pid, pid);
    EXPECT_EQ(seen->info.state, State::running);
    client.kill(key, incarnation);
    client.wait_state(key, incarnation, State::emptied);
    client.shutdown(100);
    ASSERT_TRUE(client.at_end());
    ASSERT_TRUE(eventually([&] { return !alive(guard_pid()) && !alive(keeper_pid()); }));
  }
}

TEST_F(Ending, NothingWakesAnIdleKeeper) {
  start();
  Client client(state());
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(client
                  .spawn("idle-" + std::to_string(i), 1,
                         shell_with_log("exec sleep 1000", "log" + std::to_string(i)))
                  .header.status,
              Status::ok);
  std::this_thread::sleep_for(500ms);
  const auto keeper = wakeups(keeper_pid()), guard = wakeups(guard_pid());
  ASSERT_GT(keeper, 0u);
  std::this_thread::sleep_for(2s);
  EXPECT_EQ(wakeups(keeper_pid()), keeper);
  EXPECT_EQ(wakeups(guard_pid()), guard);
}

}  // namespace drover::keeper::testing
