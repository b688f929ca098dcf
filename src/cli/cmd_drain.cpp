// node drain
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"

namespace drover::cli {

namespace {
struct DrainFlags {
  std::vector<std::string> names;
  bool dry_run = false;
  WaitFlags wait;
};

Style style_of_what(const std::string& what) {
  return what == "stays" ? Style::yellow : what == "moves" ? Style::green : Style::dim;
}

std::string print_steps(const Context& context, const json::array& steps, const std::string& node) {
  if (steps.empty()) return node + ": nothing is there\n";
  std::vector<std::vector<Cell>> rows;
  std::size_t stay = 0;
  for (const auto& step : steps) {
    const auto what = text(step, "what");
    stay += what == "stays";
    rows.push_back({{what, style_of_what(what)},
                    {text(step, "stack") + "/" + text(step, "instance_name")},
                    {text(step, "to")},
                    {printable(text(step, "reason"))}});
  }
  TableOptions options;
  options.shorten = !context.flags.no_trunc;
  auto out = print_table({{"WHAT"}, {"INSTANCE"}, {"TO"}, {"WHY", false, true}}, rows, context.out, options);
  if (stay > 0) out += node + ": " + std::to_string(stay) + " cannot go\n";
  return out;
}

Result<int> preview(Context& context, const Api& api, const std::string& name) {
  TRY(auto answer, api.get(path_of({"nodes", name, "drain"})));
  return print_object(context, answer, [&] { return print_steps(context, list(answer, "items"), name); });
}

/// Until nothing is left, or only what cannot go; that is named.
Result<int> wait_until_empty(Context& context, const Api& api, const std::string& name, BootTime until) {
  std::size_t shown = 0;
  for (;;) {
    TRY(auto left, api.get(path_of({"nodes", name, "drain"})));
    const auto& steps = list(left, "items");
    if (steps.empty()) {
      context.err.write(name + " is empty\n");
      return 0;
    }
    if (shown != steps.size())
      context.err.write(name + ": " + std::to_string(steps.size()) + " instances left\n");
    shown = steps.size();
    bool all_stay =
        std::ranges::all_of(steps, [](const auto& step) { return text(step, "what") == "stays"; });
    if (all_stay) {
      context.err.write(print_steps(context, steps, name));
      return 8;
    }
    if (context.clock->now().boot > until)
      return fail(Errc::timeout, name + " still has " + std::to_string(steps.size()) + " instances",
                  "the drain goes on", "drover node drain " + name + " --dry-run");
    sleep_a_little();
  }
}

Result<int> drain(Context& context, const DrainFlags& flags) {
  TRY(auto api, Api::open(context));
  TRY(auto limit, parse_duration(flags.wait.timeout));
  for (const auto& name : flags.names) {
    if (flags.dry_run) {
      TRYV(preview(context, api, name));
      continue;
    }
    TRY(auto answer, api.send({"POST", path_of({"nodes", name, "drain"})}));
    if (context.machine_readable()) {
      TRYV(print_object(context, answer.body, [] { return std::string(); }));
      continue;
    }
    context.out.write(text(answer.body, "name") + ": " + text(answer.body, "state") + ", draining\n");
  }
  if (flags.dry_run || !shall_wait(context, flags.wait)) return 0;
  int status = 0;
  for (const auto& name : flags.names) {
    TRY(int one, wait_until_empty(context, api.at_most(limit), name, context.clock->now().boot + limit));
    status = std::max(status, one);
  }
  return status;
}
}  // namespace

Command drain_command() {
  auto flags = std::make_shared<DrainFlags>();
  Command out{"drain", "Take nothing new, and give up what can go elsewhere, a batch at a time."};
  out.examples = {"drover node drain pve1 --dry-run   # what would go where, and what cannot",
                  "drover node drain pve1 --wait"};
  out.arguments = {{"NODE", "Name or id.", &flags->names}};
  out.flags = wait_flags(flags->wait);
  out.flags.push_back({"--dry-run", "Show what would go where, change nothing.", &flags->dry_run, "", {}});
  out.run = [flags](Context& context) { return drain(context, *flags); };
  return out;
}

}  // namespace drover::cli
