// task ls|history|show|exec|probe|collect|retry|requeue|dismiss|cancel|pause|resume|stats
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"
#include "cli/tasks.hpp"

namespace drover::cli {

std::string task_subject(const json::value& item) {
  auto stack = text(item, "stack"), instance = text(item, "instance");
  if (stack.empty() && instance.empty()) return printable(text(item, "what"));
  return stack.empty() || instance.empty() ? stack + instance : stack + "/" + instance;
}

namespace {

Cell task_state(const json::value& item) {
  auto state = text(item, "state");
  auto shown = truth(item, "cancel_requested") && state != "cancelled" ? state + " (cancelling)" : state;
  return {shown, style_of(state)};
}

ListView task_view(const Context& context) {
  ListView view{
      "tasks",
      {plain("ID", "id"),
       plain("TYPE", "type"),
       {"SUBJECT", [](const json::value& t) { return Cell{task_subject(t)}; }, false, true},
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
  return view;
}

Result<int> list_tasks(Context& context, bool dead) {
  TRY(auto api, Api::open(context));
  TRY(auto tasks, api.items("/tasks", "-created_at"));
  if (dead)
    tasks.erase(
        std::remove_if(tasks.begin(), tasks.end(), [](const json::value& t) { return !truth(t, "dead"); }),
        tasks.end());
  return print_list(context, tasks, task_view(context));
}

Result<int> list_history(Context& context) {
  TRY(auto api, Api::open(context));
  TRY(auto tasks, api.items("/tasks/history"));
  return print_list(context, tasks, task_view(context));
}

struct RequeueFlags {
  std::vector<std::string> ids;
  bool all = false;
};
Result<int> act_on_task(Context& context, const std::vector<std::string>& ids, const std::string& verb);
Result<int> requeue(Context& context, const RequeueFlags& flags) {
  if (flags.all == !flags.ids.empty())
    return fail(Errc::invalid, "either ids, or --all", {}, "drover task requeue --all");
  if (!flags.all) return act_on_task(context, flags.ids, "retry");
  TRY(auto api, Api::open(context));
  TRY(auto answer, api.send({"POST", "/tasks/requeue"}));
  TRYV(print_object(context, answer.body, [&] {
    std::string out;
    for (const auto& id : list(answer.body, "tasks")) out += std::string(id.get_string()) + "  requeued\n";
    for (const auto& left : list(answer.body, "left"))
      out += text(left, "id") + "  left: " + text(left, "reason") + "\n";
    return out.empty() ? std::string("nothing has failed for good\n") : out;
  }));
  return list(answer.body, "left").empty() ? 0 : 8;
}

Result<int> hold(Context& context, const std::string& node, const std::string& verb) {
  TRY(auto api, Api::open(context));
  TRY(auto answer,
      api.send({"POST", node.empty() ? "/queue/" + verb : path_of({"nodes", node, "queue", verb})}));
  return print_object(context, answer.body, [&] {
    return "the queue of " + text(answer.body, "queue") +
           (truth(answer.body, "paused") ? " is paused: what is under way goes on\n" : " goes on\n");
  });
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
    return print_facts(context.out,
                       {{"task", text(task, "id")},
                        {"type", text(task, "type") + " " + task_subject(task) + " on " + text(task, "node")},
                        {"state", context.out.paint(state.style, state.text)},
                        {"note", printable(text(task, "message"))},
                        {"result", at(task, "result") ? print_json(*at(task, "result")).substr(0, 2000) : ""},
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

std::string times_of(const json::value& type, const char* key) {
  const auto* all = at(type, key);
  std::string out;
  for (const char* part : {"p50", "p90", "p99"}) {
    const auto* value = all ? at(*all, part) : nullptr;
    auto us = value && value->is_number() ? std::int64_t(value->to_number<double>() * 1e6) : -1;
    out += (out.empty() ? "" : " / ") + (us < 0 ? std::string("-") : human_duration(Duration(us)));
  }
  return out;
}

std::string stats_text(const Context& context, const json::value& stats) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const char* key : {"pending", "assigned", "running", "dead", "stored"})
    if (auto value = text(stats, key); !value.empty()) facts.emplace_back(key, value);
  std::string paused;
  for (const auto& name : list(stats, "paused"))
    paused += (paused.empty() ? "" : ", ") + std::string(name.get_string());
  if (!paused.empty()) facts.emplace_back("paused", context.out.paint(Style::yellow, paused));
  facts.emplace_back("of the last", text(stats, "window"));
  auto out = print_facts(context.out, facts);
  for (const auto& type : list(stats, "types"))
    out += "  " + text(type, "type") + ": " + text(type, "completed") + " completed, " +
           text(type, "failed") + " failed, " + text(type, "cancelled") + " cancelled, " +
           text(type, "attempts") + " attempts\n      waited p50/p90/p99 " + times_of(type, "waiting") +
           "\n      ran    p50/p90/p99 " + times_of(type, "running") + "\n";
  return out;
}

Result<int> task_stats(Context& context, const std::string& window) {
  TRY(auto api, Api::open(context));
  TRY(auto stats, api.get("/tasks/stats", net::Query({{"window", window}})));
  return print_object(context, stats, [&] { return stats_text(context, stats); });
}

Command on_task(const std::string& verb, const std::string& help) {
  auto ids = std::make_shared<std::vector<std::string>>();
  Command out{verb, help};
  out.arguments = {{"ID", "Id of the task.", ids.get()}};
  out.run = [ids, verb](Context& context) { return act_on_task(context, *ids, verb); };
  return out;
}
}  // namespace

namespace {
Command held(const std::string& verb, const std::string& help) {
  auto node = std::make_shared<std::string>();
  Command out{verb, help};
  out.flags = {{"--node", "Only of this node.", node.get(), "NODE", {}}};
  out.run = [node, verb](Context& context) { return hold(context, *node, verb); };
  return out;
}

Command requeue_command() {
  auto flags = std::make_shared<RequeueFlags>();
  Command out{"requeue", "Try again what failed for good."};
  out.examples = {"drover task ls --dead", "drover task requeue --all"};
  out.arguments = {{"ID", "Id of the task.", &flags->ids, false}};
  out.flags = {{"--all", "All of them.", &flags->all, "", {}}};
  out.run = [flags](Context& context) { return requeue(context, *flags); };
  return out;
}
}  // namespace

Command task_command() {
  auto id = std::make_shared<std::string>();
  auto dead = std::make_shared<bool>(false);
  auto window = std::make_shared<std::string>("1h");
  Command ls{"ls", "Live tasks and the newest that are over, the newest first."},
      past{"history", "Tasks that are over, the newest first, as far back as they are kept."},
      show{"show", "One task with its attempts."},
      stats{"stats", "How many in which state; how long they waited and ran."};
  ls.examples = {"drover task ls --filter state:failed", "drover task ls --dead"};
  ls.flags = {{"--dead", "Only those that failed for good and were not requeued.", dead.get(), "", {}}};
  ls.run = [dead](Context& context) { return list_tasks(context, *dead); };
  past.examples = {"drover task history --filter type:exec --limit 50"};
  past.run = [](Context& context) { return list_history(context); };
  show.arguments = {{"ID", "Id of the task.", id.get()}};
  show.run = [id](Context& context) { return show_task(context, *id); };
  stats.flags = {{"--window", "5m to 24h (default 1h).", window.get(), "TIME", {}}};
  stats.run = [window](Context& context) { return task_stats(context, *window); };
  Command out{"task", "Tasks: each change of an instance on a node, each command, and what became of it."};
  out.commands = {ls, past, show};
  for (auto& add : task_add_commands()) out.commands.push_back(std::move(add));
  for (auto& more : {on_task("retry", "A new task that does the same."), requeue_command(),
                     on_task("dismiss", "It failed for good, and nothing will be done about it."),
                     on_task("cancel", "Ask for it not to be done."),
                     held("pause", "Hand out nothing more; what is under way goes on."),
                     held("resume", "Hand out again."), stats})
    out.commands.push_back(more);
  return out;
}

}  // namespace drover::cli
