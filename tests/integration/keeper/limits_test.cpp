// What a service may use and touch: each limit is checked where the host can enforce it, and that it is named
// where the host cannot.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "client.hpp"

namespace drover::keeper::testing {

class Limiting : public KeeperTest {
 protected:
  /// Runs the script to its end; its output.
  std::vector<std::string> output_of(Client& client, SpawnSpec spec, std::uint32_t& degraded) {
    const std::string key = "k" + std::to_string(++count_);
    spec.log_directory = log_directory(key);
    const auto answer = client.spawn(key, 1, spec);
    EXPECT_EQ(answer.header.status, Status::ok);
    degraded = answer.as<InstanceInfo>().degraded;
    client.wait(key, 1, [](const Seen& seen) { return seen.info.log_closed != 0; });
    std::vector<std::string> lines;
    for (const auto& line : read_log(log_directory(key))) lines.push_back(line.text);
    return lines;
  }
  static bool has(const std::vector<std::string>& lines, const std::string& wanted) {
    return std::find(lines.begin(), lines.end(), wanted) != lines.end();
  }
  static bool root() { return ::geteuid() == 0; }
  int count_ = 0;
};

TEST_F(Limiting, MemoryEndsTheOneThatTakesTooMuch) {
  start();
  Client client(state());
  ASSERT_EQ(client.spawn("other", 1, shell("exec sleep 60")).header.status, Status::ok);
  auto spec = shell("exec python3 -c 'x = bytearray(400 << 20); print(len(x))'");
  spec.fixed.memory_max = 64 << 20;
  const auto answer = client.spawn("greedy", 1, spec);
  const bool holds = (answer.as<InstanceInfo>().degraded & degraded_memory) == 0;
  const auto ended = client.wait_state("greedy", 1, State::emptied, 30s);
  if (holds) {
    EXPECT_EQ(ended.info.exit, ExitKind::signal);
    EXPECT_EQ(ended.info.exit_value, 9);
    EXPECT_EQ(ended.info.oom, Tri::yes);
  } else {
    EXPECT_EQ(ended.info.exit, ExitKind::code);
  }
  EXPECT_EQ(client.find("other", 1)->info.state, State::running);
}

TEST_F(Limiting, OnlySoManyProcesses) {
  start();
  Client client(state());
  auto spec = shell(R"(exec python3 -c '
import os, time
count = 0
try:
    while count < 20:
        if os.fork() == 0: time.sleep(60)
        count += 1
except BlockingIOError: pass
print(count)
')");
  spec.fixed.pids_max = 5;
  std::uint32_t degraded = 0;
  const auto lines = output_of(client, spec, degraded);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], (degraded & degraded_pids) == 0 ? "4" : "20");
}

TEST_F(Limiting, WhatWasMadeForItIsGoneAfterwards) {
  start();
  Client client(state());
  auto spec = shell("cat /proc/self/cgroup");
  spec.fixed.memory_max = 64 << 20;
  spec.fixed.cpu_quota_us = 50'000;
  spec.fixed.pids_max = 100;
  std::uint32_t degraded = 0;
  const auto lines = output_of(client, spec, degraded);
  for (const auto& line : lines) {
    const auto colon = line.rfind(':'), first = line.find(':');
    const auto path = line.substr(colon + 1);
    if (path.find("k1.1") == std::string::npos) continue;
    const auto controller = line.substr(first + 1, colon - first - 1);
    struct stat info{};
    EXPECT_NE(::stat(("/sys/fs/cgroup/" + controller + path).c_str(), &info), 0) << line;
  }
  const auto limited = std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
    return line.find("k1.1") != std::string::npos;
  });
  if (degraded == 0 || degraded == degraded_memory_group) EXPECT_GE(limited, 1);
}

TEST_F(Limiting, WithoutControllersItRunsAndSaysSo) {
  start({"--level", "subreaper"});
  Client client(state());
  auto spec = shell("echo runs");
  spec.fixed.memory_max = 64 << 20;
  spec.fixed.cpu_quota_us = 50'000;
  spec.fixed.pids_max = 100;
  spec.fixed.io_weight = 50;
  std::uint32_t degraded = 0;
  EXPECT_TRUE(has(output_of(client, spec, degraded), "runs"));
  EXPECT_EQ(degraded, degraded_memory | degraded_cpu | degraded_pids | degraded_io);
  EXPECT_EQ(client.status().texts().at(4), "");
}

TEST_F(Limiting, OfEachProcess) {
  start();
  Client client(state());
  auto spec = shell("ulimit -c; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj");
  spec.rlimits = {{.resource = 4 /* core */, .soft = 0, .hard = 0}, {.resource = 7, .soft = 64, .hard = 128}};
  spec.fixed.set_oom_score = 1;
  spec.fixed.oom_score = 321;
  std::uint32_t degraded = 0;
  EXPECT_EQ(output_of(client, spec, degraded), (std::vector<std::string>{"0", "64", "128", "321"}));
  EXPECT_EQ(degraded, 0u);
}

TEST_F(Limiting, ExactlyTheseCapabilities) {
  if (!root()) GTEST_SKIP() << "needs root";
  start();
  Client client(state());
  auto spec = shell("grep Cap /proc/self/status | tr -d '\\t '");
  spec.fixed.set_user = 1;
  spec.fixed.uid = spec.fixed.gid = 12345;
  spec.fixed.set_capabilities = 1;
  spec.fixed.capabilities = 1 << 10;
  std::uint32_t degraded = 0;
  auto lines = output_of(client, spec, degraded);
  for (const char* set : {"CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_TRUE(has(lines, std::string(set) + ":0000000000000400")) << set;
  EXPECT_EQ(degraded, 0u);
  spec.fixed.set_user = 0;
  spec.fixed.capabilities = 0;
  lines = output_of(client, spec, degraded);
  for (const char* set : {"CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_TRUE(has(lines, std::string(set) + ":0000000000000000")) << set;
}

TEST_F(Limiting, AnEmptyTmpOfItsOwn) {
  start();
  Client client(state());
  std::ofstream(root_ + "/seen") << "x";
  auto spec = shell("ls -A /tmp | wc -l; ls -A /var/tmp | wc -l; touch /tmp/mine && ls /tmp");
  spec.fixed.private_tmp = 1;
  std::uint32_t degraded = 0;
  const auto lines = output_of(client, spec, degraded);
  if ((degraded & degraded_private_tmp) != 0) GTEST_SKIP() << "no mounts of its own here; it is named";
  EXPECT_EQ(lines, (std::vector<std::string>{"0", "0", "mine"}));
  struct stat info{};
  EXPECT_NE(::stat("/tmp/mine", &info), 0);
}

TEST_F(Limiting, ReadOnlyWithExceptions) {
  start();
  Client client(state());
  for (const char* name : {"/open", "/open/closed", "/open/closed/open"})
    ::mkdir((root_ + name).c_str(), 0755);
  auto spec =
      shell("cd " + root_ +
            "; for d in /usr . open open/closed open/closed/open /dev/shm /tmp; do"
            " (touch $d/drover-test-file && rm $d/drover-test-file && echo yes $d || echo no $d) 2>/dev/null;"
            " done; echo x > /dev/null && echo null");
  const int before = ::access("/usr", W_OK);
  spec.fixed.read_only = 1;
  spec.read_write_paths = {root_ + "/open", root_ + "/open/closed/open"};
  spec.read_only_paths = {root_ + "/open/closed"};
  std::uint32_t degraded = 0;
  const auto lines = output_of(client, spec, degraded);
  if ((degraded & degraded_read_only) != 0) GTEST_SKIP() << "no mounts of its own here; it is named";
  // Its root lies in /tmp, which may be written.
  EXPECT_EQ(lines, (std::vector<std::string>{"no /usr", "yes .", "yes open", "no open/closed",
                                             "yes open/closed/open", "yes /dev/shm", "yes /tmp", "null"}));
  EXPECT_EQ(::access("/usr", W_OK), before) << "the host's own mounts are as they were";
}

TEST_F(Limiting, ACgroupOfItsOwnIsArrangedWithoutAMark) {
  const std::string unified = "/sys/fs/cgroup/unified", pure = "/sys/fs/cgroup";
  const auto mount = std::filesystem::exists(unified + "/cgroup.procs") ? unified : pure;
  const auto ours = mount + "/drover-test-" + std::to_string(::getpid());
  if (::mkdir(ours.c_str(), 0755) != 0 || !std::ofstream(ours + "/cgroup.procs").put('0').flush())
    GTEST_SKIP() << "no cgroup2 that may be written";
  start({"--cgroup", "own"});
  std::ofstream(mount + "/cgroup.procs") << 0;  // this test leaves it
  std::ifstream cgroups("/proc/" + std::to_string(keeper_pid()) + "/cgroup");
  const std::string text(std::istreambuf_iterator<char>(cgroups), {});
  EXPECT_NE(text.find("/drover-test-" + std::to_string(::getpid()) + "/_self\n"), text.npos) << text;
  ASSERT_EQ(Client(state()).shutdown(0), Status::ok);
  EXPECT_TRUE(eventually([&] { return !alive(guard_pid()) && !alive(keeper_pid()); }));
  ::rmdir((ours + "/_self").c_str());
  EXPECT_EQ(::rmdir(ours.c_str()), 0);
}

}  // namespace drover::keeper::testing
