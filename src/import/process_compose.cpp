// process-compose.yaml: the file as a whole, and what its processes wait for.
#include "import/process_compose.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "import/text.hpp"
#include "spec/words.hpp"

namespace drover::importer {

namespace {
using spec::Entry;
using spec::Value;

/// {{.NAME}} becomes the variable's value; what else a template says is left for literal().
std::string fill_vars(std::string_view text, const std::map<std::string, std::string>& vars, bool& unknown) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t begin = text.find("{{", at);
    out += text.substr(at, begin == std::string_view::npos ? begin : begin - at);
    if (begin == std::string_view::npos) break;
    std::size_t end = text.find("}}", begin);
    std::string_view inside =
        end == std::string_view::npos ? "" : trim(text.substr(begin + 2, end - begin - 2));
    auto found = inside.starts_with('.') ? vars.find(std::string(inside.substr(1))) : vars.end();
    if (found != vars.end()) {
      out += found->second;
      at = end + 2;
    } else {
      unknown = true;
      out += "{{";
      at = begin + 2;
    }
  }
  return out;
}

std::map<std::string, std::string> vars_of(const Value* value) {
  std::map<std::string, std::string> out;
  if (value == nullptr) return out;
  for (const Entry& entry : value->entries)
    if (entry.value.scalar()) out[entry.key] = entry.value.text;
  return out;
}
}  // namespace

std::string Process::text(const Value& from) const {
  auto vars = file.vars;
  const Entry* own = value.find("vars");
  for (auto& [name, text] : vars_of(own != nullptr ? &own->value : nullptr)) vars[name] = text;
  bool unknown = false;
  std::string out = literal(fill_vars(from.text, vars, unknown));
  if (unknown)
    to.changed(from.at.line, "{{…}}", "templates are taken as they are, but for {{.NAME}} of vars",
               "write what it shall be");
  if (!file.expands) return out;
  return replace_variables(variables_in(out), [&](std::string_view name) {
    auto found = file.dotenv.find(std::string(name));
    return found != file.dotenv.end() ? literal(found->second) : variable(name);
  });
}

namespace {
constexpr std::string_view harmless[] = {
    "version",   "processes",  "environment", "shell",           "vars",
    "log_level", "log_length", "is_strict",   "is_tui_disabled", "disable_env_expansion"};

ComposeFile read_file(Work& work, const Input& input, const Value& root) {
  ComposeFile out;
  out.directory = directory_of(input.path);
  if (const Entry* shell = root.find("shell")) {
    const Entry* program = shell->value.find("shell_command");
    const Entry* argument = shell->value.find("shell_argument");
    if (program != nullptr) out.shell[0] = program->value.text;
    if (argument != nullptr) out.shell[1] = argument->value.text;
  }
  if (const Entry* off = root.find("disable_env_expansion"))
    out.expands = truth(off->value.text) != std::optional(true);
  if (const Entry* vars = root.find("vars")) out.vars = vars_of(&vars->value);
  if (const Entry* environment = root.find("environment")) out.environment = &environment->value;
  if (auto dotenv = work.variables_of({out.directory + "/.env", false})) out.dotenv = std::move(*dotenv);
  for (const Entry& entry : root.entries)
    if (std::ranges::find(harmless, entry.key) == std::end(harmless))
      work.lost({input.file, entry.at.line}, "", entry.key,
                entry.key.starts_with("log_") ? "what is printed is kept by Drover"
                                              : "it has no place in a stack file",
                entry.key.starts_with("log_") ? "drover logs" : "");
  return out;
}

void depends_on(Work& work, Draft& draft, const Input& input, const Value& value) {
  for (const Entry& entry : value.entries) {
    Spot at{input.file, entry.at.line};
    auto name = work.names.find(entry.key);
    if (name == work.names.end()) {
      work.problem(at, fmt::format("there is no process \"{}\"", entry.key));
      continue;
    }
    const Entry* given = entry.value.find("condition");
    std::string word = given != nullptr ? given->value.text : "process_started";
    Condition condition = Condition::started;
    if (word == "process_completed" || word == "process_completed_successfully")
      condition = Condition::completed;
    else if (word == "process_healthy" || word == "process_log_ready") condition = Condition::ready;
    else if (word != "process_started")
      work.problem(at, fmt::format("condition: \"{}\" is not one of process-compose's", word));
    if (word == "process_completed")
      work.changed(at, draft.service.name, "depends_on." + entry.key,
                   "it must end with success, not only end");
    draft.service.depends_on.push_back({name->second, condition});
  }
}

/// What others wait for to end is a job.
void find_jobs(Work& work) {
  for (const Draft& draft : work.drafts)
    for (const Dependency& one : draft.service.depends_on) {
      if (one.condition != Condition::completed) continue;
      auto job = std::ranges::find(work.drafts, one.service, [](const Draft& d) { return d.service.name; });
      if (job != work.drafts.end()) job->service.kind = ServiceKind::job;
    }
  for (Draft& draft : work.drafts) {
    RestartPolicy& policy = draft.service.restart.policy;
    bool endless = policy == RestartPolicy::always || policy == RestartPolicy::unless_stopped;
    if (draft.service.kind == ServiceKind::job && endless) policy = RestartPolicy::on_failure;
  }
}

void read_one(Work& work, const Input& input, const ComposeFile& file, const Entry& entry) {
  if (entry.value.kind != Value::Kind::map)
    return work.problem({input.file, entry.at.line},
                        fmt::format("\"{}\" must be a map, found {}", entry.key, shown(entry.value)));
  Draft draft = work.begin(entry.key, {input.file, entry.at.line});
  Subject to{work, draft, input.file};
  Process process{to, entry.value, file};
  draft.process().working_dir = file.directory;
  draft.service.restart.policy = RestartPolicy::no;
  read_process(process);
  work.add(std::move(draft));
}
}  // namespace

void read_process_compose(Work& work, const Input& input) {
  auto root = spec::parse_yaml(input.text);
  if (!root) {
    for (Problem problem : root.error().problems) {
      problem.file = input.file;
      work.problems.push_back(std::move(problem));
    }
    return;
  }
  const Entry* processes = root->find("processes");
  if (processes == nullptr || processes->value.kind != Value::Kind::map)
    return work.problem({input.file, processes != nullptr ? processes->at.line : root->at.line},
                        "there are no processes", "write processes: {web: {command: \"./web\"}}");
  ComposeFile file = read_file(work, input, *root);
  std::size_t first = work.drafts.size();
  for (const Entry& entry : processes->value.entries) read_one(work, input, file, entry);
  for (const Entry& entry : processes->value.entries) {
    const Entry* waits = entry.value.find("depends_on");
    if (waits == nullptr || first >= work.drafts.size()) continue;
    auto draft =
        std::ranges::find(work.drafts, work.names[entry.key], [](const Draft& d) { return d.service.name; });
    if (draft != work.drafts.end()) depends_on(work, *draft, input, waits->value);
  }
  find_jobs(work);
  work.changed(
      {input.file, 0}, "", "environment",
      "process-compose passes on the whole environment of the shell that started it; here there is what the "
      "file declares, and PATH and HOME",
      "put what a program needs into its environment");
}

}  // namespace drover::importer
