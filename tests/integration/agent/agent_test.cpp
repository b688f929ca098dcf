// The whole agent on real processes.
#include <signal.h>
#include <sys/mount.h>

#include "base/json.hpp"
#include "integration/agent/fixture.hpp"
#include "runtime/files.hpp"

namespace drover::agent {

namespace {
bool alive(std::int64_t pid) {
  const auto info = runtime::process_info(std::int32_t(pid));
  return info.start_ticks != 0 && info.state != 'Z';
}
}  // namespace

TEST_F(AgentTest, DeploysStopsStartsAndDeletes) {
  ASSERT_TRUE(start());
  auto web = deploy("echo up; exec sleep 1000", "web-1");
  auto done = carry_out(web);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->outcome, TaskMove::succeed) << done->error;
  auto seen = hub_.wait_state(web.placement.instance, InstanceState::ready);
  ASSERT_TRUE(seen);
  const auto pid = *seen->pid;
  EXPECT_TRUE(alive(pid));

  EXPECT_EQ(carry_out(task(web, TaskType::stop))->outcome, TaskMove::succeed);
  EXPECT_TRUE(hub_.wait_state(web.placement.instance, InstanceState::stopped));
  EXPECT_FALSE(alive(pid));

  EXPECT_EQ(carry_out(task(web, TaskType::start))->outcome, TaskMove::succeed);
  EXPECT_TRUE(hub_.wait_state(web.placement.instance, InstanceState::ready));

  EXPECT_EQ(carry_out(task(web, TaskType::delete_))->outcome, TaskMove::succeed);
  for (int i = 0; i < 500 && !std::filesystem::is_empty(runtime::instances_directory(paths_)); ++i)
    ::usleep(2000);
  EXPECT_TRUE(std::filesystem::is_empty(runtime::instances_directory(paths_)));
}

TEST_F(AgentTest, SaysExactlyWhyAStartFails) {
  ASSERT_TRUE(start());
  auto bad = deploy("true");
  std::get<ProcessSpec>(bad.service->spec).working_dir = "/srv/nowhere";
  auto done = carry_out(bad);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->outcome, TaskMove::attempt_failed);
  EXPECT_NE(done->error.find("/srv/nowhere: no such directory"), std::string::npos) << done->error;
}

TEST_F(AgentTest, RestartsACrashAndKeepsItsLastLines) {
  ASSERT_TRUE(start());
  auto crash = deploy("echo about to fall; sleep 0.2; exit 5");
  crash.service->restart.backoff = 50ms;
  crash.service->restart.give_up = 2;
  ASSERT_TRUE(carry_out(crash));
  auto seen = hub_.wait_state(crash.placement.instance, InstanceState::failed, 15s);
  ASSERT_TRUE(seen);
  EXPECT_GE(seen->restarts, 2u);
  EXPECT_EQ(seen->last_exit->code, 5);
  ASSERT_FALSE(seen->last_lines.empty());
  EXPECT_EQ(seen->last_lines.back(), "about to fall");
}

TEST_F(AgentTest, ProbesDecideReadiness) {
  ASSERT_TRUE(start());
  const auto mark = directory_.path() + "/ready";
  auto web = deploy("exec sleep 1000", "web-1");
  web.service->probes.ready = Probe{ExecCheck{{"test", "-e", mark}}, 50ms, 2s, 2, 1};
  ASSERT_TRUE(carry_out(web));
  ASSERT_TRUE(hub_.wait_state(web.placement.instance, InstanceState::starting));
  ::usleep(300'000);
  EXPECT_FALSE(hub_.wait_state(web.placement.instance, InstanceState::ready, 1ms));
  std::ofstream(mark) << "x";
  EXPECT_TRUE(hub_.wait_state(web.placement.instance, InstanceState::ready));
  ::unlink(mark.c_str());
  EXPECT_TRUE(hub_.wait_state(web.placement.instance, InstanceState::unhealthy));
}

TEST_F(AgentTest, AnotherAgentAdopts) {
  ASSERT_TRUE(start());
  auto web = deploy("exec sleep 1000", "web-1"), job = deploy("sleep 0.5; exit 3", "job-1");
  job.service->kind = ServiceKind::job;
  job.service->restart.policy = RestartPolicy::no;
  ASSERT_TRUE(carry_out(web));
  ASSERT_TRUE(carry_out(job));
  const auto before = hub_.wait_state(web.placement.instance, InstanceState::ready);
  ASSERT_TRUE(before);
  stop();
  EXPECT_TRUE(hub_.said_goodbye());
  EXPECT_TRUE(alive(*before->pid));
  ::usleep(700'000);  // the job ends while nobody looks
  ASSERT_TRUE(start());
  const auto sessions = hub_.sessions();
  ASSERT_TRUE(hub_.wait([&] { return sessions >= 2; }));
  const auto after = hub_.wait_observed(web.placement.instance,
                                        [](const Observed& o) { return o.state == InstanceState::ready; });
  ASSERT_TRUE(after);
  EXPECT_EQ(after->pid, before->pid);
  EXPECT_EQ(after->started_at, before->started_at);
  EXPECT_EQ(after->incarnation, before->incarnation);
  EXPECT_EQ(after->restarts, 0u);
  const auto ended = hub_.wait_state(job.placement.instance, InstanceState::failed);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->last_exit->code, 3);
}

TEST_F(AgentTest, GoesOnWhileTheLinkIsCut) {
  ASSERT_TRUE(start());
  auto web = deploy("exec sleep 1000", "web-1");
  ASSERT_TRUE(carry_out(web));
  const auto before = hub_.wait_state(web.placement.instance, InstanceState::ready);
  ASSERT_TRUE(before);
  hub_.cut();
  for (int i = 0; i < 1000 && hub_.welcomed() < 2; ++i) ::usleep(5000);
  ASSERT_GE(hub_.welcomed(), 2u);
  EXPECT_TRUE(alive(*before->pid));
  EXPECT_EQ(carry_out(task(web, TaskType::stop))->outcome, TaskMove::succeed);
}

TEST_F(AgentTest, KeeperDiesUnderTheAgent) {
  ASSERT_TRUE(start());
  auto web = deploy("exec sleep 1000", "web-1");
  ASSERT_TRUE(carry_out(web));
  const auto before = hub_.wait_state(web.placement.instance, InstanceState::ready);
  ASSERT_TRUE(before);
  const auto lock = runtime::read_small_file(paths_.state + "/keeper.lock");
  const auto at = lock.find("keeper ");
  ASSERT_NE(at, std::string::npos) << lock;
  ASSERT_EQ(::kill(std::stoi(lock.substr(at + 7)), SIGKILL), 0);
  auto restart = task(web, TaskType::restart);
  restart.restart_generation = 1;
  EXPECT_EQ(carry_out(restart)->outcome, TaskMove::succeed);
  const auto after = hub_.wait_observed(web.placement.instance, [&](const Observed& o) {
    return o.state == InstanceState::ready && o.pid != before->pid;
  });
  EXPECT_TRUE(after);
}

TEST_F(AgentTest, ASecondAgentIsRefusedWithTheFirstOnesPid) {
  ASSERT_TRUE(start());
  Agent second(options(), AgentParts{world_, clock_, log_, 7}, memory_dialer(port_));
  const auto refused = net::wait_for(second.executor(), second.start());
  net::wait_for(second.executor(), second.stop("refused"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_NE(refused.error().message.find("pid " + std::to_string(::getpid())), std::string::npos)
      << refused.error().message;
}

TEST_F(AgentTest, ABusyApiPortIsNamedAndNothingIsTouched) {
  ASSERT_TRUE(start());
  const runtime::TemporaryDirectory other;
  auto busy = options();
  busy.state = other.path() + "/state";
  busy.run = other.path() + "/run";
  busy.port = agent_->port();
  Agent second(busy, AgentParts{world_, clock_, log_, 7}, memory_dialer(port_));
  const auto refused = net::wait_for(second.executor(), second.start());
  net::wait_for(second.executor(), second.stop("refused", Agent::Workloads::end));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("held by pid " + std::to_string(::getpid())), std::string::npos)
      << refused.error().message;
}

TEST_F(AgentTest, LogsReachTheHubAsAStream) {
  ASSERT_TRUE(start());
  auto web = deploy("echo one; echo two >&2; sleep 0.5; echo three; exec sleep 1000", "web-1");
  ASSERT_TRUE(carry_out(web));
  hub_.send(OpenStream{"s1", "logs", web.placement.instance, {{"follow", "true"}, {"tail", "10"}}});
  ASSERT_TRUE(hub_.streams_lines("s1", 3));
  const auto lines = hub_.stream("s1");
  EXPECT_NE(lines[0].find("\"line\":\"one\""), std::string::npos) << lines[0];
  EXPECT_NE(lines[2].find("\"line\":\"three\""), std::string::npos) << lines[2];
  hub_.close_stream("s1");
  hub_.send(OpenStream{"s2", "logs", web.placement.instance, {{"stream", "stderr"}}});
  ASSERT_TRUE(hub_.wait([&] { return true; }));
  for (int i = 0; i < 1000 && !hub_.stream_ended("s2"); ++i) ::usleep(5000);
  EXPECT_TRUE(hub_.stream_ended("s2"));
  EXPECT_EQ(hub_.stream("s2").size(), 1u);
}

TEST_F(AgentTest, TheKeepersOwnLogReachesTheHubToo) {
  ASSERT_TRUE(start());
  auto web = deploy("exec sleep 1000", "web-1");
  web.who.correlation = "00112233445566778899aabbccddeeff";
  ASSERT_TRUE(carry_out(web));
  hub_.send(
      OpenStream{"s1", "own", {}, {{"program", "keeper"}, {"follow", "true"}, {"format", "structured"}}});
  ASSERT_TRUE(hub_.streams_lines("s1", 1));
  const auto record = parse_json(hub_.stream("s1")[0]);
  ASSERT_TRUE(record) << hub_.stream("s1")[0];
  EXPECT_EQ(record->at("message"), "started");
  EXPECT_EQ(record->at("service"), "keeper");
  EXPECT_EQ(record->at("correlationId"), "00112233445566778899aabbccddeeff");
  EXPECT_EQ(record->at("context").at("instance"), json::value(to_string(web.placement.instance)));
  hub_.close_stream("s1");
  hub_.send(OpenStream{"s2", "own", {}, {{"program", "../../instances"}}});
  ASSERT_TRUE(hub_.streams_lines("s2", 1));
  EXPECT_NE(hub_.stream("s2")[0].find("not_found"), std::string::npos) << hub_.stream("s2")[0];
}

TEST_F(AgentTest, AFullDiskStopsNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount a small file system";
  const runtime::TemporaryDirectory small;
  if (::mount("none", small.path().c_str(), "tmpfs", 0, "size=6m") != 0) GTEST_SKIP() << "may not mount";
  struct Unmount {
    std::function<void()> stop_agent;
    std::string path;
    ~Unmount() {
      stop_agent();
      ::umount2(path.c_str(), MNT_DETACH);
    }
  } unmount{[this] { stop(Agent::Workloads::end); }, small.path()};
  auto its = options();
  its.state = small.path() + "/state";
  ASSERT_TRUE(start(its));
  auto web = deploy("exec sleep 1000", "web-1");
  ASSERT_TRUE(carry_out(web));
  ASSERT_TRUE(hub_.wait_state(web.placement.instance, InstanceState::ready));
  const auto filler = small.path() + "/filler";
  {
    std::ofstream file(filler, std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), std::streamsize(block.size())) && file.flush()) {
    }
  }
  // What was set aside is enough for a while: tasks go on.
  EXPECT_EQ(carry_out(task(web, TaskType::stop))->outcome, TaskMove::succeed);
  EXPECT_EQ(carry_out(task(web, TaskType::start))->outcome, TaskMove::succeed);
  const auto seen = hub_.wait_state(web.placement.instance, InstanceState::ready);
  ASSERT_TRUE(seen);
  // A crash is restarted, whatever the disk says.
  ::kill(pid_t(*seen->pid), SIGKILL);
  EXPECT_TRUE(hub_.wait_observed(web.placement.instance, [&](const Observed& o) {
    return o.state == InstanceState::ready && o.pid != seen->pid;
  }));
  ::unlink(filler.c_str());
}

}  // namespace drover::agent
