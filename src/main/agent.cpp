// drover agent, drover node join
#include "agent/agent.hpp"
#include "agent/join.hpp"
#include "cli/interrupts.hpp"
#include "cli/systemd.hpp"
#include "cli/version.hpp"
#include "main/daemon.hpp"
#include "main/notify.hpp"
#include "runtime/own_log.hpp"

namespace drover::start {

Result<int> run_agent(const cli::Context& context, const cli::AgentConfig& config, const std::string& state) {
  TRYV(make_state_directory(state));
  Log log(*context.clock, 2, "agent", context.err.tty);
  log.set_level(level_of(config.log_level));
  runtime::OwnLog own_log(*context.clock, runtime::own_log_directory(state, "agent"));
  log.also_to(own_log);
  TRY(auto dialer, agent::hub_dialer(state, 20s));
  cli::Interrupts interrupts;
  net::IoPool pool(2);
  agent::Agent agent(agent_options(config, state), {pool, *context.clock, log, real_seed()}, dialer);
  const Watched watched(pool);
  auto started = net::wait_for(agent.executor(), agent.start());
  if (started) {
    watched.ready("runs");
    interrupts.wait();
  }
  // What runs outlives its agent, not its machine: at shutdown each service gets its own signal and grace.
  const auto workloads =
      started && cli::is_going_down() ? agent::Agent::Workloads::end : agent::Agent::Workloads::leave;
  net::wait_for(agent.executor(), agent.stop("the agent was asked to end", workloads, config.stop_deadline));
  if (!started) return fail(std::move(started.error()));
  return 0;
}

Result<std::string> join_hub(const cli::Context&, const cli::JoinRequest& request) {
  TRYV(make_state_directory(request.state));
  agent::JoinOptions options;
  options.line = request.line;
  options.state = request.state;
  options.name = request.name;
  options.version = cli::version();
  TRY(auto identity, net::block_on(agent::join_hub(options)));
  return "this host is now the node " + identity.name + " of " + identity.hub +
         "; run it with: drover agent --state " + request.state;
}

}  // namespace drover::start
