#include "runtime/process_driver.hpp"

#include <filesystem>

#include "model/signals.hpp"
#include "runtime/keeper_renewal.hpp"
#include "runtime/process_driver_impl.hpp"
#include "runtime/stats.hpp"

namespace drover::runtime {

using agent::Run;
using agent::SpawnFailed;
using keeper::Stage;

namespace {
constexpr Duration log_close_patience = 1s;
constexpr Duration reload_patience = 60s;

/// How its command ended, for people; "" when it did what it should.
std::string fault_of(const Ran& ran) {
  if (!ran.timed_out && succeeded(ran.exit)) return {};
  std::string why = ran.timed_out ? fmt::format("the reload command was not done within {}",
                                                human_duration(reload_patience))
                                  : fmt::format("the reload command failed: {}", describe(ran.exit));
  return ran.lines.empty() ? why : why + ": " + ran.last_line();
}
}  // namespace

ProcessDriver::ProcessDriver(Parts parts, Log& log) : impl_(std::make_shared<Impl>(std::move(parts), log)) {}
ProcessDriver::~ProcessDriver() = default;

net::Awaitable<Result<void>> ProcessDriver::open() {
  CO_TRYV(co_await impl_->client.start());
  co_await renew_keeper(impl_->client, impl_->parts.keeper.binary, impl_->log);
  co_return Result<void>();
}

net::Awaitable<void> ProcessDriver::close() {
  impl_->tasks.cancel();
  co_await impl_->tasks.join();
  co_await impl_->notify.stop();
  co_await impl_->client.close();
}

void ProcessDriver::set_node(NodeWords node) {
  if (impl_->node != node) impl_->proven.clear();
  impl_->node = std::move(node);
}
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
    if (!id && impl_->kept_commands.contains(one.key)) continue;
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
    if (const auto record = records.find(entry.run); record != records.end()) {
      known.slot = slot_of(record->second.stack, record->second.instance_name);
      for (const auto& [port, number] : record->second.ports)
        known.passed.insert(socket_name(known.slot, port, number));
    }
    known.hook_told = one.info.hook >= keeper::Hook::failed;
    known.exited = entry.exit.has_value();
    known.emptied = entry.empty;
    for (const auto& [name, port] : entry.ports)
      if (auto claim = claim_port(port, "tcp"); claim && !entry.empty)
        known.claims.push_back(std::move(*claim));
    if (!entry.empty) impl_->notify.reopen(entry.run);
    records.erase(entry.run);
    found.push_back(std::move(entry));
  }
  for (const auto& [run, record] : records) remove_run_record(impl_->parts.keeper.paths, run);
  co_await impl_->recover_sockets();
  impl_->recovered = true;
  for (const auto& one : std::exchange(impl_->early, {})) impl_->seen(one);
  co_return found;
}

net::Awaitable<std::expected<agent::Spawned, SpawnFailed>> ProcessDriver::start(agent::Spawn spawn) {
  const auto impl = impl_;
  const auto before = impl->runs.find(spawn.run);
  const bool there = before != impl->runs.end() && !before->second.emptied;
  auto prepared = co_await impl->prepared_for(spawn, there);
  if (!prepared) co_return std::unexpected(std::move(prepared).error());
  if (listens(spawn.service))
    if (const auto opened = impl->notify.open(spawn.run, !there); !opened)
      co_return std::unexpected(
          SpawnFailed{spawn.run, SpawnFailed::Why::transient, opened.error().message, 0});
  auto& starting = impl->runs[spawn.run];
  starting.starting = true;
  starting.at_once = spawn.service.restart.backoff_max == 0s;
  starting.slot = slot_of(spawn.stack, spawn.instance_name);
  if (!there) starting.claims = std::move(prepared->claims);
  std::set<std::string> wanted;
  for (const auto& socket : prepared->spec.sockets) wanted.insert(socket.name);
  starting.passed = wanted;
  KeeperSpawn request{key_of(spawn.run.instance),
                      key_of(spawn.run.instance),
                      spawn.run.incarnation,
                      std::move(prepared->spec),
                      {},
                      spawn.correlation};
  for (const auto& socket : prepared->sockets) request.sockets.push_back(socket.get());
  for (int attempt = 0;; ++attempt) {
    auto made = co_await impl->client.spawn(request);
    if (made) {
      auto& known = impl->runs[spawn.run];
      if (known.latest.state < made->info.state || known.latest.pid == 0) known.latest = made->info;
      known.cgroup = made->cgroup;
      known.log_directory = made->log_directory;
      impl->sockets.insert(wanted.begin(), wanted.end());
      impl->remember(spawn, std::move(request.spec));
      // What its slot had before and has no more (another port number).
      if (!there) co_await impl->release(known.slot);
      // What has happened to it since is told after the caller has told of the start.
      net::post(impl->parts.executor, [impl, run = spawn.run] { impl->started(run); });
      co_return agent::Spawned{spawn.run, made->info.pid, wall_of(made->info.started_wall_ns),
                               degraded_texts(made->info.degraded)};
    }
    // A keeper that is new has none of the sockets that the former one held: the next try makes them.
    if (made.error().stage == Stage::socket)
      for (const auto& name : wanted) impl->sockets.erase(name);
    // The same key and incarnation again is the same run, so a lost answer may be asked for once more.
    if (made.error().status == keeper::Status::unavailable && attempt < 2) continue;
    auto refusal = impl->refused(spawn, made.error());
    impl->proven.erase(spawn.run.instance);
    if (!prepared->as_before) co_return std::unexpected(std::move(refusal));
    co_return co_await start(std::move(spawn));
  }
}

net::Awaitable<Result<void>> ProcessDriver::stop(agent::StopRun order) {
  const auto known = impl_->runs.find(order.run);
  if (known == impl_->runs.end()) {
    impl_->emit(agent::Emptied{order.run});
    co_return Result<void>();
  }
  const auto grace =
      std::chrono::ceil<std::chrono::milliseconds>(std::max<Duration>(order.stop.grace, 0s)).count();
  keeper::Stop what{.incarnation = order.run.incarnation};
  what.signal = signal_number(order.stop.signal).value_or(15);
  what.mode = order.stop.target == StopTarget::all ? keeper::Mode::all : keeper::Mode::main;
  what.grace_ms = std::uint32_t(std::min<std::int64_t>(grace, UINT32_MAX));
  for (const auto& step : order.stop.then) {
    if (what.steps == keeper::max_steps) break;
    const auto after = std::chrono::ceil<std::chrono::milliseconds>(step.after).count();
    what.step[what.steps++] = {signal_number(step.signal).value_or(15), std::uint32_t(after)};
  }
  std::optional<keeper::SpawnSpec> hook;
  if (order.of) {
    std::optional<std::expected<keeper::SpawnSpec, Refusal>> made;
    const NodeWords words = impl_->node;
    co_await net::run_on(impl_->parts.files, [&] {
      made.emplace(companion_spec(*order.of, words, impl_->parts.keeper.paths, order.stop.before, {}));
    });
    // A command that cannot run is no reason not to stop.
    if (*made) hook = std::move(**made);
    else impl_->emit(agent::HookFailed{order.run, (*made).error().reason});
  }
  CO_TRYV(co_await impl_->client.stop(key_of(order.run.instance), what, std::move(hook),
                                      std::move(order.correlation)));
  co_return Result<void>();
}

net::Awaitable<Result<void>> ProcessDriver::adjust(agent::AdjustRun order) {
  const keeper::Adjust settings{.incarnation = order.run.incarnation,
                                .log_budget = order.logs.budget,
                                .log_segment = order.logs.segment,
                                .on_full = std::uint16_t(on_full_of(order.logs))};
  co_return co_await impl_->client.adjust(key_of(order.run.instance), settings);
}

net::Awaitable<Result<void>> ProcessDriver::reload(agent::ReloadRun order) {
  if (!order.how.signal.empty()) {
    const keeper::Signal what{.incarnation = order.run.incarnation,
                              .signal = signal_number(order.how.signal).value_or(1)};
    co_return co_await impl_->client.signal(key_of(order.run.instance), what);
  }
  CO_TRY(auto ran, co_await run_beside("reload", std::move(order.of), order.how.command, reload_patience));
  if (auto fault = fault_of(ran); !fault.empty()) co_return fail(Errc::internal, std::move(fault));
  co_return Result<void>();
}

net::Awaitable<Result<void>> ProcessDriver::forget(agent::ForgetRun order) {
  const Run run = order.run;
  // Its files may be removed next, and the last lines must not bring the directory back.
  co_await impl_->last_line(run, log_close_patience);
  std::string slot;
  if (const auto known = impl_->runs.find(run); known != impl_->runs.end()) slot = known->second.slot;
  impl_->runs.erase(run);
  if (order.last) impl_->proven.erase(run.instance);
  if (order.last && !slot.empty()) co_await impl_->release(slot);
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

net::Awaitable<Result<Ran>> ProcessDriver::run_beside(std::string word, agent::Spawn of,
                                                      std::vector<std::string> command, Duration timeout) {
  auto key = fmt::format("{}.{}", key_of(of.run.instance), word);
  return impl_->companions.run({std::move(key), std::move(of), impl_->node, std::move(command), timeout});
}

void ProcessDriver::keep_commands(std::set<std::string> keys) { impl_->kept_commands = std::move(keys); }

net::Awaitable<Result<Ran>> ProcessDriver::run_command(CompanionOrder order, bool again) {
  order.node = impl_->node;
  return again ? impl_->companions.resume(std::move(order)) : impl_->companions.run(std::move(order));
}

void ProcessDriver::end_command(const std::string& key) { impl_->companions.end(key); }

std::optional<RunFacts> ProcessDriver::facts(Run run) const {
  const auto known = impl_->runs.find(run);
  if (known == impl_->runs.end()) return std::nullopt;
  const auto& latest = known->second.latest;
  return RunFacts{known->second.cgroup, known->second.log_directory, latest.pid,
                  wall_of(latest.started_wall_ns)};
}

bool ProcessDriver::shares_sockets(Run run) const {
  const auto known = impl_->runs.find(run);
  if (known == impl_->runs.end() || known->second.passed.empty()) return false;
  return std::ranges::any_of(impl_->runs, [&](const auto& other) {
    return other.first.instance != run.instance && other.second.slot == known->second.slot &&
           !other.second.emptied;
  });
}

const NotifySockets& ProcessDriver::notify() const { return impl_->notify; }

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
