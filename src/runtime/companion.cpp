#include "runtime/companion.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstring>
#include <filesystem>

#include "model/signals.hpp"
#include "runtime/process_driver_impl.hpp"

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

net::Awaitable<Result<ProcessDriver::Ran>> ProcessDriver::run_probe(agent::AskProbe probe,
                                                                    std::vector<std::string> command) {
  const auto impl = impl_;
  const auto key = fmt::format("{}.{}", key_of(probe.run.instance), int(probe.asked));
  if (impl->companions.contains(key)) co_return fail(Errc::conflict, "the former check still runs");
  const auto output = fmt::format("{}/probes/{}", impl->parts.keeper.paths.run, key);
  agent::Spawn of{probe.run,   Placement{probe.run.instance, 0, 0, {}},
                  probe.stack, probe.instance_name,
                  probe.index, probe.service,
                  probe.ports};
  std::optional<std::expected<keeper::SpawnSpec, Refusal>> spec;
  const NodeWords words = impl->node;
  co_await net::run_on(impl->parts.files, [&] {
    spec.emplace(companion_spec(of, words, impl->parts.keeper.paths, command, output));
  });
  if (!*spec) co_return fail(Errc::invalid, (*spec).error().reason);
  CompanionEntry entry(impl->companions, key);
  // Rises with every start, also over restarts of this program within one boot.
  const auto incarnation = std::uint64_t(std::chrono::duration_cast<std::chrono::microseconds>(
                                             std::chrono::steady_clock::now().time_since_epoch())
                                             .count());
  auto made = co_await impl->client.spawn({key, key, incarnation, std::move(**spec)});
  if (!made && made.error().status == keeper::Status::spawn_failed)
    co_return fail(Errc::invalid, explain(of, made.error().stage, made.error().error).reason);
  if (!made) co_return fail(made.error().as_error());
  if (entry.companion.latest.state < made->info.state) entry.companion.latest = made->info;
  Ran ran;
  ran.timed_out = !co_await entry.reaches(keeper::State::exited, probe.probe.timeout);
  if (entry.companion.latest.state != keeper::State::emptied) [[maybe_unused]]
    auto killed = co_await impl->client.kill(key, incarnation);
  const bool gone = co_await entry.reaches(keeper::State::emptied, 5s);
  ran.exit = exit_of(entry.companion.latest).value_or(Exit{.code = -1, .known = false});
  co_await net::run_on(impl->parts.files, [&] {
    auto lines = last_lines(output, 1);
    if (!lines.empty()) ran.last_line = std::move(lines.back());
    std::error_code ignored;
    std::filesystem::remove_all(output, ignored);
  });
  if (gone) [[maybe_unused]]
    auto forgotten = co_await impl->client.forget(key, incarnation);
  co_return ran;
}

}  // namespace drover::runtime
