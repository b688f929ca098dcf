#pragma once
// One step of the hub core: the state, the time, what goes out, and what was touched. Lives for one call of
// HubCore::step. Rows are written once, at the end, from what was marked: so a row is never written half way.

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "core/hub/hub.hpp"
#include "core/hub/placement.hpp"
#include "model/changes.hpp"

namespace drover::hub {

class Step {
 public:
  Step(HubState& hub_state, const HubSettings& hub_settings, Now at, Rng& chance, Effects& effects)
      : state(hub_state), settings(hub_settings), now(at), rng(chance), out(effects) {}

  HubState& state;
  const HubSettings& settings;
  const Now now;
  Rng& rng;
  Effects& out;

  // What to write and to show at the end of the step. Marking what is gone erases its row.
  void mark_node(NodeId id);
  void see_node(NodeId id);  // view only; and whether it may take instances is looked at anew
  void mark_stack(const std::string& name);
  void mark_slot(InstanceId id);  // row and view
  void mark_task(TaskId id);
  void mark_deployment(DeploymentId id);
  void mark_operation(OperationId id);
  void show_instance(const Slot& slot);  // view only: nothing to store
  void show_task(TaskId id) { out.touched.tasks.insert(to_string(id)); }
  /// The whole stack is compared at the end of the step.
  void reconcile_later(const std::string& stack) { dirty_stacks_[stack].whole = true; }
  /// Only this one is; and the whole stack at once if that may matter to others, else soon.
  void reconcile_later(const Slot& slot) {
    if (slot.role != SlotRole::holder) return reconcile_later(slot.stack);  // it is another's concern
    dirty_stacks_[slot.stack].slots.insert(slot.id);
  }
  void dispatch_later(NodeId node) { dirty_nodes_.insert(node); }
  /// Who found no place may find one now.
  void room_freed(const NodeEntry& node);
  /// The pending task is cancelled for that, before the step ends.
  void blame(TaskId task, std::string why) { blamed_.emplace_back(task, std::move(why)); }
  void write(Row row) { out.changes.emplace_back(std::move(row)); }
  void erase(Erase erase) { out.changes.emplace_back(std::move(erase)); }

  void emit(Event event);  // fills seq, time and (when empty) who
  void audit(const Who& who, std::string action, std::string target, std::string outcome = "success",
             std::string detail = {});
  void send(Session& session, Frame frame);
  void close(SessionId session, std::string reason);
  void timer(BootTime at, Timer::About about, Uuid id) { state.timers.insert({at, about, id, {}}); }
  /// The whole stack is compared at `at`, or earlier: each comparison asks for the next by itself.
  void timer(BootTime at, StackEntry& stack);
  template <class Id>
  Id make_id() {
    return Id{make_uuid(now.wall, rng)};
  }

  /// Reconciles, dispatches, writes the marked rows and sets the next wake-up.
  void finish();

 private:
  void write_marked();
  void refresh_fleet();
  void look_again_for_places();
  void write_task(TaskId id);
  void cancel_blamed();
  struct Dirty {
    bool whole = false;
    std::set<InstanceId> slots;
  };
  std::map<std::string, Dirty> dirty_stacks_;
  std::set<NodeId> dirty_nodes_;
  std::set<NodeId> seen_nodes_;
  bool room_freed_ = false;
  std::vector<std::pair<TaskId, std::string>> blamed_;
  std::set<NodeId> nodes_;
  std::set<std::string> stacks_;
  std::set<InstanceId> slots_;
  std::set<TaskId> tasks_;
  std::set<DeploymentId> deployments_;
  std::set<OperationId> operations_;
};

// ---- commands (commands_*.cpp): check, then change; each answers with what the API shows
// -------------------------
Result<Answer> run_command(Step& step, const Who& who, const Command& command);

// ---- sessions (sessions.cpp)
// -------------------------------------------------------------------------------------
void session_opened(Step& step, const SessionOpened& in);
void session_closed(Step& step, const SessionClosed& in);
void session_frame(Step& step, const SessionFrame& in);
void check_node(Step& step, NodeId id);  // liveness: suspect, lost
/// The node's session if tasks may be handed out over it; else nullptr.
Session* usable_session(HubState& state, NodeId node);

// ---- tasks (tasks.cpp)
// -------------------------------------------------------------------------------------------
struct TaskOrder {
  TaskType type = TaskType::deploy;
  bool run = true;
  std::uint8_t priority = 5;
};
Task& make_task(Step& step, SlotEntry& slot, TaskOrder order, const Who& who);
/// The task is ready to be queued: its id, time and who are set here.
Task& queue_task(Step& step, Task task, const Who& who);
/// One move of the life cycle, checked; false: not allowed, nothing changed.
bool move_task(Step& step, TaskEntry& entry, TaskMove move, std::string error,
               const std::vector<std::string>& output);
/// Looks at its attempt again when it may be stuck or late.
void watch_task(Step& step, const TaskEntry& entry);
// endings.cpp
std::string task_text(const HubState& state, const Task& task);  // "deploy shop/web-1", "exec df … on n1"
void tell_task(Step& step, const Task& task, std::string level = "info");
void note_progress(Step& step, const Task& task);
void finish_task(Step& step, Task& task, TaskState state, std::string message);
void forget_recent(Step& step);  // of the finished, those that are not held in memory any more
void make_orphan_delete(Step& step, NodeId node, const Observed& observed);
// queue.cpp
void enter_queue(HubState& state, const Task& task);         // pending
void leave_queues(HubState& state, const Task& task);        // pending and open
Assign assignment(const HubState& state, const Task& task);  // of its newest attempt
void dispatch(Step& step, NodeId node);                      // hands out what may begin
void resume_tasks(Step& step, Session& session, const std::vector<TaskStarted>& held);  // after an inventory
void task_report(Step& step, Session& session, const TaskStarted& frame);
void task_report(Step& step, Session& session, const TaskProgress& frame);
void task_report(Step& step, Session& session, const TaskEnded& frame);
void check_task(Step& step, TaskId id);  // backoff over, no progress, hard timeout
void request_cancel(Step& step, TaskId id, const std::string& why);
void give_up_attempt(Step& step, TaskId id, const std::string& why);  // the node is gone for good
void forget_old(Step& step);       // clean-up of finished tasks and others by age and count
void bury(Step& step, TaskId id);  // failed for good, and of no interest any more: a record as the others
void end_operation(Step& step, Operation& operation);  // every item has its result
/// What the end of an errand means for the operation that it is of.
void settle_errand(Step& step, const Task& task);
// external.cpp
void check_external(Step& step, NodeEntry& node);  // liveness
void hand_out(Step& step, TaskEntry& entry);       // pending → assigned; the caller tells the agent
/// May it be handed out now, as far as its backoff, its dependencies and its node's other tasks go?
bool may_begin(const HubState& state, const TaskEntry& entry, BootTime now);

// ---- planner (planner.cpp, deployments.cpp)
// -----------------------------------------------------------------------
void reconcile(Step& step, const std::string& stack);
void reconcile(Step& step, const std::string& stack, const std::set<InstanceId>& touched);
/// How long the comparison of a whole stack may wait, so that large ones are not compared all the time.
Duration rhythm(const StackEntry& stack);
std::set<std::string> changed_services(const Deployment& deployment);
void judge_deployment(Step& step, StackEntry& stack);
void judge_operations(Step& step, const std::string& stack);
void set_node(Step& step, SlotEntry& entry, std::optional<NodeId> node);
void let_go(Step& step, SlotEntry& entry);  // a job that is done needs nothing of its node any more
void erase_slot(Step& step, InstanceId id);
/// A plan for who carries it out at once: what is new gets its node by being placed.
std::vector<PlanStep> steps_to(const HubState& state, const Stack& content);
/// Lets the rest follow the canaries.
void promote(Step& step, Deployment& deployment, const Who& who);
/// Where a deployment can go back to: the newest other content before it that succeeded; nullptr: nowhere.
const RevisionRow* way_back(const StackEntry& stack);
/// It is over; a deployment that it undoes is told what became of it.
void end_deployment(Step& step, Deployment& deployment, DeploymentState state, std::string message);
/// The failed deployment's stack goes back to that revision, as a new deployment.
void roll_back(Step& step, const Deployment& failed, const RevisionRow& target);
/// Is the slot as it shall be? For deployments, operations and dependants.
bool satisfied(const HubState& state, const SlotEntry& entry);
/// The stack's deployment, over or not; nullptr: it never had one.
const Deployment* deployment_of(const HubState& state, const StackEntry& stack);
/// Paused or cancelled: nothing new is rolled out.
bool rollout_held(const HubState& state, const StackEntry& stack);
/// The deployment whose canaries have not been promoted, so that the service's instances stay as they are;
/// nullptr: there is none. One that has failed holds them too.
const Deployment* canary_of(const HubState& state, const StackEntry& stack, const std::string& service);
/// The revision that the slot follows: the current one, or the one that it has; nullptr: none yet.
const RevisionRow* followed_revision(const HubState& state, const StackEntry& stack, const Slot& slot);
/// Of what an instance starts with and of what it takes over live; see model/changes.hpp.
std::string service_digest(const HubState& state, const Service& service);
/// When it has been ready for so long that it counts (Update::healthy_for, HubSettings::settle); nullopt: it
/// is not ready, or need not be.
std::optional<BootTime> proven_at(const HubSettings& settings, const SlotEntry& entry,
                                  const Service& service);
bool has_failed(const HubState& state, const SlotEntry& entry);  // for good
bool moves_by_itself(InstanceState state);                       // it will be in another one
/// Has something under way by itself: an open task, a start, a backoff.
bool in_motion(const HubState& state, const SlotEntry& entry);
/// Do others that depend on it have this of it?
bool holds(const HubState& state, const SlotEntry& entry, Condition condition);
/// Is it to be gone or stopped before what it depends on, and is not yet?
bool holds_up_stop(const HubState& state, const SlotEntry& entry);

// ---- start-first (succession.cpp)
bool starts_first(const Service& service);
/// Who is to take the holder's place; nullptr: nobody.
const SlotEntry* successor_of(const HubState& state, const Slot& holder);
/// A successor or somebody who has been replaced is beside it.
bool has_company(const HubState& state, const Slot& holder);
/// Not wanted any more: it will be deleted.
void retire(Step& step, SlotEntry& entry);

// ---- reload
enum class ReloadWay : std::uint8_t {
  told,       // by its signal or command: the process goes on
  replaced,   // start-first
  restarted,  // there is no other way
};
ReloadWay reload_way(const HubState& state, const SlotEntry& entry);

// ---- standings (standing.cpp)
/// All of it anew.
void recount(HubState& state, StackEntry& stack);
/// Counts the slot as it stands now. True: the whole stack is to be compared at once.
bool restand(const HubState& state, StackEntry& stack, SlotEntry& entry);
bool uncount(StackEntry& stack, const SlotEntry& entry);  // the same for one that goes
const RevisionRow* current_revision(const StackEntry& stack);
const std::string& wanted_digest(const HubState& state, const Slot& slot);

}  // namespace drover::hub
