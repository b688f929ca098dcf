// Spawning: parameters, results, failures with their stage, idempotency.

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>

#include "client.hpp"

namespace drover::keeper::testing {

class Spawning : public KeeperTest {};

TEST_F(Spawning, ExitCodeIsKnown) {
  start();
  Client client(state());
  client.subscribe();
  ASSERT_EQ(client.spawn("a/one", 1, shell("exit 42")).header.status, Status::ok);
  const auto emptied = client.wait_event(EventKind::emptied, "a/one");
  ASSERT_TRUE(emptied);
  EXPECT_EQ(emptied->info.exit, ExitKind::code);
  EXPECT_EQ(emptied->info.exit_value, 42);
  EXPECT_EQ(emptied->info.state, State::emptied);
  EXPECT_GE(emptied->info.emptied_boot_ns, emptied->info.exited_boot_ns);
  EXPECT_GT(emptied->info.max_rss_kib, 0u);
}

TEST_F(Spawning, SignalIsKnown) {
  start();
  Client client(state());
  ASSERT_EQ(client.spawn("a", 1, shell("kill -USR1 $$; sleep 10")).header.status, Status::ok);
  const auto seen = client.wait_state("a", 1, State::emptied);
  EXPECT_EQ(seen.info.exit, ExitKind::signal);
  EXPECT_EQ(seen.info.exit_value, SIGUSR1);
}

TEST_F(Spawning, ParametersArrive) {
  start();
  Client client(state());
  auto spec = shell_with_log(
      "echo \"$0|$1|$FOO|$(pwd)|$(umask)|$(id -u):$(id -g):$(id -G)|$(ulimit -n)|$(nice)|$DROVER_INSTANCE\";"
      "grep -E 'NoNewPrivs|SigBlk|SigIgn' /proc/self/status; env | wc -l; readlink /proc/self/fd/0; ls "
      "/proc/self/fd | wc -l");
  spec.argv.push_back("zero");
  spec.argv.push_back("first word");
  spec.env.push_back("FOO=bar baz");
  spec.cwd = "/usr";
  spec.fixed.umask = 027;
  spec.fixed.set_nice = 1;
  spec.fixed.nice = 5;
  spec.fixed.no_new_privs = 1;
  spec.rlimits = {{.resource = 7 /* RLIMIT_NOFILE */, .soft = 99, .hard = 100}};
  const bool root = ::geteuid() == 0;
  if (root) {
    spec.fixed.set_user = 1;
    spec.fixed.uid = 12345;
    spec.fixed.gid = 23456;
    spec.groups = {34567};
  }
  const auto answer = client.spawn("p", 1, spec);
  ASSERT_EQ(answer.header.status, Status::ok) << int(answer.header.stage) << " " << answer.header.error;
  client.wait("p", 1, [](const Seen& seen) { return seen.info.log_closed != 0; });
  const auto lines = read_log(log_directory());
  ASSERT_GE(lines.size(), 7u);
  const auto token = "token-" + std::to_string(::getpid()) + "-p-1";
  const std::string user = root ? "12345:23456:23456 34567" : lines[0].text.substr(0, 0);
  if (root) EXPECT_EQ(lines[0].text, "zero|first word|bar baz|/usr|0027|" + user + "|99|5|" + token);
  EXPECT_TRUE(contains(lines, "NoNewPrivs:\t1"));
  EXPECT_TRUE(contains(lines, "SigBlk:\t0000000000000000"));
  EXPECT_TRUE(contains(lines, "SigIgn:\t0000000000000000"));
  EXPECT_TRUE(contains(lines, "/dev/null"));
  EXPECT_EQ(lines.back().text, "4");  // 0, 1, 2 and the directory that ls reads: nothing of the keeper's
}

TEST_F(Spawning, OutputCanBeOpenedAgainByItsUser) {
  start();
  Client client(state());
  auto spec = shell_with_log("echo hello > /proc/self/fd/1; echo oops > /dev/stderr");
  if (::geteuid() == 0) spec.fixed.set_user = 1, spec.fixed.uid = 12345, spec.fixed.gid = 12345;
  ASSERT_EQ(client.spawn("o", 1, spec).header.status, Status::ok);
  client.wait("o", 1, [](const Seen& seen) { return seen.info.log_closed != 0; });
  const auto lines = read_log(log_directory());
  EXPECT_TRUE(contains(lines, "hello"));
  EXPECT_TRUE(contains(lines, "oops"));
}

TEST_F(Spawning, FailuresSayWhereAndWhy) {
  start();
  Client client(state());
  const auto expect = [&](SpawnSpec spec, Stage stage, int error) {
    const auto answer = client.spawn("f", 1, spec);
    EXPECT_EQ(answer.header.status, Status::spawn_failed);
    EXPECT_EQ(answer.header.stage, stage);
    EXPECT_EQ(answer.header.error, error);
    EXPECT_TRUE(client.list().empty());
  };
  auto missing = shell("");
  missing.argv = {"/no/such/program"};
  expect(missing, Stage::exec, ENOENT);
  missing.argv = {"no-such-program"};
  expect(missing, Stage::exec, ENOENT);
  missing.argv = {"/etc/passwd"};
  expect(missing, Stage::exec, EACCES);
  auto lost = shell("true");
  lost.cwd = "/no/such/directory";
  expect(lost, Stage::cwd, ENOENT);
  lost.cwd = "relative";
  expect(lost, Stage::params, EINVAL);
  auto empty = shell("true");
  empty.argv.clear();
  expect(empty, Stage::params, EINVAL);
  auto limits = shell("true");
  limits.rlimits = {{.resource = 7, .soft = 10, .hard = 5}};
  expect(limits, Stage::rlimit, EINVAL);
  if (::geteuid() == 0) {
    auto stranger = shell("true");
    stranger.fixed.set_user = 1;
    stranger.fixed.uid = stranger.fixed.gid = 4242;
    ::mkdir((root_ + "/closed").c_str(), 0700);
    stranger.cwd = root_ + "/closed";
    expect(stranger, Stage::cwd, EACCES);
  }
  EXPECT_EQ(client.spawn("../evil", 1, shell("true")).header.status, Status::invalid);
  EXPECT_EQ(client.spawn("", 1, shell("true")).header.status, Status::invalid);
  ASSERT_EQ(client.spawn("f", 1, shell("true")).header.status, Status::ok);  // and the number is still free
}

TEST_F(Spawning, TheSameAgainIsTheSameAnswer) {
  start();
  Client client(state());
  const auto first = client.spawn("i", 3, shell("sleep 100"));
  const auto second = client.spawn("i", 3, shell("exit 1"));
  ASSERT_EQ(second.header.status, Status::ok);
  EXPECT_EQ(first.seen().info.pid, second.seen().info.pid);
  EXPECT_EQ(client.spawn("i", 4, shell("true")).header.status, Status::conflict);  // 3 is not empty
  EXPECT_EQ(client.forget("i", 3), Status::conflict);
  EXPECT_EQ(client.kill("i", 3), Status::ok);
  client.wait_state("i", 3, State::emptied);
  EXPECT_EQ(client.spawn("i", 2, shell("true")).header.status, Status::conflict);  // older than one known
  EXPECT_EQ(client.spawn("i", 4, shell("true")).header.status, Status::ok);
  EXPECT_EQ(client.spawn("i", 3, shell("true")).seen().info.state, State::emptied);
  client.wait_state("i", 4, State::emptied);
  EXPECT_EQ(client.forget("i", 3), Status::ok);
  EXPECT_EQ(client.forget("i", 4), Status::ok);
  EXPECT_EQ(client.forget("i", 4), Status::ok);
  EXPECT_TRUE(client.list().empty());
}

namespace {
std::size_t descriptors_of(pid_t pid) {
  std::size_t count = 0;
  if (DIR* directory = ::opendir(("/proc/" + std::to_string(pid) + "/fd").c_str())) {
    while (::readdir(directory) != nullptr) ++count;
    ::closedir(directory);
  }
  return count;
}
}  // namespace

TEST_F(Spawning, AGuardThatSleepsMissesNothing) {
  constexpr int many = 60;
  start();
  Client client(state());
  const auto name = [](int i) { return "many-" + std::to_string(i); };
  const auto before = descriptors_of(guard_pid());
  for (int i = 0; i < many; ++i)
    ASSERT_EQ(client.spawn(name(i), 1, shell("sleep 1000")).header.status, Status::ok);
  ::kill(guard_pid(), SIGSTOP);
  for (int i = 0; i < many; ++i) ASSERT_EQ(client.stop(name(i), 1, 100), Status::ok);
  for (int i = 0; i < many; ++i)
    client.wait(name(i), 1, [](const Seen& s) { return s.info.log_closed != 0; });
  for (int i = 0; i < many; ++i)  // it is not waited for
    ASSERT_EQ(client.spawn(name(i), 2, shell("sleep 1000")).header.status, Status::ok);
  for (int i = 0; i < many; ++i) ASSERT_EQ(client.forget(name(i), 1), Status::ok);
  ::kill(guard_pid(), SIGCONT);
  EXPECT_TRUE(eventually([&] { return descriptors_of(guard_pid()) == before + 3 * many; }));
  for (int i = 0; i < many; ++i) ASSERT_EQ(client.stop(name(i), 2, 100), Status::ok);
  for (int i = 0; i < many; ++i)
    client.wait(name(i), 2, [](const Seen& s) { return s.info.log_closed != 0; });
  for (int i = 0; i < many; ++i) ASSERT_EQ(client.forget(name(i), 2), Status::ok);
  EXPECT_TRUE(eventually([&] { return descriptors_of(guard_pid()) == before; }));
}

TEST_F(Spawning, AHundredAtOnceAndAgain) {
  start();
  Client client(state());
  for (std::uint64_t round = 1; round <= 3; ++round) {
    for (int i = 0; i < 100; ++i)
      ASSERT_EQ(client.spawn("many-" + std::to_string(i), round, shell("exit 0")).header.status, Status::ok);
    ASSERT_TRUE(eventually([&] {
      const auto all = client.list();
      return std::all_of(all.begin(), all.end(), [](const Seen& seen) { return seen.info.log_closed != 0; });
    }));
    for (int i = 0; i < 100; ++i) ASSERT_EQ(client.forget("many-" + std::to_string(i), round), Status::ok);
  }
  EXPECT_TRUE(client.list().empty());
  // Nothing piles up: descriptors (24 are kept for children), zombies, cgroups.
  EXPECT_LT(descriptors_of(keeper_pid()), 50u);
  EXPECT_TRUE(eventually([&] { return descriptors_of(guard_pid()) < 20; }));
}

TEST_F(Spawning, AnUnknownRequestIsRefusedAndABrokenOneEndsTheConnection) {
  start();
  const int fd = connect_socket(state().c_str());
  ASSERT_GE(fd, 0);
  std::string buffer;
  std::vector<int> fds;
  send_packet(fd, Packet(Header{.type = Type::list, .request = 1}).bytes());
  ASSERT_GT(receive_packet(fd, buffer, fds), 0);
  EXPECT_EQ(Parsed(buffer).header.status, Status::version);  // no greeting
  send_packet(
      fd,
      Packet(Header{.type = Type::hello, .request = 2}, Hello{.min_version = 77, .max_version = 78}).bytes());
  ASSERT_GT(receive_packet(fd, buffer, fds), 0);
  EXPECT_EQ(Parsed(buffer).header.status, Status::version);
  send_packet(fd, Packet(Header{.type = Type::hello, .request = 3}, Hello{}).bytes());
  ASSERT_GT(receive_packet(fd, buffer, fds), 0);
  EXPECT_EQ(Parsed(buffer).header.type, Type::welcome);
  send_packet(fd, Packet(Header{.type = Type(999), .request = 4}).bytes());
  ASSERT_GT(receive_packet(fd, buffer, fds), 0);
  EXPECT_EQ(Parsed(buffer).header.status, Status::unsupported);
  send_packet(fd, "garbage");
  EXPECT_EQ(receive_packet(fd, buffer, fds), 0);
  ::close(fd);
  Client client(state());  // others are served
  EXPECT_TRUE(client.list().empty());
}

TEST_F(Spawning, ASecondKeeperIsRefusedWithThePidOfTheFirst) {
  start();
  const auto command = binary() + " --state " + state() + " --run-dir " + run_dir() + " 2>&1; echo status $?";
  FILE* output = ::popen(command.c_str(), "r");
  ASSERT_NE(output, nullptr);
  std::string text(500, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), output));
  ::pclose(output);
  EXPECT_NE(text.find("keeper " + std::to_string(keeper_pid())), std::string::npos) << text;
  EXPECT_NE(text.find("status 5"), std::string::npos) << text;
  Client client(state());
  EXPECT_TRUE(client.list().empty());
}

}  // namespace drover::keeper::testing
