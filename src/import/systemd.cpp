// systemd's service units: the unit as a whole, its commands and environment, and the order between units.
#include "import/systemd.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "import/text.hpp"
#include "spec/words.hpp"

namespace drover::importer {

namespace {
struct Read {
  std::string name;  // web.service
  std::string file;
  std::string type;
  std::vector<IniSection> sections;
};

/// Values of a key that may be there several times; an empty one begins anew.
std::vector<IniEntry> all_of(const Read& unit, std::string_view section, std::string_view key) {
  std::vector<IniEntry> out;
  for (const IniSection& one : unit.sections)
    for (const IniEntry& entry : one.entries) {
      if (one.name != section || entry.key != key) continue;
      if (entry.value.empty()) out.clear();
      else out.push_back(entry);
    }
  return out;
}

std::string last_of(const Read& unit, std::string_view section, std::string_view key) {
  auto all = all_of(unit, section, key);
  return all.empty() ? std::string() : all.back().value;
}

void read_environment(Unit& unit, const Read& read) {
  auto& to = unit.to.draft.process().environment;
  for (const IniEntry& entry : all_of(read, "Service", "Environment")) {
    auto words = systemd_words(entry.value);
    if (!words) {
      unit.to.problem(entry.line, "Environment: " + words.error().message);
      continue;
    }
    for (const std::string& word : *words) {
      std::size_t equals = word.find('=');
      if (equals == std::string::npos || equals == 0)
        unit.to.problem(entry.line, fmt::format("Environment: \"{}\" is not NAME=value", word));
      else to[word.substr(0, equals)] = unit.specifiers(literal(word.substr(equals + 1)), entry);
    }
  }
  for (const IniEntry& entry : all_of(read, "Service", "PassEnvironment"))
    for (const std::string& name : split(entry.value, ' '))
      if (!name.empty()) to[name] = variable(name);
  unit.variables = to;
}

/// What a file says goes before Environment= in systemd, and after "environment" in a stack file.
void read_environment_files(Unit& unit, const Read& read) {
  auto& own = unit.to.draft.process().environment;
  for (const IniEntry& entry : all_of(read, "Service", "EnvironmentFile")) {
    bool optional = entry.value[0] == '-';
    EnvFile file{unit.specifiers(entry.value.substr(optional ? 1 : 0), entry), !optional};
    auto values = unit.to.work.variables_of(file);
    if (!values && (file.required || unit.to.work.file(file.path))) {
      // It may be there on the host where it will run, but the stack file could not be read here.
      unit.to.lost(entry.line, entry.key, fmt::format("{} cannot be read here", file.path),
                   fmt::format("env_file: [{}], where it is", file.path));
      continue;
    }
    unit.to.draft.env_files.push_back(file);
    if (!values) continue;
    for (auto& [name, value] : *values) {
      if (own.erase(name) > 0)
        unit.to.changed(entry.line, entry.key, fmt::format("{} of the file counts, as in systemd", name));
      unit.variables[name] = literal(value);
    }
  }
}

void read_commands(Unit& unit, const Read& read, std::uint32_t line) {
  auto starts = all_of(read, "Service", "ExecStart");
  if (starts.empty()) return unit.to.problem(line, "there is no ExecStart");
  ProcessSpec& process = unit.to.draft.process();
  if (starts.size() == 1) {
    process.command = unit.command(starts[0]);
  } else {  // of a oneshot: one after the other, until one fails
    std::string script = "set -e";
    for (const IniEntry& entry : starts) {
      script += "\n";
      for (const std::string& word : unit.command(entry)) {
        std::string quoted;
        for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
        script += "'" + quoted + "' ";
      }
    }
    process.command = {"/bin/sh", "-c", script};
  }
  auto stops = all_of(read, "Service", "ExecStop");
  if (!stops.empty()) unit.to.draft.service.stop.before = unit.command(stops[0]);
  auto reloads = all_of(read, "Service", "ExecReload");
  if (reloads.empty()) return;
  // kill -HUP $MAINPID, with any spelling of the signal
  unit.variables["MAINPID"] = "MAINPID";
  std::vector<Note> before = unit.to.work.notes;
  auto words = unit.command(reloads[0]);
  unit.to.work.notes = std::move(before);
  bool kills = words.size() >= 3 && file_name(words[0]) == "kill" && words.back() == "MAINPID";
  if (!kills) {
    if (std::ranges::find(words, "MAINPID") == words.end()) unit.to.draft.service.reload.command = words;
    else
      unit.to.lost(reloads[0].line, "ExecReload", "$MAINPID is known to systemd only",
                   "reload: {signal: SIGHUP}");
    return;
  }
  std::string signal = words[words.size() - 2];
  while (signal.starts_with('-') || signal.starts_with('s')) signal.erase(0, 1);
  if (signal.starts_with("ignal=")) signal.erase(0, 6);
  unit.to.draft.service.reload.signal = "SIG" + (signal.starts_with("SIG") ? signal.substr(3) : signal);
}

void read_type(Unit& unit, const Read& read, std::uint32_t line) {
  if (read.type == "oneshot") {
    unit.to.draft.service.kind = ServiceKind::job;
  } else if (read.type == "forking") {
    unit.to.lost(line, "Type=forking", "a program that puts itself into the background is not followed",
                 "start it in the foreground (often --foreground, -F, or daemon off)");
  } else if (read.type == "notify" || read.type == "notify-reload") {
    unit.to.lost(line, "Type=" + read.type, "it is ready when its probe says so",
                 "probes: {ready: {tcp: \"127.0.0.1:PORT\"}}");
  } else if (read.type == "dbus") {
    unit.to.lost(line, "Type=dbus", "names on the D-Bus are not waited for", "probes: {ready: …}");
  }
}

void read_unit(Work& work, Read& read) {
  auto service = std::ranges::find(read.sections, "Service", &IniSection::name);
  if (service == read.sections.end()) return work.problem({read.file, 1}, "there is no [Service] section");
  Draft draft = work.begin(stem_of(read.name), {read.file, service->line});
  work.names[read.name] = draft.service.name;
  Subject to{work, draft, read.file};
  Unit unit{to, read.name, read.type, last_of(read, "Service", "User")};
  draft.process().working_dir = "/";
  draft.service.restart.policy = RestartPolicy::no;
  draft.service.restart.backoff = 100ms;  // RestartSec
  draft.service.restart.give_up = 5;      // StartLimitBurst …
  draft.service.restart.give_up_within = 10s;
  draft.service.stop.grace = 90s;
  draft.service.stop.target = StopTarget::all;  // KillMode=control-group
  const IniEntry* type = service->find("Type");
  read_type(unit, read, type != nullptr ? type->line : service->line);
  read_environment(unit, read);
  read_environment_files(unit, read);
  read_commands(unit, read, service->line);
  for (const IniSection& section : read.sections)
    for (const IniEntry& entry : section.entries)
      if (section.name == "Service" || entry.key.starts_with("StartLimit")) read_service_field(unit, entry);
  Restart& restart = draft.service.restart;
  restart.backoff_max = std::max(restart.backoff, restart.backoff_max);
  if (restart.policy == RestartPolicy::no) restart = {.policy = RestartPolicy::no};
  work.add(std::move(draft));
}

// ---- between units

Draft* draft_of(Work& work, const std::string& unit) {
  auto name = work.names.find(unit);
  if (name == work.names.end()) return nullptr;
  auto found =
      std::ranges::find(work.drafts, name->second, [](const Draft& draft) { return draft.service.name; });
  return found != work.drafts.end() ? &*found : nullptr;
}

void depend(Work& work, Draft& draft, const std::string& on) {
  Draft* other = draft_of(work, on);
  if (other == nullptr || other == &draft) return;
  auto known = std::ranges::find(draft.service.depends_on, other->service.name, &Dependency::service);
  if (known != draft.service.depends_on.end()) return;
  bool job = other->service.kind == ServiceKind::job;
  draft.service.depends_on.push_back({other->service.name, job ? Condition::completed : Condition::started});
}

/// Units that every machine has, and whose order says nothing about services.
bool always_there(const std::string& unit) {
  return unit.ends_with(".target") || unit.ends_with(".slice") || unit.starts_with("systemd-") ||
         unit == "dbus.service" || unit == "dbus.socket";
}

void read_order(Work& work, const Read& read, Draft& draft) {
  for (std::string_view key : {"Requires", "Requisite", "BindsTo", "PartOf", "Wants", "After", "Before"})
    for (const IniEntry& entry : all_of(read, "Unit", key))
      for (const std::string& other : split(entry.value, ' ')) {
        if (other.empty() || always_there(other)) continue;
        Draft* known = draft_of(work, other);
        if (known == nullptr)
          work.lost({read.file, entry.line}, draft.service.name, entry.key,
                    fmt::format("{} is not among the imported units", other),
                    fmt::format("import it too, or order Drover's own unit after {}", other));
        else if (key == "Before") depend(work, *known, read.name);
        else if (key == "After") depend(work, draft, other);
        else if (key == "BindsTo" || key == "PartOf") known->service.restart.dependants = true;
        if (known != nullptr && (key == "Requires" || key == "BindsTo" || key == "Requisite"))
          depend(work, draft, other);
      }
}

constexpr std::string_view silent_in_unit[] = {"Description",
                                               "Documentation",
                                               "Requires",
                                               "Requisite",
                                               "BindsTo",
                                               "PartOf",
                                               "Wants",
                                               "After",
                                               "Before",
                                               "StartLimitBurst",
                                               "StartLimitInterval",
                                               "StartLimitIntervalSec",
                                               "DefaultDependencies",
                                               "SourcePath"};

void read_rest(Work& work, const Read& read, const Draft& draft) {
  for (const IniSection& section : read.sections) {
    if (section.name == "Service" || section.name == "Install") continue;
    for (const IniEntry& entry : section.entries)
      if (section.name != "Unit" || std::ranges::find(silent_in_unit, entry.key) == std::end(silent_in_unit))
        work.lost({read.file, entry.line}, draft.service.name, entry.key,
                  entry.key.starts_with("Condition") || entry.key.starts_with("Assert")
                      ? "there are no conditions on the host"
                      : "it is systemd's own",
                  entry.key.starts_with("Condition") ? "place: {constraints: […]} chooses nodes" : "");
  }
}
}  // namespace

void read_systemd(Work& work, const std::vector<Input>& inputs) {
  std::vector<Read> units;
  for (const Input& input : inputs) {
    Read unit{file_name(input.path), input.file, "simple",
              parse_ini(work, input.file, input.text, IniKind::systemd)};
    if (std::string type = last_of(unit, "Service", "Type"); !type.empty()) unit.type = type;
    units.push_back(std::move(unit));
  }
  for (Read& unit : units) read_unit(work, unit);
  for (const Read& unit : units) {
    Draft* draft = draft_of(work, unit.name);
    if (draft == nullptr) continue;
    read_order(work, unit, *draft);
    read_rest(work, unit, *draft);
  }
}

}  // namespace drover::importer
