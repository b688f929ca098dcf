#include "runtime/companion.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "model/signals.hpp"
#include "runtime/logs.hpp"

namespace drover::runtime {

WallTime wall_of(std::uint64_t ns) { return WallTime(Duration(std::int64_t(ns / 1000))); }

std::optional<Exit> exit_of(const keeper::InstanceInfo& info) {
  Exit exit;
  exit.at = wall_of(info.exited_wall_ns);
  exit.oom = info.oom == keeper::Tri::yes;
  exit.core = info.core_dumped != 0;
  switch (info.exit) {
    case keeper::ExitKind::none: return std::nullopt;
    case keeper::ExitKind::code: exit.code = info.exit_value; break;
    case keeper::ExitKind::signal:
      exit.code = -1;
      exit.signal = info.exit_value;
      break;
    case keeper::ExitKind::unknown:
      exit.code = -1;
      exit.known = false;
      break;
  }
  return exit;
}

std::string describe_hook(const keeper::InstanceInfo& info) {
  constexpr std::string_view what = "the command before the stop";
  const int status = info.hook_status;
  if (info.hook == keeper::Hook::not_started)
    return fmt::format("{} could not be started: {}", what, std::strerror(status));
  if (status == -1) return fmt::format("{} ended unseen", what);
  if (WIFEXITED(status)) return fmt::format("{} failed: exit {}", what, WEXITSTATUS(status));
  return fmt::format("{} was ended by {}", what, signal_name(WTERMSIG(status)));
}

/// One start; however it ends, nobody is told any more afterwards.
struct Companions::Entry {
  std::map<std::string, Running*>& all;
  const std::string& key;
  Running running;
  Entry(std::map<std::string, Running*>& in, const std::string& its_key) : all(in), key(its_key) {
    all[key] = &running;
  }
  ~Entry() { all.erase(key); }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
};

void Companions::seen(const KeeperInstance& one) {
  const auto found = running_.find(one.key);
  if (found == running_.end()) return;
  found->second->latest = one.info;
  found->second->changed.set();
}

void Companions::listed(const std::set<std::string>& keys) {
  for (auto& [key, running] : running_) {
    if (keys.contains(key)) continue;
    running->latest.state = keeper::State::emptied;
    running->changed.set();
  }
}

void Companions::end(const std::string& key) {
  const auto found = running_.find(key);
  if (found == running_.end()) return;
  found->second->ended = true;
  found->second->changed.set();
}

std::string Companions::output_of(const std::string& key) const {
  return fmt::format("{}/probes/{}", parts_.paths.run, key);
}

/// False: not within the limit, or it shall end.
net::Awaitable<bool> Companions::reaches(Running& running, keeper::State state,
                                         std::optional<Duration> limit) {
  const auto until = std::chrono::steady_clock::now() + limit.value_or(std::chrono::hours(24 * 365));
  while (running.latest.state < state) {
    const auto left = std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now());
    running.changed.reset();
    if (running.latest.state >= state) break;
    if (running.ended && state == keeper::State::exited) co_return false;
    if (left <= 0s) co_return false;
    co_await running.changed.wait_for(std::min<Duration>(left, 1h));
  }
  co_return true;
}

/// Until it has exited; false: it is not to go on. Its last line is told meanwhile.
net::Awaitable<bool> Companions::watch(Running& running, const CompanionOrder& order,
                                       const std::string& output) {
  if (!order.on_progress) co_return co_await reaches(running, keeper::State::exited, order.timeout);
  const auto begin = std::chrono::steady_clock::now();
  std::string told;
  for (;;) {
    if (co_await reaches(running, keeper::State::exited, 1s)) co_return true;
    const auto passed = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begin);
    if (running.ended || (order.timeout && passed >= *order.timeout)) co_return false;
    std::vector<std::string> lines;
    co_await net::run_on(parts_.files, [&] { lines = last_lines(output, 1); });
    if (lines.empty() || lines.back() == told) continue;
    told = lines.back();
    order.on_progress(told);
  }
}

net::Awaitable<Ran> Companions::attend(Running& running, const CompanionOrder& order,
                                       std::uint64_t incarnation) {
  const auto output = output_of(order.key);
  Ran ran;
  const bool over = co_await watch(running, order, output);
  ran.ended = !over && running.ended;
  ran.timed_out = !over && !running.ended;
  if (running.latest.state != keeper::State::emptied) [[maybe_unused]]
    auto killed = co_await parts_.keeper.kill(order.key, incarnation);
  const bool gone = co_await reaches(running, keeper::State::emptied, 5s);
  // What it printed last is in the file a little after its end.
  const auto until = std::chrono::steady_clock::now() + 1s;
  while (gone && running.latest.log_closed == 0 && std::chrono::steady_clock::now() < until) {
    running.changed.reset();
    if (running.latest.log_closed == 0) co_await running.changed.wait_for(100ms);
  }
  ran.exit = exit_of(running.latest).value_or(Exit{.code = -1, .known = false});
  co_await net::run_on(parts_.files, [&] {
    ran.lines = last_lines(output, order.lines);
    std::error_code ignored;
    std::filesystem::remove_all(output, ignored);
  });
  if (gone) [[maybe_unused]]
    auto forgotten = co_await parts_.keeper.forget(order.key, incarnation);
  co_return ran;
}

net::Awaitable<Result<Ran>> Companions::run(CompanionOrder order) {
  if (running_.contains(order.key)) co_return fail(Errc::conflict, "the former one still runs");
  Entry entry(running_, order.key);
  std::optional<std::expected<keeper::SpawnSpec, Refusal>> spec;
  co_await net::run_on(parts_.files, [&] {
    spec.emplace(companion_spec(order.of, order.node, parts_.paths, order.command, output_of(order.key)));
  });
  const auto refused = [](const Refusal& why) {
    return fail(why.why == Refusal::Why::permanent ? Errc::invalid : Errc::unavailable, why.reason);
  };
  if (!*spec) co_return refused((*spec).error());
  // Rises with every start, also over restarts of this program within one boot.
  const auto incarnation = std::uint64_t(std::chrono::duration_cast<std::chrono::microseconds>(
                                             std::chrono::steady_clock::now().time_since_epoch())
                                             .count());
  auto made = co_await parts_.keeper.spawn({order.key, order.key, incarnation, std::move(**spec)});
  if (!made && made.error().status == keeper::Status::spawn_failed)
    co_return refused(explain(order.of, made.error().stage, made.error().error));
  if (!made) co_return fail(made.error().as_error());
  if (entry.running.latest.state < made->info.state) entry.running.latest = made->info;
  co_return co_await attend(entry.running, order, incarnation);
}

net::Awaitable<Result<Ran>> Companions::resume(CompanionOrder order) {
  if (running_.contains(order.key)) co_return fail(Errc::conflict, "the former one still runs");
  Entry entry(running_, order.key);
  CO_TRY(auto all, co_await parts_.keeper.list());
  const auto found = std::ranges::find(all, order.key, &KeeperInstance::key);
  if (found == all.end()) co_return fail(Errc::not_found, "nothing is left of it");
  if (entry.running.latest.state <= found->info.state) entry.running.latest = found->info;
  co_return co_await attend(entry.running, order, found->info.incarnation);
}

}  // namespace drover::runtime
