// start stop restart reload
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"

namespace drover::cli {

namespace {
struct RunFlags {
  std::vector<std::string> targets;
  bool all = false, dry_run = false;
  WaitFlags wait;
};

Result<std::vector<std::string>> targets_of(const RunFlags& flags) {
  std::vector<std::string> out;
  for (const auto& target : flags.targets) {
    if (target != "-") {
      out.push_back(target);
      continue;
    }
    char line[4096];
    while (std::fgets(line, sizeof line, stdin))
      if (auto name = trim(line); !name.empty()) out.emplace_back(name);
  }
  if (out.empty() && !flags.all)
    return fail(Errc::invalid, "name what is meant, or --all", {}, "drover ps   lists the names");
  if (!out.empty() && flags.all) return fail(Errc::invalid, "either names or --all, not both");
  return out;
}

std::string print_preview(const Context& context, const json::value& preview) {
  std::vector<std::vector<Cell>> rows;
  for (const auto& item : list(preview, "items"))
    rows.push_back({{text(item, "stack") + "/" + text(item, "instance_name")}, {text(item, "node")}, {""}});
  for (const auto& item : list(preview, "excluded"))
    rows.push_back(
        {{text(item, "instance"), Style::dim}, {""}, {"left alone: " + text(item, "reason"), Style::dim}});
  if (rows.empty()) return "Nothing would change.\n";
  return print_table({{"INSTANCE"}, {"NODE"}, {"NOTE", false, true}}, rows, context.out, {});
}

Result<int> change(Context& context, const std::string& verb, const RunFlags& flags) {
  TRY(auto targets, targets_of(flags));
  TRY(auto api, Api::open(context));
  json::array names;
  for (const auto& target : targets) names.push_back(json::value(std::string_view(target)));
  Call call{"POST", "/operations"};
  call.body = print_json(json::object{{"kind", verb}, {"all", flags.all}, {"targets", names}});
  auto preview_call = call;
  preview_call.query.add("dry_run", "true");
  if (flags.dry_run) {
    TRY(auto preview, api.send(preview_call));
    return print_object(context, preview.body, [&] { return print_preview(context, preview.body); });
  }
  if (flags.all && !context.flags.yes) {
    TRY(auto preview, api.send(preview_call));
    if (!context.machine_readable()) context.err.write(print_preview(context, preview.body));
    TRY(bool sure, confirm(context, "All of this: " + verb + "?"));
    if (!sure) return 11;
  }
  TRY(auto answer, api.send(call));
  return after_change(context, api, answer, {}, flags.wait);
}

Command make(const std::string& verb, const std::string& help) {
  auto flags = std::make_shared<RunFlags>();
  Command out{verb, help};
  out.examples = {"drover " + verb + " shop", "drover " + verb + " web-1 shop/api",
                  "drover " + verb + " --all"};
  out.arguments = {{"TARGET",
                    "Stack, stack/service, stack/instance, a name that is unique, an id; -: from stdin.",
                    &flags->targets, false}};
  out.flags = wait_flags(flags->wait);
  out.flags.push_back({"--all", "Everything that the hub has.", &flags->all, "", {}});
  out.flags.push_back({"--dry-run", "Show what it would touch.", &flags->dry_run, "", {}});
  out.run = [flags, verb](Context& context) { return change(context, verb, *flags); };
  return out;
}
}  // namespace

std::vector<Command> run_commands() {
  return {make("start", "Run what was stopped."), make("stop", "Stop; it stays stopped until it is started."),
          make("restart", "Stop and start again."),
          make("reload",
               "Take the configuration anew: by signal or command, start-first, or else by a restart.")};
}

}  // namespace drover::cli
