// Probes against real listeners and real children.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "fixture.hpp"
#include "runtime/files.hpp"
#include "runtime/probes.hpp"

namespace drover::runtime {

namespace {

class ProbeTest : public RuntimeTest {
 protected:
  agent::ProbeAnswer ask_with(Hands& hands, Check check, Duration timeout = 2s) {
    agent::AskProbe probe;
    probe.run = {InstanceId{make_uuid(clock_.now().wall, rng_)}, 1};
    probe.probe.check = std::move(check);
    probe.probe.timeout = timeout;
    probe.stack = "shop";
    probe.instance_name = "api-1";
    probe.service.name = "api";
    ProcessSpec spec;
    spec.command = {"true"};
    spec.working_dir = "/tmp";
    probe.service.spec = spec;
    probe.ports = {{"http", port_}};
    Prober prober(hands.driver);
    return net::wait_for(hands.executor, prober.ask(std::move(probe)));
  }
  /// A listener that answers each connection with `answer` and closes; "" answers nothing.
  std::string serve(const std::string& answer) {
    const auto script = fmt::format(
        "import "
        "socket\ns=socket.socket()\ns.bind(('127.0.0.1',0))\ns.listen(8)\nprint(s.getsockname()[1],flush="
        "True)\n"
        "keep=[]\nwhile True:\n c,_=s.accept()\n c.recv(4096) if {0} else keep.append(c)\n"
        " c.sendall(b'{1}') if {0} else None\n c.close() if {0} else None\n",
        answer.empty() ? "False" : "True", answer);
    return script;
  }
  void start_server(Hands& hands, const std::string& answer) {
    auto spawn = shell("true", "server-1");
    spec(spawn).command = {"python3", "-c", serve(answer)};
    auto started = hands.start(spawn);
    ASSERT_TRUE(started) << started.error().reason;
    const auto lines = wait_for_lines(spawn, 1);
    ASSERT_FALSE(lines.empty());
    port_ = std::uint16_t(std::stoi(lines[0]));
  }
  std::uint16_t port_ = 0;
};

}  // namespace

TEST_F(ProbeTest, Http) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  start_server(hands, "HTTP/1.1 503 Busy\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n");
  auto answer = ask_with(hands, HttpCheck{"http://127.0.0.1:{{port.http}}/health", {}});
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.detail, "HTTP 503");
  answer = ask_with(hands, HttpCheck{"http://127.0.0.1:{{port.http}}/health", {503}});
  EXPECT_TRUE(answer.ok) << answer.detail;
}

TEST_F(ProbeTest, HttpThatHangsEndsAtItsTimeout) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  start_server(hands, "");
  const auto before = std::chrono::steady_clock::now();
  const auto answer = ask_with(hands, HttpCheck{"http://127.0.0.1:{{port.http}}/", {}}, 200ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1500ms) << answer.detail;
}

TEST_F(ProbeTest, Tcp) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  start_server(hands, "");
  EXPECT_TRUE(ask_with(hands, TcpCheck{"127.0.0.1:{{port.http}}"}).ok);
  EXPECT_TRUE(ask_with(hands, TcpCheck{"localhost:{{port.http}}"}).ok);
  const auto refused = ask_with(hands, TcpCheck{"127.0.0.1:1"});
  EXPECT_FALSE(refused.ok);
  EXPECT_NE(refused.detail.find("Connection refused"), std::string::npos) << refused.detail;
}

TEST_F(ProbeTest, Exec) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  EXPECT_TRUE(ask_with(hands, ExecCheck{{"true"}}).ok);
  const auto failed = ask_with(hands, ExecCheck{{"/bin/sh", "-c", "echo not yet; exit 4"}});
  EXPECT_FALSE(failed.ok);
  EXPECT_EQ(failed.detail, "exit 4: not yet");
  const auto missing = ask_with(hands, ExecCheck{{"no-such-program"}});
  EXPECT_FALSE(missing.ok);
  EXPECT_NE(missing.detail.find("not found in PATH"), std::string::npos) << missing.detail;
  EXPECT_TRUE(missing.unrunnable);
  EXPECT_FALSE(failed.unrunnable);
}

TEST_F(ProbeTest, ExecThatHangsIsKilledWithItsTree) {
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  const auto mark = directory_.path() + "/child";
  const auto before = std::chrono::steady_clock::now();
  const auto answer = ask_with(
      hands, ExecCheck{{"/bin/sh", "-c", "setsid sh -c 'echo $$ > " + mark + "; sleep 1000' & sleep 1000"}},
      300ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
  EXPECT_NE(answer.detail.find("no answer within"), std::string::npos) << answer.detail;
  const auto child = process_info(std::int32_t(std::stol("0" + read_small_file(mark))));
  EXPECT_TRUE(child.start_ticks == 0 || child.state == 'Z');
  const auto list = net::wait_for(hands.executor, hands.driver.keeper().list());
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->empty());
}

}  // namespace drover::runtime
