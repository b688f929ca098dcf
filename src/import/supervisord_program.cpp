// The fields of one [program:x].
#include <fmt/format.h>

#include "base/text.hpp"
#include "import/supervisord.hpp"
#include "import/text.hpp"
#include "model/signals.hpp"
#include "spec/words.hpp"

namespace drover::importer {

std::string Program::value(const IniEntry& entry) {
  auto text = expander.text(entry.value);
  if (text) return std::move(*text);
  to.problem(entry.line, fmt::format("{}: {}", entry.key, text.error().message), text.error().hint);
  return {};
}

namespace {
void command(Program& program, const IniEntry& entry) {
  auto words = spec::split_words(program.value(entry));
  if (!words || words->empty())
    return program.to.problem(entry.line, words ? "the command is empty" : words.error().message);
  program.to.draft.process().command = std::move(*words);
}

void directory(Program& program, const IniEntry& entry) {
  std::string& to = program.to.draft.process().working_dir;
  to = spec::join_path(to, program.value(entry));
}

void add_environment(Program& program, const IniSection& section) {
  const IniEntry* entry = section.find("environment");
  if (entry == nullptr) return;
  auto pairs = supervisord_pairs(program.value(*entry));
  if (!pairs)
    return program.to.work.problem({section.file, entry->line}, "environment: " + pairs.error().message,
                                   "write it as KEY=\"value\",OTHER=\"value\"");
  for (auto& [name, value] : *pairs) program.to.draft.process().environment[name] = value;
}

void user(Program& program, const IniEntry& entry) { program.to.draft.process().user = program.value(entry); }

void umask(Program& program, const IniEntry& entry) {
  bool octal = !entry.value.empty() && entry.value.size() <= 4 &&
               entry.value.find_first_not_of("01234567") == std::string::npos;
  if (!octal) return program.to.problem(entry.line, fmt::format("umask: \"{}\" is not octal", entry.value));
  program.to.draft.process().umask = std::uint32_t(std::stoul(entry.value, nullptr, 8));
}

void autostart(Program& program, const IniEntry& entry) {
  if (truth(entry.value) != std::optional(false)) return;
  std::uint32_t& count = program.to.draft.service.scale.count;
  program.to.changed(entry.line, "autostart", "scale: 0: it is there, and nothing of it runs",
                     fmt::format("drover scale {} {} starts it", program.to.draft.service.name, count));
  count = 0;
}

void autorestart(Program& program, const IniEntry& entry) {
  RestartPolicy& policy = program.to.draft.service.restart.policy;
  if (entry.value == "unexpected") policy = RestartPolicy::on_failure;
  else if (auto always = truth(entry.value)) policy = *always ? RestartPolicy::always : RestartPolicy::no;
  else
    program.to.problem(entry.line,
                       fmt::format("autorestart: \"{}\" is not true, false or unexpected", entry.value));
}

void exitcodes(Program& program, const IniEntry& entry) {
  std::vector<std::int32_t> codes;
  for (const std::string& one : split(entry.value, ',')) {
    auto code = whole(one);
    if (!code || *code < 0 || *code > 255)
      return program.to.problem(entry.line, fmt::format("exitcodes: \"{}\" is not an exit code", one));
    codes.push_back(std::int32_t(*code));
  }
  if (!codes.empty()) program.to.draft.service.restart.success = codes;
}

void startretries(Program& program, const IniEntry& entry) {
  auto count = whole(entry.value);
  if (!count || *count < 0)
    return program.to.problem(entry.line, fmt::format("startretries: \"{}\" is not a number", entry.value));
  Restart& restart = program.to.draft.service.restart;
  restart.backoff = 1s;  // supervisord waits a second more each time
  give_up_after(restart, *count, 1s);
  program.to.changed(entry.line, "startretries",
                     fmt::format("all restarts within {} count, not only those of a start",
                                 format_duration(restart.give_up_within)),
                     "change restart.give_up");
}

void startsecs(Program& program, const IniEntry& entry) {
  program.to.lost(entry.line, "startsecs",
                  "a service is ready when its probe says so, or at once without one",
                  "probes: {ready: {tcp: \"127.0.0.1:PORT\"}}");
}

void stopsignal(Program& program, const IniEntry& entry) {
  std::string first = entry.value.substr(0, entry.value.find_first_of(", "));
  auto number = whole(first) ? std::int32_t(*whole(first)) : signal_number(first).value_or(0);
  if (signal_name(number).empty())
    return program.to.problem(entry.line, fmt::format("stopsignal: \"{}\" is not a signal", first));
  program.to.draft.service.stop.signal = std::string(signal_name(number));
}

void stopwaitsecs(Program& program, const IniEntry& entry) {
  if (auto grace = time_span(entry.value, 1s)) program.to.draft.service.stop.grace = *grace;
  else
    program.to.problem(entry.line,
                       fmt::format("stopwaitsecs: \"{}\" is not a number of seconds", entry.value));
}

void stopasgroup(Program& program, const IniEntry& entry) {
  if (truth(entry.value) == std::optional(true)) program.to.draft.service.stop.target = StopTarget::all;
}

void nothing(Program&, const IniEntry&) {}

constexpr std::string_view logs = "what it prints is kept by Drover";
constexpr Field<Program, IniEntry> fields[] = {
    {"numprocs numprocs_start process_name priority environment redirect_stderr stdout_syslog stderr_syslog "
     "stdout_events_enabled stderr_events_enabled killasgroup",  // in the end all of it is killed, always
     &nothing},
    {"command", &command},
    {"directory", &directory},
    {"user", &user},
    {"umask", &umask},
    {"autostart", &autostart},
    {"autorestart", &autorestart},
    {"exitcodes", &exitcodes},
    {"startretries", &startretries},
    {"startsecs", &startsecs},
    {"stopsignal", &stopsignal},
    {"stopwaitsecs", &stopwaitsecs},
    {"stopasgroup", &stopasgroup},
    {"stdout_logfile stderr_logfile", nullptr, logs, "drover logs SERVICE"},
    {"stdout_logfile_maxbytes stdout_logfile_backups stderr_logfile_maxbytes stderr_logfile_backups", nullptr,
     logs, "logs: {budget: 256MiB, segment: 16MiB}"},
    {"stdout_capture_maxbytes stderr_capture_maxbytes", nullptr, "there is no capture mode", ""},
    {"serverurl", nullptr, "there is no XML-RPC server", "Drover's REST API"},
};

/// [supervisord]: what every program gets.
void read_daemon(Program& program) {
  if (program.daemon == nullptr) return;
  add_environment(program, *program.daemon);
  if (const IniEntry* mask = program.daemon->find("umask")) umask(program, *mask);
  const IniEntry* files = program.daemon->find("minfds");
  if (auto count = files != nullptr ? whole(files->value) : std::nullopt; count && *count > 0)
    program.to.draft.process().limits.rlimits["nofile"] = {std::uint64_t(*count), std::uint64_t(*count)};
}
}  // namespace

void read_program(Program& program) {
  read_daemon(program);
  add_environment(program, program.section);
  for (const IniEntry& entry : program.section.entries)
    read_field(fields, program, entry.line, entry, "supervisord's documentation does not know this field");
  if (program.section.find("command") == nullptr)
    program.to.problem(program.section.line, fmt::format("[{}] has no command", program.section.name));
}

}  // namespace drover::importer
