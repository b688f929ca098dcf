#include "core/agent/agent.hpp"

#include <algorithm>

#include "core/agent/step.hpp"

namespace drover::agent {

struct AgentCore::State {
  World world;
};

AgentCore::AgentCore(AgentSettings settings, Journal journal) : state_(std::make_unique<State>()) {
  World& world = state_->world;
  world.settings = std::move(settings);
  world.meta = std::move(journal.meta);
  for (PlacementRow& row : journal.placements) {
    Instance& instance = world.instances[row.placement.instance];
    instance.row = std::move(row);
    if (!instance.row.service.depends_on.empty()) world.needy.insert(instance.row.placement.instance);
    instance.journaled_incarnation = instance.row.incarnation;
  }
  for (AttemptRow& row : journal.attempts) {
    Attempt attempt{.row = std::move(row), .stored = true};
    if (attempt.row.outcome) attempt.stage = Stage::ended;
    else if (attempt.row.begun) attempt.stage = Stage::active;
    AttemptKey key{attempt.row.assign.task, attempt.row.assign.attempt};
    world.attempts.emplace(key, std::move(attempt));
  }
}
AgentCore::~AgentCore() = default;

namespace {
void say_goodbye(Step& step, const Stopping& event) {
  if (step.world.session.link == Link::up) step.send(Goodbye{event.reason});
  step.world.stopped = true;
}

void handle(Step& step, const Event& event) {
  struct Visitor {
    Step& step;
    void operator()(const Recovered& e) const { recover(step, e); }
    void operator()(const LinkUp&) const { link_up(step); }
    void operator()(const LinkDown& e) const { link_down(step, e.reason); }
    void operator()(const FrameIn& e) const { frame_in(step, e.envelope); }
    void operator()(const Spawned& e) const { spawned(step, e); }
    void operator()(const SpawnFailed& e) const { spawn_failed(step, e); }
    void operator()(const Exited& e) const { exited(step, e); }
    void operator()(const LastLines& e) const { last_lines(step, e); }
    void operator()(const Emptied& e) const { emptied(step, e.run); }
    void operator()(const Stuck& e) const { stuck(step, e); }
    void operator()(const HookFailed& e) const { hook_failed(step, e); }
    void operator()(const ProbeAnswer& e) const { probe_answer(step, e); }
    void operator()(const Notified& e) const { notified(step, e); }
    void operator()(const Reloaded& e) const { reloaded(step, e); }
    void operator()(const Measured& e) const { measured(step, e); }
    void operator()(const FilesChanged& e) const { files_changed(step, e); }
    void operator()(const Trouble& e) const { trouble(step, e); }
    void operator()(const ErrandEnded& e) const { errand_ended(step, e); }
    void operator()(const ErrandProgress& e) const { errand_progress(step, e); }
    void operator()(const LocalCommand& e) const { local_command(step, e); }
    void operator()(const JournalFailed& e) const { journal_failed(step, e.reason); }
    void operator()(const Durable& e) const { durable(step, e.serial); }
    void operator()(const Stopping& e) const { say_goodbye(step, e); }
    void operator()(const Tick&) const {}
  };
  std::visit(Visitor{step}, event);
}

void run_timers(Step& step) {
  World& world = step.world;
  std::vector<InstanceId> due_now;
  for (const auto& [at, id] : world.timers) {
    if (at > step.now.boot) break;
    due_now.push_back(id);
  }
  for (InstanceId id : due_now) {
    world.touched.insert(id);
    instance_due(step, id);
  }
  for (InstanceId id : std::exchange(world.to_drive, {})) {
    world.touched.insert(id);
    drive(step, id);
  }
  session_timers(step);
  local_timers(step);
  if (world.journal_retry && *world.journal_retry <= step.now.boot) journal_retry(step);
}
}  // namespace

Effects AgentCore::step(Now now, Rng& rng, const Event& event) {
  Effects effects;
  World& world = state_->world;
  // The contract: Recovered comes first, and nothing after Stopping.
  if (world.stopped || (!world.recovered && !std::holds_alternative<Recovered>(event))) return effects;
  Step step(world, now, rng, effects);
  handle(step, event);
  if (!world.stopped) {
    run_timers(step);
    schedule(step);
    step.finish();
  }
  return effects;
}

std::vector<AgentCore::Seen> AgentCore::instances() const {
  std::vector<Seen> out;
  for (const auto& [id, instance] : state_->world.instances) out.push_back({&instance.row, &instance.seen});
  std::ranges::stable_sort(out, {}, [](const Seen& seen) {
    return std::pair(std::string_view(seen.placement->stack),
                     std::string_view(seen.placement->instance_name));
  });
  return out;
}

std::vector<ProbeHistory> AgentCore::probes(InstanceId id) const {
  auto found = state_->world.instances.find(id);
  if (found == state_->world.instances.end()) return {};
  return probe_histories(found->second);
}

bool AgentCore::connected() const { return state_->world.session.link == Link::up; }

}  // namespace drover::agent
