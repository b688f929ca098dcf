// PM2's fields one by one: restarts, stops, watching, and what has no place in a stack file.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "import/pm2.hpp"
#include "import/text.hpp"

namespace drover::importer {

namespace {
using spec::Entry;
using spec::Value;

/// Milliseconds, or a duration with units.
std::optional<Duration> milliseconds(Pm2App& app, const Entry& entry) {
  auto out = time_span(entry.value.text, 1ms);
  if (!out)
    app.to.problem(app.line(entry), fmt::format("{}: {} is not a time", entry.key, shown(entry.value)),
                   "write milliseconds, or \"10s\"");
  return out;
}

void kill_timeout(Pm2App& app, const Entry& entry) {
  if (auto grace = milliseconds(app, entry)) app.to.draft.service.stop.grace = *grace;
}

void restart_delay(Pm2App& app, const Entry& entry) {
  auto delay = milliseconds(app, entry);
  if (!delay || *delay == 0s) return;
  app.to.draft.service.restart.backoff = *delay;
  app.to.draft.service.restart.backoff_max = *delay;
}

void exponential(Pm2App& app, const Entry& entry) {
  auto first = milliseconds(app, entry);
  if (!first || *first == 0s) return;
  app.to.draft.service.restart.backoff = *first;
  app.to.draft.service.restart.backoff_max = std::max<Duration>(15s, *first);  // PM2's ceiling
}

void max_restarts(Pm2App& app, const Entry& entry) {
  auto count = whole(entry.value.text);
  if (!count || *count < 0)
    return app.to.problem(app.line(entry),
                          fmt::format("max_restarts: {} is not a number", shown(entry.value)));
  const Entry* uptime = app.value.find("min_uptime");
  auto each = uptime != nullptr ? time_span(uptime->value.text, 1ms) : std::nullopt;
  Restart& restart = app.to.draft.service.restart;
  give_up_after(restart, *count, each.value_or(1s));
  app.to.changed(
      app.line(entry), "max_restarts",
      fmt::format("restarts are counted within {}, not in a row", format_duration(restart.give_up_within)),
      "change restart.give_up");
}

void min_uptime(Pm2App& app, const Entry& entry) {
  if (app.value.find("max_restarts") == nullptr)
    app.to.lost(app.line(entry), entry.key, "restarts are counted within a time, however long each run was",
                "restart: {give_up: \"10 in 10m\"}");
}

void autorestart(Pm2App& app, const Entry& entry) {
  if (truth(entry.value.text) == std::optional(false))
    app.to.draft.service.restart.policy = RestartPolicy::no;
}

/// Exit codes after which PM2 leaves it stopped.
void stop_exit_codes(Pm2App& app, const Entry& entry) {
  Restart& restart = app.to.draft.service.restart;
  std::vector<std::int32_t> codes;
  auto take = [&](const Value& value) {
    if (auto code = whole(value.text); code && *code >= 0 && *code <= 255)
      codes.push_back(std::int32_t(*code));
  };
  if (entry.value.kind == Value::Kind::list) std::ranges::for_each(entry.value.items, take);
  else take(entry.value);
  if (restart.policy == RestartPolicy::always) restart.policy = RestartPolicy::on_failure;
  if (!codes.empty()) restart.success = codes;
  if (std::ranges::find(codes, 0) == codes.end())
    app.to.changed(app.line(entry), entry.key,
                   "an end with one of these codes is a success here, and 0 is a failure");
}

void memory(Pm2App& app, const Entry& entry) {
  std::string text = entry.value.text;
  auto size = parse_size(text);
  if (size) app.to.draft.service.restart.memory_max = *size;
  else app.to.problem(app.line(entry), fmt::format("{}: {}", entry.key, size.error().message));
}

void watch(Pm2App& app, const Entry& entry) {
  auto& to = app.to.draft.service.restart.watch;
  const std::string& directory = app.to.draft.process().working_dir;
  if (entry.value.kind == Value::Kind::boolean) {
    if (truth(entry.value.text) == std::optional(true)) to = {directory};
    return;
  }
  auto add = [&](const Value& value) {
    if (value.text.find_first_of("*?[") == std::string::npos)
      to.push_back(spec::join_path(directory, value.text));
    else
      app.to.lost(app.line(entry), "watch", fmt::format("{}: patterns are not watched", value.text),
                  "name a directory");
  };
  if (entry.value.kind == Value::Kind::list) std::ranges::for_each(entry.value.items, add);
  else add(entry.value);
}

void wait_ready(Pm2App& app, const Entry& entry) {
  if (truth(entry.value.text) == std::optional(true))
    app.to.lost(app.line(entry), entry.key,
                "there is no process.send() here: a program that calls it without looking fails",
                "write if (process.send) process.send('ready'), and a probe: probes: {ready: {http: "
                "\"http://127.0.0.1:PORT/health\"}}");
}

void user(Pm2App& app, const Entry& entry) {
  (entry.key == "gid" ? app.to.draft.process().group : app.to.draft.process().user) = entry.value.text;
}

void name_space(Pm2App& app, const Entry& entry) {
  if (entry.value.text != "default") app.to.draft.service.labels["namespace"] = entry.value.text;
}

void treekill(Pm2App& app, const Entry& entry) {
  if (truth(entry.value.text) != std::optional(false)) return;
  app.to.draft.service.stop.target = StopTarget::main;
  app.to.changed(app.line(entry), entry.key,
                 "children get no signal at first, but when it has ended nothing of it is left");
}

void source_maps(Pm2App& app, const Entry& entry) {
  if (truth(entry.value.text) == std::optional(true))
    app.to.lost(app.line(entry), entry.key, "nothing is put into the program",
                "node --enable-source-maps in command");
}

void port(Pm2App& app, const Entry& entry) {
  app.to.draft.process().environment["PORT"] = literal(entry.value.text);
}

void nothing(Pm2App&, const Entry&) {}

constexpr std::string_view logs = "what it prints is kept by Drover";
constexpr Field<Pm2App, Entry> fields[] = {
    {"name script cmd command exec args arguments cwd interpreter exec_interpreter interpreter_args "
     "node_args "
     "node_arguments env instances exec_mode instance_var increment_var",
     &nothing},
    {"vizion pmx automation autostart force disable_source_map_support windowsHide username disable_trace "
     "trace "
     "combine_logs merge_logs disable_metrics deep_monitoring version instance_id append_env_to_name",
     &nothing},
    {"kill_timeout", &kill_timeout},
    {"restart_delay", &restart_delay},
    {"exp_backoff_restart_delay", &exponential},
    {"max_restarts", &max_restarts},
    {"min_uptime", &min_uptime},
    {"autorestart", &autorestart},
    {"stop_exit_codes", &stop_exit_codes},
    {"max_memory_restart", &memory},
    {"watch", &watch},
    {"wait_ready", &wait_ready},
    {"user uid gid", &user},
    {"namespace", &name_space},
    {"treekill", &treekill},
    {"source_map_support", &source_maps},
    {"port", &port},
    {"cron_restart cron", nullptr, "there are no restarts by a calendar",
     "a line in crontab: drover restart STACK/SERVICE; or restart: {max_age: 24h}"},
    {"listen_timeout", nullptr, "it belongs to wait_ready and cluster mode",
     "probes: {ready: …, start_timeout: 10s}"},
    {"out_file output out out_log output_file error_file error err err_file err_log log_file log", nullptr,
     logs, "drover logs SERVICE; logs: {budget: 256MiB} says how much is kept"},
    {"log_date_format time log_type", nullptr, "each line has its time", "drover logs"},
    {"disable_logs", nullptr, logs, "logs: {budget: 1MiB, segment: 1MiB}"},
    {"pid_file pid", nullptr, "no pid files are written", "drover ps -o json"},
    {"ignore_watch watch_options watch_delay", nullptr, "what is watched is named, nothing is left out of it",
     "restart: {watch: [/path/to/src]}"},
    {"shutdown_with_message", nullptr, "there is no message channel to the program", "handle SIGINT"},
    {"post_update", nullptr, "Drover fetches no source code", ""},
    {"filter_env", nullptr, "nothing of the shell's environment is passed on anyway", ""},
};

}  // namespace

void read_pm2_policies(Pm2App& app) {
  for (const Entry& entry : app.value.entries) {
    if (entry.key.starts_with("env_") || entry.value.kind == Value::Kind::null) continue;
    read_field(fields, app, app.line(entry), entry, "PM2's documentation does not know this field");
  }
}

}  // namespace drover::importer
