// [Service] field by field.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "import/systemd.hpp"
#include "import/text.hpp"
#include "model/signals.hpp"
#include "spec/words.hpp"

namespace drover::importer {

namespace {
void wrong(Unit& unit, const IniEntry& entry, std::string_view what) {
  unit.to.problem(entry.line, fmt::format("{}: \"{}\" is not {}", entry.key, entry.value, what));
}

void directory(Unit& unit, const IniEntry& entry) {
  std::string text = entry.value;
  if (text.starts_with('-')) text.erase(0, 1);
  if (text.starts_with('~')) text = "%h" + text.substr(1);
  unit.to.draft.process().working_dir = spec::join_path("/", unit.specifiers(text, entry));
}

void user(Unit& unit, const IniEntry& entry) {
  unit.to.draft.process().user = unit.specifiers(entry.value, entry);
}
void group(Unit& unit, const IniEntry& entry) {
  unit.to.draft.process().group = unit.specifiers(entry.value, entry);
}
void groups(Unit& unit, const IniEntry& entry) {
  for (std::string& one : split(entry.value, ' '))
    if (!one.empty()) unit.to.draft.process().groups.push_back(std::move(one));
}

void umask(Unit& unit, const IniEntry& entry) {
  bool octal = !entry.value.empty() && entry.value.size() <= 4 &&
               entry.value.find_first_not_of("01234567") == std::string::npos;
  if (!octal) return wrong(unit, entry, "octal");
  unit.to.draft.process().umask = std::uint32_t(std::stoul(entry.value, nullptr, 8));
}

void nice(Unit& unit, const IniEntry& entry) {
  auto number = whole(entry.value);
  if (!number || *number < -20 || *number > 19) return wrong(unit, entry, "from -20 to 19");
  unit.to.draft.process().nice = std::int32_t(*number);
}

void restart(Unit& unit, const IniEntry& entry) {
  RestartPolicy& to = unit.to.draft.service.restart.policy;
  const std::string& word = entry.value;
  if (word == "no") to = RestartPolicy::no;
  else if (word == "always") to = RestartPolicy::always;
  else if (word == "on-failure") to = RestartPolicy::on_failure;
  else if (word == "on-abnormal" || word == "on-abort" || word == "on-watchdog" || word == "on-success") {
    to = word == "on-success" ? RestartPolicy::always : RestartPolicy::on_failure;
    unit.to.changed(entry.line, "Restart=" + word,
                    word == "on-success" ? "it is restarted after a failure too"
                                         : "it is restarted after an exit status that is not 0, too",
                    "name those in restart: {fatal: [1]}");
  } else return wrong(unit, entry, "one of systemd's policies");
  if (unit.to.draft.service.kind == ServiceKind::job && to == RestartPolicy::always) {
    to = RestartPolicy::on_failure;
    unit.to.changed(entry.line, entry.key, "a job that ended well is not run again");
  }
}

std::optional<Duration> span(Unit& unit, const IniEntry& entry) {
  auto out = time_span(entry.value, 1s);
  if (!out && entry.value != "infinity") wrong(unit, entry, "a time, such as 90 or 1min 30s");
  return out;
}

void restart_sec(Unit& unit, const IniEntry& entry) {
  auto delay = span(unit, entry);
  Restart& to = unit.to.draft.service.restart;
  if (delay && *delay > 0s) to.backoff = to.backoff_max = *delay;
}

void start_limit_burst(Unit& unit, const IniEntry& entry) {
  auto count = whole(entry.value);
  if (!count || *count < 0 || *count > 1'000'000) return wrong(unit, entry, "a number");
  unit.to.draft.service.restart.give_up = std::uint32_t(*count);
}

void start_limit_interval(Unit& unit, const IniEntry& entry) {
  auto within = span(unit, entry);
  Restart& to = unit.to.draft.service.restart;
  if (within && *within == 0s) to.give_up = 0;
  else if (within) to.give_up_within = *within;
}

std::string signal_of(Unit& unit, const IniEntry& entry) {
  auto number =
      whole(entry.value) ? std::int32_t(*whole(entry.value)) : signal_number(entry.value).value_or(0);
  if (signal_name(number).empty()) wrong(unit, entry, "a signal");
  return std::string(signal_name(number));
}

void kill_signal(Unit& unit, const IniEntry& entry) {
  if (auto name = signal_of(unit, entry); !name.empty()) unit.to.draft.service.stop.signal = name;
}

void kill_mode(Unit& unit, const IniEntry& entry) {
  if (entry.value == "mixed" || entry.value == "process")
    unit.to.draft.service.stop.target = StopTarget::main;
  if (entry.value == "process" || entry.value == "none")
    unit.to.changed(entry.line, "KillMode=" + entry.value, "when it has been stopped, nothing of it is left");
}

void timeout_stop(Unit& unit, const IniEntry& entry) {
  if (entry.value == "infinity")
    return unit.to.changed(entry.line, entry.key, "a stop has a deadline here: 90 s", "stop: {grace: 1h}");
  if (auto grace = span(unit, entry)) unit.to.draft.service.stop.grace = *grace;
}

void timeout_start(Unit& unit, const IniEntry& entry) {
  if (auto limit = span(unit, entry); limit && *limit > 0s)
    unit.to.draft.service.probes.start_timeout = *limit;
}

void timeout_both(Unit& unit, const IniEntry& entry) {
  timeout_stop(unit, entry);
  timeout_start(unit, entry);
}

/// Codes and signals: "0 1 SIGTERM".
void take_exits(Unit& unit, const IniEntry& entry, std::vector<std::int32_t>& codes,
                std::vector<std::string>* signals) {
  for (const std::string& one : split(entry.value, ' ')) {
    if (one.empty()) continue;
    auto code = whole(one);
    auto number = signal_number(one);
    if (code && *code >= 0 && *code <= 255) codes.push_back(std::int32_t(*code));
    else if (number && signals != nullptr) signals->push_back(std::string(signal_name(*number)));
    else
      unit.to.lost(entry.line, entry.key, fmt::format("{} is not an exit code that can be said here", one));
  }
}

void success_exits(Unit& unit, const IniEntry& entry) {
  take_exits(unit, entry, unit.to.draft.service.restart.success, nullptr);
}
void fatal_exits(Unit& unit, const IniEntry& entry) {
  Restart& to = unit.to.draft.service.restart;
  take_exits(unit, entry, to.fatal, &to.fatal_signals);
}

void rlimit(Unit& unit, const IniEntry& entry) {
  std::string name = entry.key.substr(5);
  for (char& c : name) c = char(c - 'A' + 'a');
  auto amount = [&](std::string_view text) -> std::optional<std::uint64_t> {
    if (text == "infinity") return UINT64_MAX;
    auto size = parse_size(text);
    return size ? std::optional(*size) : std::nullopt;
  };
  std::size_t colon = entry.value.find(':');
  auto soft = amount(entry.value.substr(0, colon));
  auto hard = colon == std::string::npos ? soft : amount(entry.value.substr(colon + 1));
  if (!soft || !hard) return wrong(unit, entry, "a limit, such as 65536 or infinity");
  unit.to.draft.process().limits.rlimits[name] = {*soft, *hard};
}

void memory(Unit& unit, const IniEntry& entry) {
  if (entry.value == "infinity") return;
  auto size = parse_size(entry.value);
  if (!size) return unit.to.lost(entry.line, entry.key, "it is no number of bytes", "memory: 1GiB");
  unit.to.draft.process().limits.memory = *size;
}

void tasks(Unit& unit, const IniEntry& entry) {
  auto count = whole(entry.value);
  if (count && *count > 0) unit.to.draft.process().limits.pids = std::uint32_t(*count);
  else if (entry.value != "infinity")
    unit.to.lost(entry.line, entry.key, "it is no number of tasks", "pids: 100");
}

void cpu_quota(Unit& unit, const IniEntry& entry) {
  auto percent =
      entry.value.ends_with('%') ? whole(entry.value.substr(0, entry.value.size() - 1)) : std::nullopt;
  if (!percent || *percent <= 0) return wrong(unit, entry, "a part of a CPU, such as 50%");
  unit.to.draft.process().limits.cpus = double(*percent) / 100;
}

void io_weight(Unit& unit, const IniEntry& entry) {
  auto weight = whole(entry.value);
  if (!weight || *weight < 1 || *weight > 10'000) return wrong(unit, entry, "from 1 to 10000");
  unit.to.draft.process().limits.io_weight = std::uint32_t(*weight);
}

void oom_score(Unit& unit, const IniEntry& entry) {
  auto score = whole(entry.value);
  if (!score || *score < -1000 || *score > 1000) return wrong(unit, entry, "from -1000 to 1000");
  unit.to.draft.process().limits.oom_score = std::int32_t(*score);
}

void no_new_privileges(Unit& unit, const IniEntry& entry) {
  unit.to.draft.process().isolation.no_new_privileges = truth(entry.value).value_or(false);
}
void private_tmp(Unit& unit, const IniEntry& entry) {
  unit.to.draft.process().isolation.private_tmp = truth(entry.value).value_or(false);
}

void protect_system(Unit& unit, const IniEntry& entry) {
  Isolation& to = unit.to.draft.process().isolation;
  if (entry.value == "strict") to.read_only = true;
  else if (entry.value == "full" || truth(entry.value) == std::optional(true)) {
    for (const char* path : {"/usr", "/boot"}) to.read_only_paths.emplace_back(path);
    if (entry.value == "full") to.read_only_paths.emplace_back("/etc");
  }
}

void paths(Unit& unit, const IniEntry& entry) {
  Isolation& isolation = unit.to.draft.process().isolation;
  auto& to = entry.key == "ReadWritePaths" ? isolation.read_write_paths : isolation.read_only_paths;
  for (std::string one : split(entry.value, ' ')) {
    while (one.starts_with('-') || one.starts_with('+')) one.erase(0, 1);
    if (!one.empty()) to.push_back(unit.specifiers(one, entry));
  }
}

void capabilities(Unit& unit, const IniEntry& entry) {
  if (entry.value.starts_with('~'))
    return unit.to.lost(entry.line, entry.key,
                        "capabilities are named that it keeps, not those that it loses",
                        "capabilities: [CAP_NET_BIND_SERVICE]");
  auto& to = unit.to.draft.process().isolation.capabilities;
  if (!to) to.emplace();
  for (std::string& one : split(entry.value, ' '))
    if (!one.empty() && std::ranges::find(*to, one) == to->end()) to->push_back(std::move(one));
}

void nothing(Unit&, const IniEntry&) {}

constexpr std::string_view logs = "what it prints is kept by Drover";
constexpr Field<Unit, IniEntry> fields[] = {
    {"Type ExecStart ExecStop ExecReload Environment EnvironmentFile PassEnvironment SyslogIdentifier "
     "SendSIGKILL "
     "RemainAfterExit GuessMainPID IgnoreSIGPIPE NotifyAccess StandardInput",
     &nothing},
    {"WorkingDirectory", &directory},
    {"User", &user},
    {"Group", &group},
    {"SupplementaryGroups", &groups},
    {"UMask", &umask},
    {"Nice", &nice},
    {"Restart", &restart},
    {"RestartSec", &restart_sec},
    {"StartLimitBurst", &start_limit_burst},
    {"StartLimitInterval StartLimitIntervalSec", &start_limit_interval},
    {"KillSignal", &kill_signal},
    {"KillMode", &kill_mode},
    {"TimeoutStopSec", &timeout_stop},
    {"TimeoutStartSec", &timeout_start},
    {"TimeoutSec", &timeout_both},
    {"SuccessExitStatus", &success_exits},
    {"RestartPreventExitStatus", &fatal_exits},
    {"LimitNOFILE LimitNPROC LimitCORE LimitMEMLOCK LimitSTACK LimitFSIZE LimitDATA LimitAS", &rlimit},
    {"MemoryMax MemoryLimit", &memory},
    {"TasksMax", &tasks},
    {"CPUQuota", &cpu_quota},
    {"IOWeight", &io_weight},
    {"OOMScoreAdjust", &oom_score},
    {"NoNewPrivileges", &no_new_privileges},
    {"PrivateTmp", &private_tmp},
    {"ProtectSystem", &protect_system},
    {"ReadWritePaths ReadOnlyPaths", &paths},
    {"CapabilityBoundingSet AmbientCapabilities", &capabilities},
    {"ExecStartPre ExecStartPost ExecStopPost ExecCondition", nullptr, "a service is one command",
     "a service of kind: job that this one depends on (condition: completed), or one script"},
    {"WatchdogSec", nullptr, "no sign of life is waited for", "probes: {live: …}"},
    {"PIDFile", nullptr, "the main process is the one that was started", "start it in the foreground"},
    {"StandardOutput StandardError", nullptr, logs, "drover logs SERVICE"},
    {"RuntimeDirectory StateDirectory CacheDirectory LogsDirectory ConfigurationDirectory", nullptr,
     "no directories are made", "make it once, with the service's user as its owner"},
    {"DynamicUser", nullptr, "users are not made up", "user: NAME"},
    {"MemoryHigh", nullptr, "there is one limit", "memory: 1GiB, or restart: {memory_max: 1GiB}"},
    {"Slice Delegate", nullptr, "each instance has a cgroup of its own", ""},
};

}  // namespace

void read_service_field(Unit& unit, const IniEntry& entry) {
  if (entry.value.empty()) return;
  read_field(fields, unit, entry.line, entry, "it has no counterpart here");
}

}  // namespace drover::importer
