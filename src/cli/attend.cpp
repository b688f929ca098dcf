#include "cli/attend.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "cli/follow.hpp"
#include "cli/local_process.hpp"
#include "cli/log_printer.hpp"
#include "cli/systemd.hpp"

namespace drover::cli {

namespace {

constexpr auto look_every = 200ms;
constexpr auto last_words = 500ms;  // for the logs, after the end of the essential service

net::Awaitable<void> keep_following(const Api* api, Call call, LogPrinter* printer) {
  for (;;) {  // the stream ends when the hub is short of memory or restarts; ends with the group
    auto result = co_await api->lines(call, [printer](std::string line) { return printer->print(line); });
    if (!result && result.error().code == Errc::not_found) co_return;
    co_await net::sleep_for(300ms);
  }
}

/// "exit 3" → 3, "signal 15 (SIGTERM)" → 143, as model/instance.hpp describes an exit.
int status_of(const std::string& last_exit) {
  int value = 1;
  auto number_after = [&](std::string_view word) {
    return last_exit.starts_with(word) &&
           std::from_chars(last_exit.data() + word.size(), last_exit.data() + last_exit.size(), value).ec ==
               std::errc();
  };
  if (last_exit == "out of memory") return 137;
  if (number_after("exit ")) return value;
  return number_after("signal ") ? 128 + value : 1;
}

std::optional<int> end_of(const json::array& instances, const Attending& what) {
  int status = 0;
  for (const auto& instance : instances) {
    if (text(instance, "stack") != what.stack || text(instance, "service") != what.essential) continue;
    const auto state = text(instance, "state");
    if (state != "completed" && state != "failed" && state != "stopped") return std::nullopt;
    const int one = state == "failed" ? std::max(1, status_of(text(instance, "last_exit"))) : 0;
    status = status == 0 ? one : status;
  }
  return status;
}

net::Awaitable<void> watch_essential(const Api* api, const Attending* what, std::optional<int>* out,
                                     net::Event* ended) {
  for (;;) {
    Call call{"GET", "/instances", net::Query({{"filter", "stack:" + what->stack}, {"limit", "1000"}})};
    auto answer = co_await api->send_async(std::move(call));
    if (answer) *out = end_of(list(answer->body, "items"), *what);
    if (*out) break;
    co_await net::sleep_for(look_every);
  }
  if (what->logs) co_await net::sleep_for(last_words);
  ended->set();
}

net::Awaitable<void> wait_on(net::Event* event) { co_await event->wait(); }

struct Listening {
  const Api* api;
  const Attending* what;
  LogPrinter* printer;
  net::Event* stop;
};

net::Awaitable<void> attend_until(Listening with, std::optional<int>* out) {
  net::TaskGroup group(co_await net::current_executor(), [](std::string_view, std::string_view) {});
  net::Event ended;
  LogFlags flags;
  flags.follow = true;
  flags.since = format_time(with.what->from);
  flags.targets = {with.what->stack};
  if (with.what->logs) group.spawn(keep_following(with.api, log_call(flags), with.printer));
  if (!with.what->essential.empty()) group.spawn(watch_essential(with.api, with.what, out, &ended));
  co_await net::first_of(wait_on(with.stop), wait_on(&ended));
  group.cancel();
  co_await group.join();
}

/// Everything, dependants first, as the hub plans it. Ends early at a second interrupt.
void stop_in_order(const Context& context, const Api& api, Duration limit, const Interrupts& interrupts) {
  int before = interrupts.count();
  Call call{"POST", "/operations"};
  call.body = R"({"kind":"stop","all":true,"targets":[]})";
  auto answer = api.send(call);
  if (!answer) return;  // nothing to stop, or the hub is ill: the agent ends what is left
  auto id = text(answer->body, "id");
  Progress progress(context);
  auto until = context.clock->now().boot + limit;
  while (context.clock->now().boot < until && interrupts.count() <= before) {
    auto operation = api.get(path_of({"operations", id}));
    auto page = api.get("/instances", net::Query({{"limit", "1000"}}));
    if (page) progress.show(list(*page, "items"));
    if (!operation || text(*operation, "state") != "running") return;
    sleep_a_little();
  }
}

std::string ending_mark(const std::string& state) { return state + "/up.ending"; }

}  // namespace

std::optional<int> attend(const Context& context, const Api& api, const Attending& what,
                          Interrupts& interrupts) {
  LogPrinter printer(context, true, false);
  std::optional<int> out;
  net::block_on(attend_until({&api, &what, &printer, &interrupts.event()}, &out));
  return out;
}

Result<int> end_local(const Context& context, const Api& api, LocalHub& local, const UpConfig& config,
                      const Interrupts& interrupts) {
  if (is_being_restarted()) {
    context.err.write("the service manager restarts this process; what it runs goes on\n");
    return 0;
  }
  context.err.write(context.err.tty ? "\nstopping everything in order (Ctrl-C again: at once)\n"
                                    : "stopping everything in order\n");
  const auto state = context.state_directory();
  local.tell("stopping everything in order");
  std::ofstream(ending_mark(state)).flush();
  int before = interrupts.count();
  stop_in_order(context, api, config.agent.stop_deadline, interrupts);
  bool force = interrupts.count() > before;
  if (force) context.err.write("at once\n");
  TRYV(local.stop(force));
  std::error_code ignored;
  std::filesystem::remove(pid_file(state), ignored);
  context.err.write("everything is stopped\n");
  return 0;
}

bool ended_in_order(const std::string& state) {
  std::error_code ignored;
  const bool ending = std::filesystem::remove(ending_mark(state), ignored);
  return ending || !std::filesystem::exists(pid_file(state), ignored);
}

}  // namespace drover::cli
