// Random histories of one agent: a host that is slow and fails, a hub that comes and goes, a disk that fills
// up, deaths of the agent and of the host. What must hold is checked after every step.

#include <gtest/gtest.h>

#include <set>

#include "unit/core/agent_host.hpp"

namespace drover::agent::test {
namespace {

/// A process as the keeper has it.
struct Process {
  bool alive = true, empty = false, told_to_stop = false;
  std::string digest;
  std::map<std::string, std::uint16_t> ports;
  std::optional<Exit> exit;
  WallTime started_at{};
};

constexpr std::uint64_t slots = 6;

/// Everything around one AgentCore, driven by one seed.
class History {
 public:
  explicit History(std::uint64_t seed) : chance_(seed), core_rng_(seed + 1) {
    settings_.uid = {number(7)};
    settings_.port_low = 20000;
    settings_.port_high = 20004;
    begin_life();
  }

  void run(int steps) {
    for (int i = 0; i < steps && broken.empty(); ++i) one();
  }
  /// Faults stop: every task ends, and what runs is what was wanted last.
  void heal() {
    calm_ = true;
    disk_full_ = false;
    if (!linked_) link_up();
    for (int i = 0; i < 3'000 && broken.empty(); ++i) {
      if (!pending_.empty()) deliver();
      else pass(500ms);
    }
  }
  void check_end() {
    for (const auto& [key, open] : open_)
      if (open && !waits(orders_.at(key).placement.instance)) {
        for (const auto& seen : core_->instances())
          log(to_json_text(*seen.observed) + to_json_text(seen.placement->run));
        fail("a task has no outcome: " + to_json_text(orders_.at(key).task));
      }
    for (const auto& seen : core_->instances())
      if (!is_alive(seen.observed->state) && seen.placement->run && !seen.placement->finished &&
          seen.observed->state != InstanceState::waiting && seen.observed->state != InstanceState::backoff)
        fail("an instance that shall run is " + std::string(enum_name(seen.observed->state)));
    for (const auto& [run, process] : host_) {
      bool known = false;
      for (const auto& seen : core_->instances())
        known = known || (seen.placement->placement.instance == run.instance && seen.placement->run);
      if (!process.empty && !known) fail("a process is left over");
    }
  }

  std::string broken, trace;

 private:
  /// Two that want the same fixed port: one of them may wait for ever.
  bool waits(InstanceId id) const {
    for (const auto& seen : core_->instances())
      if (seen.observed->instance == id) return seen.observed->state == InstanceState::waiting;
    return false;
  }
  void fail(std::string what) {
    if (broken.empty())
      broken =
          std::move(what) + "\n" + trace.substr(trace.size() - std::min<std::size_t>(trace.size(), 2500));
  }
  void log(std::string line) { trace += std::move(line) + "\n"; }
  static std::string text(const Run& run) {
    return to_string(run.instance).substr(34) + "#" + std::to_string(run.incarnation);
  }

  void begin_life(bool reboot = false) {
    log(reboot ? "REBOOT" : "NEW LIFE");
    now_.boot += 1ms;  // a process takes a moment to start
    now_.wall += 1ms;
    if (reboot) host_.clear();
    // Further starts of a job are counted, but nothing waits for that count to be written.
    if (reboot)
      std::erase_if(job_starts_, [&](const Run& run) {
        auto row = disk_.placements.find(run.instance);
        return row != disk_.placements.end() &&
               run.incarnation > std::max<std::uint64_t>(row->second.incarnation, 1);
      });
    // What was told but could not be written may be settled anew: its state is looked at, not remembered.
    if (std::exchange(suffered_, disk_full_))
      std::erase_if(outcomes_, [&](const auto& pair) {
        auto row = disk_.attempts.find(pair.first);
        return row == disk_.attempts.end() || !row->second.outcome;
      });
    pending_.clear();
    linked_ = false;
    core_.emplace(settings_, disk_.journal());
    std::vector<Found> found;
    for (const auto& [run, process] : host_)
      found.push_back({run, process.digest, process.alive, process.empty,
                       process.alive ? std::optional(1) : std::nullopt, process.started_at, process.exit,
                       process.ports});
    wake_.reset();
    give(Recovered{std::move(found)});
  }

  void one() {
    auto dice = chance_.below(100);
    if (dice < 45) return deliver();
    if (dice < 65) return pass(Duration(std::int64_t(chance_.below(3'000'000))));
    if (dice < 82) return new_task();
    if (dice < 88) return crash_a_process();
    if (dice < 91) return repeat_or_cancel();
    if (dice < 94) return linked_ ? link_down() : link_up();
    if (dice < 95) disk_full_ = !disk_full_;
    else if (dice < 96) begin_life(false);
    else if (dice < 97 && chance_.percent(30)) begin_life(true);
    else if (!linked_) link_up();
  }

  void link_up() {
    linked_ = true;
    hub_n_ = 0;
    give(LinkUp{"s"});
    frame(Welcome{.store = {number(99)}, .heartbeat = 1h, .lost_after = 100h});
    // Every open task again, as the hub does.
    for (const auto& [key, open] : open_)
      if (open) frame(orders_.at(key));
  }
  void link_down() {
    linked_ = false;
    give(LinkDown{"cut"});
  }
  void frame(Frame frame) { give(FrameIn{Envelope{++hub_n_, 0, 1, std::move(frame)}}); }

  Service service() {
    Service out = chance_.percent(20) ? job() : program();
    out.restart.give_up = 0;
    if (chance_.percent(10)) out.restart.memory_max = 100;
    if (chance_.percent(10) && out.kind == ServiceKind::service) out.restart.max_age = 3600s;
    if (chance_.percent(10) && out.kind == ServiceKind::service) out.restart.watch = {"/x"};
    std::get<ProcessSpec>(out.spec).environment["V"] = std::to_string(chance_.below(3));
    out.logs.budget = (1 + chance_.below(2)) << 20;
    if (chance_.percent(50)) out.ports.push_back(port("x", 0));
    if (chance_.percent(30)) out.ports.push_back(port("http", 80));
    if (chance_.percent(30)) out.probes.ready = probe(500ms);
    if (chance_.percent(20)) out.probes.live = probe(500ms);
    return out;
  }

  void new_task() {
    if (!linked_) return;
    Assign order;
    order.task = task_id(orders_.size() + 1);
    std::uint64_t slot = 1 + chance_.below(slots);
    order.type = TaskType(chance_.below(6));
    Service content = service();
    order.placement = {instance_id(slot), 1, orders_.size(), digest_of(content)};
    order.stack = "shop";
    order.instance_name = "web-" + std::to_string(slot);
    if (order.type == TaskType::deploy || order.type == TaskType::update) order.service = content;
    order.run = chance_.percent(85);
    order.restart_generation = ++generations_;
    AttemptKey key{order.task, 1};
    open_[key] = true;
    orders_[key] = order;
    log("assign " + std::string(enum_name(order.type)) + " " + std::to_string(slot));
    frame(order);
  }

  void repeat_or_cancel() {
    if (!linked_ || orders_.empty()) return;
    auto at = orders_.begin();
    std::advance(at, std::ptrdiff_t(chance_.below(orders_.size())));
    if (!open_[at->first]) return;
    if (chance_.percent(50)) frame(at->second);
    else frame(Cancel{at->first.first, at->first.second});
  }

  void crash_a_process() {
    for (auto& [run, process] : host_) {
      if (!process.alive || !chance_.percent(30)) continue;
      log("crash " + text(run));
      end(run, process, Exit{.code = int(chance_.below(2)), .at = now_.wall});
      return;
    }
  }
  void end(const Run& run, Process& process, Exit exit) {
    process.alive = false;
    process.exit = exit;
    process.empty = true;
    bool later = chance_.percent(50);
    if (later) pending_.push_back(Exited{run, exit, {}, true});
    else pending_.push_back(Exited{run, exit, {"last line"}});
    bool before = chance_.percent(50);
    if (later && before) pending_.push_back(LastLines{run, {"last line"}});
    pending_.push_back(Emptied{run});
    if (later && !before) pending_.push_back(LastLines{run, {"last line"}});
  }

  void deliver() {
    if (pending_.empty()) return;
    Event event = std::move(pending_.front());
    pending_.pop_front();
    give(event);
  }

  void pass(Duration time) {
    BootTime end = now_.boot + time;
    for (int i = 0; i < 10'000 && wake_ && *wake_ <= end; ++i) {
      Duration forward = std::max<Duration>(*wake_ - now_.boot, Duration(0));
      now_.boot += forward;
      now_.wall += forward;
      give(Tick{});
      if (wake_ && *wake_ <= now_.boot) return fail("a wake-up in the past");
    }
    now_.wall += end - now_.boot;
    now_.boot = end;
    give(Tick{});
  }

  void give(const Event& event) {
    if (!broken.empty()) return;
    Effects effects = core_->step(now_, core_rng_, event);
    wake_ = effects.wake;
    bool lost = disk_full_ && !effects.rows.empty();
    if (!lost) disk_.apply(effects.rows);
    for (const Effect& effect : effects.then) std::visit([&](const auto& e) { carry_out(e, lost); }, effect);
    suffered_ = suffered_ || lost;
    if (lost) pending_.push_back(JournalFailed{"full"});
    check();
  }

  void carry_out(const Spawn& e, bool) {
    log("spawn " + text(e.run) + (e.service.kind == ServiceKind::job ? " job" : ""));
    for (const auto& [run, process] : host_) {
      if (run.instance == e.run.instance && !process.empty) fail("two live runs of " + text(e.run));
      if (run.instance == e.run.instance && run.incarnation >= e.run.incarnation)
        fail("an incarnation twice");
      for (const auto& [name, held] : process.ports)
        for (const auto& [other, wanted] : e.ports)
          if (!process.empty && held == wanted) fail("port " + std::to_string(held) + " twice");
    }
    if (e.service.kind == ServiceKind::job && !job_starts_.insert(e.run).second)
      fail("a job started twice: " + text(e.run));
    if (!calm_ && chance_.percent(20)) {
      auto why = SpawnFailed::Why(chance_.below(3));
      std::uint16_t busy = e.ports.empty() ? std::uint16_t(0) : e.ports.begin()->second;
      pending_.push_back(SpawnFailed{e.run, why, "because", busy});
      return;
    }
    host_[e.run] = Process{.digest = e.placement.digest, .ports = e.ports, .started_at = now_.wall};
    pending_.push_back(Spawned{e.run, 1, now_.wall});
  }
  void carry_out(const StopRun& e, bool) {
    log("stop " + text(e.run));
    auto found = host_.find(e.run);
    if (found == host_.end()) return fail("a stop of what is not there");
    if (found->second.alive) end(e.run, found->second, Exit{.code = -1, .signal = 15, .at = now_.wall});
    else pending_.push_back(Emptied{e.run});
  }
  void carry_out(const AdjustRun& e, bool) {
    if (!host_.contains(e.run)) fail("new settings for what is not there");
  }
  void carry_out(const ReloadRun& e, bool) {
    if (!host_.contains(e.run)) fail("a reload of what is not there");
    else pending_.push_back(Reloaded{e.run, ""});
  }
  void carry_out(const ForgetRun& e, bool) {
    auto found = host_.find(e.run);
    if (found == host_.end()) return;
    if (!found->second.empty) fail("forgot what is not empty");
    host_.erase(found);
  }
  void carry_out(const AskProbe& e, bool) {
    if (calm_ || chance_.percent(90))
      pending_.push_back(ProbeAnswer{e.run, e.asked, calm_ || chance_.percent(70), "no", false});
  }
  void carry_out(const Measure& e, bool) {
    pending_.push_back(Measured{e.run, calm_ ? 1 : chance_.below(110)});
  }
  void carry_out(const LookAtPorts& e, bool) {
    pending_.push_back(Trouble{e.run, About::ports, chance_.below(2) == 0 ? "nobody listens" : ""});
  }
  void carry_out(const RunErrand&, bool) {}
  void carry_out(const EndErrand&, bool) {}
  void carry_out(const WatchFiles& e, bool) {
    if (!calm_ && !e.paths.empty() && chance_.percent(30)) pending_.push_back(FilesChanged{e.run, "/x"});
  }
  void carry_out(const Confirm& e, bool lost) {
    if (!lost) pending_.push_back(Durable{e.serial});
  }
  void carry_out(const Send& e, bool) {
    if (e.envelope.n != 1 && e.envelope.n != last_n_ + 1) fail("a gap in the numbers");
    last_n_ = e.envelope.n;
    if (const auto* ended = std::get_if<TaskEnded>(&e.envelope.frame)) {
      AttemptKey key{ended->task, ended->attempt};
      if (!orders_.contains(key)) return fail("an outcome of what was never ordered");
      auto [first, fresh] = outcomes_.try_emplace(key, ended->outcome);
      if (!fresh && first->second != ended->outcome) fail("an outcome that changed its mind");
      open_[key] = false;
      log("ended " + std::string(enum_name(orders_.at(key).type)) + " " +
          to_string(orders_.at(key).placement.instance).substr(34) + " " +
          std::string(enum_name(ended->outcome)) + " " + ended->error);
      if (chance_.percent(70))
        pending_.push_back(FrameIn{Envelope{++hub_n_, 0, 1, OutcomeRecorded{key.first, key.second}}});
    }
    if (const auto* report = std::get_if<StateReport>(&e.envelope.frame))
      for (const Observed& seen : report->instances) saw(seen);
    if (const auto* inventory = std::get_if<Inventory>(&e.envelope.frame))
      for (const Observed& seen : inventory->instances) saw(seen);
  }
  void carry_out(const CloseLink&, bool) { linked_ = false; }
  void carry_out(const RemoveFiles& e, bool) {  // its count of starts begins anew
    versions_.erase(e.instance);
    std::erase_if(job_starts_, [&](const Run& run) { return run.instance == e.instance; });
  }
  void carry_out(const Answer&, bool) {}
  void carry_out(const ServeStream&, bool) {}
  void carry_out(const Note&, bool) {}

  void saw(const Observed& seen) {
    auto& last = versions_[seen.instance];
    if (seen.version < last) fail("a version that goes back");
    last = seen.version;
  }
  void check() {
    std::map<std::uint16_t, InstanceId> given;
    for (const auto& seen : core_->instances()) {
      for (const auto& [name, number] : seen.placement->ports)
        if (name == "x" && !given.try_emplace(number, seen.observed->instance).second)
          fail("a port given twice");
      bool pid = seen.observed->pid.has_value();
      if (is_alive(seen.observed->state) != pid && pid && seen.observed->state != InstanceState::stopping &&
          seen.observed->state != InstanceState::restarting && seen.observed->state != InstanceState::stuck)
        fail("a pid of what is " + std::string(enum_name(seen.observed->state)));
    }
  }

  using AttemptKey = std::pair<TaskId, std::uint32_t>;
  Rng chance_, core_rng_;
  AgentSettings settings_;
  Disk disk_;
  std::optional<AgentCore> core_;
  Now now_{BootTime(1'000s), WallTime(1'700'000'000s)};
  std::optional<BootTime> wake_;
  std::deque<Event> pending_;
  std::map<Run, Process> host_;
  std::set<Run> job_starts_;
  std::map<AttemptKey, Assign> orders_;
  std::map<AttemptKey, bool> open_;
  std::map<AttemptKey, TaskMove> outcomes_;
  std::map<InstanceId, std::uint64_t> versions_;
  std::uint64_t hub_n_ = 0, last_n_ = 0, generations_ = 0;
  bool linked_ = false, disk_full_ = false, suffered_ = false, calm_ = false;
};

TEST(AgentHistories, HoldAndConverge) {
  const char* more = std::getenv("SEEDS");  // a long run
  const std::uint64_t many = more ? std::strtoull(more, nullptr, 10) : 60;
  for (std::uint64_t seed = 1; seed <= many; ++seed) {
    History history(seed);
    history.run(400);
    if (!history.broken.empty()) FAIL() << "seed " << seed << ": " << history.broken;
    history.heal();
    history.check_end();
    if (!history.broken.empty()) FAIL() << "seed " << seed << ", after the faults: " << history.broken;
  }
}

TEST(AgentHistories, TheSameSeedGivesTheSameHistory) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    History first(seed), second(seed);
    first.run(400);
    second.run(400);
    EXPECT_EQ(first.trace, second.trace);
  }
}

}  // namespace
}  // namespace drover::agent::test
