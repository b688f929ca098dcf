// The agent's own API.
#include <sys/wait.h>

#include "base/json.hpp"
#include "integration/agent/fixture.hpp"

namespace drover::agent {

TEST_F(AgentTest, TellsHealthServicesPortsAndLogs) {
  ASSERT_TRUE(start());
  auto web = deploy("echo hello from web; exec sleep 1000", "web-1");
  web.service->ports = {{.name = "http"}};
  ASSERT_TRUE(carry_out(web));
  ASSERT_TRUE(hub_.wait_state(web.placement.instance, InstanceState::ready));

  auto answer = ask("GET", "/health");
  EXPECT_EQ(answer.status, 200) << answer.body;
  auto health = parse_json(answer.body);
  ASSERT_TRUE(health) << answer.body;
  EXPECT_EQ(health->at("status").as_string(), "healthy");
  EXPECT_TRUE(health->at("healthy").as_bool());
  EXPECT_EQ(health->at("services").at("shop/web").as_string(), "healthy");

  answer = ask("GET", "/services");
  EXPECT_EQ(parse_json(answer.body)->at("services").at(0).at("status").as_string(), "running") << answer.body;
  answer = ask("GET", "/services/web/health");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(ask("GET", "/services/shop/web/health").status, 200);
  EXPECT_EQ(ask("GET", "/services/wab/health").status, 404);
  EXPECT_NE(ask("GET", "/services/wab/health").body.find("did you mean"), std::string::npos);

  answer = ask("GET", "/ports");
  EXPECT_EQ(parse_json(answer.body)->at("items").at(0).at("instance").as_string(), "shop/web-1")
      << answer.body;
  EXPECT_EQ(ask("GET", "/instances").status, 200);
  EXPECT_EQ(ask("GET", "/livez").status, 200);
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  EXPECT_EQ(ask("GET", "/version").status, 200);

  for (int i = 0; i < 500 && answer.body.find("hello from web") == std::string::npos; ++i) {
    answer = ask("GET", "/logs?service=web&tail=5");
    ::usleep(2000);
  }
  EXPECT_NE(answer.body.find("hello from web"), std::string::npos) << answer.body;
  EXPECT_EQ(ask("GET", "/logs?service=web&format=text").body, "shop/web-1 | hello from web\n");
  EXPECT_EQ(ask("GET", "/logs?service=web&grep=nothing").body, "");
  EXPECT_EQ(ask("GET", "/logs?grep=(").status, 400);
  EXPECT_EQ(ask("GET", "/logs?service=nobody").status, 404);
  for (int i = 0; i < 500 && answer.body.find("\"instance\":\"keeper\"") == std::string::npos; ++i) {
    answer = ask("GET", "/own-logs?program=keeper&grep=started");
    ::usleep(2000);
  }
  EXPECT_NE(answer.body.find("\"instance\":\"keeper\""), std::string::npos) << answer.body;
  EXPECT_EQ(ask("GET", "/own-logs?program=hub").status, 400);

  answer = ask("GET", "/metrics");
  EXPECT_NE(answer.body.find("drover_service_up{stack=\"shop\",service=\"web\",instance=\"web-1\",host="),
            std::string::npos)
      << answer.body;
  EXPECT_NE(answer.body.find("drover_agent_connected"), std::string::npos);
}

TEST_F(AgentTest, CommandsGoThroughTheCoreAndTheHub) {
  ASSERT_TRUE(start());
  auto web = deploy("exec sleep 1000", "web-1");
  ASSERT_TRUE(carry_out(web));
  const auto before = hub_.wait_state(web.placement.instance, InstanceState::ready);
  ASSERT_TRUE(before);
  auto answer = ask("POST", "/services/web/restart");
  EXPECT_EQ(answer.status, 202) << answer.body;
  EXPECT_NE(answer.body.find("\"success\":true"), std::string::npos);
  EXPECT_TRUE(hub_.wait_observed(web.placement.instance, [&](const Observed& o) {
    return o.state == InstanceState::ready && o.pid != before->pid;
  }));
  answer = ask("POST", "/services/web/stop");
  EXPECT_EQ(answer.status, 202) << answer.body;
  EXPECT_NE(answer.body.find("stoping web"), std::string::npos) << answer.body;
  EXPECT_EQ(ask("POST", "/services/nobody/restart").status, 404);
  EXPECT_EQ(ask("POST", "/services/web/explode").status, 400);
}

TEST_F(AgentTest, OtherUsersGetHealthOnly) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  ASSERT_TRUE(start());
  const auto as_daemon = [&](const std::string& path) {
    const auto command =
        "setpriv --reuid daemon --regid daemon --clear-groups curl -s -o /dev/null -w '%{http_code}' "
        "http://127.0.0.1:" +
        std::to_string(agent_->port()) + path;
    FILE* pipe = ::popen(command.c_str(), "re");
    char text[16] = {};
    (void)!::fgets(text, sizeof text, pipe);
    ::pclose(pipe);
    return std::string(text);
  };
  EXPECT_EQ(as_daemon("/health"), "200");
  EXPECT_EQ(as_daemon("/services"), "403");
  EXPECT_EQ(as_daemon("/logs"), "403");
}

}  // namespace drover::agent
