#pragma once
// One step of the agent core: the world, the time, and what goes out. Lives for one call of AgentCore::step.

#include "core/agent/agent.hpp"
#include "core/agent/state.hpp"

namespace drover::agent {

class Step {
 public:
  Step(World& the_world, Now at, Rng& chance, Effects& effects)
      : world(the_world), now(at), rng(chance), out(effects) {}

  World& world;
  const Now now;
  Rng& rng;
  Effects& out;

  void write(Row row) { out.rows.push_back(std::move(row)); }
  void write_placement(Instance& instance);
  void write_attempt(Attempt& attempt);
  void then(Effect effect) { out.then.push_back(std::move(effect)); }
  void note(std::string level, std::string message, InstanceId instance = {});
  /// Over the session in hand; nothing while there is none (what matters is sent again at its start).
  void send(Frame frame);
  /// The same at the end of the step, after the reports: a task's end is never told before what it did.
  void send_last(Frame frame) { last_.push_back(std::move(frame)); }
  Instance* find(InstanceId id);
  Attempt* find(const AttemptKey& key);
  /// The record changed: counted, reported and its timer set at the end of the step.
  void mark(Instance& instance);
  void show(Instance& instance, InstanceState state, std::string reason = {});
  std::uint64_t confirm();  // a new Confirm; its serial
  /// Counts the changes made so far and sets timers: afterwards every record is what may be sent.
  void settle_records();
  /// At the end: reports, outcomes and the next wake-up.
  void finish();

 private:
  std::vector<Frame> last_;
};

// ---- session.cpp: hello, welcome, heartbeats, inventory
void link_up(Step& step);
void link_down(Step& step, const std::string& reason);
void give_up_link(Step& step, const std::string& reason);
void frame_in(Step& step, const Envelope& envelope);
void session_timers(Step& step);
std::optional<BootTime> session_due(const World& world);
void report_changes(Step& step, bool at_once);

// ---- tasks.cpp: attempts from Assign to OutcomeRecorded
void assign(Step& step, const Assign& frame);
void cancel(Step& step, const Cancel& frame);
void outcome_recorded(Step& step, const OutcomeRecorded& frame);
void durable(Step& step, std::uint64_t serial);
void schedule(Step& step);  // begins what may begin
void end_attempt(Step& step, const AttemptKey& key, TaskMove outcome, std::string error = {},
                 std::vector<std::string> output = {});
void progress(Step& step, Instance& instance, std::string message);
void send_outcomes(Step& step);

// ---- errands.cpp: attempts that change no instance
bool begin_errand(Step& step, const AttemptKey& key, Attempt& attempt);  // false: not now
void run_errand(Step& step, Attempt& attempt, bool again);
void cancel_errand(Step& step, const AttemptKey& key, Attempt& attempt);
void errand_ended(Step& step, const ErrandEnded& event);
void errand_progress(Step& step, const ErrandProgress& event);

// ---- begin.cpp: what an attempt asks of its placement, and when that is reached
struct Wish {
  enum class Kind : std::uint8_t { refused, reached, change } kind = Kind::change;
  std::string why;                     // refused
  std::optional<PlacementRow> wanted;  // change; none: only the instance is to be worked on
};
Wish judge(Step& step, const Assign& assign);
/// The rows are durable: make the placement so.
void apply(Step& step, Attempt& attempt);
/// Ends the instance's attempt if its goal is reached or out of reach.
void settle(Step& step, Instance& instance);
bool reached(const Step& step, const Attempt& attempt, const Instance& instance);

// ---- instances.cpp: the state machine of a run
void drive(Step& step, InstanceId id);  // level-triggered; the instance may be gone afterwards
void spawned(Step& step, const Spawned& event);
void spawn_failed(Step& step, const SpawnFailed& event);
void exited(Step& step, const Exited& event);
void last_lines(Step& step, const LastLines& event);
void emptied(Step& step, const Run& run);
void stuck(Step& step, const Stuck& event);
void hook_failed(Step& step, const HookFailed& event);
void adopt(Step& step, Instance& instance, const Found& found);
void instance_due(Step& step, InstanceId id);
std::optional<BootTime> due(const Instance& instance);
bool wants_run(const Instance& instance);
Spawn live_spawn(const Instance& instance);  // the run in hand, as it was started

// ---- ends.cpp: what an end means
void main_ended(Step& step, Instance& instance, Exit exit, std::vector<std::string> lines);
void keep_lines(Instance& instance, std::vector<std::string> lines);  // the last 20 of them
void fail_for_good(Step& step, Instance& instance, Ended ended);
/// The count of automatic restarts begins anew, and waits are over: a change by a person or the hub.
void begin_anew(Instance& instance);
/// An automatic restart takes its turn among the host's. True: not now, spawn_at says when.
bool waits_for_turn(Step& step, Instance& instance);
/// It has given up and its slow try is due: true, and it may be spawned.
bool tries_again(Step& step, Instance& instance);

// ---- upkeep.cpp: why a run that works is replaced
void begin_upkeep(Step& step, Instance& instance, Duration age);
void end_upkeep(Step& step, Instance& instance);
void upkeep_due(Step& step, Instance& instance);
std::optional<BootTime> upkeep_timer(const Instance& instance);
void measured(Step& step, const Measured& event);
void files_changed(Step& step, const FilesChanged& event);
void trouble(Step& step, const Trouble& event);
/// A new run of it is ready: those that depend on it may have been waiting for that.
void dependants_of(Step& step, const Instance& instance);

// ---- reload.cpp: a run takes its configuration anew without ending
/// Asks the host when the run can take it; what does not run has nothing to be told.
void reload_due(Step& step, Instance& instance);
void reloaded(Step& step, const Reloaded& event);
/// It is not waited for any more.
void drop_reload(Instance& instance);
/// The program has said (sd_notify) that it reloads, or that it is ready again.
void says_reloading(Step& step, Instance& instance, bool reloading);
void reload_overdue(Step& step, Instance& instance);

// ---- settings.cpp
/// The run in hand stays, what it was not started with is taken over; nothing to do: nothing happens.
void take_settings(Step& step, Instance& instance);

// ---- probes.cpp
void begin_probes(Step& step, Instance& instance, Duration age);
/// The probes of the run in hand are others now; what it has proven stands until they say otherwise.
void renew_probes(Step& step, Instance& instance, Duration age);
void end_probes(Instance& instance);
void probes_due(Step& step, Instance& instance);
void probe_answer(Step& step, const ProbeAnswer& event);
void notified(Step& step, const Notified& event);
std::vector<ProbeHistory> probe_histories(const Instance& instance);
/// What a person should know though it is ready.
std::string remark(const Instance& instance);
void judge_probes(Step& step, Instance& instance);  // the state as the answers so far have it
std::optional<BootTime> probes_timer(const Instance& instance);

// ---- ports.cpp
/// Gives out what the service asks for; keeps what was given. Errc::unavailable: not now (who holds it);
/// Errc::invalid: never.
Result<std::map<std::string, std::uint16_t>> give_ports(const World& world, const PlacementRow& row,
                                                        BootTime now);
void port_taken(Step& step, Instance& instance, std::uint16_t port);  // by a stranger
void wake_port_waiters(Step& step);                                   // a run has gone

// ---- recover.cpp, journal.cpp, local.cpp
void recover(Step& step, const Recovered& event);
void forget_dead_orphans(Step& step);
void journal_failed(Step& step, const std::string& reason);
void journal_retry(Step& step);
void local_command(Step& step, const LocalCommand& command);
void local_answer(Step& step, const LocalAnswer& frame);
void local_link_down(Step& step);
void local_timers(Step& step);

}  // namespace drover::agent
