#include "main/programs.hpp"

#include <sys/stat.h>

#include <filesystem>

#include "base/text.hpp"
#include "cli/version.hpp"
#include "main/daemon.hpp"

namespace drover {

cli::Programs make_programs(const Clock&) {
  return {&start::run_up, &start::run_hub, &start::run_agent, &start::join_hub};
}

namespace start {
Level level_of(const std::string& word) {
  if (word == "debug") return Level::debug;
  if (word == "warn") return Level::warn;
  return word == "error" ? Level::error : Level::info;
}

agent::AgentOptions agent_options(const cli::AgentConfig& config, const std::string& state) {
  agent::AgentOptions options;
  options.state = state;
  options.run = config.run_directory;
  options.version = cli::version();
  options.keeper = config.keeper;
  std::tie(options.listen, options.port) = cli::split_listen(config.listen);
  auto range = cli::parse_range(config.ports).value_or(cli::PortRange{options.port_low, options.port_high});
  options.port_low = range.first;
  options.port_high = range.last;
  options.max_parallel = config.max_parallel;
  options.restarts_per_second = config.restarts_per_second;
  options.exec = config.exec;
  options.reconnect_max = config.reconnect_max;
  for (const auto& [name, value] : config.resources)
    (void)declare_resource(options.resources, name, value);  // checked when it was read
  options.log_budget = parse_size(config.log_budget).value_or(0);
  return options;
}

Result<void> make_state_directory(const std::string& state) {
  std::error_code error;
  std::filesystem::create_directories(state, error);
  if (error)
    return fail(Errc::denied, "cannot make " + state, error.message(), "another directory: --state DIR");
  if (::chmod(state.c_str(), 0700) != 0)
    return fail(from_errno(errno, "cannot close " + state + " to others"));
  return {};
}
}  // namespace start

}  // namespace drover
