#pragma once
// What the driver of processes knows while it runs. For process_driver.cpp.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "runtime/companion.hpp"
#include "runtime/logs.hpp"
#include "runtime/passed.hpp"
#include "runtime/process_driver.hpp"
#include "runtime/run_ports.hpp"
#include "runtime/spawn_limits.hpp"

namespace drover::runtime {

using agent::Run;
using agent::SpawnFailed;

inline constexpr std::size_t kept_lines = 20;
inline constexpr Duration log_patience = 100ms;  // how long an end is held back for the last lines

/// A service's key is its instance id; a probe's has a dot and the question behind it.
inline std::string key_of(const InstanceId& id) { return to_string(id); }
inline std::optional<InstanceId> id_of(const std::string& key) {
  if (const auto id = parse_uuid(key)) return InstanceId{*id};
  return std::nullopt;
}

struct ProcessDriver::Impl {
  Impl(Parts its_parts, Log& its_log)
      : parts(std::move(its_parts)),
        log(its_log),
        tasks(parts.executor,
              [this](std::string_view task, std::string_view what) {
                log.error("a task of the process driver failed",
                          {{"task", std::string(task)}, {"error", std::string(what)}});
              }),
        client(parts.executor, parts.keeper, its_log,
               {[this](const std::vector<KeeperInstance>& all) { listed(all); },
                [this](const KeeperInstance& one) { seen(one); }}),
        companions({parts.files, parts.keeper.paths, client}),
        notify({parts.executor, parts.files, parts.keeper.paths, parts.on_event,
                [this](Run run) { return belongs(run); }},
               its_log) {}

  /// Its last line is in the file.
  struct LogEnd {
    net::Event event;
    std::optional<WallTime> at;  // what is younger is of the next run
  };
  /// What the core has been told of a run.
  struct Known {
    bool starting = false;  // the start has not been answered yet: news wait
    bool exited = false, emptied = false, stuck = false, hook_told = false;
    bool log_trouble = false;
    bool at_once = false;      // it is restarted without delay: its last lines come later
    bool telling_end = false;  // its end is told with them, which are a moment away
    std::shared_ptr<LogEnd> log_closed = std::make_shared<LogEnd>();
    keeper::InstanceInfo latest;
    std::string cgroup, log_directory, slot;
    std::set<std::string> passed;  // the sockets that it has, by the keeper's names
    std::vector<Fd> claims;        // its ports, until nothing of it is left

    void close_log() {
      if (latest.emptied_wall_ns != 0) log_closed->at = wall_of(latest.emptied_wall_ns + 999);  // rounded up
      log_closed->event.set();
    }
  };
  /// A start that went well. The next one of the same is done without looking at files again, which is what
  /// may block; one that fails is looked at in full.
  struct Proven {
    RunRecord record;
    keeper::SpawnSpec spec;
  };
  Parts parts;
  Log& log;
  net::TaskGroup tasks;
  KeeperClient client;
  NodeWords node;
  std::map<Run, Known> runs;
  std::map<InstanceId, Proven> proven;
  Companions companions;
  NotifySockets notify;
  std::vector<KeeperInstance> early;  // told before recover()
  bool recovered = false;
  std::set<std::string> kept_commands;
  std::set<std::string> sockets;  // that the keeper holds

  void emit(agent::Event event) { parts.on_event(std::move(event)); }

  void seen(const KeeperInstance& one) {
    companions.seen(one);
    const auto id = id_of(one.key);
    if (!id) return;
    if (!recovered) return early.push_back(one);
    const auto found = runs.find(Run{*id, one.info.incarnation});
    if (found == runs.end()) return;
    found->second.latest = one.info;
    found->second.cgroup = one.cgroup;
    found->second.log_directory = one.log_directory;
    if (one.info.log_closed != 0) found->second.close_log();
    tell(found->first, found->second);
  }

  /// After a new connection: what is not in the list any more has ended unseen.
  void listed(const std::vector<KeeperInstance>& all) {
    std::set<Run> there;
    std::set<std::string> keys;
    for (const auto& one : all) {
      keys.insert(one.key);
      if (const auto id = id_of(one.key)) there.insert(Run{*id, one.info.incarnation});
      seen(one);
    }
    if (!recovered) return;
    for (auto& [run, known] : runs)
      if (!there.contains(run) && !known.starting && !known.emptied) vanished(run, known);
    companions.listed(keys);
  }

  std::function<bool(std::int32_t, std::uint32_t)> belongs(const Run& run) const {
    const auto known = runs.find(run);
    if (known == runs.end()) return {};
    return [of = RunProcesses{known->second.cgroup, known->second.latest.pid}](
               std::int32_t pid, std::uint32_t uid) { return belongs_to(of, pid, uid); };
  }

  void vanished(const Run& run, Known& known) {
    known.latest.state = keeper::State::emptied;
    if (known.latest.exit == keeper::ExitKind::none) known.latest.exit = keeper::ExitKind::unknown;
    known.latest.log_closed = 1;
    known.close_log();
    tell(run, known);
  }

  /// Until the last line of a run is in its file, at most for the limit.
  net::Awaitable<void> last_line(Run run, Duration limit) {
    const auto known = runs.find(run);
    if (known == runs.end() || known->second.latest.log_closed != 0) co_return;
    const auto closed = known->second.log_closed;
    co_await closed->event.wait_for(limit);
  }

  /// Says what is new, in order: exited, stuck, emptied.
  void tell(const Run& run, Known& known) {
    if (known.starting || known.telling_end) return;
    const auto& info = known.latest;
    if (!known.exited) {
      if (auto exit = exit_of(info)) {
        const bool failed = !succeeded(*exit) && info.stopping == 0;
        if (failed && !known.at_once) {
          known.telling_end = true;
          return tasks.spawn(tell_failure(run, *exit), "last lines");
        }
        known.exited = true;
        emit(agent::Exited{run, *exit, {}, failed});
        if (failed) tasks.spawn(tell_lines(run), "last lines");
      }
    }
    if (info.hook >= keeper::Hook::failed && !known.hook_told) {
      known.hook_told = true;
      emit(agent::HookFailed{run, describe_hook(info)});
    }
    const bool failing = info.log_failing != 0 && info.log_error != 0;
    if (failing != std::exchange(known.log_trouble, failing))
      emit(agent::Trouble{
          run, agent::About::log,
          failing ? fmt::format("its log cannot be written: {}", std::strerror(info.log_error)) : ""});
    if (info.stuck != 0 && !known.stuck && info.state != keeper::State::emptied) {
      known.stuck = true;
      emit(agent::Stuck{
          run, fmt::format("pid {} was killed and is still there (uninterruptible sleep)", info.pid)});
    }
    if (info.state == keeper::State::emptied && !known.emptied) {
      if (!known.exited) {
        known.exited = true;
        emit(agent::Exited{run, Exit{.code = -1, .known = false, .at = wall_of(info.emptied_wall_ns)}, {}});
      }
      known.emptied = true;
      known.claims.clear();
      notify.close(run);
      emit(agent::Emptied{run});
    }
  }

  /// The next run may have begun, and written into the same log.
  net::Awaitable<std::vector<std::string>> lines_of(Run run) {
    std::vector<std::string> lines;
    const auto known = runs.find(run);
    if (known == runs.end()) co_return lines;
    const auto directory = known->second.log_directory;
    const auto closed = known->second.log_closed;
    co_await closed->event.wait_for(log_patience);
    if (!directory.empty())
      co_await net::run_on(parts.files, [&] { lines = last_lines(directory, kept_lines, closed->at); });
    co_return lines;
  }
  net::Awaitable<void> tell_lines(Run run) {
    auto lines = co_await lines_of(run);
    emit(agent::LastLines{run, std::move(lines)});
  }
  net::Awaitable<void> tell_failure(Run run, Exit exit) {
    auto lines = co_await lines_of(run);
    const auto known = runs.find(run);
    if (known == runs.end()) co_return;
    known->second.telling_end = false;
    known->second.exited = true;
    emit(agent::Exited{run, exit, std::move(lines)});
    tell(run, known->second);
  }

  void started(const Run& run) {
    const auto known = runs.find(run);
    if (known == runs.end()) return;
    known->second.starting = false;
    tell(run, known->second);
  }

  struct Prepared {
    keeper::SpawnSpec spec;
    std::vector<Fd> claims, sockets;
    bool as_before = false;
  };
  static RunRecord record_of(const agent::Spawn& spawn) {
    return {spawn.run.instance, spawn.run.incarnation, spawn.placement.epoch, spawn.placement.digest,
            spawn.stack,        spawn.service.name,    spawn.instance_name,   spawn.ports};
  }
  /// `there`: this run exists already, and its ports are busy because it has them.
  std::expected<Prepared, SpawnFailed> prepare(const agent::Spawn& spawn, const NodeWords& words, bool there,
                                               const std::set<std::string>& held) const {
    auto spec = spawn_spec(spawn, words, parts.keeper.paths);
    if (!spec) return std::unexpected(std::move(spec).error());
    Prepared prepared{std::move(*spec), {}, {}};
    if (there) return prepared;
    auto passed = passed_sockets(spawn, held);
    if (!passed) return std::unexpected(std::move(passed).error());
    prepared.spec.sockets = std::move(passed->names);
    for (const auto& port : spawn.service.ports)
      if (port.pass == PortPass::nginx) prepared.spec.fixed.pass = keeper::PassStyle::nginx;
    prepared.sockets = std::move(passed->fds);
    if (auto busy = take_ports(spawn, prepared.claims)) return std::unexpected(std::move(*busy));
    if (auto written = write_run_record(parts.keeper.paths, record_of(spawn)); !written)
      return std::unexpected(SpawnFailed{spawn.run, SpawnFailed::Why::transient,
                                         "no run record could be written: " + written.error().message, 0});
    return prepared;
  }

  /// nullopt: it has not been started as it is now, or something is in its way. Users and passed sockets are
  /// looked at each time.
  std::optional<Prepared> as_before(const agent::Spawn& spawn) const {
    const auto found = proven.find(spawn.run.instance);
    if (found == proven.end()) return std::nullopt;
    auto record = record_of(spawn);
    record.incarnation = found->second.record.incarnation;
    if (record != found->second.record) return std::nullopt;
    Prepared prepared{.spec = found->second.spec, .claims = {}, .sockets = {}, .as_before = true};
    constexpr std::string_view counter = "DROVER_INCARNATION=";
    for (auto& entry : prepared.spec.env)
      if (entry.starts_with(counter)) entry = fmt::format("{}{}", counter, spawn.run.incarnation);
    record.incarnation = spawn.run.incarnation;
    if (take_ports(spawn, prepared.claims) || !write_run_record(parts.keeper.paths, record))
      return std::nullopt;
    return prepared;
  }
  void remember(const agent::Spawn& spawn, keeper::SpawnSpec spec) {
    const auto& process = std::get<ProcessSpec>(spawn.service.spec);
    if (!process.user.empty() || !process.group.empty() || !process.groups.empty() || !spec.sockets.empty())
      return void(proven.erase(spawn.run.instance));
    proven.insert_or_assign(spawn.run.instance, Proven{record_of(spawn), std::move(spec)});
  }
  net::Awaitable<std::expected<Prepared, SpawnFailed>> prepared_for(const agent::Spawn& spawn, bool there) {
    if (!there)
      if (auto quick = as_before(spawn)) co_return std::move(*quick);
    std::optional<std::expected<Prepared, SpawnFailed>> prepared;
    const NodeWords words = node;
    const auto held = sockets;
    co_await net::run_on(parts.files, [&] { prepared.emplace(prepare(spawn, words, there, held)); });
    co_return std::move(*prepared);
  }

  /// Of this slot, but those that its runs have which are not gone: start-first has two of them for a while.
  net::Awaitable<void> release(std::string slot) {
    if (sockets.empty()) co_return;
    std::set<std::string> wanted;
    for (const auto& [run, known] : runs)
      if (known.slot == slot && !known.emptied) wanted.insert(known.passed.begin(), known.passed.end());
    std::vector<std::string> names;
    for (const auto& name : sockets)
      if (of_slot(name, slot) && !wanted.contains(name)) names.push_back(name);
    if (names.empty()) co_return;
    const auto released = co_await client.release(names);
    if (!released)
      log.warn("a listening socket could not be closed",
               {{"slot", slot}, {"error", released.error().message}});
    else
      for (const auto& name : names) sockets.erase(name);
  }
  /// Those of slots that have no run any more are of services that were taken away meanwhile.
  net::Awaitable<void> recover_sockets() {
    auto held = co_await client.sockets();
    if (!held) {
      log.warn("the keeper does not tell its sockets", {{"error", held.error().message}});
      co_return;
    }
    sockets = std::set<std::string>(held->begin(), held->end());
    std::set<std::string> gone;
    for (const auto& name : *held) {
      const auto slot = name.substr(0, name.find('#'));
      if (std::ranges::none_of(runs, [&](const auto& each) { return each.second.slot == slot; }))
        gone.insert(slot);
    }
    for (const auto& slot : gone) co_await release(slot);  // no run has it: all of its sockets
  }
  SpawnFailed refused(const agent::Spawn& spawn, const KeeperFailure& failure) {
    runs.erase(spawn.run);
    notify.close(spawn.run);
    remove_run_record(parts.keeper.paths, spawn.run);
    if (failure.status == keeper::Status::spawn_failed) return explain(spawn, failure.stage, failure.error);
    return {spawn.run, SpawnFailed::Why::transient, failure.message, 0};
  }

  agent::Found found_of(const KeeperInstance& one, const InstanceId& id,
                        const std::map<Run, RunRecord>& records) {
    agent::Found found;
    found.run = {id, one.info.incarnation};
    if (const auto record = records.find(found.run); record != records.end()) {
      found.digest = record->second.digest;
      found.ports = record->second.ports;
    }
    found.degraded = degraded_texts(one.info.degraded);
    found.exit = exit_of(one.info);
    found.empty = one.info.state == keeper::State::emptied;
    found.alive = !found.empty && !found.exit;
    if (found.alive) found.pid = one.info.pid;
    if (one.info.started_wall_ns != 0) found.started_at = wall_of(one.info.started_wall_ns);
    return found;
  }
};

}  // namespace drover::runtime
