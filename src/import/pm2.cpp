// PM2's ecosystem files. JavaScript has become JSON before it comes here (drover import runs node).
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "import/pm2.hpp"
#include "import/text.hpp"

namespace drover::importer {

namespace {
using spec::Entry;
using spec::Value;

struct Interpreter {
  std::string_view ending, program;
};
constexpr Interpreter interpreters[] = {{".js", "node"}, {".cjs", "node"},     {".mjs", "node"},
                                        {".ts", "bun"},  {".tsx", "bun"},      {".py", "python3"},
                                        {".rb", "ruby"}, {".sh", "bash"},      {".pl", "perl"},
                                        {".php", "php"}, {".coffee", "coffee"}};

/// The first of several spellings.
const Entry* one_of(const Value& app, std::initializer_list<std::string_view> keys) {
  for (std::string_view key : keys)
    if (const Entry* found = app.find(key); found != nullptr && found->value.kind != Value::Kind::null)
      return found;
  return nullptr;
}

std::vector<std::string> arguments_of(Pm2App& app, const Entry* entry) {
  std::vector<std::string> out;
  if (entry == nullptr) return out;
  if (entry->value.kind == Value::Kind::list) {
    for (const Value& item : entry->value.items) out.push_back(literal(item.text));
    return out;
  }
  auto words = spec::split_words(literal(entry->value.text));
  if (words) return std::move(*words);
  app.to.problem(app.line(*entry), fmt::format("{}: {}", entry->key, words.error().message));
  return out;
}

void give_command(Pm2App& app) {
  const Entry* script = one_of(app.value, {"script", "cmd", "command", "exec"});
  ProcessSpec& process = app.to.draft.process();
  auto arguments = arguments_of(app, one_of(app.value, {"args", "arguments"}));
  std::string text = literal(script->value.text);
  if (text.find(' ') != std::string::npos) {  // PM2 gives it to bash
    auto command = shell_command(text, {"bash", "-c"});
    if (!command) return app.to.problem(app.line(*script), command.error().message);
    process.command = std::move(command->command);
    for (auto& [name, value] : command->environment) process.environment[name] = value;
    if (!arguments.empty())
      app.to.lost(app.line(*script), "args", "PM2 does not use it where script is a whole command");
    return;
  }
  const Entry* given = one_of(app.value, {"interpreter", "exec_interpreter"});
  std::string program = given != nullptr ? given->value.text : "";
  for (const Interpreter& one : interpreters)
    if (given == nullptr && text.ends_with(one.ending)) program = one.program;
  bool plain = program.empty() || program == "none";
  if (plain && given == nullptr && text.find('/') != std::string::npos)
    app.to.changed(app.line(*script), "script",
                   "it is run as it is; PM2 gives a file without a known ending to node",
                   "put node before it in command where it is JavaScript without a #! line");
  if (!plain) {
    process.command.push_back(program);
    for (auto& word :
         arguments_of(app, one_of(app.value, {"interpreter_args", "node_args", "node_arguments"})))
      process.command.push_back(std::move(word));
  }
  bool by_path = plain && text.find('/') == std::string::npos;
  process.command.push_back(by_path ? text : spec::join_path(process.working_dir, text));
  process.command.insert(process.command.end(), arguments.begin(), arguments.end());
}

// ---- environment

void put_pairs(Pm2App& app, const Entry& entry) {
  if (entry.value.kind != Value::Kind::map)
    return app.to.lost(app.line(entry), entry.key, "it is not a map of variables");
  for (const Entry& one : entry.value.entries) {
    if (one.value.scalar()) app.to.draft.process().environment[one.key] = literal(one.value.text);
    else app.to.lost(app.line(one), entry.key + "." + one.key, "a variable is a text");
  }
}

void give_environment(Pm2App& app) {
  if (const Entry* env = app.value.find("env")) put_pairs(app, *env);
  const std::string& wanted = app.to.work.options.environment;
  bool found = wanted.empty();
  for (const Entry& entry : app.value.entries) {
    if (!entry.key.starts_with("env_")) continue;
    std::string name = entry.key.substr(4);
    found |= name == wanted;
    if (name == wanted) put_pairs(app, entry);
    else if (wanted.empty())
      app.to.lost(app.line(entry), entry.key, "one set of variables is imported, and this is another",
                  "drover import --env " + name);
  }
  if (!found) app.to.changed(0, "env_" + wanted, "this application has none: only its env was taken");
}

/// increment_var: PORT, with PORT in env: each instance has its own.
void give_increment(Pm2App& app, const Entry& entry) {
  auto& environment = app.to.draft.process().environment;
  auto found = environment.find(entry.value.text);
  auto number = found == environment.end() ? std::nullopt : whole(found->second);
  if (!number || *number < 1 || *number > 65535)
    return app.to.lost(app.line(entry), entry.key, "the variable is not a port number in env",
                       "use {{instance.index}} in environment");
  app.to.draft.service.ports = {
      {.name = "main", .published = std::uint16_t(*number), .plus = "instance.index"}};
  found->second = "{{port.main}}";
}

void give_instances(Pm2App& app) {
  const Entry* entry = app.value.find("instances");
  std::uint32_t cpus = std::max(1u, app.to.work.options.cpus), count = 1;
  auto number = entry == nullptr ? std::optional<std::int64_t>(1) : whole(entry->value.text);
  if (entry != nullptr && entry->value.text == "max") number = 0;
  if (!number || *number > 10'000)
    return app.to.problem(app.line(*entry),
                          fmt::format("instances: {} is not a number or max", shown(entry->value)));
  if (*number > 0) count = std::uint32_t(*number);
  else count = std::uint32_t(std::max<std::int64_t>(1, cpus + *number));
  if (*number <= 0)
    app.to.changed(app.line(*entry), "instances",
                   fmt::format("{} on this machine: the number is fixed now", count), "change scale");
  app.to.draft.service.scale.count = count;
  const Entry* mode = one_of(app.value, {"exec_mode"});
  bool cluster = mode != nullptr ? mode->value.text.starts_with("cluster") : entry != nullptr;
  if (cluster && count > 1)
    app.to.changed(
        app.line(mode != nullptr ? *mode : *entry), "exec_mode",
        fmt::format("cluster: these are {} processes by themselves, which cannot listen on one port", count),
        "let the program listen on {{port.NAME}} of ports: [{name: NAME, published: 8000, plus: "
        "instance.index}] behind a proxy, or scale: 1 with node's own cluster module");
  if (count > 1) {
    const Entry* name = app.value.find("instance_var");
    app.to.draft.process().environment[name != nullptr ? name->value.text : "NODE_APP_INSTANCE"] =
        "{{instance.index}}";
  }
}

void read_app(Work& work, const Input& input, const Value& value) {
  Spot at{input.file, input.script.empty() ? value.at.line : 0};
  if (value.kind != Value::Kind::map)
    return work.problem(at, fmt::format("an application is a map, found {}", shown(value)));
  const Entry* script = one_of(value, {"script", "cmd", "command", "exec"});
  if (script == nullptr || script->value.text.empty()) {
    work.partial = true;
    const Entry* name = value.find("name");
    return work.lost(at, name != nullptr ? name->value.text : "", "", "the application has no script");
  }
  const Entry* name = value.find("name");
  Draft draft = work.begin(name != nullptr ? name->value.text : stem_of(script->value.text), at);
  Subject to{work, draft, input.file};
  Pm2App app{to, value, input};
  const Entry* cwd = value.find("cwd");
  draft.process().working_dir =
      spec::join_path(directory_of(input.path), cwd != nullptr ? cwd->value.text : "");
  draft.service.restart.policy = RestartPolicy::always;
  draft.service.stop.signal = "SIGINT";  // what PM2 sends first
  draft.service.stop.target = StopTarget::all;
  give_environment(app);
  give_command(app);
  give_instances(app);
  if (const Entry* increment = value.find("increment_var")) give_increment(app, *increment);
  read_pm2_policies(app);
  work.add(std::move(draft));
}
}  // namespace

std::uint32_t Pm2App::line(const Entry& entry) const {
  if (input.script.empty()) return entry.at.line;
  // The script's text, where the key is there just once.
  std::uint32_t found = 0, number = 0;
  for (const std::string& line : split(input.script, '\n')) {
    ++number;
    for (std::size_t at = line.find(entry.key); at != std::string::npos; at = line.find(entry.key, at + 1)) {
      auto letter = [&](std::size_t where) {
        return where < line.size() &&
               (std::isalnum(static_cast<unsigned char>(line[where])) || line[where] == '_');
      };
      if ((at > 0 && letter(at - 1)) || letter(at + entry.key.size())) continue;
      if (found != 0) return 0;
      found = number;
    }
  }
  return found;
}

void read_pm2(Work& work, const Input& input) {
  auto root = spec::parse_yaml(input.text);
  if (!root) {
    for (Problem problem : root.error().problems) {
      problem.file = input.file;
      work.problems.push_back(std::move(problem));
    }
    return;
  }
  const Value* apps = &*root;
  if (const Entry* entry = root->find("apps")) apps = &entry->value;
  for (const Entry& entry : root->entries)
    if (apps != &*root && entry.key != "apps")
      work.lost({input.file, input.script.empty() ? entry.at.line : 0}, "", entry.key,
                entry.key == "deploy" ? "Drover copies no source code to hosts"
                                      : "it is no part of an application");
  if (apps->kind == Value::Kind::map) return read_app(work, input, *apps);
  if (apps->kind != Value::Kind::list)
    return work.problem({input.file, input.script.empty() ? apps->at.line : 0},
                        fmt::format("\"apps\" must be a list, found {}", shown(*apps)),
                        "write it as apps: [{name: \"api\", script: \"./api.js\"}]");
  for (const Value& app : apps->items) read_app(work, input, app);
  if (!work.drafts.empty())
    work.changed(
        {input.file, 0}, "", "env",
        "PM2 passes on the whole environment of the shell that started it; here there is what the file "
        "declares, and PATH and HOME",
        "put what a program needs into its environment");
}

}  // namespace drover::importer
