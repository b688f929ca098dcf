#include "cli/follow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "base/text.hpp"
#include "cli/output.hpp"

namespace drover::cli {

namespace {
constexpr auto poll = std::chrono::milliseconds(120);

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

/// SIGINT sets a flag for the length of a wait.
class Interruptible {
 public:
  Interruptible() {
    interrupted = false;
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = true; };
    ::sigaction(SIGINT, &action, &former_);
  }
  ~Interruptible() { ::sigaction(SIGINT, &former_, nullptr); }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  struct sigaction former_{};
};

std::string fine(Duration passed) {
  if (passed < Duration(0)) passed = Duration(0);
  return passed < 60s ? fmt::format("{:.1f}s", seconds(passed)) : human_duration(passed);
}

std::string mark(std::string_view state) {
  if (state == "ready" || state == "completed") return "✓";
  if (state == "failed" || state == "stuck" || state == "lost") return "✗";
  return state == "stopped" ? "-" : "·";
}

/// How long the step took that led to this state; nothing while it has no beginning.
std::string time_of(const Context& context, const json::value& instance) {
  auto state = text(instance, "state");
  auto started = parse_time(text(instance, "started_at")), ready = parse_time(text(instance, "ready_at"));
  if (state == "ready" && started && ready) return fine(*ready - *started);
  if (state == "completed" || state == "stopped" || state == "failed") return "";
  auto changed = parse_time(text(instance, "since"));
  if (!changed || changed->time_since_epoch().count() == 0) return "";
  return fine(context.clock->now().wall - *changed);
}

std::size_t widest_name(const json::array& instances) {
  std::size_t width = 0;
  for (const auto& instance : instances) width = std::max(width, display_width(text(instance, "name")));
  return width;
}

Error timed_out(const std::string& what, Duration limit, const std::string& how_to_look) {
  return Error{
      Errc::timeout, what + " is not finished after " + human_duration(limit), "it goes on", how_to_look, {}};
}

/// What failed, with the reasons and last lines of the instances.
Error failed_deployment(const json::value& deployment, const json::array& instances, const std::string& id) {
  const auto state_then = text(deployment, "state");
  const bool failed = state_then == "failed" || state_then.starts_with("roll");
  auto ended = failed ? "has failed" : "was " + state_then;
  Error error{Errc::internal,
              "the deployment of " + text(deployment, "stack") + " " + ended,
              text(deployment, "message"),
              "drover deployment show " + id,
              {}};
  for (const auto& instance : instances) {
    auto state = text(instance, "state");
    if (state != "failed" && state != "backoff" && state != "unhealthy" && state != "stuck") continue;
    Problem problem{text(instance, "stack") + "/" + text(instance, "name"),
                    0,
                    0,
                    state + ": " + text(instance, "reason"),
                    {},
                    {}};
    for (const auto& last : list(instance, "last_lines"))
      if (last.is_string()) problem.message += "\n" + std::string(last.get_string());
    error.problems.push_back(std::move(problem));
    error.hint = "drover logs " + text(instance, "stack") + "/" + text(instance, "name");
  }
  return error;
}

Result<json::array> instances_of(const Api& api, const std::string& stack) {
  net::Query query;
  query.add("filter", "stack:" + stack);
  query.add("limit", "1000");
  TRY(auto page, api.get("/instances", std::move(query)));
  return list(page, "items");
}

bool stopped(StopFlag stop) { return stop ? stop->load() : interrupted.load(); }
}  // namespace

void sleep_a_little() { std::this_thread::sleep_for(poll); }

std::vector<Flag> wait_flags(WaitFlags& flags) {
  return {{"--wait", "Wait until it is done (default on a terminal).", &flags.wait, "", {}},
          {"--no-wait,-d", "Do not wait; print the id.", &flags.no_wait, "", {}},
          {"--timeout", "How long to wait (default 5m).", &flags.timeout, "TIME", {}}};
}

bool shall_wait(const Context& context, const WaitFlags& flags) {
  return flags.wait || (!flags.no_wait && context.err.tty && !context.machine_readable());
}

std::string Progress::line(const json::value& instance, std::size_t name_width) const {
  auto state = text(instance, "state"), reason = text(instance, "reason"), name = text(instance, "name");
  auto node = text(instance, "node");
  std::string out = "  " + context_.err.paint(style_of(state), mark(state)) + " " + name;
  out += std::string(name_width - std::min(name_width, display_width(name)) + 2, ' ');
  out += context_.err.paint(style_of(state), state) +
         std::string(state.size() < 12 ? 12 - state.size() : 1, ' ');
  if (!node.empty()) out += context_.err.paint(Style::dim, node) + "  ";
  out += "@TIME@";
  if (!reason.empty() && state != "ready") out += "  " + printable(reason);
  return out;
}

namespace {
/// Services in the order in which the hub lists them, instances by their number.
json::array in_order(const json::array& instances) {
  std::map<std::string, std::size_t> first;
  for (const auto& instance : instances)
    first.emplace(text(instance, "stack") + "/" + text(instance, "service"), first.size());
  std::vector<std::pair<std::pair<std::size_t, std::int64_t>, const json::value*>> order;
  for (const auto& instance : instances)
    order.emplace_back(std::pair(first[text(instance, "stack") + "/" + text(instance, "service")],
                                 number(instance, "index")),
                       &instance);
  std::ranges::sort(order);
  json::array out;
  for (const auto& [key, instance] : order) out.push_back(*instance);
  return out;
}
}  // namespace

/// One line a service: "a  517 ready, 480 waiting, 3 failed".
std::vector<std::string> Progress::summary(const json::array& instances) const {
  std::vector<std::pair<std::string, std::map<std::string, std::size_t>>> services;
  for (const auto& instance : instances) {
    auto service = text(instance, "service");
    if (services.empty() || services.back().first != service) services.push_back({service, {}});
    ++services.back().second[text(instance, "state")];
  }
  if (services.size() > most_lines) {  // a line each would be as long as what it stands for
    std::map<std::string, std::size_t> all;
    for (const auto& [service, states] : services)
      for (const auto& [state, count] : states) all[state] += count;
    services = {{fmt::format("{} services", services.size()), std::move(all)}};
  }
  std::size_t width = 0;
  for (const auto& [service, states] : services) width = std::max(width, display_width(service));
  std::vector<std::string> lines;
  for (const auto& [service, states] : services) {
    std::string line = "  " + service + std::string(width - display_width(service), ' ');
    const char* between = "  ";
    for (const auto& [state, count] : states)
      line += std::exchange(between, ", ") +
              context_.err.paint(style_of(state), fmt::format("{} {}", count, state));
    lines.push_back(std::move(line));
  }
  return lines;
}

void Progress::show(const json::array& unordered) {
  auto instances = in_order(unordered);
  if (instances.size() > most_lines) return show_lines(summary(instances));
  auto width = widest_name(instances);
  std::string out;
  if (context_.err.tty && painted_) out += fmt::format("\x1b[{}A", painted_);
  std::size_t lines = 0;
  for (const auto& instance : instances) {
    auto now = line(instance, width);
    auto whole = now;
    whole.replace(whole.find("@TIME@"), 6, time_of(context_, instance));
    if (context_.err.tty) {
      out += "\x1b[2K" + shorten(whole, context_.err.width) + "\n";
      ++lines;
    } else if (auto& former = former_[text(instance, "id")]; former != now) {
      out += whole + "\n";
      former = now;
    }
  }
  for (std::size_t gone = lines; gone < painted_; ++gone) out += "\x1b[2K\n", ++lines;
  painted_ = context_.err.tty ? lines : 0;
  context_.err.write(out);
}

/// Of many instances only the counts: repainted on a terminal, elsewhere when they have changed.
void Progress::show_lines(const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& line : lines)
    all += context_.err.tty ? "\x1b[2K" + shorten(line, context_.err.width) + "\n" : line + "\n";
  if (all == std::exchange(summary_, all)) return;
  context_.err.write((context_.err.tty && painted_ ? fmt::format("\x1b[{}A\x1b[J", painted_) : "") + all);
  painted_ = context_.err.tty ? lines.size() : 0;
}

namespace {
/// What follows is a person's to say.
int tell_promotable(const Context& context, const json::value& deployment) {
  const auto stack = text(deployment, "stack");
  context.err.write(fmt::format("{}: {}\n  drover deployment promote {}\n  drover deployment abort {}\n",
                                stack, text(deployment, "message"), stack, stack));
  return 0;
}
}  // namespace

Result<int> follow_deployment(const Context& context, const Api& hub, const Following& what) {
  const Api api = hub.at_most(what.limit);
  std::optional<Interruptible> watch;
  if (!what.stop) watch.emplace();  // else somebody else looks after signals
  Progress own(context);
  auto& progress = what.progress ? *what.progress : own;
  auto until = context.clock->now().boot + what.limit;
  auto look_at = context.clock->now().boot;
  json::array instances;
  for (;;) {
    auto asked = context.clock->now().boot;
    TRY(auto deployment, api.get(path_of({"deployments", what.deployment})));
    auto state = text(deployment, "state");
    if (state != "running" || asked >= look_at) {
      TRY(instances, instances_of(api, what.stack));
      progress.show(instances);
      // A long list costs the hub what it needs to start the rest of it.
      look_at = context.clock->now().boot + 20 * (context.clock->now().boot - asked);
    }
    if (state == "succeeded") return 0;
    if (state == "superseded")
      return fail(Errc::conflict, "a newer change of " + what.stack + " has taken over", {},
                  "drover deployment ls");
    if (truth(deployment, "promotable")) return tell_promotable(context, deployment);
    if (state == "failed" || state == "cancelled" || state.starts_with("roll"))
      return fail(failed_deployment(deployment, instances, what.deployment));
    if (stopped(what.stop)) {
      if (!what.stop)
        context.err.write("\nnot waiting any longer; the deployment goes on: drover deployment show " +
                          what.deployment + "\n");
      return 130;
    }
    if (context.clock->now().boot > until)
      return fail(timed_out("the deployment of " + what.stack + " (" + text(deployment, "message") + ")",
                            what.limit, "drover why " + what.stack));
    sleep_a_little();
  }
}

namespace {
/// Of each instance what there is to say: why not, or how.
void show_items(const Context& context, const json::value& operation) {
  for (const auto& item : list(operation, "items")) {
    const auto message = text(item, "message");
    if (truth(item, "ok") && message.empty()) continue;
    context.err.write(fmt::format("  {} {}/{}  {}\n", truth(item, "ok") ? "✓" : "✗", text(item, "stack"),
                                  text(item, "instance_name"), printable(message)));
  }
}
}  // namespace

Result<int> follow_operation(const Context& context, const Api& hub, const std::string& id, Duration limit) {
  const Api api = hub.at_most(limit);
  Interruptible watch;
  auto until = context.clock->now().boot + limit;
  for (;;) {
    TRY(auto operation, api.get(path_of({"operations", id})));
    auto state = text(operation, "state");
    std::size_t done = 0;
    for (const auto& item : list(operation, "items"))
      done += at(item, "ok") != nullptr && !at(item, "ok")->is_null();
    if (context.err.tty)
      context.err.write(fmt::format("\r\x1b[2K{} {}: {} of {}", text(operation, "kind"),
                                    text(operation, "scope"), done, list(operation, "items").size()));
    if (state != "running") {
      if (context.err.tty) context.err.write("\n");
      show_items(context, operation);
      if (state == "succeeded") return 0;
      return state == "partial" ? 8 : 1;
    }
    if (stopped(nullptr)) {
      context.err.write("\nnot waiting any longer; the operation goes on\n");
      return 130;
    }
    if (context.clock->now().boot > until)
      return fail(timed_out("the operation", limit, "drover ps --filter -state:ready"));
    sleep_a_little();
  }
}

Result<int> after_change(const Context& context, const Api& api, const Answer& answer,
                         const std::string& stack, const WaitFlags& flags) {
  TRY(auto limit, parse_duration(flags.timeout));
  auto deployment = text(answer.body, "deployment"),
       operation = text(answer.body, "kind").empty() ? "" : text(answer.body, "id");
  bool wait = shall_wait(context, flags);
  if (context.machine_readable()) {
    TRYV(print_object(context, answer.body, [] { return std::string(); }));
  } else if (!wait && !deployment.empty()) {
    context.out.write(deployment + "\n");
  } else if (!wait && !operation.empty()) {
    context.out.write(operation + "\n");
  }
  if (!wait) return 0;
  if (!operation.empty()) return follow_operation(context, api, operation, limit);
  if (!deployment.empty()) return follow_deployment(context, api, {deployment, stack, limit});
  return 0;
}

}  // namespace drover::cli
