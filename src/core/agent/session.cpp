// The session with the hub: hello, welcome, heartbeats, inventory, reports.

#include <algorithm>

#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
constexpr Duration welcome_within = 30s;

void plan_heartbeat(Step& step) {
  Session& session = step.world.session;
  session.heartbeat_at = step.now.boot + jitter(session.heartbeat, 0.2, step.rng);
}

void send_inventory(Step& step) {
  World& world = step.world;
  step.settle_records();
  Inventory inventory{.applied = world.session.received};
  for (auto& [id, instance] : world.instances) {
    inventory.instances.push_back(instance.seen);
    instance.reported_state = instance.seen.state;
    instance.reported_health = instance.seen.health;
  }
  for (const auto& [key, attempt] : world.attempts)
    if (attempt.stage != Stage::ended) inventory.attempts.push_back({key.first, key.second});
  world.unreported.clear();
  world.session.report_at.reset();
  step.send(std::move(inventory));
}

void welcome(Step& step, const Welcome& frame, std::uint64_t epoch) {
  World& world = step.world;
  Session& session = world.session;
  if (session.link == Link::up) return;
  if (world.meta.store && *world.meta.store != frame.store)
    step.note("warn", "The hub has another store than the one served before; its word counts from now on.");
  session.link = Link::up;
  session.heartbeat = std::max<Duration>(frame.heartbeat, 10ms);
  session.lost_after = std::max<Duration>(frame.lost_after, 20ms);
  session.inventory_at = step.now.boot + world.settings.inventory_every;
  world.meta = {frame.store, frame.commit, frame.ticket, std::max(world.meta.leader_epoch, epoch)};
  step.write(world.meta);
  world.welcomed_once = true;
  plan_heartbeat(step);
  forget_dead_orphans(step);
  // Outcomes first: an attempt that is in neither them nor the inventory is lost.
  send_outcomes(step);
  send_inventory(step);
}

void refused(Step& step, const Refuse& frame) {
  step.note(frame.retry ? "warn" : "error",
            "The hub refuses this agent: " + frame.reason + (frame.hint.empty() ? "" : ". " + frame.hint));
  give_up_link(step, "refused: " + frame.code);
}

void handle(Step& step, const Envelope& envelope) {
  struct Visitor {
    Step& step;
    std::uint64_t epoch;
    void operator()(const Assign& f) const { assign(step, f); }
    void operator()(const Cancel& f) const { cancel(step, f); }
    void operator()(const OutcomeRecorded& f) const { outcome_recorded(step, f); }
    void operator()(const InventoryWanted&) const { send_inventory(step); }
    void operator()(const LocalAnswer& f) const { local_answer(step, f); }
    void operator()(const OpenStream& f) const { step.then(ServeStream{f}); }
    void operator()(const HeartbeatAck&) const {}  // that it came is what counts
    // Said once, before; or said by agents only.
    void operator()(const Welcome&) const {}
    void operator()(const Refuse& f) const { refused(step, f); }
    void operator()(const Hello&) const {}
    void operator()(const Heartbeat&) const {}
    void operator()(const Goodbye&) const {}
    void operator()(const TaskStarted&) const {}
    void operator()(const TaskProgress&) const {}
    void operator()(const TaskEnded&) const {}
    void operator()(const StateReport&) const {}
    void operator()(const Inventory&) const {}
    void operator()(const InventoryDigest&) const {}
    void operator()(const LocalRequest&) const {}
  };
  std::visit(Visitor{step, envelope.epoch}, envelope.frame);
}

bool worth_telling_now(const Instance& instance) {
  return instance.reported_state != instance.seen.state || instance.reported_health != instance.seen.health;
}

void send_digest(Step& step) {
  step.settle_records();
  std::vector<const Observed*> all;
  for (const auto& [id, instance] : step.world.instances) all.push_back(&instance.seen);
  step.send(InventoryDigest{step.world.session.received, inventory_digest(std::move(all))});
  // Starts are not written down (a full disk stops no restart); their count is, now and then.
  for (auto& [id, instance] : step.world.instances)
    if (!instance.orphan && instance.journaled_incarnation < instance.row.incarnation &&
        step.world.journal_error.empty())
      step.write_placement(instance);
}
}  // namespace

void link_up(Step& step) {
  World& world = step.world;
  local_link_down(step);
  world.session = Session{.link = Link::greeting, .heard = step.now.boot};
  step.send(Hello{.uid = world.settings.uid,
                  .name = world.settings.name,
                  .boot = world.settings.boot,
                  .ticket = world.meta.ticket,
                  .host = world.settings.host,
                  .store = world.meta.store,
                  .commit_seen = world.meta.commit_seen});
}

void link_down(Step& step, const std::string& reason) {
  Session& session = step.world.session;
  if (session.link == Link::down) return;
  if (session.link == Link::up) step.note("warn", "The link to the hub is down: " + reason);
  session = Session{};
  local_link_down(step);
}

void give_up_link(Step& step, const std::string& reason) {
  step.then(CloseLink{reason});
  link_down(step, reason);
}

void frame_in(Step& step, const Envelope& envelope) {
  World& world = step.world;
  Session& session = world.session;
  if (session.link == Link::down) return;  // of a session that has been given up
  session.received = envelope.n;
  if (envelope.epoch < world.meta.leader_epoch) return;  // a deposed leader: its word does not count
  session.heard = step.now.boot;
  if (const auto* frame = std::get_if<Welcome>(&envelope.frame)) return welcome(step, *frame, envelope.epoch);
  if (session.link == Link::greeting && !std::holds_alternative<Refuse>(envelope.frame)) return;
  if (envelope.epoch > world.meta.leader_epoch) {
    world.meta.leader_epoch = envelope.epoch;
    step.write(world.meta);
  }
  handle(step, envelope);
}

void session_timers(Step& step) {
  Session& session = step.world.session;
  const BootTime now = step.now.boot;
  if (session.link == Link::down) return;
  if (session.link == Link::greeting) {
    if (session.heard + welcome_within <= now) give_up_link(step, "no welcome from the hub");
    return;
  }
  if (session.heard + session.lost_after <= now)
    return give_up_link(step, "nothing heard from the hub for " + human_duration(session.lost_after));
  if (session.heartbeat_at && *session.heartbeat_at <= now) {
    step.send(Heartbeat{now.time_since_epoch().count()});
    plan_heartbeat(step);
  }
  if (session.inventory_at && *session.inventory_at <= now) {
    send_digest(step);
    session.inventory_at = now + step.world.settings.inventory_every;
  }
}

std::optional<BootTime> session_due(const World& world) {
  const Session& session = world.session;
  if (session.link == Link::down) return std::nullopt;
  if (session.link == Link::greeting) return session.heard + welcome_within;
  BootTime at = session.heard + session.lost_after;
  for (const auto& other : {session.heartbeat_at, session.inventory_at, session.report_at})
    if (other) at = std::min(at, *other);
  return at;
}

void report_changes(Step& step, bool at_once) {
  World& world = step.world;
  Session& session = world.session;
  if (session.link != Link::up) return;
  std::erase_if(world.unreported, [&](InstanceId id) { return !step.find(id); });
  if (world.unreported.empty()) return session.report_at.reset();
  bool now = at_once || (session.report_at && *session.report_at <= step.now.boot);
  for (InstanceId id : world.unreported) now = now || worth_telling_now(*step.find(id));
  if (!now) {
    if (!session.report_at) session.report_at = step.now.boot + world.settings.report_delay;
    return;
  }
  StateReport report;
  for (InstanceId id : std::exchange(world.unreported, {})) {
    Instance& instance = *step.find(id);
    instance.reported_state = instance.seen.state;
    instance.reported_health = instance.seen.health;
    report.instances.push_back(instance.seen);
  }
  session.report_at.reset();
  step.send(std::move(report));
}

}  // namespace drover::agent
