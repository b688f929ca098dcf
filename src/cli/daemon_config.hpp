#pragma once
// The configuration of hub and agent, declared once (base/config.hpp): hub.toml, agent.toml, DROVER_HUB_…,
// DROVER_AGENT_…, flags.

#include <map>

#include "base/config.hpp"

namespace drover::cli {

struct HubConfig {
  std::string listen = "127.0.0.1:3079";
  std::string url;
  std::vector<std::string> names;
  std::vector<std::string> also_hosts;
  Duration heartbeat = 5s;
  Duration lost_after = 30s;
  Duration settle = 1s;
  std::uint32_t max_parallel = 64;
  Duration keep_finished = std::chrono::hours(7 * 24);
  std::uint64_t keep_tasks = 1'000'000;
  std::string agent_jwt_secret;
  Duration keep_events = std::chrono::hours(7 * 24);
  std::uint32_t threads = 2;
  std::string log_level = "info";
  static constexpr auto fields() {
    using C = HubConfig;
    return std::tuple{
        Field{&C::listen, "listen",
              "Where API, agents' sessions and UI listen. Loopback only: plain HTTP beside TLS.",
              &check_listen},
        Field{&C::url, "url",
              "The address that agents and people use, when it is not the host's own: https://hub.example."},
        Field{&C::names, "tls.names", "More host names and addresses for the hub's own certificate."},
        Field{&C::also_hosts, "also_hosts",
              "Host names under which a proxy on this machine passes requests on."},
        Field{&C::heartbeat, "heartbeat", "How often agents show that they are alive.",
              &between_ms<100, 60'000>},
        Field{&C::lost_after, "lost_after", "A node that was silent for so long is lost.",
              &between_ms<300, 3'600'000>},
        Field{&C::settle, "settle",
              "Without a ready probe, an instance counts for a rollout when it has lived so long.",
              &between_ms<0, 600'000>},
        Field{&C::max_parallel, "max_parallel", "Tasks at once on one node.",
              &between<1, 256, std::uint32_t>},
        Field{&C::keep_finished, "keep_finished", "How long finished tasks are kept."},
        Field{&C::keep_tasks, "keep_tasks", "How many finished tasks are kept.",
              &between<1'000, 1'000'000'000, std::uint64_t>},
        Field{
            &C::agent_jwt_secret, "agent_jwt_secret",
            "A file with the secret of HS256 tokens that agents which are scripts may show; empty: only the "
            "tokens that the hub gives out."},
        Field{&C::keep_events, "keep_events", "How long events are kept."},
        Field{&C::threads, "threads", "Threads for connections.", &between<1, 64, std::uint32_t>},
        Field{&C::log_level, "log_level", "debug, info, warn or error.", &check_level}};
  }
  static std::optional<std::string> check_level(const std::string& value) {
    if (value == "debug" || value == "info" || value == "warn" || value == "error") return std::nullopt;
    return "debug, info, warn or error";
  }
};

struct AgentConfig {
  std::string listen = "127.0.0.1:3080";
  std::string run_directory;
  std::string keeper;
  std::string ports = "20000-29999";
  std::uint32_t max_parallel = 64;
  bool exec = true;
  std::uint32_t restarts_per_second = 20;
  Duration reconnect_max = 30s;
  Duration stop_deadline = 60s;
  std::string log_budget;
  std::map<std::string, std::string> resources;
  std::string log_level = "info";
  static constexpr auto fields() {
    using C = AgentConfig;
    return std::tuple{
        Field{&C::listen, "listen", "Where the agent's own API listens.", &check_listen},
        Field{&C::run_directory, "run_directory", "For files that need not outlive a boot; empty: chosen."},
        Field{&C::keeper, "keeper", "The drover-keeper program; empty: beside drover."},
        Field{&C::ports, "ports", "Ports for services with `published: auto`.", &check_range},
        Field{&C::max_parallel, "max_parallel", "Tasks at once.", &between<1, 256, std::uint32_t>},
        Field{&C::exec, "exec", "Whether commands of tasks are run here, whoever asks."},
        Field{&C::restarts_per_second, "restarts_per_second",
              "Automatic restarts of all instances together; 0: no limit.",
              &between<0, 100'000, std::uint32_t>},
        Field{&C::reconnect_max, "reconnect_max", "Longest pause between two attempts to reach the hub.",
              &between_ms<100, 600'000>},
        Field{&C::stop_deadline, "stop_deadline", "An orderly end of everything takes at most so long.",
              &between_ms<1'000, 3'600'000>},
        Field{
            &C::log_budget, "log_budget",
            "All logs of services on this host, on disk (4GiB); empty: 2GiB, or a tenth of the disk if less.",
            &check_size},
        Field{&C::resources, "resources",
              "What services may reserve here, beside the cpu, memory and disk that are found, or instead of "
              "them: "
              "a number, a size, or the members of a set ({ slots = \"4\", licence = \"key1 key2\" }).",
              &check_resources},
        Field{&C::log_level, "log_level", "debug, info, warn or error.", &HubConfig::check_level}};
  }
  static std::optional<std::string> check_range(const std::string& value);
  static std::optional<std::string> check_size(const std::string& value);
  static std::optional<std::string> check_resources(const std::map<std::string, std::string>& value);
};

/// `drover up`: both in one process.
struct UpConfig {
  HubConfig hub;
  AgentConfig agent;
  bool hub_port_given = false, agent_port_given = false;  // else any free port will do
  int die_with = 0;                                       // a pid: its end is the end of this; 0: nobody's
};

struct PortRange {
  std::uint16_t first = 0, last = 0;
};
Result<PortRange> parse_range(const std::string& text);
/// "127.0.0.1:3079" → address and port. The value has passed check_listen.
std::pair<std::string, std::uint16_t> split_listen(const std::string& value);

/// --config FILE, else CONFIG_DIR/<section>.toml if it is there (/etc/drover for root,
/// $XDG_CONFIG_HOME/drover).
struct ConfigFile {
  std::string name, text;  // both empty: none
};
struct Context;
Result<ConfigFile> find_config(const Context& context, const std::string& section, const std::string& given);
ConfigSources sources_for(const Context& context, const std::string& section, const ConfigFile& file,
                          std::vector<ConfigFlag> flags);

}  // namespace drover::cli
