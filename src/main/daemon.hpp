#pragma once
// What hub, agent and up share in main.

#include <memory>
#include <string>

#include "agent/options.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "cli/programs.hpp"
#include "hub/hub.hpp"

namespace drover::start {

Level level_of(const std::string& word);
/// The agent's settings from its configuration.
agent::AgentOptions agent_options(const cli::AgentConfig& config, const std::string& state);
hub::HubOptions hub_options(const cli::HubConfig& config, const std::string& state);
/// state 0700, made with its parents.
Result<void> make_state_directory(const std::string& state);

Result<int> run_agent(const cli::Context& context, const cli::AgentConfig& config, const std::string& state);
Result<int> run_hub(const cli::Context& context, const cli::HubConfig& config, const std::string& state);
Result<std::string> join_hub(const cli::Context& context, const cli::JoinRequest& request);
Result<std::unique_ptr<cli::LocalHub>> run_up(const cli::Context& context, const cli::UpConfig& config,
                                              const std::string& state);

}  // namespace drover::start
