// task exec|probe|collect: asked for by hand, and waited for
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"
#include "cli/tasks.hpp"

namespace drover::cli {

namespace {
struct AddFlags {
  std::vector<std::string> nodes, labels, targets, command, environment, after;
  std::string cwd, user, probe, http, tcp, file, timeout, no_progress, limit = "10m";
  std::optional<std::uint32_t> priority, retries;
  bool all = false, repeatable = false, no_wait = false;
};
using Shared = std::shared_ptr<AddFlags>;

bool has_labels(const json::value& node, const std::vector<std::string>& labels) {
  const auto* all = at(node, "labels");
  return std::ranges::all_of(labels, [&](const std::string& wanted) {
    auto equals = wanted.find('=');
    if (!all || !all->is_object()) return false;
    auto found = all->get_object().find(wanted.substr(0, equals));
    if (found == all->get_object().end()) return false;
    return equals == std::string::npos || found->value() == json::value(wanted.substr(equals + 1));
  });
}

/// Those that were named; or all that have the labels and an agent of ours.
Result<std::vector<std::string>> chosen_nodes(const Api& api, const AddFlags& flags) {
  if (!flags.all && flags.labels.empty()) return flags.nodes;
  TRY(auto nodes, api.items("/nodes"));
  std::vector<std::string> out = flags.nodes;
  for (const auto& node : nodes)
    if (text(node, "kind") != "external" && has_labels(node, flags.labels)) out.push_back(text(node, "name"));
  if (out.empty()) return fail(Errc::not_found, "no node has these labels", {}, "drover node ls");
  return out;
}

json::array words(const std::vector<std::string>& from) {
  json::array out;
  for (const auto& word : from) out.push_back(json::string(word));
  return out;
}

Result<json::object> common(const Api& api, const AddFlags& flags, std::string_view type) {
  json::object body{{"type", type}};
  TRY(auto nodes, chosen_nodes(api, flags));
  body["nodes"] = words(nodes);
  body["targets"] = words(flags.targets);
  body["depends_on"] = words(flags.after);
  if (flags.priority) body["priority"] = *flags.priority;
  if (flags.retries) body["max_retries"] = *flags.retries;
  if (!flags.timeout.empty()) body["timeout"] = flags.timeout;
  if (!flags.no_progress.empty()) body["no_progress"] = flags.no_progress;
  return body;
}

Result<json::value> until_over(const Context& context, const Api& api, const std::string& path,
                               Duration limit) {
  auto until = context.clock->now().boot + limit;
  for (;;) {
    TRY(auto item, api.get(path));
    if (!text(item, "finished_at").empty()) return item;
    if (context.clock->now().boot > until)
      return fail(Errc::timeout, "not over after " + human_duration(limit) + "; it goes on", {},
                  "drover task show " + text(item, "id"));
    sleep_a_little();
  }
}

/// Its exit code, where it has one: 0 to 255.
int status_of(const json::value& task) {
  const auto* result = at(task, "result");
  const auto* code = result ? at(*result, "exit_code") : nullptr;
  if (code && code->is_number()) return int(code->to_number<std::int64_t>()) & 255;
  if (text(task, "type") == "probe" && result && !truth(*result, "ok")) return 1;
  return text(task, "state") == "completed" ? 0 : 1;
}

std::string told(const Context& context, const json::value& task, const std::string& prefix) {
  std::string out;
  if (text(task, "type") == "collect") {
    const auto* result = at(task, "result");
    return (prefix.empty() ? "" : prefix + "\n") + (result ? to_yaml(*result) : "");
  }
  auto attempts = list(task, "attempts");
  if (!attempts.empty())
    for (const auto& line : list(attempts.back(), "output"))
      if (line.is_string()) out += prefix + printable(std::string(line.get_string())) + "\n";
  if (text(task, "state") != "completed")
    out += prefix +
           context.out.paint(Style::red, text(task, "state") + ": " + printable(text(task, "message"))) +
           "\n";
  return out;
}

/// One prefix a node, the same width for all.
std::string prefix_of(const json::value& task, std::size_t width) {
  auto name = text(task, "instance").empty() ? text(task, "node") : task_subject(task);
  return name + std::string(width > name.size() ? width - name.size() : 0, ' ') + " | ";
}

Result<int> wait_for_one(const Context& context, const Api& api, const std::string& id, Duration limit) {
  TRY(auto task, until_over(context, api, path_of({"tasks", id}), limit));
  int status = status_of(task);
  TRYV(print_object(context, task, [&] { return told(context, task, ""); }));
  return status;
}

Result<int> wait_for_all(const Context& context, const Api& api, const std::string& id, Duration limit) {
  TRY(auto operation, until_over(context, api, path_of({"operations", id}), limit));
  auto tasks = list(operation, "tasks");
  TRYV(print_object(context, operation, [&] {
    std::size_t width = 0;
    for (const auto& task : tasks)
      width = std::max(
          width, text(task, "instance").empty() ? text(task, "node").size() : task_subject(task).size());
    std::string out;
    for (const auto& task : tasks) out += told(context, task, prefix_of(task, width));
    return out;
  }));
  auto good = std::ranges::count_if(tasks, [](const json::value& task) { return status_of(task) == 0; });
  return std::size_t(good) == tasks.size() ? 0 : good > 0 ? 8 : 1;
}

Result<int> send(const Context& context, const Api& api, const json::object& body, const AddFlags& flags) {
  TRY(auto limit, parse_duration(flags.limit));
  Call call{"POST", "/tasks"};
  call.body = print_json(body);
  TRY(auto answer, api.send(call));
  auto id = text(answer.body, "id");
  bool many = answer.location.find("/operations/") != std::string::npos;
  if (flags.no_wait)
    return print_object(context, answer.body, [&] { return (many ? "operation " : "task ") + id + "\n"; });
  return many ? wait_for_all(context, api, id, limit) : wait_for_one(context, api, id, limit);
}

Result<int> exec(Context& context, const AddFlags& flags) {
  TRY(auto api, Api::open(context));
  TRY(auto body, common(api, flags, "exec"));
  json::object environment;
  for (const auto& pair : flags.environment) {
    auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Errc::invalid, pair + " is not NAME=VALUE", {}, "--env LEVEL=debug");
    environment[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  body["command"] = words(flags.command);
  body["environment"] = std::move(environment);
  body["working_dir"] = flags.cwd;
  body["user"] = flags.user;
  body["repeatable"] = flags.repeatable;
  return send(context, api, body, flags);
}

Result<int> probe(Context& context, const AddFlags& flags) {
  TRY(auto api, Api::open(context));
  TRY(auto body, common(api, flags, "probe"));
  body["probe"] = flags.probe;
  if (!flags.http.empty()) body["check"] = json::object{{"http", json::object{{"url", flags.http}}}};
  if (!flags.tcp.empty()) body["check"] = json::object{{"tcp", json::object{{"address", flags.tcp}}}};
  if (!flags.file.empty()) body["check"] = json::object{{"file", json::object{{"path", flags.file}}}};
  return send(context, api, body, flags);
}

Result<int> collect(Context& context, const AddFlags& flags) {
  TRY(auto api, Api::open(context));
  TRY(auto body, common(api, flags, "collect"));
  return send(context, api, body, flags);
}

std::vector<Flag> common_flags(const Shared& flags) {
  return {{"--node", "On this node; more than one: an operation.", &flags->nodes, "NODE", {}},
          {"--priority", "0 to 10, high first (default 5).", &flags->priority, "N", {}},
          {"--after", "Only when this task is completed.", &flags->after, "TASK", {}},
          {"--timeout", "Ended when not done within this.", &flags->timeout, "TIME", {}},
          {"-d,--no-wait", "Do not wait for its end.", &flags->no_wait, "", {}},
          {"--wait-limit", "Wait at most so long (default 10m); it goes on.", &flags->limit, "TIME", {}}};
}

Command exec_command() {
  auto flags = std::make_shared<AddFlags>();
  Command out{"exec", "Run a command on nodes, at most once; its last lines and its exit status come back."};
  out.examples = {"drover task exec --node pve1 -- df -h", "drover task exec --all --timeout 30s -- uptime",
                  "drover task exec --label site=home --user backup -- /usr/local/bin/backup --full"};
  out.arguments = {{"COMMAND", "Program and arguments, after --; no shell.", &flags->command}};
  out.flags = common_flags(flags);
  out.flags.push_back({"--all", "On all nodes that have an agent.", &flags->all, "", {}});
  out.flags.push_back({"--label", "On all nodes with this label.", &flags->labels, "KEY=VALUE", {}});
  out.flags.push_back({"--env", "A variable of its environment.", &flags->environment, "NAME=VALUE", {}});
  out.flags.push_back({"--cwd", "Its directory (default /).", &flags->cwd, "DIR", {}});
  out.flags.push_back({"--user", "Its user (default: the agent's own).", &flags->user, "USER", {}});
  out.flags.push_back({"--no-progress",
                       "Ended when it prints nothing for so long (default 5m).",
                       &flags->no_progress,
                       "TIME",
                       {}});
  out.flags.push_back({"--repeatable",
                       "It may run again when it failed, or its outcome is not known.",
                       &flags->repeatable,
                       "",
                       {}});
  out.flags.push_back({"--retries", "With --repeatable: how often (default 3).", &flags->retries, "N", {}});
  out.run = [flags](Context& context) { return exec(context, *flags); };
  return out;
}

Command probe_command() {
  auto flags = std::make_shared<AddFlags>();
  Command out{"probe", "Ask an instance now, as its service's probe does, or a question of your own."};
  out.examples = {"drover task probe shop/web", "drover task probe shop/web-1 --probe live",
                  "drover task probe --node pve1 --tcp 127.0.0.1:5432"};
  out.arguments = {{"TARGET", "Instance, service or stack.", &flags->targets, false}};
  out.flags = common_flags(flags);
  out.flags.push_back({"--probe",
                       "Which of the service's (default ready).",
                       &flags->probe,
                       "PROBE",
                       {"ready", "live", "start"}});
  out.flags.push_back({"--http", "This address instead.", &flags->http, "URL", {}});
  out.flags.push_back({"--tcp", "A connection to this one instead.", &flags->tcp, "HOST:PORT", {}});
  out.flags.push_back({"--file", "Whether this file exists instead.", &flags->file, "PATH", {}});
  out.run = [flags](Context& context) { return probe(context, *flags); };
  return out;
}

Command collect_command() {
  auto flags = std::make_shared<AddFlags>();
  Command out{"collect", "What the agent knows of its host, or of an instance, now."};
  out.examples = {"drover task collect --node pve1", "drover task collect shop/web-1 -o json"};
  out.arguments = {{"TARGET", "Instance, service or stack.", &flags->targets, false}};
  out.flags = common_flags(flags);
  out.flags.push_back({"--all", "Of all nodes that have an agent.", &flags->all, "", {}});
  out.run = [flags](Context& context) { return collect(context, *flags); };
  return out;
}
}  // namespace

std::vector<Command> task_add_commands() { return {exec_command(), probe_command(), collect_command()}; }

}  // namespace drover::cli
