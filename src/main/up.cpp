// drover up: a hub and an agent in this process, joined in memory.
#include <thread>

#include "agent/agent.hpp"
#include "hub/hub.hpp"
#include "main/daemon.hpp"
#include "main/notify.hpp"
#include "net/channel.hpp"
#include "runtime/own_log.hpp"

namespace drover::start {

namespace {
/// The terminal belongs to what the services say: our own records go to their files alone.
struct OwnRecords {
  OwnRecords(const Clock& clock, const std::string& state, std::string_view program)
      : store(clock, runtime::own_log_directory(state, program)), log(clock, -1, program, false) {
    log.also_to(store);
  }
  runtime::OwnLog store;
  Log log;
};

/// Order of the members is order of the end, turned round.
class UpProcess final : public cli::LocalHub {
 public:
  UpProcess(const cli::Context& context, const cli::UpConfig& config, std::string state)
      : clock_(*context.clock), config_(config), state_(std::move(state)), pool_(2), watched_(pool_) {
    hub_log_.log.set_level(level_of(config.hub.log_level));
    agent_log_.log.set_level(level_of(config.agent.log_level));
  }
  ~UpProcess() override { (void)stop(false, agent::Agent::Workloads::leave); }

  /// Hub and agent come up side by side: both wait for the disk, and the agent for the keeper. Where the
  /// person named a port, the hub comes first: if it is taken, nothing has been started.
  Result<void> begin() {
    TRY(auto uid, agent::load_or_make_uid(agent_state(), clock_, real_seed()));
    Result<void> agent_started;
    std::thread beside;
    if (!config_.hub_port_given) beside = std::thread([&] { agent_started = start_agent(); });
    auto hub_opened = open_hub();
    if (beside.joinable()) beside.join();
    TRYV(std::move(hub_opened));
    TRYV(std::move(agent_started));
    hub_->start();
    TRYV(net::wait_for(pool_.executor(0), hub_->attach(port_, uid, "local")));
    if (config_.hub_port_given) TRYV(start_agent());
    watched_.ready("hub and agent run");
    return {};
  }

  Result<void> stop(bool force) override { return stop(force, agent::Agent::Workloads::end); }

  void tell(const std::string& status) override { watched_.tell(status); }

  std::string ui() override {
    if (net::wait_for(pool_.executor(0), hub_->needs_login_link()))
      if (auto link = net::wait_for(pool_.executor(0), hub_->login_link())) return *link;
    return "http://127.0.0.1:" + std::to_string(hub_->port()) + "/";
  }

 private:
  std::string agent_state() const { return state_ + "/agent"; }

  /// The usual port, or any free one when nobody asked for it.
  Result<void> open_hub() {
    auto options = hub_options(config_.hub, state_);
    hub::HubParts parts{pool_, clock_, hub_log_.log, real_seed(), {}};
    auto opened = hub::Hub::open(options, parts);
    if (!opened && opened.error().code == Errc::conflict && !config_.hub_port_given) {
      options.listen[0].port = 0;
      opened = hub::Hub::open(options, parts);
    }
    if (!opened) return fail(std::move(opened.error()));
    hub_ = std::move(*opened);
    return {};
  }

  Result<void> start_agent() {
    TRYV(make_state_directory(agent_state()));
    auto options = agent_options(config_.agent, agent_state());
    options.name = "local";
    auto started = try_agent(options);
    if (!started && started.error().code == Errc::conflict && !config_.agent_port_given) {
      options.port = 0;
      started = try_agent(options);
    }
    return started;
  }

  Result<void> try_agent(const agent::AgentOptions& options) {
    agent_ = std::make_unique<agent::Agent>(
        options, agent::AgentParts{pool_, clock_, agent_log_.log, real_seed()}, agent::memory_dialer(port_));
    auto started = net::wait_for(agent_->executor(), agent_->start());
    if (started) return started;
    net::wait_for(agent_->executor(), agent_->stop("it could not start"));
    agent_.reset();
    return started;
  }

  Result<void> stop(bool force, agent::Agent::Workloads workloads) {
    if (agent_)
      net::wait_for(agent_->executor(), agent_->stop("drover up ends", workloads, force ? 0s : 10s));
    agent_.reset();
    port_.close();
    if (hub_) net::wait_for(pool_.executor(0), hub_->stop());
    hub_.reset();
    return {};
  }

  const Clock& clock_;
  cli::UpConfig config_;
  std::string state_;
  OwnRecords hub_log_{clock_, state_, "hub"}, agent_log_{clock_, agent_state(), "agent"};
  net::IoPool pool_;
  Watched watched_;
  net::MemoryPort port_;
  std::unique_ptr<hub::Hub> hub_;
  std::unique_ptr<agent::Agent> agent_;
};
}  // namespace

Result<std::unique_ptr<cli::LocalHub>> run_up(const cli::Context& context, const cli::UpConfig& config,
                                              const std::string& state) {
  TRYV(make_state_directory(state));
  TRYV(make_state_directory(state + "/agent"));
  auto process = std::make_unique<UpProcess>(context, config, state);
  TRYV(process->begin());
  return process;
}

}  // namespace drover::start
