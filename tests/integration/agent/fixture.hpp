#pragma once
// A real agent with a real keeper, and a hub that follows the test's script.

#include "agent/agent.hpp"
#include "integration/agent/scripted_hub.hpp"
#include "integration/runtime/fixture.hpp"
#include "net/client.hpp"

namespace drover::agent {

class AgentTest : public runtime::RuntimeTest {
 protected:
  AgentTest() : world_(4), store_{make_uuid(clock_.now().wall, rng_)}, hub_(world_, port_, store_) {}
  ~AgentTest() override { stop(Agent::Workloads::end); }

  AgentOptions options() const {
    AgentOptions options;
    options.state = paths_.state;
    options.run = paths_.run;
    options.keeper = runtime::keeper_binary();
    options.port = 0;
    options.report_delay = 20ms;
    options.reconnect = 20ms;
    return options;
  }
  Result<void> start() { return start(options()); }
  Result<void> start(AgentOptions options) {
    const auto before = hub_.welcomed();
    agent_ = std::make_unique<Agent>(std::move(options), AgentParts{world_, clock_, log_, real_seed()},
                                     memory_dialer(port_));
    auto started = net::wait_for(agent_->executor(), agent_->start());
    for (int i = 0; started && i < 1000 && hub_.welcomed() == before; ++i) ::usleep(5000);
    return started;
  }
  void stop(Agent::Workloads workloads = Agent::Workloads::leave) {
    if (!agent_) return;
    net::wait_for(agent_->executor(), agent_->stop("the test ends", workloads, 500ms));
    agent_.reset();
  }

  Assign deploy(const std::string& script, const std::string& name = "api-1") {
    Assign assign;
    assign.task = TaskId{make_uuid(clock_.now().wall, rng_)};
    assign.placement = {InstanceId{make_uuid(clock_.now().wall, rng_)}, 1, 1, "digest-1"};
    assign.stack = "shop";
    assign.instance_name = name;
    Service service;
    service.name = name.substr(0, name.rfind('-'));
    ProcessSpec spec;
    spec.command = {"/bin/sh", "-c", script};
    spec.working_dir = "/tmp";
    service.spec = spec;
    service.stop.grace = 500ms;
    assign.service = service;
    return assign;
  }
  /// Another task for the instance of `of`.
  Assign task(const Assign& of, TaskType type) {
    Assign assign = of;
    assign.task = TaskId{make_uuid(clock_.now().wall, rng_)};
    assign.type = type;
    if (type != TaskType::update) assign.service.reset();
    return assign;
  }
  std::optional<TaskEnded> carry_out(const Assign& assign) {
    hub_.send(assign);
    return hub_.wait_outcome(assign.task);
  }

  /// status 0: no answer, the body says why.
  net::ClientResponse ask(const std::string& method, const std::string& target) {
    return net::block_on(fetch(agent_->port(), method, target));
  }
  static net::Awaitable<net::ClientResponse> fetch(std::uint16_t port, std::string method,
                                                   std::string target) {
    net::HttpClient client(*net::parse_url("http://127.0.0.1:" + std::to_string(port)), {});
    net::ClientRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    auto answer = co_await client.request(std::move(request), 10s);
    co_return answer ? *answer : net::ClientResponse{0, {}, answer.error().message};
  }

  net::IoPool world_;
  net::MemoryPort port_;
  StoreId store_;
  ScriptedHub hub_;
  std::unique_ptr<Agent> agent_;
};

}  // namespace drover::agent
