#include "unit/core/agent_host.hpp"

#include <fmt/format.h>

namespace drover::agent::test {

void Disk::apply(const std::vector<Row>& rows) {
  struct Visitor {
    Disk& disk;
    void operator()(const PlacementRow& row) const { disk.placements[row.placement.instance] = row; }
    void operator()(const AttemptRow& row) const {
      disk.attempts[{row.assign.task, row.assign.attempt}] = row;
    }
    void operator()(const AgentMeta& row) const { disk.meta = row; }
    void operator()(const ErasePlacement& row) const { disk.placements.erase(row.instance); }
    void operator()(const EraseAttempt& row) const { disk.attempts.erase({row.task, row.attempt}); }
    void operator()(const EraseAll&) const {
      disk.placements.clear();
      disk.attempts.clear();
      disk.meta = {};
    }
  };
  // As the real journal does it: through JSON.
  for (const Row& row : rows) std::visit(Visitor{*this}, row);
  if (!rows.empty()) ++commits;
}

Journal Disk::journal() const {
  Journal out{.meta = meta};
  for (const auto& [id, row] : placements) {
    auto copy = from_json<PlacementRow>(to_json(row), Unknown::ignore);
    EXPECT_TRUE(copy);
    if (copy) out.placements.push_back(*copy);
  }
  for (const auto& [key, row] : attempts) {
    auto copy = from_json<AttemptRow>(to_json(row), Unknown::ignore);
    EXPECT_TRUE(copy);
    if (copy) out.attempts.push_back(*copy);
  }
  return out;
}

Host::Host(std::uint64_t seed) : rng(seed) {
  settings.uid = {number(7)};
  settings.name = "pve1";
  settings.boot = "boot";
  settings.max_parallel = 4;
  settings.port_low = 20000;
  settings.port_high = 20009;
}

void Host::start(std::vector<Found> found) {
  queue_.clear();
  wake_.reset();
  hub_n_ = 0;
  core.emplace(settings, disk.journal());
  give(Recovered{std::move(found)});
}

void Host::give(const Event& event) {
  queue_.push_back(event);
  if (!draining_) drain();
}

void Host::drain() {
  draining_ = true;
  for (int i = 0; !queue_.empty() && i < 10'000; ++i) {
    Event event = std::move(queue_.front());
    queue_.pop_front();
    Effects effects = core->step(now, rng, event);
    wake_ = effects.wake;
    bool lost = disk_full && !effects.rows.empty();
    if (!lost) disk.apply(effects.rows);
    trace += fmt::format("rows {}\n", effects.rows.size());
    for (const Effect& effect : effects.then)
      if (!lost || !std::holds_alternative<Confirm>(effect)) carry_out(effect);
    if (lost) queue_.push_back(JournalFailed{"no space left on device"});
  }
  draining_ = false;
}

void Host::pass(Duration time) {
  BootTime end = now.boot + time;
  for (int i = 0; i < 1'000'000 && wake_ && *wake_ <= end; ++i) {
    Duration forward = std::max<Duration>(*wake_ - now.boot, Duration(0));
    now.boot += forward;
    now.wall += forward;
    give(Tick{});
    if (wake_ && *wake_ <= now.boot) {  // never a busy loop
      ADD_FAILURE() << "the core asks for a time that has passed";
      break;
    }
  }
  now.wall += end - now.boot;
  now.boot = end;
  give(Tick{});
}

void Host::connect(std::uint64_t leader) {
  hub_n_ = 0;
  leader_ = leader;
  give(LinkUp{"s"});
  from_hub(Welcome{.store = {number(99)}, .commit = 5, .ticket = "ticket", .name = "pve1"}, leader);
}

void Host::from_hub(Frame frame, std::uint64_t leader) {
  give(FrameIn{Envelope{++hub_n_, 0, leader, std::move(frame)}});
}

Assign Host::order(TaskType type, std::uint64_t instance, Service service) {
  Assign assign;
  assign.task = task_id(++tasks_);
  assign.type = type;
  assign.placement = {instance_id(instance), epoch, generation, digest_of(service)};
  assign.stack = "shop";
  assign.instance_name = fmt::format("{}-{}", service.name, instance);
  assign.index = std::uint32_t(instance - 1);
  if (type == TaskType::deploy || type == TaskType::update) assign.service = service;
  assign.run = run_flag;
  assign.restart_generation = restarts;
  assign.reload_generation = reload_count;
  assign.priority = priority;
  return assign;
}

std::uint64_t Host::give_task(TaskType type, std::uint64_t instance, Service service) {
  from_hub(order(type, instance, std::move(service)));
  return tasks_;
}

void Host::exit(const Run& run, int code, std::vector<std::string> lines) {
  give(Exited{run, Exit{.code = code, .at = now.wall}, std::move(lines)});
  give(Emptied{run});
}

const Observed& Host::seen(std::uint64_t instance) const {
  static const Observed none;
  for (const auto& entry : core->instances())
    if (entry.placement->placement.instance == instance_id(instance)) return *entry.observed;
  ADD_FAILURE() << "no instance " << instance;
  return none;
}
bool Host::has(std::uint64_t instance) const {
  for (const auto& entry : core->instances())
    if (entry.placement->placement.instance == instance_id(instance)) return true;
  return false;
}

std::vector<TaskEnded> Host::ended(std::uint64_t task) const {
  std::vector<TaskEnded> out;
  for (const TaskEnded& frame : frames<TaskEnded>())
    if (frame.task == task_id(task)) out.push_back(frame);
  return out;
}
std::string Host::outcome(std::uint64_t task) const {
  auto all = ended(task);
  return all.empty() ? "" : std::string(enum_name(all.back().outcome));
}
std::string Host::error(std::uint64_t task) const {
  auto all = ended(task);
  return all.empty() ? "" : all.back().error;
}

void Host::carry_out(const Effect& effect) {
  struct Visitor {
    Host& host;
    void note(std::string line) const { host.trace += line + "\n"; }
    static std::string text(const Run& run) {
      return fmt::format("{}#{}", to_string(run.instance), run.incarnation);
    }
    void operator()(const Spawn& e) const {
      note("spawn " + text(e.run));
      host.spawns.push_back(e);
      if (host.runs) host.queue_.push_back(Spawned{e.run, std::int64_t(++host.pids_), host.now.wall});
    }
    void operator()(const StopRun& e) const {
      note("stop " + text(e.run));
      host.stop_orders.push_back(e);
      if (!host.stops) return;
      host.queue_.push_back(Exited{e.run, Exit{.code = -1, .signal = 15, .at = host.now.wall}, {}});
      host.queue_.push_back(Emptied{e.run});
    }
    void operator()(const AdjustRun& e) const {
      note("adjust " + text(e.run));
      host.adjusted.push_back(e);
    }
    void operator()(const ReloadRun& e) const {
      note("reload " + text(e.run));
      host.reloads.push_back(e);
      if (host.reloads_at_once) host.queue_.push_back(Reloaded{e.run, host.reload_fault});
    }
    void operator()(const ForgetRun& e) const {
      note("forget " + text(e.run));
      host.forgotten.push_back(e);
    }
    void operator()(const RemoveFiles& e) const {
      note("remove " + to_string(e.instance));
      host.removed.push_back(e);
    }
    void operator()(const AskProbe& e) const {
      note("ask " + text(e.run));
      host.asked.push_back(e);
      if (host.answers)
        host.queue_.push_back(
            ProbeAnswer{e.run, e.asked, host.well, host.well ? "" : "refused", host.unrunnable});
    }
    void operator()(const Measure& e) const {
      note("measure " + text(e.run));
      if (host.memory > 0) host.queue_.push_back(Measured{e.run, host.memory});
    }
    void operator()(const LookAtPorts& e) const {
      note("look " + text(e.run));
      host.queue_.push_back(Trouble{e.run, About::ports, host.port_trouble});
    }
    void operator()(const RunErrand& e) const {
      note("errand " + to_string(e.assign.task));
      host.errands.push_back(e);
    }
    void operator()(const EndErrand& e) const {
      note("end errand " + to_string(e.task));
      host.ended_errands.push_back(e);
    }
    void operator()(const WatchFiles& e) const {
      note("watch " + text(e.run));
      host.watches.push_back(e);
    }
    void operator()(const Confirm& e) const { host.queue_.push_back(Durable{e.serial}); }
    void operator()(const Send& e) const {
      note(fmt::format(
          "send {} {}", e.envelope.n,
          std::visit([](const auto& f) { return std::decay_t<decltype(f)>::kind; }, e.envelope.frame)));
      host.sent.push_back(e.envelope);
      if (host.hub_alive && std::holds_alternative<Heartbeat>(e.envelope.frame))
        host.queue_.push_back(FrameIn{Envelope{++host.hub_n_, 0, host.leader_, HeartbeatAck{}}});
    }
    void operator()(const CloseLink& e) const {
      note("close " + e.reason);
      host.closed.push_back(e.reason);
    }
    void operator()(const Answer& e) const {
      note("answer " + e.id);
      host.local_answers.push_back(e);
    }
    void operator()(const ServeStream& e) const { note("stream " + e.open.id); }
    void operator()(const Note& e) const {
      note("note " + e.message);
      host.notes.push_back(e);
    }
  };
  std::visit(Visitor{*this}, effect);
}

}  // namespace drover::agent::test
