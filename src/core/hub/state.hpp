#pragma once
// All live state of the hub, in memory, with its indexes. Changed only by HubCore; read by views (hub/views).

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/hub/fleet.hpp"
#include "core/hub/io.hpp"
#include "core/hub/standing.hpp"
#include "core/hub/tally.hpp"

namespace drover::hub {

/// An agent's link, from SessionOpened to SessionClosed.
struct Session {
  SessionId id = 0;
  NodeId uid;
  std::string address;
  bool welcomed = false;
  bool inventoried = false;  // its Inventory has come: tasks may be handed out
  std::string boot, ticket;
  std::uint64_t sent = 0, received = 0;  // frame numbers
};

struct NodeEntry {
  NodeRow row;
  std::optional<SessionId> session;
  BootTime heard{};                         // last sign of life; after a start: the start
  std::map<InstanceId, Observed> observed;  // what its agent last reported
  bool observed_fresh = false;              // since the current session's inventory
  std::optional<WallTime> unknown_since;    // set while the agent is away
  std::set<TaskId> open;                    // assigned or running here
  std::set<InstanceId> slots;               // placed here
  std::string ticket;                       // of the last welcome
};

struct TaskEntry {
  Task task;
  BootTime not_before{};     // pending: backoff
  BootTime progress_at{};    // of the running attempt
  std::uint64_t record = 0;  // its place among the finished; 0: live, or failed for good
};

struct StackEntry {
  StackRow row;
  std::map<std::uint64_t, RevisionRow>
      revisions;  // those still needed: the current, the last 20, placed generations
  std::map<std::string, std::map<std::string, InstanceId>> slots;        // holders: service → slot name → id
  std::map<std::pair<std::string, std::string>, InstanceId> successors;  // service, slot name → id
  std::set<InstanceId> retired;
  Standings standings;
  std::map<std::pair<std::uint64_t, std::string>, AskPtr> asks;  // by revision and service; made when needed
  std::optional<BootTime> look_at;  // when the whole of it is compared again, as it stands in the timers
};

struct SlotEntry {
  Slot slot;
  std::optional<TaskId> task;  // its open task
  AskPtr held;        // what it holds of its node; nullptr: nothing (it has none, or is a job that is done)
  std::string waits;  // what it waits for, for people ("db: ready (0/1)")
  std::optional<BootTime> ready_since;
  std::optional<Standing> standing;  // as it is counted in its stack's standings
};

/// A time at which something is looked at again. Only a hint: what it finds decides, so a stale one does no
/// harm.
struct Timer {
  enum class About : std::uint8_t { node, task, stack, housekeeping };
  BootTime at{};
  About about = About::housekeeping;
  Uuid id;            // node, task
  std::string stack;  // stack
  auto operator<=>(const Timer&) const = default;
};

/// Tasks of a node in the order in which they are handed out: (10 - priority, id); ids are ordered by age.
using TaskQueue = std::set<std::pair<std::uint8_t, TaskId>>;
inline std::pair<std::uint8_t, TaskId> queue_place(const Task& task) {
  return {std::uint8_t(10 - task.priority), task.id};
}

struct HubState {
  StoreId store;
  std::string digest_key;
  std::uint64_t commit = 0, event_seq = 0, audit_seq = 0, first_event = 0;
  std::string audit_hash;

  std::map<NodeId, NodeEntry> nodes;
  std::map<std::string, NodeId> node_names;
  std::map<SessionId, Session> sessions;
  std::map<std::string, StackEntry> stacks;
  std::map<InstanceId, SlotEntry> slots;
  std::map<TaskId, TaskEntry> tasks;  // live ones, the newest that are over, and those that failed for good
  std::map<NodeId, TaskQueue> pending;
  std::map<TaskId, std::set<TaskId>> dependants;  // of live tasks: who waits for them
  std::deque<TaskId> finished;                    // oldest first: the newest that are over
  std::map<InstanceId, TaskId> dead;              // failed for good; the newest of its instance
  std::uint64_t first_record = 0, last_record = 0;
  std::deque<std::pair<WallTime, std::uint64_t>> record_marks;  // of each minute: its begin and last record
  std::map<std::string, QueueRow> paused;                       // by QueueRow::name
  TaskTally tally;
  std::map<DeploymentId, Deployment> deployments;
  std::map<OperationId, Operation> operations;
  std::map<TokenId, JoinToken> join_tokens;
  std::map<std::string, User> users;  // by name
  std::map<TokenId, Credential> credentials;
  std::map<std::string, TokenId> credential_hashes;
  std::map<std::string, IdempotencyRow> idempotency;
  std::set<Timer> timers;
  Fleet fleet;
  std::set<std::string> homeless;  // stacks that had an instance without a place when they were compared last
  std::uint64_t leader_epoch = 1;
  std::deque<Event> events;  // the newest, at most 10,000; older ones are in the store
};

/// Nothing is handed out: by the hub, or to this node.
bool is_paused(const HubState& state, NodeId node);
/// Its agent is connected and has shown what it has: tasks may be handed out.
bool usable(const HubState& state, NodeId node);
/// The instance's record as its node's agent last reported it; nullptr: never, or of an older epoch.
const Observed* observed_of(const HubState& state, const Slot& slot);
/// What a person sees: observed, or what the hub knows better (waiting for a place, node lost → lost, away →
/// unknown).
struct SeenState {
  InstanceState state = InstanceState::waiting;
  std::string reason;
  WallTime since{};
};
SeenState seen_state(const HubState& state, const SlotEntry& entry);
/// Desired: shall it run?
bool wanted_running(const HubState& state, const Slot& slot);
/// The service as the slot shall run now (current revision), nullptr if it is being removed.
const Service* wanted_service(const HubState& state, const Slot& slot);
std::uint32_t wanted_replicas(const StackRow& row, const Service& service);

}  // namespace drover::hub
