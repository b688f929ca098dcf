// The fields of one process.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "import/process_compose.hpp"
#include "import/text.hpp"
#include "model/signals.hpp"
#include "spec/words.hpp"

namespace drover::importer {

namespace {
using spec::Entry;
using spec::Value;

void command(Process& process, const Entry& entry) {
  auto command = shell_command(process.text(entry.value), process.file.shell);
  if (!command) return process.to.problem(entry.at.line, command.error().message);
  process.to.draft.process().command = std::move(command->command);
  for (auto& [name, value] : command->environment) process.to.draft.process().environment[name] = value;
}

void entrypoint(Process& process, const Entry& entry) {
  std::vector<std::string> words;
  for (const Value& item : entry.value.items) words.push_back(process.text(item));
  if (!words.empty()) process.to.draft.process().command = std::move(words);
}

void working_dir(Process& process, const Entry& entry) {
  process.to.draft.process().working_dir = spec::join_path(process.file.directory, process.text(entry.value));
}

void environment(Process& process, const Entry& entry) { read_compose_environment(process, entry.value); }

void env_file(Process& process, const Entry& entry) {
  auto add = [&](const Value& value) {
    process.to.draft.env_files.push_back(
        {spec::join_path(process.file.directory, process.text(value)), true});
  };
  if (entry.value.kind == Value::Kind::list) std::ranges::for_each(entry.value.items, add);
  else add(entry.value);
}

void availability(Process& process, const Entry& entry) {
  Restart& restart = process.to.draft.service.restart;
  for (const Entry& one : entry.value.entries) {
    std::string field = "availability." + one.key;
    if (one.key == "restart") {
      if (one.value.text == "always") restart.policy = RestartPolicy::always;
      else if (one.value.text == "on_failure") restart.policy = RestartPolicy::on_failure;
      else if (one.value.text == "exit_on_failure")
        process.to.changed(one.at.line, field, "it is not restarted, and the others go on");
      else if (one.value.text != "no" && truth(one.value.text) != std::optional(false))
        process.to.problem(one.at.line, fmt::format("{}: {} is not a policy", field, shown(one.value)));
    } else if (one.key == "backoff_seconds") {
      auto delay = time_span(one.value.text, 1s);
      if (delay && *delay > 0s) restart.backoff = restart.backoff_max = *delay;
    } else if (one.key == "exit_on_end" || one.key == "exit_on_skipped") {
      if (truth(one.value.text) == std::optional(true))
        process.to.lost(one.at.line, field, "the end of one service ends no others", "drover down");
    } else if (one.key != "max_restarts") {
      process.to.lost(one.at.line, field, "process-compose's documentation does not know this field");
    }
  }
  const Entry* count = entry.value.find("max_restarts");
  auto number = count != nullptr ? whole(count->value.text) : std::nullopt;
  if (!number || *number <= 0) return;
  give_up_after(restart, *number, 1s);
  process.to.changed(
      count->at.line, "availability.max_restarts",
      fmt::format("restarts are counted within {}, not for ever", format_duration(restart.give_up_within)),
      "change restart.give_up");
}

void shutdown(Process& process, const Entry& entry) {
  Stop& stop = process.to.draft.service.stop;
  for (const Entry& one : entry.value.entries) {
    if (one.key == "signal") {
      auto number = whole(one.value.text);
      std::int32_t signal = number ? std::int32_t(*number) : signal_number(one.value.text).value_or(0);
      if (signal_name(signal).empty())
        process.to.problem(one.at.line, fmt::format("shutdown.signal: {} is not a signal", shown(one.value)));
      else stop.signal = std::string(signal_name(signal));
    } else if (one.key == "timeout_seconds") {
      if (auto grace = time_span(one.value.text, 1s)) stop.grace = *grace;
    } else if (one.key == "command") {
      auto command = shell_command(process.text(one.value), process.file.shell);
      if (command) stop.before = std::move(command->command);
      process.to.changed(one.at.line, "shutdown.command",
                         "it runs before the signal, which is sent all the same");
    } else if (one.key == "parent_only") {
      if (truth(one.value.text) == std::optional(true)) stop.target = StopTarget::main;
    } else {
      process.to.lost(one.at.line, "shutdown." + one.key,
                      "process-compose's documentation does not know this field");
    }
  }
}

void disabled(Process& process, const Entry& entry) {
  if (truth(entry.value.text) != std::optional(true)) return;
  process.to.draft.service.scale.count = 0;
  process.to.changed(entry.at.line, "disabled", "scale: 0: it is there, and nothing of it runs",
                     fmt::format("drover scale {} 1 starts it", process.to.draft.service.name));
}

void replicas(Process& process, const Entry& entry) {
  auto count = whole(entry.value.text);
  if (!count || *count < 0 || *count > 10'000)
    return process.to.problem(entry.at.line, fmt::format("replicas: {} is not a number", shown(entry.value)));
  process.to.draft.service.scale.count = std::uint32_t(*count);
  if (*count > 1) process.to.draft.process().environment["PC_REPLICA_NUM"] = "{{instance.index}}";
}

void is_daemon(Process& process, const Entry& entry) {
  if (truth(entry.value.text) == std::optional(true))
    process.to.lost(entry.at.line, "is_daemon",
                    "a program that puts itself into the background is not followed",
                    "start it in the foreground (often --foreground, -f, or daemon off)");
}

void is_tty(Process& process, const Entry& entry) {
  if (truth(entry.value.text) == std::optional(true))
    process.to.lost(entry.at.line, entry.key, "services have no terminal", "script -qec COMMAND /dev/null");
}

void name_space(Process& process, const Entry& entry) {
  process.to.draft.service.labels["namespace"] = entry.value.text;
}

void nothing(Process&, const Entry&) {}

constexpr Field<Process, Entry> fields[] = {
    {"depends_on vars description is_dotenv_disabled disable_ansi_colors log_configuration "
     "readiness_probe_log",
     &nothing},
    {"command", &command},
    {"entrypoint", &entrypoint},
    {"working_dir", &working_dir},
    {"environment", &environment},
    {"env_file", &env_file},
    {"availability", &availability},
    {"shutdown", &shutdown},
    {"readiness_probe liveness_probe", &read_compose_probe},
    {"disabled", &disabled},
    {"replicas", &replicas},
    {"is_daemon", &is_daemon},
    {"is_tty is_foreground is_interactive", &is_tty},
    {"namespace", &name_space},
    {"log_location", nullptr, "what it prints is kept by Drover", "drover logs SERVICE"},
    {"ready_log_line", nullptr, "it is ready when its probe says so",
     "probes: {ready: {tcp: \"127.0.0.1:PORT\"}}"},
    {"launch_timeout_seconds", nullptr, "it belongs to is_daemon", ""},
    {"is_elevated", nullptr, "nothing asks for a password here", "user: root, with Drover running as root"},
    {"schedule", nullptr, "it is no service", "a line in crontab"},
};

}  // namespace

void read_compose_environment(Process& process, const Value& value) {
  auto& to = process.to.draft.process().environment;
  for (const Value& item : value.items) {
    std::string text = process.text(item);
    std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      process.to.problem(item.at.line, fmt::format("environment: {} is not NAME=value", shown(item)));
    else to[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const Entry& entry : value.entries) to[entry.key] = process.text(entry.value);
}

void read_process(Process& process) {
  process.to.draft.service.stop.target = StopTarget::all;  // its process group
  if (!process.file.dotenv.empty())
    process.to.draft.env_files.push_back({process.file.directory + "/.env", true});
  if (process.file.environment != nullptr) read_compose_environment(process, *process.file.environment);
  for (const Entry& entry : process.value.entries)
    read_field(fields, process, entry.at.line, entry,
               "process-compose's documentation does not know this field");
  if (process.value.find("command") == nullptr && process.value.find("entrypoint") == nullptr)
    process.to.problem(process.value.at.line,
                       fmt::format("\"{}\" has no command", process.to.draft.service.name));
}

namespace {
void http_get(Process& process, const Value& value, Probe& to) {
  auto text = [&](std::string_view key, std::string otherwise) {
    const Entry* found = value.find(key);
    return found != nullptr ? process.text(found->value) : otherwise;
  };
  std::string port = text("port", ""), path = text("path", "/");
  HttpCheck check;
  check.url = fmt::format("{}://{}{}{}{}", text("scheme", "http"), text("host", "127.0.0.1"),
                          port.empty() ? "" : ":", port, path.starts_with('/') ? path : "/" + path);
  if (auto status = whole(text("status_code", "")); status && *status >= 100 && *status <= 599)
    check.status = {std::uint16_t(*status)};
  if (const Entry* headers = value.find("headers"))
    for (const Entry& one : headers->value.entries) check.headers[one.key] = process.text(one.value);
  to.check = check;
}

void exec(Process& process, const Value& value, Probe& to) {
  const Entry* entry = value.find("command");
  auto command = shell_command(entry != nullptr ? process.text(entry->value) : "", process.file.shell);
  if (!command || command->command.empty())
    return process.to.problem(value.at.line, "the probe's exec has no command");
  std::vector<std::string> words = std::move(command->command);
  if (!command->environment.empty()) {
    std::vector<std::string> with{"env"};
    for (auto& [name, text] : command->environment) with.push_back(name + "=" + text);
    words.insert(words.begin(), with.begin(), with.end());
  }
  to.check = ExecCheck{std::move(words)};
  if (const Entry* directory = value.find("working_dir"))
    process.to.lost(directory->at.line, "exec.working_dir", "a probe runs in the service's directory",
                    "cd in the probe's command");
}
}  // namespace

void read_compose_probe(Process& process, const Entry& entry) {
  Probe probe;
  probe.timeout = 1s;  // process-compose's default
  bool asks = false;
  for (const Entry& one : entry.value.entries) {
    auto span = [&](Duration& to) {
      if (auto value = time_span(one.value.text, 1s); value && *value > 0s) to = *value;
    };
    auto count = [&](std::uint32_t& to) {
      if (auto value = whole(one.value.text); value && *value > 0 && *value <= 1'000'000)
        to = std::uint32_t(*value);
    };
    asks |= one.key == "http_get" || one.key == "exec";
    if (one.key == "http_get") http_get(process, one.value, probe);
    else if (one.key == "exec") exec(process, one.value, probe);
    else if (one.key == "period_seconds") span(probe.interval);
    else if (one.key == "timeout_seconds") span(probe.timeout);
    else if (one.key == "failure_threshold") count(probe.failures);
    else if (one.key == "success_threshold") count(probe.successes);
    else if (one.key == "initial_delay_seconds")
      process.to.lost(one.at.line, entry.key + "." + one.key, "the first question is asked at once",
                      "probes.start, until whose success live does not count");
    else
      process.to.lost(one.at.line, entry.key + "." + one.key,
                      "process-compose's documentation does not know this field");
  }
  if (!asks)
    return process.to.problem(entry.at.line, fmt::format("{} has neither http_get nor exec", entry.key));
  Probes& probes = process.to.draft.service.probes;
  (entry.key == "readiness_probe" ? probes.ready : probes.live) = std::move(probe);
}

}  // namespace drover::importer
