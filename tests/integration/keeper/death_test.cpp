// The keeper or the guard dies, or is replaced: services live, nothing that was known is lost.

#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "client.hpp"

namespace drover::keeper::testing {

namespace {
constexpr const char* counting = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.005; done";

/// "line 1" … "line N" each once and in order, N at least `least`; markers are left out.
void expect_counting(const std::string& directory, std::size_t least) {
  std::size_t next = 1;
  for (const auto& line : read_log(directory)) {
    if (line.text.starts_with("[drover:")) continue;
    ASSERT_EQ(line.text, "line " + std::to_string(next));
    ++next;
  }
  EXPECT_GT(next, least);
}
}  // namespace

class Death : public KeeperTest {
 protected:
  std::size_t lines() { return read_log(log_directory()).size(); }
  /// Starts the counting service, does `harm` while it runs, and looks at everything afterwards.
  void survive(const std::function<void()>& harm) {
    start();
    pid_t pid = 0;
    {
      Client client(state());
      pid = client.spawn("w", 1, shell_with_log(counting)).seen().info.pid;
      ASSERT_EQ(client.spawn("short", 1, shell("sleep 0.3; exit 9")).header.status, Status::ok);
    }
    ASSERT_TRUE(eventually([&] { return lines() > 10; }));
    harm();
    Client client(state());
    const auto seen = client.find("w", 1);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->info.pid, pid);
    EXPECT_EQ(seen->info.state, State::running);
    EXPECT_TRUE(alive(pid));
    const auto before = lines();
    EXPECT_TRUE(eventually([&] { return lines() > before + 20; }));
    const auto ended = client.wait_state("short", 1, State::emptied);
    EXPECT_EQ(ended.info.exit, ExitKind::code);
    EXPECT_EQ(ended.info.exit_value, 9);
    client.stop("w", 1, 2000);
    const auto last = client.wait("w", 1, [](const Seen& s) { return s.info.log_closed != 0; });
    EXPECT_EQ(last.info.exit, ExitKind::signal);
    EXPECT_EQ(last.info.exit_value, SIGTERM);
    expect_counting(log_directory(), before);
  }
};

TEST_F(Death, OfTheKeeper) {
  survive([&] { kill_hard(keeper_pid()); });
  EXPECT_EQ(Client(state()).welcome.generation, 2u);
}

TEST_F(Death, OfTheGuard) {
  survive([&] {
    const pid_t keeper = keeper_pid();
    kill_hard(guard_pid());
    EXPECT_EQ(guard_pid(), keeper);  // who was the keeper guards now
  });
}

TEST_F(Death, OneAfterTheOtherManyTimes) {
  survive([&] {
    for (int i = 0; i < 4; ++i) {
      kill_hard(keeper_pid());
      kill_hard(guard_pid());
    }
  });
}

TEST_F(Death, OfTheGuardWhileTheKeeperIsStarting) {
  survive([&] {
    const pid_t guard = guard_pid(), keeper = keeper_pid();
    ::kill(keeper, SIGKILL);
    ASSERT_TRUE(eventually([&] { return keeper_pid() != keeper; }));
    ::kill(guard, SIGKILL);
    ASSERT_TRUE(
        eventually([&] { return guard_pid() != guard && alive(guard_pid()) && alive(keeper_pid()); }));
  });
}

TEST_F(Death, OfBothAtOnce) {
  survive([&] {
    const pid_t guard = guard_pid(), keeper = keeper_pid();
    ::kill(guard, SIGSTOP);  // so that neither can take the other's place
    ::kill(keeper, SIGKILL);
    ::kill(guard, SIGKILL);
    ASSERT_TRUE(eventually([&] { return !alive(guard) && !alive(keeper); }));
    std::this_thread::sleep_for(200ms);
    start(flags_);
  });
}

TEST_F(Death, ExitStatusOfWhatEndedMeanwhile) {
  start();
  {
    Client client(state());
    for (int i = 0; i < 20; ++i)
      ASSERT_EQ(client.spawn("e" + std::to_string(i), 1, shell("sleep 0.2; exit " + std::to_string(i)))
                    .header.status,
                Status::ok);
  }
  const pid_t guard = guard_pid();
  ::kill(guard, SIGSTOP);  // the gap is made long: nobody starts a keeper, nobody reaps
  const pid_t keeper = keeper_pid();
  ::kill(keeper, SIGKILL);
  std::this_thread::sleep_for(600ms);
  ::kill(guard, SIGCONT);
  ASSERT_TRUE(eventually([&] { return keeper_pid() != keeper && alive(keeper_pid()); }));
  Client client(state());
  for (int i = 0; i < 20; ++i) {
    const auto seen = client.wait_state("e" + std::to_string(i), 1, State::emptied);
    EXPECT_EQ(seen.info.exit, ExitKind::code);
    EXPECT_EQ(seen.info.exit_value, i);
    EXPECT_GT(seen.info.max_rss_kib, 0u);
  }
}

TEST_F(Death, ExitStatusOfWhatIsNobodysChildAnyMore) {
  start();
  {
    Client client(state());
    if (client.status().as<StatusInfo>().pidfd_exit_info == 0) GTEST_SKIP() << "needs Linux 6.15";
    ASSERT_EQ(client.spawn("n", 1, shell("sleep 0.8; exit 33")).header.status, Status::ok);
  }
  kill_hard(keeper_pid());  // now it is the guard's child,
  kill_hard(guard_pid());   // and now ours
  Client client(state());
  ASSERT_TRUE(eventually([&] {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    return client.find("n", 1)->info.state == State::emptied;
  }));
  EXPECT_EQ(client.find("n", 1)->info.exit, ExitKind::code);
  EXPECT_EQ(client.find("n", 1)->info.exit_value, 33);
}

TEST_F(Death, AWriterThatFillsThePipeMeanwhileGetsNoSigpipe) {
  start();
  pid_t pid = 0;
  {
    Client client(state());
    auto spec = shell_with_log(
        "trap 'echo SIGPIPE' PIPE; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done; sleep "
        "1000");
    pid = client.spawn("f", 1, spec).seen().info.pid;
  }
  const pid_t guard = guard_pid(), keeper = keeper_pid();
  ::kill(guard, SIGSTOP);
  ::kill(keeper, SIGKILL);
  ::kill(guard, SIGKILL);  // no reader anywhere
  ASSERT_TRUE(eventually([&] { return !alive(guard) && !alive(keeper); }));
  std::this_thread::sleep_for(300ms);
  start();
  Client client(state());
  ASSERT_TRUE(eventually([&] { return contains(read_log(log_directory()), "line 20000"); }));
  EXPECT_EQ(client.find("f", 1)->info.pid, pid);
  std::size_t markers = 0, count = 0;
  for (const auto& line : read_log(log_directory())) {
    EXPECT_NE(line.text, "SIGPIPE");
    (line.text.starts_with("[drover:") ? markers : count) += 1;
  }
  if (markers == 0) EXPECT_EQ(count, 20000u);  // lost at most one read, and then it says so
  else EXPECT_GT(count, 10000u);
}

TEST_F(Death, InTheMiddleOfAFloodIsTold) {
  start();
  Client(state()).spawn("f", 1, shell_with_log("seq 1 1000000"));
  for (int i = 0; i < 4; ++i) {
    std::this_thread::sleep_for(milliseconds(10 + 13 * i));
    kill_hard(keeper_pid());
  }
  Client(state()).wait("f", 1, [](const Seen& seen) { return seen.info.log_closed != 0; }, 30s);
  // Between two markers the first and the last line may be cut; the rest is complete and in order.
  std::vector<std::vector<long>> runs(1);
  for (const auto& line : read_log(log_directory())) {
    if (line.text.starts_with("[drover: the keeper was killed")) runs.emplace_back();
    else runs.back().push_back(std::atol(line.text.c_str()));
  }
  ASSERT_LE(runs.size(), 7u);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& run = runs[i];
    for (std::size_t at = 2; at + 1 < run.size(); ++at) ASSERT_EQ(run[at], run[at - 1] + 1);
    if (i > 0 && run.size() > 2 && runs[i - 1].size() > 2)
      EXPECT_LE(run[1] - runs[i - 1][runs[i - 1].size() - 2], 64 * 1024 / 2);
  }
  EXPECT_EQ(runs.front().front(), 1);
}

TEST_F(Death, AnUnfinishedLineSurvives) {
  start();
  {
    Client client(state());
    client.spawn("u", 1, shell_with_log("printf 'first half, '; sleep 0.6; echo second half; sleep 1000"));
    client.wait("u", 1, [](const Seen& s) { return s.info.log_bytes > 0; });
  }
  kill_hard(keeper_pid());
  kill_hard(guard_pid());
  EXPECT_TRUE(eventually([&] { return contains(read_log(log_directory()), "first half, second half"); }));
}

TEST_F(Death, EveryLevelIsAdopted) {
  for (const char* level : {"cgroup2", "freezer", "subreaper"}) {
    start({"--level", level});
    const std::string key = std::string("k-") + level;
    {
      Client client(state());
      ASSERT_EQ(
          client.spawn(key, 1, shell("trap '' TERM; (setsid sleep 1000 &); while :; do sleep 0.1; done"))
              .header.status,
          Status::ok);
    }
    std::this_thread::sleep_for(100ms);
    kill_hard(keeper_pid());
    Client client(state());
    ASSERT_EQ(client.stop(key, 1, 200), Status::ok);
    client.wait_state(key, 1, State::emptied);
    EXPECT_TRUE(with_token("token-" + std::to_string(::getpid()) + "-" + key + "-1").empty()) << level;
    client.shutdown(100);
    ASSERT_TRUE(client.at_end());
    ASSERT_TRUE(eventually([&] { return !alive(guard_pid()) && !alive(keeper_pid()); }));
  }
}

TEST_F(Death, EmptiedInstancesAreRememberedUntilForgotten) {
  start();
  {
    Client client(state());
    client.spawn("r", 5, shell("exit 6"));
    client.wait_state("r", 5, State::emptied);
  }
  kill_hard(keeper_pid());
  Client client(state());
  const auto seen = client.find("r", 5);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->info.state, State::emptied);
  EXPECT_EQ(seen->info.exit_value, 6);
  EXPECT_EQ(client.forget("r", 5), Status::ok);
  EXPECT_EQ(client.spawn("r", 6, shell("exit 0")).header.status, Status::ok);
}

TEST_F(Death, ReexecUnderLoadLosesNoLine) {
  start();
  constexpr int count = 400'000;
  const auto copy = root_ + "/drover-keeper-new";
  std::filesystem::copy_file(binary(), copy);
  pid_t pid = 0, keeper = 0, guard = 0;
  {
    Client client(state());
    pid = client.spawn("x", 1, shell_with_log("seq 1 " + std::to_string(count) + "; sleep 1000"))
              .seen()
              .info.pid;
    client.spawn("y", 1, shell_with_log(counting, "log2"));
    keeper = keeper_pid();
    guard = guard_pid();
  }
  for (int i = 0; i < 5; ++i) {
    Client client(state());
    ASSERT_EQ(client.reexec(i % 2 == 0 ? copy : binary()), Status::ok);
    EXPECT_TRUE(client.at_end());
  }
  Client client(state());
  EXPECT_EQ(keeper_pid(), keeper);
  EXPECT_EQ(guard_pid(), guard);
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(keeper) + "/exe"), copy);
  EXPECT_TRUE(eventually(
      [&] { return std::filesystem::read_symlink("/proc/" + std::to_string(guard) + "/exe") == copy; }));
  EXPECT_EQ(client.find("x", 1)->info.pid, pid);
  EXPECT_EQ(client.find("x", 1)->info.adopted, 0);
  ASSERT_TRUE(eventually([&] { return client.find("x", 1)->info.log_lines >= count; }));
  const auto lines = read_log(log_directory());
  ASSERT_EQ(lines.size(), std::size_t(count));
  for (int i = 0; i < count; ++i) ASSERT_EQ(lines[std::size_t(i)].text, std::to_string(i + 1));
  client.stop("y", 1, 1000);
  client.wait("y", 1, [](const Seen& s) { return s.info.log_closed != 0; });
  expect_counting(log_directory("log2"), 5);
  EXPECT_EQ(client.reexec("/no/such/binary"), Status::unsupported);
  EXPECT_EQ(client.reexec("/bin/true"), Status::unsupported);
}

TEST_F(Death, ANewBinaryThatFallsOverLeavesTheFormerOne) {
  start();
  const auto broken = root_ + "/drover-keeper-broken";
  std::ofstream(broken) << "#!/bin/sh\n[ \"$1\" = --handoff-check ] && exit 87\nexit 1\n";
  std::filesystem::permissions(broken, std::filesystem::perms::owner_all);
  const auto guard = guard_pid();
  const auto former = keeper_pid();
  pid_t pid = 0;
  {
    Client client(state());
    pid = client.spawn("x", 1, shell_with_log(counting)).seen().info.pid;
    ASSERT_EQ(client.reexec(broken), Status::ok);
    EXPECT_TRUE(client.at_end());
  }
  ASSERT_TRUE(eventually([&] { return keeper_pid() != former && alive(keeper_pid()); }));
  EXPECT_EQ(guard_pid(), guard);
  Client client(state());
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(keeper_pid()) + "/exe"), binary());
  EXPECT_EQ(client.find("x", 1)->info.pid, pid);
  EXPECT_TRUE(eventually([&] { return lines() > 20; }));
  client.stop("x", 1, 1000);
  client.wait("x", 1, [](const Seen& s) { return s.info.log_closed != 0; });
  expect_counting(log_directory(), 5);
}

TEST_F(Death, OfTheKeeperInTheMiddleOfManySpawns) {
  start();
  const std::string prefix = "token-" + std::to_string(::getpid()) + "-m";
  for (int round = 0; round < 6; ++round) {
    const pid_t keeper = keeper_pid();
    Client client(state());
    std::thread killer([&] {
      std::this_thread::sleep_for(milliseconds(2 + 5 * round));
      ::kill(keeper, SIGKILL);
    });
    for (int i = 0; i < 300 && client.connected(); ++i)
      client.try_spawn("m" + std::to_string(round) + "." + std::to_string(i), 1, shell("exec sleep 1000"));
    killer.join();
    ASSERT_TRUE(eventually([&] { return keeper_pid() != keeper && alive(keeper_pid()); }));
  }
  // Whatever the moment was: each process that runs is known, each that is known as running runs.
  Client client(state());
  const auto all = client.list();
  const auto running = by_token();
  std::size_t ours = 0;
  for (const auto& [token, pids] : running) ours += token.starts_with(prefix) ? pids.size() : 0;
  EXPECT_EQ(ours, all.size());
  for (const auto& seen : all) {
    EXPECT_EQ(seen.info.state, State::running) << seen.key;
    const auto found = running.find(seen.token);
    EXPECT_TRUE(found != running.end() && found->second == std::vector<pid_t>{seen.info.pid}) << seen.key;
  }
  EXPECT_EQ(client.status().as<StatusInfo>().strays, 0u);
  ASSERT_EQ(client.shutdown(0, {}, false), Status::ok);
  EXPECT_TRUE(eventually([&] {
    const auto after = client.list();
    return std::all_of(after.begin(), after.end(),
                       [](const Seen& seen) { return seen.info.state == State::emptied; });
  }));
}

}  // namespace drover::keeper::testing
