#include "host.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "world.hpp"

namespace drover::sim {

Host::Host(World& world, std::size_t index, NodeId uid, std::string name)
    : world_(world), index_(index), uid_(uid), name_(std::move(name)) {}

void Host::start_agent() {
  ++life_;
  agent::AgentSettings settings;
  settings.uid = uid_;
  settings.name = name_;
  settings.boot = fmt::format("{}-{}", name_, life_);
  settings.host.drivers = {"process"};
  settings.host.resources.quantities = {{"cpu", 4}, {"memory", 8.0 * (1ull << 30)}};
  settings.host.version = "sim";
  agent::Journal journal{meta_, {}, {}};
  for (const auto& [id, row] : placements_) journal.placements.push_back(row);
  for (const auto& [id, row] : attempts_) journal.attempts.push_back(row);
  // As the driver does: what no attempt of the journal asks for is ended.
  std::erase_if(errands_, [&](const auto& one) {
    auto row = attempts_.find(one.first);
    return row == attempts_.end() || !row->second.begun || row->second.outcome;
  });
  core_ = std::make_unique<agent::AgentCore>(settings, std::move(journal));
  agent::Recovered recovered;
  for (const auto& [id, run] : runs_)
    recovered.found.push_back({run.spawn.run, run.spawn.placement.digest, run.alive, run.empty, run.pid,
                               run.started, run.exit, run.spawn.ports});
  deliver(recovered);
  world_.connect_later(index_);
}

void Host::crash_agent() {
  if (!core_) return;
  ++life_;
  core_.reset();
  world_.agent_died(index_);
}

void Host::reboot() {
  crash_agent();
  runs_.clear();
  errands_.clear();
}

void Host::reinstall(NodeId uid) {
  uid_ = uid;
  meta_ = {};
  placements_.clear();
  attempts_.clear();
}

void Host::kill_some_process() {
  for (auto& [id, run] : runs_)
    if (run.alive && world_.rng().percent(50))
      return end(id, run.spawn.run.incarnation, Exit{.code = -1, .signal = 9, .at = world_.now().wall});
}

void Host::deliver(const agent::Event& event) {
  if (!core_) return;
  carry_out(core_->step(world_.now(), world_.rng(), event));
}

void Host::carry_out(agent::Effects effects) {
  std::uint64_t life = life_;
  if (effects.wake) {
    std::uint64_t wake = ++wake_;
    world_.at(std::max(*effects.wake, world_.now().boot), [this, life, wake] {
      if (life == life_ && wake == wake_) deliver(agent::Tick{});
    });
  }
  if (effects.rows.empty() && effects.then.empty()) return;
  // The journal's commit takes a while when there is something to write; everything else waits for it, in
  // order.
  Duration delay = effects.rows.empty() ? 0ms : Duration(world_.rng().below(8000));
  world_.in_order(index_, delay, [this, life, effects = std::move(effects)] {
    if (life != life_) return;
    bool failed = disk_full_ && !effects.rows.empty();
    if (!failed) commit(effects.rows);
    if (world_.crash_edge()) return crash_agent();
    for (const auto& effect : effects.then) {
      if (failed && std::holds_alternative<agent::Confirm>(effect)) continue;
      perform(effect);
      if (life != life_) return;
    }
    if (failed) deliver(agent::JournalFailed{"no space left on the device"});
    check_ports();
  });
}

void Host::commit(const std::vector<agent::Row>& rows) {
  struct Writer {
    Host& h;
    void operator()(const agent::PlacementRow& row) const { h.placements_[row.placement.instance] = row; }
    void operator()(const agent::AttemptRow& row) const {
      h.attempts_[{row.assign.task, row.assign.attempt}] = row;
    }
    void operator()(const agent::AgentMeta& row) const { h.meta_ = row; }
    void operator()(const agent::ErasePlacement& row) const { h.placements_.erase(row.instance); }
    void operator()(const agent::EraseAttempt& row) const { h.attempts_.erase({row.task, row.attempt}); }
    void operator()(const agent::EraseAll&) const {
      h.placements_.clear();
      h.attempts_.clear();
      h.meta_ = {};
    }
  };
  for (const auto& row : rows) {
    world_.trace(fmt::format("{} row {}", name_, row.index()));
    std::visit(Writer{*this}, row);
  }
}

void Host::perform(const agent::Effect& effect) {
  struct Doer {
    Host& h;
    void operator()(const agent::Spawn& e) const { h.spawn(e); }
    void operator()(const agent::StopRun& e) const { h.stop(e); }
    void operator()(const agent::AdjustRun& e) const {
      if (auto found = h.runs_.find(e.run.instance);
          found != h.runs_.end() && found->second.spawn.run == e.run)
        found->second.spawn.service.logs = e.logs;
    }
    void operator()(const agent::ReloadRun& e) const { h.later(5ms, agent::Reloaded{e.run, ""}); }
    void operator()(const agent::ForgetRun& e) const {
      auto found = h.runs_.find(e.run.instance);
      if (found != h.runs_.end() && found->second.spawn.run == e.run && found->second.empty)
        h.runs_.erase(found);
    }
    void operator()(const agent::RemoveFiles&) const {}
    void operator()(const agent::AskProbe& e) const { h.probe(e); }
    void operator()(const agent::Measure&) const {}
    void operator()(const agent::WatchFiles&) const {}
    void operator()(const agent::LookAtPorts& e) const {
      h.deliver(agent::Trouble{e.run, agent::About::ports, {}});
    }
    void operator()(const agent::RunErrand& e) const { h.errand(e); }
    void operator()(const agent::EndErrand& e) const {
      h.world_.at(h.world_.now().boot + Duration(h.world_.rng().below(200'000)),
                  [&host = h, key = std::pair(e.task, e.attempt)] { host.end_errand(key, false); });
    }
    void operator()(const agent::Confirm& e) const { h.deliver(agent::Durable{e.serial}); }
    void operator()(const agent::Send& e) const { h.world_.to_hub(h.index_, e.envelope); }
    void operator()(const agent::CloseLink&) const { h.world_.cut(h.index_); }
    void operator()(const agent::Answer&) const {}
    void operator()(const agent::ServeStream&) const {}
    void operator()(const agent::Note& e) const { h.world_.trace(h.name_ + " note " + e.message); }
  };
  std::visit(Doer{*this}, effect);
}

void Host::later(Duration delay, agent::Event event) {
  world_.at(world_.now().boot + delay, [this, life = life_, event = std::move(event)] {
    if (life == life_) deliver(event);
  });
}

void Host::spawn(const agent::Spawn& effect) {
  world_.trace(fmt::format("{} spawn {} #{}", name_, effect.instance_name, effect.run.incarnation));
  auto running = runs_.find(effect.run.instance);
  if (running != runs_.end() && !running->second.empty && running->second.spawn.run != effect.run)
    return world_.breaks(fmt::format("two runs of {}/{} on {}", effect.stack, effect.instance_name, name_));
  if (running != runs_.end() && running->second.spawn.run == effect.run) {
    if (!running->second.empty)
      return later(1ms, agent::Spawned{effect.run, running->second.pid, running->second.started});
    return world_.breaks(fmt::format("run {} of {}/{} was begun twice on {}", effect.run.incarnation,
                                     effect.stack, effect.instance_name, name_));
  }
  const auto& spec = std::get<ProcessSpec>(effect.service.spec);
  const std::string& way = spec.command.at(0);
  Duration delay = Duration(1000 + world_.rng().below(20'000));
  if (way == "missing")
    return later(delay,
                 agent::SpawnFailed{effect.run, agent::SpawnFailed::Why::permanent, "no such file", 0});
  if (world_.chaotic() && world_.rng().percent(3))
    return later(delay, agent::SpawnFailed{effect.run, agent::SpawnFailed::Why::transient, "try again", 0});
  SimRun run{.spawn = effect, .pid = ++next_pid_, .started = world_.now().wall};
  run.ready_at = world_.now().boot + Duration(world_.rng().below(400'000));
  runs_[effect.run.instance] = run;
  later(delay, agent::Spawned{effect.run, run.pid, run.started});
  if (way == "serve") return;
  Exit exit{.code = way == "job" ? 0 : 1, .at = world_.now().wall};
  world_.at(world_.now().boot + delay + Duration(50'000 + world_.rng().below(500'000)),
            [this, id = effect.run.instance, n = effect.run.incarnation, exit] { end(id, n, exit); });
}

void Host::end(InstanceId instance, std::uint64_t incarnation, Exit exit) {
  auto found = runs_.find(instance);
  if (found == runs_.end() || found->second.spawn.run.incarnation != incarnation || !found->second.alive)
    return;
  SimRun& run = found->second;
  run.alive = false;
  exit.at = world_.now().wall;
  run.exit = exit;
  if (world_.rng().percent(50)) {
    later(1ms, agent::Exited{run.spawn.run, exit, {"last words"}});
  } else {
    later(1ms, agent::Exited{run.spawn.run, exit, {}, true});
    later(2ms + Duration(world_.rng().below(100'000)), agent::LastLines{run.spawn.run, {"last words"}});
  }
  world_.at(world_.now().boot + Duration(2000 + world_.rng().below(300'000)), [this, instance, incarnation] {
    auto still = runs_.find(instance);
    if (still == runs_.end() || still->second.spawn.run.incarnation != incarnation) return;
    still->second.empty = true;
    deliver(agent::Emptied{still->second.spawn.run});
  });
}

void Host::stop(const agent::StopRun& effect) {
  auto found = runs_.find(effect.run.instance);
  if (found == runs_.end() || found->second.spawn.run != effect.run)
    return later(1ms, agent::Emptied{effect.run});
  if (found->second.empty) return later(1ms, agent::Emptied{effect.run});
  if (found->second.stopping) return;
  found->second.stopping = true;
  Duration takes = Duration(world_.rng().below(std::uint64_t(effect.stop.grace.count()) + 1));
  world_.at(world_.now().boot + takes,
            [this, run = effect.run] { end(run.instance, run.incarnation, Exit{.code = -1, .signal = 15}); });
}

void Host::probe(const agent::AskProbe& effect) {
  auto found = runs_.find(effect.run.instance);
  bool ok = found != runs_.end() && found->second.spawn.run == effect.run && found->second.alive &&
            world_.now().boot >= found->second.ready_at;
  if (world_.chaotic() && world_.rng().percent(3)) ok = false;
  later(Duration(500 + world_.rng().below(20'000)),
        agent::ProbeAnswer{effect.run, effect.asked, ok, ok ? "" : "no answer", false});
}

void Host::errand(const agent::RunErrand& effect) {
  const Assign& order = effect.assign;
  std::pair key(order.task, order.attempt);
  world_.trace(fmt::format("{} errand {} {}", name_, to_string(order.task), effect.again));
  auto known = errands_.find(key);
  if (effect.again && order.type == TaskType::exec) {
    if (known == errands_.end())
      return later(1ms, agent::ErrandEnded{order.task, order.attempt, TaskMove::attempt_lost,
                                           "nothing is left of it"});
    known->second.for_life = life_;
    if (known->second.ended) tell_errand(key);
    return;
  }
  if (order.type == TaskType::exec) world_.executes(order, name_);
  for (const auto& [other, one] : errands_)
    if (other.first == order.task && !one.ended)
      world_.breaks(fmt::format("two attempts of {} at once on {}", to_string(order.task), name_));
  errands_[key] = {.for_life = life_};
  bool well = world_.rng().percent(80);
  world_.at(world_.now().boot + Duration(1000 + world_.rng().below(4'000'000)),
            [this, key, well] { end_errand(key, well); });
}

void Host::end_errand(std::pair<TaskId, std::uint32_t> key, bool well) {
  auto found = errands_.find(key);
  if (found == errands_.end() || found->second.ended) return;
  found->second.ended = true;
  found->second.well = well;
  tell_errand(key);
}

void Host::tell_errand(std::pair<TaskId, std::uint32_t> key) {
  const SimErrand& one = errands_.at(key);
  if (one.for_life != life_ || !core_) return;
  later(1ms,
        agent::ErrandEnded{key.first, key.second, one.well ? TaskMove::succeed : TaskMove::attempt_failed,
                           one.well ? "" : "exit 1"});
}

namespace {
/// The two of one name accept from one passed socket.
bool shared(const agent::Spawn& a, const agent::Spawn& b, const std::string& port) {
  auto passed = [&](const Service& service) {
    return std::ranges::any_of(service.ports,
                               [&](const Port& one) { return one.name == port && one.pass != PortPass::no; });
  };
  return a.stack == b.stack && a.instance_name == b.instance_name && passed(a.service) && passed(b.service);
}
}  // namespace

void Host::check_ports() {
  std::map<std::uint16_t, const agent::Spawn*> taken;
  for (const auto& [id, run] : runs_) {
    if (run.empty) continue;
    for (const auto& [name, port] : run.spawn.ports) {
      auto [other, fresh] = taken.emplace(port, &run.spawn);
      if (!fresh && !shared(*other->second, run.spawn, name))
        world_.breaks(fmt::format("port {} on {} is held by {} and {}", port, name_,
                                  other->second->instance_name, run.spawn.instance_name));
    }
  }
}

}  // namespace drover::sim
