// "Running" means: alive, owns its port, answers. Real programs that say so in every way there is.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <fstream>

#include "fixture.hpp"
#include "runtime/file_watch.hpp"
#include "runtime/files.hpp"
#include "runtime/probes.hpp"
#include "runtime/stats.hpp"

namespace drover::runtime {

namespace {

class StatesTest : public RuntimeTest {
 protected:
  agent::Spawn python(const std::string& script, const std::string& name = "api-1") {
    auto spawn = shell("true", name);
    spec(spawn).command = {"/usr/bin/python3", "-c", script};
    return spawn;
  }
  static agent::AskProbe about(const agent::Spawn& spawn, Check check,
                               agent::Asked asked = agent::Asked::ready) {
    agent::AskProbe probe;
    probe.run = spawn.run;
    probe.asked = asked;
    probe.probe = {.check = std::move(check), .interval = 300ms, .timeout = 2s};
    probe.stack = spawn.stack;
    probe.instance_name = spawn.instance_name;
    probe.service = spawn.service;
    probe.ports = spawn.ports;
    return probe;
  }
  agent::ProbeAnswer ask(Hands& hands, Prober& prober, const agent::AskProbe& probe) {
    return net::wait_for(hands.executor, prober.ask(probe));
  }
  /// Asks until it is `ok`, for 10 s at most.
  agent::ProbeAnswer until(Hands& hands, Prober& prober, const agent::AskProbe& probe, bool ok) {
    auto answer = ask(hands, prober, probe);
    for (int i = 0; i < 500 && answer.ok != ok; ++i) {
      ::usleep(20'000);
      answer = ask(hands, prober, probe);
    }
    return answer;
  }
  void touch(const std::string& path) { std::ofstream(path) << "x"; }
  std::string at(const std::string& name) const { return directory_.path() + "/" + name; }
};

constexpr const char* say = R"(
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def say(text):
    for _ in range(200):
        try:
            return s.sendto(text.encode(), os.environ['NOTIFY_SOCKET'])
        except (ConnectionRefusedError, FileNotFoundError):
            time.sleep(0.02)
def wait(path):
    while not os.path.exists(path): time.sleep(0.01)
)";

TEST_F(StatesTest, TheProgramTellsByItself) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = python(std::string(say) +
                      fmt::format("say('STATUS=loading')\nwait('{}')\nsay('READY=1\\nSTATUS=42 users')\n"
                                  "wait('{}')\nsay('STOPPING=1')\ntime.sleep(100)\n",
                                  at("go"), at("stop")));
  spawn.service.probes.ready = Probe{.check = NotifyCheck{}};
  ASSERT_TRUE(hands.start(spawn));
  Prober prober(hands.driver);
  const auto probe = about(spawn, NotifyCheck{});
  ASSERT_TRUE(hands.told.wait<agent::Notified>(spawn.run));
  auto answer = ask(hands, prober, probe);
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.detail, "it has not said READY=1: loading");
  touch(at("go"));
  answer = until(hands, prober, probe, true);
  EXPECT_EQ(answer.detail, "READY=1: 42 users");
  touch(at("stop"));
  answer = until(hands, prober, probe, false);
  EXPECT_EQ(answer.detail, "it says that it is stopping: 42 users");
}

TEST_F(StatesTest, StrangersAreNotHeard) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("sleep 100");
  spawn.service.probes.ready = Probe{.check = NotifyCheck{}};
  ASSERT_TRUE(hands.start(spawn));
  Prober prober(hands.driver);
  const auto socket = notify_environment(paths_, spawn.run.instance, spawn.service).at(0).substr(14);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.copy(address.sun_path, sizeof address.sun_path - 1);
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::sendto(fd.get(), "READY=1", 7, 0, reinterpret_cast<sockaddr*>(&address), sizeof address), 7);
  ::usleep(100'000);
  EXPECT_FALSE(ask(hands, prober, about(spawn, NotifyCheck{})).ok);
}

TEST_F(StatesTest, WhatWasSaidAndTheSocketOutliveTheAgent) {
  auto first = std::make_unique<Hands>(pool_, paths_, log_);
  ASSERT_EQ(first->problem(), "");
  auto spawn = python(std::string(say) + fmt::format("say('READY=1')\nwait('{}')\nsay('STATUS=again')\n"
                                                     "time.sleep(100)\n",
                                                     at("go")));
  spawn.service.probes.ready = Probe{.check = NotifyCheck{}};
  ASSERT_TRUE(first->start(spawn));
  {
    Prober prober(first->driver);
    ASSERT_TRUE(until(*first, prober, about(spawn, NotifyCheck{}), true).ok);
  }
  first.reset();
  Hands second(pool_, paths_, log_);
  ASSERT_EQ(second.problem(), "");
  Prober prober(second.driver);
  EXPECT_EQ(ask(second, prober, about(spawn, NotifyCheck{})).detail, "READY=1");
  touch(at("go"));
  ASSERT_TRUE(second.told.wait<agent::Notified>(spawn.run));
  EXPECT_EQ(ask(second, prober, about(spawn, NotifyCheck{})).detail, "READY=1: again");
  ASSERT_TRUE(second.stop(spawn.run));
  ASSERT_TRUE(second.told.wait<agent::Emptied>(spawn.run));
  EXPECT_TRUE(list_directory(paths_.run + "/notify").empty());
}

TEST_F(StatesTest, AWatchdogThatIsNotFed) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = python(std::string(say) +
                      fmt::format("assert os.environ['WATCHDOG_USEC'] == '300000'\nsay('READY=1')\n"
                                  "while not os.path.exists('{0}'):\n say('WATCHDOG=1')\n time.sleep(0.05)\n"
                                  "wait('{0}2')\nsay('WATCHDOG=trigger')\ntime.sleep(100)\n",
                                  at("hang")));
  spawn.service.probes.live = Probe{.check = NotifyCheck{}, .interval = 300ms};
  ASSERT_TRUE(hands.start(spawn));
  Prober prober(hands.driver);
  const auto probe = about(spawn, NotifyCheck{}, agent::Asked::live);
  ASSERT_TRUE(hands.told.wait<agent::Notified>(spawn.run));
  EXPECT_TRUE(until(hands, prober, probe, true).ok);
  touch(at("hang"));
  const auto answer = until(hands, prober, probe, false);
  EXPECT_NE(answer.detail.find("no WATCHDOG=1 for"), std::string::npos) << answer.detail;
}

TEST_F(StatesTest, ALineOfThisRunsLog) {
  auto first = std::make_unique<Hands>(pool_, paths_, log_);
  ASSERT_EQ(first->problem(), "");
  auto spawn = shell("echo ready to go");
  ASSERT_TRUE(first->start(spawn));
  ASSERT_TRUE(first->told.wait<agent::Emptied>(spawn.run));
  wait_for_lines(spawn, 1);
  spec(spawn).command = {
      "/bin/sh", "-c",
      fmt::format("while [ ! -e {} ]; do sleep 0.01; done; echo is ready now; sleep 100", at("go"))};
  spawn.run.incarnation = 2;
  spawn.placement.digest = "another";
  ASSERT_TRUE(first->start(spawn));
  const auto probe = about(spawn, LogCheck{"ready (to|now)"});
  {
    Prober prober(first->driver);
    const auto answer = ask(*first, prober, probe);
    EXPECT_FALSE(answer.ok) << answer.detail;  // the line of the former run does not count
    touch(at("go"));
    EXPECT_EQ(until(*first, prober, probe, true).detail, "found: is ready now");
  }
  first.reset();
  Hands second(pool_, paths_, log_);
  ASSERT_EQ(second.problem(), "");
  Prober prober(second.driver);
  EXPECT_EQ(ask(second, prober, probe).detail, "found: is ready now");
}

TEST_F(StatesTest, AFileThatExists) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  Prober prober(hands.driver);
  const auto probe = about(shell("true"), FileCheck{at("{{instance.name}}.up")});
  EXPECT_FALSE(ask(hands, prober, probe).ok);
  EXPECT_FALSE(ask(hands, prober, probe).unrunnable);
  touch(at("api-1.up"));
  EXPECT_TRUE(ask(hands, prober, probe).ok);
}

TEST_F(StatesTest, HttpOverAUnixSocketWithHeadersAndBody) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = python(fmt::format(R"(
import http.server, socketserver
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.headers['X-Key'] == 'api-1' and self.headers['Host'] == 'localhost' and self.path == '/health'
        self.send_response(200 if good else 403); self.end_headers(); self.wfile.write(b'{{"state": "up"}}')
    def address_string(self): return 'unix'
socketserver.ThreadingUnixStreamServer('{}', H).serve_forever()
)",
                                  at("web.sock")));
  ASSERT_TRUE(hands.start(spawn));
  Prober prober(hands.driver);
  HttpCheck check{.url = "http://localhost/health", .socket = at("web.sock")};
  check.headers = {{"X-Key", "{{instance.name}}"}};
  check.body = R"("state":\s*"up")";
  EXPECT_EQ(until(hands, prober, about(spawn, check), true).detail, "HTTP 200, the body matches");
  check.body = "down";
  EXPECT_EQ(ask(hands, prober, about(spawn, check)).detail, "HTTP 200, but the body does not match down");
  check.headers.clear();
  EXPECT_EQ(ask(hands, prober, about(spawn, check)).detail, "HTTP 403");
}

TEST_F(StatesTest, AGrpcServersHealth) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = python(R"(
import grpc
from concurrent import futures
answers = {b'': b'\x08\x01', b'\n\x03web': b'\x08\x01', b'\n\x02db': b'\x08\x02'}
def check(request, context):
    if request not in answers: context.abort(grpc.StatusCode.NOT_FOUND, 'unknown')
    return answers[request]
class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == '/grpc.health.v1.Health/Check': return grpc.unary_unary_rpc_method_handler(check)
server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Health()])
print(server.add_insecure_port('127.0.0.1:0'), flush=True)
server.start()
server.wait_for_termination()
)");
  ASSERT_TRUE(hands.start(spawn));
  const auto lines = wait_for_lines(spawn, 1);
  ASSERT_FALSE(lines.empty());
  const auto address = "127.0.0.1:" + lines[0];
  Prober prober(hands.driver);
  const auto answer_of = [&](const std::string& service) {
    return ask(hands, prober, about(spawn, GrpcCheck{address, service}));
  };
  EXPECT_EQ(until(hands, prober, about(spawn, GrpcCheck{address, ""}), true).detail, "SERVING");
  EXPECT_TRUE(answer_of("web").ok);
  EXPECT_EQ(answer_of("db").detail, "NOT_SERVING");
  EXPECT_EQ(answer_of("other").detail, "the server does not know this service");
}

TEST_F(StatesTest, WhatIsNoGrpcServerIsToldApart) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = python(
      "import http.server\ns=http.server.HTTPServer(('127.0.0.1',0),http.server.SimpleHTTPRequestHandler)\n"
      "print(s.server_port,flush=True)\ns.serve_forever()\n");
  ASSERT_TRUE(hands.start(spawn));
  const auto lines = wait_for_lines(spawn, 1);
  ASSERT_FALSE(lines.empty());
  Prober prober(hands.driver);
  const auto answer = ask(hands, prober, about(spawn, GrpcCheck{"127.0.0.1:" + lines[0], ""}));
  EXPECT_FALSE(answer.ok);
  EXPECT_FALSE(answer.unrunnable) << answer.detail;
}

TEST_F(StatesTest, APortThatSomeoneElseHasIsNoSuccess) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto other = python(
      "import socket,time\ns=socket.socket()\ns.bind(('127.0.0.1',0))\ns.listen()\n"
      "print(s.getsockname()[1],flush=True)\ntime.sleep(100)\n",
      "other-1");
  ASSERT_TRUE(hands.start(other));
  const auto lines = wait_for_lines(other, 1);
  ASSERT_FALSE(lines.empty());
  const auto port = std::uint16_t(std::stoi(lines[0]));
  auto spawn = shell("sleep 100");
  ASSERT_TRUE(hands.start(spawn));
  spawn.service.ports = other.service.ports = {{.name = "http", .published = port}};
  spawn.ports = other.ports = {{"http", port}};
  Prober prober(hands.driver);
  auto probe = about(spawn, TcpCheck{"127.0.0.1:{{port.http}}"});
  EXPECT_TRUE(ask(hands, prober, probe).ok);
  probe.check_ports = true;
  const auto answer = ask(hands, prober, probe);
  EXPECT_FALSE(answer.ok);
  EXPECT_NE(answer.detail.find(fmt::format("port {} is held by pid ", port)), std::string::npos)
      << answer.detail;
  auto owner = about(other, TcpCheck{"127.0.0.1:{{port.http}}"});
  owner.check_ports = true;
  EXPECT_TRUE(ask(hands, prober, owner).ok);
}

TEST_F(StatesTest, ExecProbesDoNotPileUp) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("sleep 100");
  ASSERT_TRUE(hands.start(spawn));
  Prober prober(hands.driver);
  auto probe = about(spawn, ExecCheck{{"/bin/sh", "-c", "setsid sleep 100 & sleep 100"}});
  probe.probe.timeout = 200ms;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(ask(hands, prober, probe).ok);
  const auto list = net::wait_for(hands.executor, hands.driver.keeper().list());
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), 1u);
}

// ---- watch

class WatchTest : public StatesTest {
 protected:
  agent::Run run_{InstanceId{make_uuid(clock_.now().wall, rng_)}, 1};
  Told told_;
  std::unique_ptr<FileWatch> watch_;
  void begin(std::vector<std::string> paths, std::size_t limit = 100) {
    const auto executor = pool_.executor(0);
    watch_ = std::make_unique<FileWatch>(
        FileWatch::Parts{executor,
                         pool_.executor(1),
                         [this](agent::Event event) { told_.add(std::move(event)); },
                         {.directories = limit, .quiet = 50ms}},
        log_);
    net::wait_for(executor, set(std::move(paths)));
    ::usleep(100'000);
  }
  net::Awaitable<void> set(std::vector<std::string> paths) {
    watch_->set({run_, std::move(paths)});
    co_return;
  }
  void TearDown() override {
    if (watch_) net::wait_for(pool_.executor(0), watch_->close());
  }
};

TEST_F(WatchTest, FilesAndDirectoriesBelow) {
  std::filesystem::create_directories(at("app/deep"));
  std::filesystem::create_directories(at("app/node_modules/x"));
  touch(at("single.conf"));
  begin({at("app"), at("single.conf")});
  touch(at("app/node_modules/x/y.js"));
  touch(at("unrelated"));
  ::usleep(200'000);
  EXPECT_EQ(told_.count(), 0u);
  touch(at("app/deep/main.py"));
  auto changed = told_.wait<agent::FilesChanged>(run_);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->path, at("app/deep/main.py"));
}

TEST_F(WatchTest, AFileThatIsReplaced) {
  touch(at("single.conf"));
  begin({at("single.conf")});
  touch(at("single.new"));
  std::filesystem::rename(at("single.new"), at("single.conf"));
  auto changed = told_.wait<agent::FilesChanged>(run_);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->path, at("single.conf"));
}

TEST_F(WatchTest, ADirectoryThatIsMadeLater) {
  std::filesystem::create_directories(at("app"));
  begin({at("app")});
  std::filesystem::create_directories(at("app/new"));
  ASSERT_TRUE(told_.wait<agent::FilesChanged>(run_));
  const auto before = told_.count();
  ::usleep(200'000);
  touch(at("app/new/file"));
  for (int i = 0; i < 500 && told_.count() == before; ++i) ::usleep(10'000);
  EXPECT_GT(told_.count(), before);
}

TEST_F(WatchTest, TheLimitIsNamed) {
  for (int i = 0; i < 10; ++i) std::filesystem::create_directories(at("many/" + std::to_string(i)));
  begin({at("many")}, 5);
  const auto trouble = told_.wait<agent::Trouble>(run_);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->reason, "not all is watched for changes: there are more than 5 directories to watch");
}

}  // namespace
}  // namespace drover::runtime
