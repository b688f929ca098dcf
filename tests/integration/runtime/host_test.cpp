// Limits, the command before a stop, and passed sockets, through the driver.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>

#include "fixture.hpp"

namespace drover::runtime {

namespace {
std::uint16_t free_port() {
  const Fd probe(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

int connect_to(std::uint16_t port) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}
}  // namespace

TEST_F(RuntimeTest, LimitsArriveAndWhatIsMissingIsNamed) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("ulimit -n; cat /proc/self/oom_score_adj; id -G; grep NoNewPrivs /proc/self/status");
  spec(spawn).limits.rlimits["nofile"] = {50, 60};
  spec(spawn).limits.oom_score = 77;
  spec(spawn).limits.memory = 64 << 20;
  spec(spawn).groups = {"4444"};
  spec(spawn).isolation.no_new_privileges = true;
  const auto started = hands.start(spawn);
  ASSERT_TRUE(started) << started.error().reason;
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
  const auto lines = wait_for_lines(spawn, 4);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "50");
  EXPECT_EQ(lines[1], "77");
  if (::geteuid() == 0) EXPECT_NE(lines[2].find("4444"), std::string::npos) << lines[2];
  EXPECT_EQ(lines[3], "NoNewPrivs:\t1");
  for (const auto& text : started->degraded) EXPECT_NE(text.find(": "), std::string::npos) << text;
}

TEST_F(RuntimeTest, APathThatIsNotThereIsRefusedForGood) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("true");
  spec(spawn).isolation.read_write_paths = {"/no/such/path"};
  const auto started = hands.start(spawn);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().why, agent::SpawnFailed::Why::permanent);
  EXPECT_EQ(started.error().reason,
            "/no/such/path: No such file or directory (read_write_paths) (of shop/api)");
}

TEST_F(RuntimeTest, TheCommandBeforeAStopRunsAndItsFailureIsTold) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("trap 'echo term; exit 0' TERM; echo up; while :; do sleep 0.02; done");
  spec(spawn).environment = {{"WORD", "drain"}};
  spawn.service.stop.before = {"/bin/sh", "-c", "echo $WORD $0; exit 4", "{{instance.name}}"};
  ASSERT_TRUE(hands.start(spawn));
  ASSERT_EQ(wait_for_lines(spawn, 1).size(), 1u);
  const agent::StopRun order{spawn.run, spawn.service.stop, spawn};
  ASSERT_TRUE(net::wait_for(hands.executor, hands.driver.stop(order)));
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
  EXPECT_EQ(wait_for_lines(spawn, 3), (std::vector<std::string>{"up", "drain api-1", "term"}));
  const auto failed = hands.told.find<agent::HookFailed>(spawn.run);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->reason, "the command before the stop failed: exit 4");
}

TEST_F(RuntimeTest, APassedSocketOutlivesItsProgramUntilNothingFollows) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  const auto port = free_port();
  auto spawn = shell("echo $LISTEN_FDS $LISTEN_FDNAMES; exec sleep 60");
  spawn.service.ports = {{.name = "http", .published = port, .pass = PortPass::listen_fds}};
  spawn.ports = {{"http", port}};
  const auto started = hands.start(spawn);
  ASSERT_TRUE(started) << started.error().reason;
  EXPECT_EQ(wait_for_lines(spawn, 1), std::vector<std::string>{"1 http"});
  ::kill(int(started->pid), SIGKILL);
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(spawn.run));
  EXPECT_EQ(connect_to(port), 0) << "in its backlog";
  ASSERT_TRUE(net::wait_for(hands.executor, hands.driver.forget({spawn.run, false})));
  EXPECT_EQ(connect_to(port), 0);
  auto next = spawn;
  next.run.incarnation = 2;
  const auto again = hands.start(next);
  ASSERT_TRUE(again) << again.error().reason;
  // Another run of the slot, as start-first has it: the end of the first one closes nothing.
  auto other = shell("exec sleep 60");
  other.service.ports = spawn.service.ports;
  other.ports = spawn.ports;
  const auto beside = hands.start(other);
  ASSERT_TRUE(beside) << beside.error().reason;
  ASSERT_TRUE(hands.stop(next.run));
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(next.run));
  ASSERT_TRUE(net::wait_for(hands.executor, hands.driver.forget({next.run, true})));
  EXPECT_EQ(connect_to(port), 0);
  ASSERT_TRUE(hands.stop(other.run));
  ASSERT_TRUE(hands.told.wait<agent::Emptied>(other.run));
  ASSERT_TRUE(net::wait_for(hands.executor, hands.driver.forget({other.run, true})));
  EXPECT_EQ(connect_to(port), ECONNREFUSED);
}

}  // namespace drover::runtime
