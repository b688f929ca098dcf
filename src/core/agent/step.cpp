#include "core/agent/step.hpp"

#include <algorithm>

namespace drover::agent {

namespace {
/// What the record says of the placement and its run in hand.
void sync(const Step& step, Instance& instance) {
  Observed& seen = instance.seen;
  const PlacementRow& row = instance.row;
  seen.instance = row.placement.instance;
  seen.epoch = row.placement.epoch;
  seen.generation = row.placement.generation;
  // While an old run ends, the record is about that one: it must not look as if the change were made.
  seen.digest = instance.phase == Phase::none ? row.placement.digest : instance.live_digest;
  seen.incarnation = row.incarnation;
  seen.restart_generation = row.restart_generation;
  seen.reload_generation = row.reload_generation;
  seen.run = row.run;
  seen.ports = row.ports;
  // Counts on from the wall clock, so that it goes up over a restart of the agent as well.
  auto floor = std::uint64_t(std::max<std::int64_t>(step.now.wall.time_since_epoch().count(), 1));
  seen.version = seen.version == 0 ? floor : seen.version + 1;
}
}  // namespace

Instance* Step::find(InstanceId id) {
  auto found = world.instances.find(id);
  return found == world.instances.end() ? nullptr : &found->second;
}
Attempt* Step::find(const AttemptKey& key) {
  auto found = world.attempts.find(key);
  return found == world.attempts.end() ? nullptr : &found->second;
}

void Step::write_placement(Instance& instance) {
  // Never back: a job's next start may be written down already.
  instance.journaled_incarnation = std::max(instance.journaled_incarnation, instance.row.incarnation);
  PlacementRow row = instance.row;
  row.incarnation = instance.journaled_incarnation;
  instance.rewritten = true;
  write(std::move(row));
}
void Step::write_attempt(Attempt& attempt) {
  attempt.stored = true;
  write(attempt.row);
}

void Step::note(std::string level, std::string message, InstanceId instance) {
  then(Note{std::move(level), std::move(message), instance});
}

void Step::send(Frame frame) {
  Session& session = world.session;
  if (session.link == Link::down) return;
  then(Send{Envelope{++session.sent, session.received, 0, std::move(frame)}});
}

void Step::mark(Instance& instance) {
  instance.changed = true;
  world.touched.insert(instance.row.placement.instance);
}

void Step::show(Instance& instance, InstanceState state, std::string reason) {
  if (instance.seen.state == state && instance.seen.reason == reason && instance.seen.version > 0) return;
  if (instance.seen.state != state || instance.seen.version == 0) instance.seen.since = now.wall;
  instance.seen.state = state;
  instance.seen.reason = std::move(reason);
  mark(instance);
}

std::uint64_t Step::confirm() {
  then(Confirm{++world.serial});
  return world.serial;
}

void Step::settle_records() {
  for (InstanceId id : std::exchange(world.touched, {})) {
    Instance* instance = find(id);
    if (!instance) continue;
    if (std::exchange(instance->changed, false)) {
      sync(*this, *instance);
      world.unreported.insert(id);
    }
    auto at = due(*instance);
    if (at == instance->timer) continue;
    if (instance->timer) world.timers.erase({*instance->timer, id});
    if (at) world.timers.insert({*at, id});
    instance->timer = at;
  }
}

void Step::finish() {
  settle_records();
  report_changes(*this, !last_.empty());
  for (Frame& frame : std::exchange(last_, {})) send(std::move(frame));
  out.wake = session_due(world);
  auto earlier = [&](std::optional<BootTime> at) {
    if (at && (!out.wake || *at < *out.wake)) out.wake = at;
  };
  if (!world.timers.empty()) earlier(world.timers.begin()->first);
  earlier(world.journal_retry);
  for (const auto& [id, wait] : world.local) earlier(wait.deadline);
}

}  // namespace drover::agent
