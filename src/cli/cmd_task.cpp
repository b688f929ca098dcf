// task ls|show|retry|cancel|stats
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"

namespace drover::cli {

namespace {
std::string instance_name(const json::value& item) {
  return text(item, "stack") + "/" + text(item, "instance");
}

Cell task_state(const json::value& item) {
  auto state = text(item, "state");
  auto shown = truth(item, "cancel_requested") && state != "cancelled" ? state + " (cancelling)" : state;
  return {shown, style_of(state)};
}

Result<int> list_tasks(Context& context) {
  TRY(auto api, Api::open(context));
  TRY(auto tasks, api.items("/tasks", "-created_at"));
  ListView view{
      "tasks",
      {plain("ID", "id"),
       plain("TYPE", "type"),
       {"INSTANCE", [](const json::value& t) { return Cell{instance_name(t)}; }},
       plain("NODE", "node"),
       {"STATE", task_state},
       {"TRY", [](const json::value& t) { return Cell{text(t, "attempt") + "/" + text(t, "max_attempts")}; },
        true},
       time_field(context, "AGE", "created_at"),
       plain("NOTE", "message", true),
       number_field("PRIORITY", "priority"),
       plain("ACTOR", "actor"),
       plain("ORIGIN", "origin"),
       plain("DEPLOYMENT", "deployment")},
      [](const json::value& t) { return text(t, "id"); }};
  for (std::size_t i = 8; i < view.fields.size(); ++i) view.fields[i].wide = true;
  return print_list(context, tasks, view);
}

std::string attempts_text(const Context& context, const json::value& task) {
  std::string out;
  for (const auto& attempt : list(task, "attempts")) {
    auto outcome = text(attempt, "outcome");
    out += "  attempt " + text(attempt, "number") + "  " + show_time(context, text(attempt, "assigned_at")) +
           "  " + (outcome.empty() ? "under way" : outcome) +
           (text(attempt, "error").empty() ? "" : "  " + printable(text(attempt, "error"))) + "\n";
    for (const auto& line : list(attempt, "output"))
      if (line.is_string()) out += "      " + printable(std::string(line.get_string())) + "\n";
  }
  return out;
}

Result<int> show_task(Context& context, const std::string& id) {
  TRY(auto api, Api::open(context));
  TRY(auto task, api.get(path_of({"tasks", id})));
  return print_object(context, task, [&] {
    auto state = task_state(task);
    std::string waits;
    for (const auto& other : list(task, "depends_on"))
      waits += (waits.empty() ? "" : " ") + (other.is_string() ? std::string(other.get_string()) : "");
    return print_facts(context.out, {{"task", text(task, "id")},
                                     {"type", text(task, "type") + " " + instance_name(task) + " on " +
                                                  text(task, "node")},
                                     {"state", context.out.paint(state.style, state.text)},
                                     {"note", printable(text(task, "message"))},
                                     {"priority", text(task, "priority")},
                                     {"deployment", text(task, "deployment")},
                                     {"operation", text(task, "operation")},
                                     {"retry of", text(task, "retry_of")},
                                     {"depends on", waits},
                                     {"asked by", text(task, "actor") + " from " + text(task, "origin")},
                                     {"trace", text(task, "correlation")},
                                     {"created", show_time(context, text(task, "created_at"))},
                                     {"started", show_time(context, text(task, "started_at"))},
                                     {"finished", show_time(context, text(task, "finished_at"))}}) +
           attempts_text(context, task);
  });
}

Result<int> act_on_task(Context& context, const std::vector<std::string>& ids, const std::string& verb) {
  TRY(auto api, Api::open(context));
  for (const auto& id : ids) {
    TRY(auto answer, api.send({"POST", path_of({"tasks", id, verb})}));
    TRYV(print_object(context, answer.body,
                      [&] { return text(answer.body, "id") + "  " + task_state(answer.body).text + "\n"; }));
  }
  return 0;
}

Result<int> task_stats(Context& context) {
  TRY(auto api, Api::open(context));
  TRY(auto stats, api.get("/tasks/stats"));
  return print_object(context, stats, [&] {
    std::vector<std::pair<std::string, std::string>> facts;
    for (const char* key : {"total", "pending", "assigned", "running", "completed", "failed", "cancelled"})
      facts.emplace_back(key, text(stats, key));
    return print_facts(context.out, facts);
  });
}

Command on_task(const std::string& verb, const std::string& help) {
  auto ids = std::make_shared<std::vector<std::string>>();
  Command out{verb, help};
  out.arguments = {{"ID", "Id of the task.", ids.get()}};
  out.run = [ids, verb](Context& context) { return act_on_task(context, *ids, verb); };
  return out;
}
}  // namespace

Command task_command() {
  auto id = std::make_shared<std::string>();
  Command ls{"ls", "Tasks, the newest first."}, show{"show", "One task with its attempts."},
      stats{"stats", "How many in which state."};
  ls.examples = {"drover task ls --filter state:failed", "drover task ls --limit 20"};
  ls.run = [](Context& context) { return list_tasks(context); };
  show.arguments = {{"ID", "Id of the task.", id.get()}};
  show.run = [id](Context& context) { return show_task(context, *id); };
  stats.run = [](Context& context) { return task_stats(context); };
  Command out{"task", "Tasks: each change of an instance on a node, and what became of it."};
  out.commands = {ls, show, on_task("retry", "A new task that does the same."),
                  on_task("cancel", "Ask for it not to be done."), stats};
  return out;
}

}  // namespace drover::cli
