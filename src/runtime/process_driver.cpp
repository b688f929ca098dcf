#include "runtime/process_driver.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "model/signals.hpp"
#include "runtime/companion.hpp"
#include "runtime/logs.hpp"
#include "runtime/run_ports.hpp"
#include "runtime/stats.hpp"

namespace drover::runtime {

using agent::Run;
using agent::SpawnFailed;

namespace {

constexpr std::size_t kept_lines = 20;
constexpr Duration log_close_patience = 1s;
constexpr Duration log_patience = 100ms;  // how long an end is held back for the last lines

/// A service's key is its instance id; a probe's has a dot and the question behind it.
std::string key_of(const InstanceId& id) { return to_string(id); }
std::optional<InstanceId> id_of(const std::string& key) {
  if (const auto id = parse_uuid(key)) return InstanceId{*id};
  return std::nullopt;
}

}  // namespace

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
                [this](const KeeperInstance& one) { seen(one); }}) {}

  /// What the core has been told of a run.
  struct Known {
    bool starting = false;  // the start has not been answered yet: news wait
    bool exited = false, emptied = false, stuck = false;
    bool log_closed = false;
    bool waiting_for_log = false;
    keeper::InstanceInfo latest;
    std::string cgroup, log_directory;
    std::vector<Fd> claims;  // its ports, until nothing of it is left
  };
  Parts parts;
  Log& log;
  net::TaskGroup tasks;
  KeeperClient client;
  NodeWords node;
  std::map<Run, Known> runs;
  std::map<std::string, Companion*> companions;
  std::vector<KeeperInstance> early;  // told before recover()
  bool recovered = false;

  void emit(agent::Event event) { parts.on_event(std::move(event)); }

  void seen(const KeeperInstance& one) {
    if (const auto probe = companions.find(one.key); probe != companions.end()) {
      probe->second->latest = one.info;
      probe->second->changed.set();
    }
    const auto id = id_of(one.key);
    if (!id) return;
    if (!recovered) return early.push_back(one);
    const auto found = runs.find(Run{*id, one.info.incarnation});
    if (found == runs.end()) return;
    found->second.latest = one.info;
    found->second.cgroup = one.cgroup;
    found->second.log_directory = one.log_directory;
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
    for (auto& [key, probe] : companions)
      if (!keys.contains(key)) {
        probe->latest.state = keeper::State::emptied;
        probe->changed.set();
      }
  }

  void vanished(const Run& run, Known& known) {
    known.latest.state = keeper::State::emptied;
    if (known.latest.exit == keeper::ExitKind::none) known.latest.exit = keeper::ExitKind::unknown;
    known.log_closed = true;
    known.latest.log_closed = 1;
    tell(run, known);
  }

  /// Says what is new, in order: exited, stuck, emptied.
  void tell(const Run& run, Known& known) {
    if (known.starting || known.waiting_for_log) return;
    const auto& info = known.latest;
    known.log_closed = info.log_closed != 0;
    if (!known.exited) {
      if (auto exit = exit_of(info)) {
        if (succeeded(*exit) || info.stopping != 0) {
          known.exited = true;
          emit(agent::Exited{run, *exit, {}});
        } else {
          known.waiting_for_log = true;
          return tasks.spawn(tell_failure(run, *exit), "last lines");
        }
      }
    }
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
      emit(agent::Emptied{run});
    }
  }

  /// A failure is told with the last lines: the pump needs a moment after the end to write them.
  net::Awaitable<void> tell_failure(Run run, Exit exit) {
    for (auto waited = 0ms; waited < log_patience; waited += 5ms) {
      const auto known = runs.find(run);
      if (known == runs.end() || known->second.latest.log_closed != 0) break;
      co_await net::sleep_for(5ms);
    }
    std::string directory;
    if (const auto known = runs.find(run); known != runs.end()) directory = known->second.log_directory;
    std::vector<std::string> lines;
    if (!directory.empty())
      co_await net::run_on(parts.files, [&] { lines = last_lines(directory, kept_lines); });
    const auto known = runs.find(run);
    if (known == runs.end()) co_return;
    known->second.waiting_for_log = false;
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
    std::vector<Fd> claims;
  };
  /// `there`: this run exists already, and its ports are busy because it has them.
  std::expected<Prepared, SpawnFailed> prepare(const agent::Spawn& spawn, const NodeWords& words,
                                               bool there) const {
    auto spec = spawn_spec(spawn, words, parts.keeper.paths);
    if (!spec) return std::unexpected(std::move(spec).error());
    Prepared prepared{std::move(*spec), {}};
    if (there) return prepared;
    if (auto busy = take_ports(spawn, prepared.claims)) return std::unexpected(std::move(*busy));
    const RunRecord record{
        spawn.run.instance, spawn.run.incarnation, spawn.placement.epoch, spawn.placement.digest,
        spawn.stack,        spawn.service.name,    spawn.instance_name,   spawn.ports};
    if (auto written = write_run_record(parts.keeper.paths, record); !written)
      return std::unexpected(SpawnFailed{spawn.run, SpawnFailed::Why::transient,
                                         "no run record could be written: " + written.error().message, 0});
    return prepared;
  }

  SpawnFailed refused(const agent::Spawn& spawn, const KeeperFailure& failure) {
    runs.erase(spawn.run);
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
    found.exit = exit_of(one.info);
    found.empty = one.info.state == keeper::State::emptied;
    found.alive = !found.empty && !found.exit;
    if (found.alive) found.pid = one.info.pid;
    if (one.info.started_wall_ns != 0) found.started_at = wall_of(one.info.started_wall_ns);
    return found;
  }
};

ProcessDriver::ProcessDriver(Parts parts, Log& log) : impl_(std::make_shared<Impl>(std::move(parts), log)) {}
ProcessDriver::~ProcessDriver() = default;

net::Awaitable<Result<void>> ProcessDriver::open() { return impl_->client.start(); }

net::Awaitable<void> ProcessDriver::close() {
  impl_->tasks.cancel();
  co_await impl_->tasks.join();
  co_await impl_->client.close();
}

void ProcessDriver::set_node(NodeWords node) { impl_->node = std::move(node); }
const NodeWords& ProcessDriver::node() const { return impl_->node; }
KeeperClient& ProcessDriver::keeper() { return impl_->client; }
const Paths& ProcessDriver::paths() const { return impl_->parts.keeper.paths; }
net::Executor ProcessDriver::files() const { return impl_->parts.files; }

net::Awaitable<Result<std::vector<agent::Found>>> ProcessDriver::recover() {
  std::map<Run, RunRecord> records;
  co_await net::run_on(impl_->parts.files, [&] { records = read_run_records(impl_->parts.keeper.paths); });
  CO_TRY(auto all, co_await impl_->client.list());
  std::vector<agent::Found> found;
  for (const auto& one : all) {
    const auto id = id_of(one.key);
    if (!id) {  // a probe of a former agent
      if (one.info.state != keeper::State::emptied) {
        CO_TRYV(co_await impl_->client.kill(one.key, one.info.incarnation));
      } else {
        CO_TRYV(co_await impl_->client.forget(one.key, one.info.incarnation));
      }
      continue;
    }
    auto entry = impl_->found_of(one, *id, records);
    auto& known = impl_->runs[entry.run];
    known.latest = one.info;
    known.cgroup = one.cgroup;
    known.log_directory = one.log_directory;
    known.exited = entry.exit.has_value();
    known.emptied = entry.empty;
    for (const auto& [name, port] : entry.ports)
      if (auto claim = claim_port(port, "tcp"); claim && !entry.empty)
        known.claims.push_back(std::move(*claim));
    records.erase(entry.run);
    found.push_back(std::move(entry));
  }
  for (const auto& [run, record] : records) remove_run_record(impl_->parts.keeper.paths, run);
  impl_->recovered = true;
  for (const auto& one : std::exchange(impl_->early, {})) impl_->seen(one);
  co_return found;
}

net::Awaitable<std::expected<agent::Spawned, SpawnFailed>> ProcessDriver::start(agent::Spawn spawn) {
  const auto impl = impl_;
  std::optional<std::expected<Impl::Prepared, SpawnFailed>> prepared;
  const NodeWords words = impl->node;
  const auto before = impl->runs.find(spawn.run);
  const bool there = before != impl->runs.end() && !before->second.emptied;
  co_await net::run_on(impl->parts.files, [&] { prepared.emplace(impl->prepare(spawn, words, there)); });
  if (!*prepared) co_return std::unexpected(std::move(*prepared).error());
  auto& starting = impl->runs[spawn.run];
  starting.starting = true;
  if (!there) starting.claims = std::move((*prepared)->claims);
  KeeperSpawn request{key_of(spawn.run.instance), key_of(spawn.run.instance), spawn.run.incarnation,
                      std::move((*prepared)->spec)};
  for (int attempt = 0;; ++attempt) {
    auto made = co_await impl->client.spawn(request);
    if (made) {
      auto& known = impl->runs[spawn.run];
      if (known.latest.state < made->info.state || known.latest.pid == 0) known.latest = made->info;
      known.cgroup = made->cgroup;
      known.log_directory = made->log_directory;
      // What has happened to it since is told after the caller has told of the start.
      net::post(impl->parts.executor, [impl, run = spawn.run] { impl->started(run); });
      co_return agent::Spawned{spawn.run, made->info.pid, wall_of(made->info.started_wall_ns)};
    }
    // The same key and incarnation again is the same run, so a lost answer may be asked for once more.
    if (made.error().status != keeper::Status::unavailable || attempt == 2)
      co_return std::unexpected(impl->refused(spawn, made.error()));
  }
}

net::Awaitable<Result<void>> ProcessDriver::stop(agent::StopRun order) {
  const auto known = impl_->runs.find(order.run);
  if (known == impl_->runs.end()) {
    impl_->emit(agent::Emptied{order.run});
    co_return Result<void>();
  }
  const auto grace =
      std::chrono::ceil<std::chrono::milliseconds>(std::max<Duration>(order.grace, 0s)).count();
  keeper::Stop what{.incarnation = order.run.incarnation};
  what.signal = signal_number(order.signal).value_or(15);
  what.grace_ms = std::uint32_t(std::min<std::int64_t>(grace, UINT32_MAX));
  CO_TRYV(co_await impl_->client.stop(key_of(order.run.instance), what));
  co_return Result<void>();
}

net::Awaitable<Result<void>> ProcessDriver::forget(Run run) {
  // Its files may be removed next, and the last lines must not bring the directory back.
  for (auto waited = 0ms; waited < log_close_patience; waited += 5ms) {
    const auto known = impl_->runs.find(run);
    if (known == impl_->runs.end() || known->second.latest.log_closed != 0) break;
    co_await net::sleep_for(5ms);
  }
  impl_->runs.erase(run);
  co_await net::run_on(impl_->parts.files, [&] { remove_run_record(impl_->parts.keeper.paths, run); });
  co_return co_await impl_->client.forget(key_of(run.instance), run.incarnation);
}

net::Awaitable<Result<RunStats>> ProcessDriver::stats(Run run) {
  const auto known = impl_->runs.find(run);
  if (known == impl_->runs.end()) co_return fail(Errc::not_found, "this run is not known here");
  const auto cgroup = known->second.cgroup;
  const auto pid = known->second.latest.pid;
  RunStats stats;
  co_await net::run_on(impl_->parts.files, [&] { stats = run_stats(cgroup, pid); });
  co_return stats;
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

net::Awaitable<Result<void>> ProcessDriver::remove_files(agent::RemoveFiles what) {
  const auto path = instance_directory(paths(), what.stack, what.instance_name, what.instance);
  const auto stack = instances_directory(paths()) + "/" + what.stack;
  std::error_code error;
  co_await net::run_on(impl_->parts.files, [&] {
    std::filesystem::remove_all(path, error);
    std::error_code not_empty;
    std::filesystem::remove(stack, not_empty);  // only when it was the last
  });
  if (error) co_return fail(from_errno(error.value(), path));
  co_return Result<void>();
}

}  // namespace drover::runtime
