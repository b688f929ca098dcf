// The command before the first signal, more signals, and that both happen whoever dies meanwhile.

#include <signal.h>

#include "client.hpp"

namespace drover::keeper::testing {

class Stopping : public KeeperTest {
 protected:
  /// Says which signals come, and ends at SIGTERM or SIGUSR2.
  SpawnSpec listener(const std::string& ends = "TERM") {
    std::string script;
    for (const std::string name : {"TERM", "USR1", "USR2"})
      script += "trap 'echo got " + name + (name == ends ? "; exit 0" : "") + "' " + name + "; ";
    return shell_with_log(script + "echo up; while :; do sleep 0.02; done");
  }
  void spawn_up(Client& client, const SpawnSpec& spec) {
    ASSERT_EQ(client.spawn("a", 1, spec).header.status, Status::ok);
    ASSERT_TRUE(eventually([&] { return contains(read_log(log_directory()), "up"); }));
  }
  std::vector<std::string> said(Client& client) {
    client.wait("a", 1, [](const Seen& seen) { return seen.info.log_closed != 0; });
    std::vector<std::string> lines;
    for (const auto& line : read_log(log_directory())) lines.push_back(line.text);
    return lines;
  }
};

using Lines = std::vector<std::string>;

TEST_F(Stopping, TheHookComesFirst) {
  start();
  Client client(state());
  client.subscribe();
  spawn_up(client, listener());
  EXPECT_EQ(client.stop("a", Stop{.incarnation = 1, .grace_ms = 8000},
                        shell("echo draining; sleep 0.2; echo drained; test -n \"$DROVER_INSTANCE\"")),
            Status::ok);
  const auto hook = client.wait_event(EventKind::hook_ended, "a");
  ASSERT_TRUE(hook);
  EXPECT_EQ(hook->info.hook, Hook::succeeded);
  EXPECT_EQ(said(client), (Lines{"up", "draining", "drained", "got TERM"}));
  EXPECT_EQ(client.find("a", 1)->info.killed, 0);
}

TEST_F(Stopping, AHookThatFailsIsToldAndChangesNothing) {
  start();
  Client client(state());
  client.subscribe();
  spawn_up(client, listener());
  EXPECT_EQ(client.stop("a", Stop{.incarnation = 1, .grace_ms = 8000}, shell("exit 3")), Status::ok);
  const auto hook = client.wait_event(EventKind::hook_ended, "a");
  ASSERT_TRUE(hook);
  EXPECT_EQ(hook->info.hook, Hook::failed);
  EXPECT_EQ(hook->info.hook_status, 3 << 8);
  EXPECT_EQ(said(client), (Lines{"up", "got TERM"}));
}

TEST_F(Stopping, AHookThatCannotStartIsToldAndChangesNothing) {
  start();
  Client client(state());
  client.subscribe();
  spawn_up(client, listener());
  auto missing = shell("");
  missing.argv = {"/no/such/program"};
  EXPECT_EQ(client.stop("a", Stop{.incarnation = 1, .grace_ms = 8000}, missing), Status::ok);
  const auto hook = client.wait_event(EventKind::hook_ended, "a");
  ASSERT_TRUE(hook);
  EXPECT_EQ(hook->info.hook, Hook::not_started);
  EXPECT_EQ(hook->info.hook_status, ENOENT);
  EXPECT_EQ(said(client), (Lines{"up", "got TERM"}));
}

TEST_F(Stopping, AHookThatHangsEndsWithTheGrace) {
  start();
  Client client(state());
  spawn_up(client, listener());
  EXPECT_EQ(client.stop("a", Stop{.incarnation = 1, .grace_ms = 300}, shell("sleep 60 & wait")), Status::ok);
  const auto ended = client.wait_state("a", 1, State::emptied);
  EXPECT_EQ(ended.info.killed, 1);
  EXPECT_TRUE(with_token(ended.token).empty());
}

TEST_F(Stopping, MoreSignalsComeInTheirOrder) {
  start();
  Client client(state());
  spawn_up(client, listener("USR2"));
  Stop order{.incarnation = 1, .grace_ms = 8000, .steps = 2};
  order.step[0] = {SIGUSR1, 200};
  order.step[1] = {SIGUSR2, 400};
  EXPECT_EQ(client.stop("a", order), Status::ok);
  EXPECT_EQ(said(client), (Lines{"up", "got TERM", "got USR1", "got USR2"}));
  EXPECT_EQ(client.find("a", 1)->info.killed, 0);
}

TEST_F(Stopping, GoesOnAfterTheDeathOfTheKeeper) {
  start();
  {
    Client client(state());
    spawn_up(client, listener("USR2"));
    Stop order{.incarnation = 1, .grace_ms = 9000, .steps = 1};
    order.step[0] = {SIGUSR2, 2500};
    EXPECT_EQ(client.stop("a", order, shell("echo draining; sleep 1; echo drained")), Status::ok);
    ASSERT_TRUE(eventually([&] { return contains(read_log(log_directory()), "draining"); }));
  }
  kill_hard(keeper_pid());
  Client again(state());
  EXPECT_EQ(said(again), (Lines{"up", "draining", "drained", "got TERM", "got USR2"}));
  EXPECT_EQ(again.find("a", 1)->info.hook, Hook::succeeded);
}

}  // namespace drover::keeper::testing
