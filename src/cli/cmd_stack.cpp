// apply plan rm scale rollback, stack ls|show|revisions
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"
#include "cli/stack_file.hpp"

namespace drover::cli {

namespace {
struct ApplyFlags {
  std::string file, if_match;
  bool dry_run = false, exit_code = false;
  WaitFlags wait;
};

Style style_of_step(const std::string& kind) {
  if (kind == "create" || kind == "start") return Style::green;
  if (kind == "delete" || kind == "stop") return Style::red;
  return kind == "keep" ? Style::dim : Style::yellow;
}

/// What the fields that differ do: "web: logs.budget 268435456 → 1048576 (live)".
std::string print_changes(const Context& context, const json::value& answer) {
  std::vector<std::vector<Cell>> rows;
  for (const auto& change : list(answer, "changes")) {
    auto effect = text(change, "effect");
    auto part = [&](const char* name) {
      auto value = text(change, name);
      return Cell{value.empty() ? "(none)" : printable(value)};
    };
    rows.push_back({{effect, effect == "restart" ? Style::yellow
                             : effect == "live"  ? Style::green
                                                 : Style::dim},
                    {text(change, "service")},
                    {text(change, "path")},
                    part("from"),
                    part("to")});
  }
  if (rows.empty()) return {};
  TableOptions options;
  options.shorten = !context.flags.no_trunc;
  return print_table({{"EFFECT"}, {"SERVICE"}, {"FIELD"}, {"FROM", false, true}, {"TO", false, true}}, rows,
                     context.out, options);
}

std::string print_plan(const Context& context, const json::value& plan) {
  std::vector<std::vector<Cell>> rows;
  std::size_t changes = 0;
  for (const auto& step : list(plan, "steps")) {
    auto kind = text(step, "kind");
    changes += kind != "keep";
    rows.push_back({{kind, style_of_step(kind)},
                    {text(step, "instance_name")},
                    {text(step, "node")},
                    {text(step, "reason")}});
  }
  TableOptions options;
  options.shorten = !context.flags.no_trunc;
  auto out =
      print_table({{"WHAT"}, {"INSTANCE"}, {"NODE"}, {"WHY", false, true}}, rows, context.out, options);
  if (rows.empty()) out.clear();
  if (auto fields = print_changes(context, plan); !fields.empty()) out += "\n" + fields + "\n";
  return out + (changes == 0 ? "Nothing to change.\n"
                             : std::to_string(changes) + (changes == 1 ? " change.\n" : " changes.\n"));
}

void print_warnings(const Context& context, const json::value& body) {
  for (const auto& warning : list(body, "warnings"))
    context.err.write(
        context.err.paint(Style::yellow, "warning: ") +
        printable(warning.is_string() ? std::string(warning.get_string()) : text(warning, "message")) + "\n");
}

Result<int> plan(Context& context, const ApplyFlags& flags) {
  TRY(auto file, read_stack_file(context, flags.file));
  TRY(auto api, Api::open(context));
  Call call{"POST", path_of({"stacks", file.stack.name, "plan"})};
  call.body = file.document;
  TRY(auto answer, api.send(call));
  TRYV(print_object(context, answer.body, [&] { return print_plan(context, answer.body); }));
  bool changes = false;
  for (const auto& step : list(answer.body, "steps")) changes |= text(step, "kind") != "keep";
  return flags.exit_code && changes ? 10 : 0;
}

Result<int> apply(Context& context, const ApplyFlags& flags) {
  if (flags.dry_run) return plan(context, flags);
  TRY(auto file, read_stack_file(context, flags.file));
  TRY(auto api, Api::open(context));
  Call call{"PUT", path_of({"stacks", file.stack.name})};
  call.body = file.document;
  call.if_match = flags.if_match;
  TRY(auto answer, api.send(call));
  print_warnings(context, answer.body);
  if (!truth(answer.body, "changed") && text(answer.body, "deployment").empty()) {
    TRYV(print_object(context, answer.body, [&] {
      return file.stack.name + ": nothing has changed, revision " + text(answer.body, "revision") + "\n";
    }));
    return 0;
  }
  if (!context.machine_readable())
    context.err.write(file.stack.name + ": revision " + text(answer.body, "revision") +
                      (truth(answer.body, "changed") ? "" : " (not changed)") + "\n" +
                      print_changes(context, answer.body));
  return after_change(context, api, answer, file.stack.name, flags.wait);
}

struct RemoveFlags {
  std::string stack;
  WaitFlags wait;
};

/// The stack itself vanishes in the end: waits for that, not for a deployment that vanishes with it.
Result<int> wait_until_gone(const Context& context, const Api& hub, const std::string& stack,
                            const WaitFlags& flags) {
  TRY(auto limit, parse_duration(flags.timeout));
  const Api api = hub.at_most(limit);
  auto until = context.clock->now().boot + limit;
  Progress progress(context);
  for (;;) {
    auto found = api.get(path_of({"stacks", stack}));
    if (!found && found.error().code == Errc::not_found) return 0;
    if (!found) return fail(std::move(found.error()));
    net::Query query;
    query.add("filter", "stack:" + stack);
    TRY(auto instances, api.get("/instances", std::move(query)));
    progress.show(list(instances, "items"));
    if (context.clock->now().boot > until)
      return fail(Errc::timeout, stack + " is not gone after " + human_duration(limit), "it goes on",
                  "drover why " + stack);
    sleep_a_little();
  }
}

Result<int> remove(Context& context, const RemoveFlags& flags) {
  TRY(auto api, Api::open(context));
  TRY(auto stack, api.get(path_of({"stacks", flags.stack})));
  TRY(bool sure,
      confirm(context, "Delete " + flags.stack + " with its " + text(stack, "instances") + " instances?"));
  if (!sure) return 11;
  TRY(auto answer, api.send({"DELETE", path_of({"stacks", flags.stack})}));
  if (!shall_wait(context, flags.wait)) return after_change(context, api, answer, flags.stack, flags.wait);
  TRY(int status, wait_until_gone(context, api, flags.stack, flags.wait));
  if (!context.machine_readable()) context.err.write(flags.stack + " is gone\n");
  return status;
}

struct ScaleFlags {
  std::string target;
  std::optional<std::uint32_t> replicas;
  WaitFlags wait;
};

/// "stack/service", or a service's name when only one stack has it.
Result<std::pair<std::string, std::string>> find_service(const Api& api, const std::string& target) {
  auto slash = target.find('/');
  if (slash != std::string::npos) return std::pair(target.substr(0, slash), target.substr(slash + 1));
  TRY(auto services, api.get("/services", net::Query({{"limit", "1000"}})));
  std::vector<std::string> found, names;
  for (const auto& service : list(services, "items")) {
    names.push_back(text(service, "name"));
    if (text(service, "name") == target) found.push_back(text(service, "stack"));
  }
  if (found.size() == 1) return std::pair(found[0], target);
  if (found.size() > 1)
    return fail(Errc::conflict, target + " is in several stacks: " + join(found, ", "), {},
                "drover scale " + found[0] + "/" + target + " N");
  auto close = nearest(target, std::span<const std::string>(names));
  return fail(Errc::not_found, "there is no service " + target, {},
              close ? "did you mean " + *close + "?" : "drover ps");
}

Result<int> scale(Context& context, ScaleFlags flags) {
  if (auto equals = flags.target.find('='); equals != std::string::npos && !flags.replicas) {
    auto count = flags.target.substr(equals + 1);
    std::int64_t number = 0;
    if (detail::read_number(count, 0, 10'000, number))
      return fail(Errc::invalid, count + " is not a number of instances", {}, "drover scale web=3");
    flags.replicas = std::uint32_t(number);
    flags.target.resize(equals);
  }
  if (!flags.replicas)
    return fail(Errc::invalid, "how many instances?", {}, "drover scale " + flags.target + " 3");
  TRY(auto api, Api::open(context));
  TRY(auto service, find_service(api, flags.target));
  Call call{"POST", path_of({"stacks", service.first, "services", service.second, "scale"})};
  call.body = print_json(json::object{{"replicas", *flags.replicas}});
  TRY(auto answer, api.send(call));
  return after_change(context, api, answer, service.first, flags.wait);
}

struct RollbackFlags {
  std::string stack;
  std::optional<std::uint32_t> revision;
  WaitFlags wait;
};
Result<int> rollback(Context& context, const RollbackFlags& flags) {
  TRY(auto api, Api::open(context));
  Call call{"POST", path_of({"stacks", flags.stack, "rollback"})};
  json::object body;
  if (flags.revision) body["revision"] = *flags.revision;
  call.body = print_json(body);
  TRY(auto answer, api.send(call));
  return after_change(context, api, answer, flags.stack, flags.wait);
}

Result<int> list_stacks(Context& context) {
  TRY(auto api, Api::open(context));
  TRY(auto stacks, api.items("/stacks"));
  ListView view{"stacks",
                {plain("NAME", "name"), state_field(), number_field("REVISION", "revision"),
                 number_field("SERVICES", "services"), number_field("INSTANCES", "instances"),
                 number_field("READY", "ready"), number_field("FAILING", "failing"),
                 time_field(context, "UPDATED", "updated_at"), plain("NOTE", "message", true)},
                [](const json::value& item) { return text(item, "name"); }};
  return print_list(context, stacks, view);
}

Result<int> show_stack(Context& context, const std::string& name) {
  TRY(auto api, Api::open(context));
  TRY(auto stack, api.get(path_of({"stacks", name})));
  return print_object(context, stack, [&] {
    auto out = print_facts(
        context.out, {{"stack", text(stack, "name")},
                      {"state", text(stack, "state")},
                      {"note", text(stack, "message")},
                      {"revision", text(stack, "revision")},
                      {"instances", text(stack, "ready") + " of " + text(stack, "instances") + " ready"},
                      {"updated", show_time(context, text(stack, "updated_at"))}});
    if (const auto* content = at(stack, "content")) out += "\n" + to_yaml(*content);
    return out;
  });
}

Result<int> revisions(Context& context, const std::string& name) {
  TRY(auto api, Api::open(context));
  TRY(auto items, api.items(path_of({"stacks", name, "revisions"})));
  ListView view{
      "revisions",
      {number_field("REVISION", "number"),
       plain("CURRENT", "current"),
       plain("SUCCEEDED", "succeeded"),
       {"WHO",
        [](const json::value& item) { return Cell{at(item, "who") ? text(*at(item, "who"), "actor") : ""}; }},
       time_field(context, "AGE", "at"),
       plain("DIGEST", "digest", true)},
      [](const json::value& item) { return text(item, "number"); }};
  return print_list(context, items, view);
}

Command apply_command() {
  auto flags = std::make_shared<ApplyFlags>();
  Command out{"apply", "Make the hub's stack what the file says. The same file again changes nothing."};
  out.examples = {"drover apply shop.yaml", "drover apply -            # from stdin",
                  "drover apply shop.yaml --dry-run"};
  out.arguments = {{"FILE", "Stack file; -: stdin; without: drover.yaml or compose.yaml here.", &flags->file,
                    false, "file"}};
  out.flags = wait_flags(flags->wait);
  out.flags.push_back({"--dry-run", "Show the plan, change nothing.", &flags->dry_run, "", {}});
  out.flags.push_back({"--if-match", "Only if this is the current revision.", &flags->if_match, "REV", {}});
  out.run = [flags](Context& context) { return apply(context, *flags); };
  return out;
}

Command plan_command() {
  auto flags = std::make_shared<ApplyFlags>();
  Command out{"plan", "Show what applying the file would do."};
  out.examples = {"drover plan shop.yaml",
                  "drover plan shop.yaml --exit-code   # 10: something would change"};
  out.arguments = {{"FILE", "Stack file.", &flags->file, false, "file"}};
  out.flags = {{"--exit-code", "Exit status 10 when something would change.", &flags->exit_code, "", {}}};
  out.run = [flags](Context& context) { return plan(context, *flags); };
  return out;
}

Command rm_command() {
  auto flags = std::make_shared<RemoveFlags>();
  Command out{"rm", "Stop a stack in order and delete it: nothing of it is left on any node."};
  out.examples = {"drover rm shop", "drover rm shop --yes --wait"};
  out.arguments = {{"STACK", "Name of the stack.", &flags->stack}};
  out.flags = wait_flags(flags->wait);
  out.run = [flags](Context& context) { return remove(context, *flags); };
  return out;
}

Command scale_command() {
  auto flags = std::make_shared<ScaleFlags>();
  Command out{"scale", "Set how many instances of a service run."};
  out.examples = {"drover scale web 3", "drover scale shop/web=3"};
  out.arguments = {{"SERVICE", "Service, or stack/service.", &flags->target},
                   {"N", "How many.", &flags->replicas, false}};
  out.flags = wait_flags(flags->wait);
  out.run = [flags](Context& context) { return scale(context, *flags); };
  return out;
}

Command rollback_command() {
  auto flags = std::make_shared<RollbackFlags>();
  Command out{"rollback", "Go back to the newest revision before this one that succeeded."};
  out.examples = {"drover rollback shop", "drover rollback shop --revision 4"};
  out.arguments = {{"STACK", "Name of the stack.", &flags->stack}};
  out.flags = wait_flags(flags->wait);
  out.flags.push_back({"--revision", "To this one.", &flags->revision, "REV", {}});
  out.run = [flags](Context& context) { return rollback(context, *flags); };
  return out;
}

Command stack_command() {
  auto name = std::make_shared<std::string>();
  Command ls{"ls", "All stacks."}, show{"show", "One stack with its content."},
      revs{"revisions", "What was applied, and by whom."};
  ls.run = [](Context& context) { return list_stacks(context); };
  show.arguments = revs.arguments = {{"STACK", "Name of the stack.", name.get()}};
  show.run = [name](Context& context) { return show_stack(context, *name); };
  revs.run = [name](Context& context) { return revisions(context, *name); };
  Command out{"stack", "Stacks: what shall run."};
  out.commands = {ls, show, revs};
  return out;
}
}  // namespace

std::vector<Command> stack_commands() {
  return {apply_command(),    plan_command(), scale_command(),
          rollback_command(), rm_command(),   stack_command()};
}

}  // namespace drover::cli
