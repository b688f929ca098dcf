// Restarts by memory and by changed files, and the history of probes, on a real agent.

#include "base/json.hpp"
#include "integration/agent/fixture.hpp"

namespace drover::agent {

namespace {
struct UpkeepTest : AgentTest {
  std::optional<Observed> next_run(const Assign& of, std::uint64_t incarnation) {
    return hub_.wait_observed(of.placement.instance, [&](const Observed& o) {
      return o.incarnation >= incarnation && o.state == InstanceState::ready;
    });
  }
};
}  // namespace

TEST_F(UpkeepTest, TooMuchMemoryIsRestarted) {
  auto its_options = options();
  its_options.measure_every = 100ms;
  ASSERT_TRUE(start(its_options));
  auto web = deploy("true", "web-1");
  std::get<ProcessSpec>(web.service->spec).command = {
      "/usr/bin/python3", "-c",
      "import time\nx = bytearray(96 << 20)\nx[::4096] = b'1' * len(x[::4096])\ntime.sleep(100)"};
  web.service->restart.memory_max = 64 << 20;
  web.service->restart.backoff = web.service->restart.backoff_max = 50ms;
  ASSERT_TRUE(carry_out(web));
  const auto again = next_run(web, 2);
  ASSERT_TRUE(again);
  EXPECT_GE(again->restarts, 1u);
}

TEST_F(UpkeepTest, AChangedFileRestartsAndIsNotCounted) {
  ASSERT_TRUE(start());
  const auto file = directory_.path() + "/web.conf";
  std::ofstream(file) << "1";
  auto web = deploy("exec sleep 1000", "web-1");
  web.service->restart.watch = {file};
  ASSERT_TRUE(carry_out(web));
  ASSERT_TRUE(next_run(web, 1));
  ::usleep(200'000);
  std::ofstream(file) << "2";
  const auto again = next_run(web, 2);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->restarts, 0u);
}

TEST_F(UpkeepTest, SdNotifyDecidesReadinessOverTheAgentsDeath) {
  ASSERT_TRUE(start());
  const auto mark = directory_.path() + "/go";
  auto web = deploy("true", "web-1");
  std::get<ProcessSpec>(web.service->spec).command = {
      "/usr/bin/python3", "-c",
      "import os,socket,time\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n"
      "while not os.path.exists('" +
          mark +
          "'): time.sleep(0.01)\n"
          "s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])\ntime.sleep(100)"};
  web.service->probes.ready = Probe{.check = NotifyCheck{}, .interval = 60s};
  ASSERT_TRUE(carry_out(web));
  ASSERT_TRUE(hub_.wait_state(web.placement.instance, InstanceState::starting));
  stop();
  ASSERT_TRUE(start());
  std::ofstream(mark) << "x";
  const auto seen = next_run(web, 1);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->incarnation, 1u);
}

}  // namespace drover::agent
