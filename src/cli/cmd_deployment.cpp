// deployment ls|show|pause|resume|promote|abort|cancel
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"

namespace drover::cli {

namespace {
std::string steps_done(const json::value& deployment) {
  std::size_t done = 0;
  for (const auto& step : list(deployment, "steps"))
    done += truth(step, "done") || text(step, "kind") == "keep";
  return std::to_string(done) + "/" + std::to_string(list(deployment, "steps").size());
}

Result<int> list_deployments(Context& context) {
  TRY(auto api, Api::open(context));
  TRY(auto items, api.items("/deployments", "-created_at"));
  ListView view{"deployments",
                {plain("ID", "id"),
                 plain("STACK", "stack"),
                 number_field("REVISION", "revision"),
                 state_field(),
                 {"STEPS", [](const json::value& d) { return Cell{steps_done(d)}; }, true},
                 time_field(context, "AGE", "created_at"),
                 plain("NOTE", "message", true)},
                [](const json::value& d) { return text(d, "id"); }};
  return print_list(context, items, view);
}

/// A deployment's id, or a stack's name: its newest one.
Result<std::string> find_deployment(const Api& api, const std::string& target) {
  if (target.size() == 36) return target;
  TRY(auto stack, api.get(path_of({"stacks", target})));
  auto id = text(stack, "deployment");
  if (id.empty()) return fail(Errc::not_found, target + " has had no deployment", {}, "drover deployment ls");
  return id;
}

/// "web 1": beside how many of each service the new revision stands.
std::string canaries_of(const json::value& item) {
  std::string out;
  const auto* canaries = at(item, "canaries");
  if (!canaries || !canaries->is_object()) return out;
  for (const auto& [service, count] : canaries->get_object())
    out += (out.empty() ? "" : ", ") + std::string(service) + " " + print_json(count);
  if (out.empty()) return out;
  return out + (truth(item, "promoted") ? ", promoted" : truth(item, "promotable") ? ", ready" : "");
}

std::string steps_text(const json::value& item) {
  std::string out;
  for (const auto& step : list(item, "steps"))
    out += std::string("  ") + (truth(step, "done") ? "✓ " : "· ") + text(step, "kind") + " " +
           text(step, "instance_name") + (text(step, "node").empty() ? "" : " on " + text(step, "node")) +
           "  " + printable(text(step, "reason")) + "\n";
  return out;
}

Result<int> show_deployment(Context& context, const std::string& target) {
  TRY(auto api, Api::open(context));
  TRY(auto id, find_deployment(api, target));
  TRY(auto item, api.get(path_of({"deployments", id})));
  return print_object(context, item, [&] {
    auto state = text(item, "state");
    const auto* who = at(item, "who");
    return print_facts(context.out,
                       {{"deployment", text(item, "id")},
                        {"stack", text(item, "stack") + ", revision " + text(item, "revision")},
                        {"state", context.out.paint(style_of(state), state)},
                        {"note", printable(text(item, "message"))},
                        {"canaries", canaries_of(item)},
                        {"undoes", text(item, "rolls_back")},
                        {"asked by", who ? text(*who, "actor") + " from " + text(*who, "origin") : ""},
                        {"created", show_time(context, text(item, "created_at"))},
                        {"finished", show_time(context, text(item, "finished_at"))}}) +
           steps_text(item);
  });
}

struct ActFlags {
  std::string target, verb;
  WaitFlags wait;
};

/// What is waited for after an abort is the deployment that brings the old content back.
Result<std::string> to_follow(const Api& api, const ActFlags& flags, const json::value& item) {
  if (flags.verb != "abort") return text(item, "id");
  return find_deployment(api, text(item, "stack"));
}

Result<int> act(Context& context, const ActFlags& flags) {
  TRY(auto api, Api::open(context));
  TRY(auto id, find_deployment(api, flags.target));
  TRY(auto answer, api.send({"POST", path_of({"deployments", id, flags.verb})}));
  TRYV(print_object(context, answer.body, [&] {
    auto note = text(answer.body, "message");
    return text(answer.body, "id") + "  " + text(answer.body, "state") +
           (note.empty() ? "" : "  " + printable(note)) + "\n";
  }));
  bool moves = flags.verb == "resume" || flags.verb == "promote" || flags.verb == "abort";
  if (!moves || !shall_wait(context, flags.wait)) return 0;
  TRY(auto limit, parse_duration(flags.wait.timeout));
  TRY(auto followed, to_follow(api, flags, answer.body));
  return follow_deployment(context, api, {followed, text(answer.body, "stack"), limit});
}

Command on_deployment(const std::string& verb, const std::string& help, bool waits) {
  auto flags = std::make_shared<ActFlags>();
  flags->verb = verb;
  Command out{verb, help};
  out.arguments = {{"DEPLOYMENT", "Its id, or the name of its stack.", &flags->target}};
  if (waits) out.flags = wait_flags(flags->wait);
  out.run = [flags](Context& context) { return act(context, *flags); };
  return out;
}
}  // namespace

Command deployment_command() {
  auto target = std::make_shared<std::string>();
  Command ls{"ls", "Deployments, the newest first."}, show{"show", "One deployment with its steps."};
  ls.run = [](Context& context) { return list_deployments(context); };
  show.arguments = {{"DEPLOYMENT", "Its id, or the name of its stack.", target.get()}};
  show.run = [target](Context& context) { return show_deployment(context, *target); };
  Command out{"deployment", "Deployments: a revision on its way to the instances."};
  out.commands = {ls,
                  show,
                  on_deployment("pause", "Hand out nothing more for now.", false),
                  on_deployment("resume", "Go on.", true),
                  on_deployment("promote", "Let the rest follow the canaries.", true),
                  on_deployment("abort", "Go back to the newest revision that succeeded.", true),
                  on_deployment("cancel", "Leave it as it is now.", false)};
  return out;
}

}  // namespace drover::cli
