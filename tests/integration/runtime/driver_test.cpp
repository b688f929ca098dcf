// The process driver with the real keeper and real processes.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/text.hpp"
#include "fixture.hpp"
#include "runtime/files.hpp"

namespace drover::runtime {

namespace {
using Why = agent::SpawnFailed::Why;

bool alive(std::int64_t pid) {
  const auto info = process_info(std::int32_t(pid));
  return info.start_ticks != 0 && info.state != 'Z';
}
}  // namespace

TEST_F(RuntimeTest, RunsAndTellsTheEndInOrder) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("echo hello; echo oops >&2; exit 3");
  auto started = hands.start(spawn);
  ASSERT_TRUE(started) << started.error().reason;
  EXPECT_GT(started->pid, 0);
  auto exited = hands.told.wait<agent::Exited>(spawn.run);
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->exit.code, 3);
  EXPECT_TRUE(exited->exit.known);
  EXPECT_EQ(exited->last_lines.size(), 2u);
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
  EXPECT_EQ(hands.told.count(), 2u);
}

TEST_F(RuntimeTest, TheLastLinesAreThoseOfTheRunThatEnded) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("echo from $DROVER_INCARNATION; [ $DROVER_INCARNATION = 2 ] || exit 3; sleep 100");
  spawn.service.restart.backoff = spawn.service.restart.backoff_max = 0s;
  for (std::uint64_t incarnation : {1, 2}) {  // the second begins as soon as nothing of the first is left
    spawn.run.incarnation = incarnation;
    ASSERT_TRUE(hands.start(spawn));
    if (incarnation == 1) {
      ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
    }
  }
  auto last = hands.told.wait<agent::LastLines>({spawn.run.instance, 1});
  ASSERT_TRUE(last);
  EXPECT_EQ(last->lines, std::vector<std::string>{"from 1"});
  EXPECT_EQ(wait_for_lines(spawn, 2).size(), 2u);
}

TEST_F(RuntimeTest, AStartLikeTheOneBeforeIsStillExplained) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  const auto script = directory_.path() + "/job";
  std::ofstream(script) << "#!/bin/sh\necho $DROVER_INCARNATION\n";
  ::chmod(script.c_str(), 0755);
  auto spawn = shell("true");
  spec(spawn).command = {script};
  for (std::uint64_t incarnation : {1, 2}) {
    spawn.run.incarnation = incarnation;
    ASSERT_TRUE(hands.start(spawn));
    ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
  }
  EXPECT_EQ(wait_for_lines(spawn, 2), (std::vector<std::string>{"1", "2"}));
  ::unlink(script.c_str());
  spawn.run.incarnation = 3;
  const auto refused = hands.start(spawn);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, script + ": no such file (command of shop/api)");
}

TEST_F(RuntimeTest, GivesACleanEnvironmentWithWhatIsDeclared) {
  ::setenv("LEAKED_SECRET", "yes", 1);
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  hands.driver.set_node({"pve1", "10.0.0.7", {{"site", "home"}}});
  auto spawn = shell("env; pwd");
  spec(spawn).environment = {{"WHERE", "{{node.name}}/{{node.label.site}}"}, {"PORT", "{{port.http}}"}};
  spawn.service.ports = {{.name = "http", .published = 0}};
  spawn.ports = {{"http", 23456}};
  ASSERT_TRUE(hands.start(spawn));
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
  std::vector<std::string> lines;
  const auto has = [&](const std::string& line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  };
  for (std::size_t more = 1; more < 100 && !has("/tmp"); ++more)  // the last
    lines = wait_for_lines(spawn, lines.size() + 1);
  EXPECT_TRUE(has("WHERE=pve1/home"));
  EXPECT_TRUE(has("PORT=23456"));
  EXPECT_TRUE(has("DROVER_STACK=shop"));
  EXPECT_TRUE(has("DROVER_SERVICE=api"));
  EXPECT_TRUE(has("DROVER_INCARNATION=1"));
  EXPECT_TRUE(has("DROVER_INSTANCE=" + to_string(spawn.run.instance)));
  EXPECT_TRUE(has("/tmp"));
  for (const auto& line : lines) EXPECT_FALSE(line.starts_with("LEAKED_SECRET")) << line;
  ::unsetenv("LEAKED_SECRET");
}

TEST_F(RuntimeTest, ExplainsWhatCannotBeStarted) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  const auto refused = [&](agent::Spawn spawn) {
    auto started = hands.start(std::move(spawn));
    return started ? agent::SpawnFailed{} : started.error();
  };
  auto bad = shell("true");
  spec(bad).working_dir = "/srv/no-such";
  EXPECT_EQ(refused(bad).reason, "/srv/no-such: no such directory (working_dir of shop/api)");
  bad = shell("true");
  spec(bad).command = {"no-such-program"};
  EXPECT_TRUE(refused(bad).reason.starts_with("no-such-program: not found in PATH")) << refused(bad).reason;
  bad = shell("true");
  spec(bad).command = {"/etc/passwd"};
  EXPECT_EQ(refused(bad).reason, "/etc/passwd: is not executable (command of shop/api)");
  bad = shell("true");
  spec(bad).user = "nobody-of-that-name";
  EXPECT_EQ(refused(bad).reason, "user nobody-of-that-name: there is no such user (of shop/api)");
  const auto script = directory_.path() + "/script";
  std::ofstream(script) << "#!/no/such/interpreter\n";
  ::chmod(script.c_str(), 0755);
  bad = shell("true");
  spec(bad).command = {script};
  const auto why = refused(bad);
  EXPECT_EQ(why.why, Why::permanent);
  EXPECT_NE(why.reason.find("its interpreter"), std::string::npos) << why.reason;
}

TEST_F(RuntimeTest, RunsAsAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("id -un; id -Gn; echo $HOME $USER; echo again > /proc/self/fd/1");
  spec(spawn).user = "daemon";
  auto started = hands.start(spawn);
  ASSERT_TRUE(started) << started.error().reason;
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
  const auto lines = wait_for_lines(spawn, 4);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "daemon");
  EXPECT_EQ(lines[1], "daemon");
  EXPECT_EQ(lines[2], "/usr/sbin daemon");
  EXPECT_EQ(lines[3], "again");
}

TEST_F(RuntimeTest, NamesTheHolderOfABusyPort) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof any;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&any), size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&any), &size);
  auto spawn = shell("true");
  spawn.service.ports = {{.name = "http"}};
  spawn.ports = {{"http", ntohs(any.sin_port)}};
  auto started = hands.start(spawn);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().why, Why::port_busy);
  EXPECT_EQ(started.error().port, ntohs(any.sin_port));
  EXPECT_NE(started.error().reason.find(fmt::format("held by pid {} (", ::getpid())), std::string::npos)
      << started.error().reason;
}

TEST_F(RuntimeTest, APortIsGivenOutOnceOnAHost) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto first = shell("exec sleep 1000"), second = shell("exec sleep 1000", "api-2");
  for (auto* spawn : {&first, &second}) {
    spawn->service.ports = {{.name = "http"}};
    spawn->ports = {{"http", 23458}};
  }
  ASSERT_TRUE(hands.start(first));
  auto refused = hands.start(second);  // nobody listens yet, but the port is given out
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, Why::port_busy);
  EXPECT_EQ(refused.error().reason, "port 23458 has been given out by another agent of this host");
  EXPECT_TRUE(hands.start(first));  // the same run again
  ASSERT_TRUE(hands.stop(first.run));
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(first.run));
  EXPECT_TRUE(hands.start(second));
}

TEST_F(RuntimeTest, StopsTheWholeTree) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell(
      "setsid sh -c 'trap \"\" TERM; echo child $$; while :; do sleep 1; done' & trap '' TERM; "
      "echo main; while :; do sleep 1; done");
  ASSERT_TRUE(hands.start(spawn));
  const auto lines = wait_for_lines(spawn, 2);
  ASSERT_EQ(lines.size(), 2u);
  std::int64_t child = 0;
  for (const auto& line : lines)
    if (line.starts_with("child ")) child = std::stol(line.substr(6));
  ASSERT_TRUE(alive(child));
  ASSERT_TRUE(hands.stop(spawn.run, 300ms));
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
  EXPECT_EQ(hands.told.find<agent::Exited>(spawn.run)->exit.signal, SIGKILL);
  EXPECT_FALSE(alive(child));
}

TEST_F(RuntimeTest, AdoptsAfterItsOwnEnd) {
  auto stays = shell("echo up; exec sleep 1000"), ends = shell("echo bye; sleep 0.3; exit 7", "job-1");
  stays.ports = {{"http", 23457}};
  std::int64_t pid = 0;
  {
    Hands first(pool_, paths_, log_);
    ASSERT_EQ(first.problem(), "");
    pid = first.start(stays)->pid;
    ASSERT_TRUE(first.start(ends));
  }
  ::usleep(600'000);
  Hands second(pool_, paths_, log_);
  auto found = second.open();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2u);
  for (const auto& one : *found) {
    EXPECT_EQ(one.digest, "digest");
    if (one.run == stays.run) {
      EXPECT_TRUE(one.alive);
      EXPECT_EQ(one.pid, pid);
      EXPECT_EQ(one.ports.at("http"), 23457);
    } else {
      EXPECT_TRUE(one.empty);
      EXPECT_EQ(one.exit->code, 7);
    }
  }
  ASSERT_TRUE(net::wait_for(second.executor, second.driver.forget({ends.run})));
  // The same start again is the same process.
  EXPECT_EQ(second.start(stays)->pid, pid);
  ASSERT_TRUE(second.stop(stays.run));
  ASSERT_TRUE(second.told.wait<agent::Emptied>(stays.run));
}

TEST_F(RuntimeTest, KeeperDiesAndNothingIsLost) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto stays = shell("while :; do echo tick; sleep 0.05; done"), ends = shell("sleep 0.2; exit 9", "job-1");
  ASSERT_TRUE(hands.start(stays));
  ASSERT_TRUE(hands.start(ends));
  const auto status = net::wait_for(hands.executor, hands.driver.keeper().status());
  ASSERT_TRUE(status);
  ASSERT_EQ(::kill(status->info.keeper_pid, SIGKILL), 0);
  auto exited = hands.told.wait<agent::Exited>(ends.run);
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->exit.code, 9);
  EXPECT_TRUE(exited->exit.known);
  const auto after = net::wait_for(hands.executor, hands.driver.keeper().status());
  ASSERT_TRUE(after);
  EXPECT_NE(after->info.keeper_pid, status->info.keeper_pid);
  EXPECT_FALSE(hands.told.find<agent::Exited>(stays.run));
  ASSERT_TRUE(hands.stop(stays.run));
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(stays.run));
}

TEST_F(RuntimeTest, GuardAndKeeperDieTogether) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto stays = shell("while :; do echo tick; sleep 0.05; done");
  auto started = hands.start(stays);
  ASSERT_TRUE(started);
  const auto status = net::wait_for(hands.executor, hands.driver.keeper().status());
  ASSERT_TRUE(status);
  ::kill(status->info.guard_pid, SIGKILL);
  ::kill(status->info.keeper_pid, SIGKILL);
  for (int i = 0; i < 500 && hands.driver.keeper().connected(); ++i) ::usleep(2000);
  const auto after = net::wait_for(hands.executor, hands.driver.keeper().status());
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_NE(after->info.guard_pid, status->info.guard_pid);
  EXPECT_TRUE(alive(started->pid));
  EXPECT_FALSE(hands.told.find<agent::Exited>(stays.run));
  ASSERT_TRUE(hands.stop(stays.run));
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(stays.run));
}

TEST_F(RuntimeTest, CountsWhatARunUses) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 100 & sleep 100");
  ASSERT_TRUE(hands.start(spawn));
  ::usleep(800'000);
  const auto stats = net::wait_for(hands.executor, hands.driver.stats(spawn.run));
  ASSERT_TRUE(stats);
  EXPECT_GT(stats->cpu_seconds.value_or(0), 0.0);
  EXPECT_GT(stats->memory_bytes.value_or(0), 100'000u);
  ASSERT_TRUE(hands.stop(spawn.run, 100ms));
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
}

TEST_F(RuntimeTest, RemovesTheFilesOfADeletedInstance) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("echo x");
  ASSERT_TRUE(hands.start(spawn));
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
  ASSERT_EQ(wait_for_lines(spawn, 1).size(), 1u);
  ASSERT_TRUE(net::wait_for(hands.executor, hands.driver.forget({spawn.run})));
  ASSERT_TRUE(net::wait_for(
      hands.executor, hands.driver.remove_files({spawn.run.instance, spawn.stack, spawn.instance_name})));
  EXPECT_TRUE(std::filesystem::is_empty(instances_directory(paths_)));
}

}  // namespace drover::runtime
