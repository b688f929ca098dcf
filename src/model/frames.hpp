#pragma once
// What hub and agent say to each other (architecture.md §5). Plain values; protocol/ writes them as JSON
// `{"t": type, "n": number, "a": ack, "e": leader epoch, …}` and keeps the numbers.
// Names are never reused or retyped; unknown members are ignored, so a frame may only grow.

#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/ids.hpp"
#include "model/instance.hpp"
#include "model/node.hpp"
#include "model/stack.hpp"
#include "model/task.hpp"

namespace drover {

constexpr std::uint32_t protocol_version = 1;  // this program's; understands from protocol_oldest on
constexpr std::uint32_t protocol_oldest = 1;

// ---- session
// -------------------------------------------------------------------------------------------------

/// First frame of a session, agent → hub. Who it is has been proven by the link before (certificate or
/// challenge).
struct Hello {
  static constexpr const char* kind = "hello";
  NodeId uid;
  std::string name;
  std::string boot;    // the agent process's start: random; two live clones differ in it
  std::string ticket;  // from the last welcome; empty: first time
  std::uint32_t protocol_min = protocol_oldest, protocol_max = protocol_version;
  HostFacts host;
  std::optional<StoreId> store;  // the hub store that the agent last served; none: empty state directory
  std::uint64_t commit_seen = 0;
};
BOOST_DESCRIBE_STRUCT(Hello, (),
                      (uid, name, boot, ticket, protocol_min, protocol_max, host, store, commit_seen))

struct Welcome {
  static constexpr const char* kind = "welcome";
  std::uint32_t protocol = protocol_version;
  StoreId store;
  std::uint64_t commit = 0;
  std::string ticket;
  std::string name;  // the node's name as the hub has it
  Duration heartbeat = 5s;
  Duration lost_after = 30s;
  Duration reconnect_spread = 0s;
  std::map<std::string, std::string> labels;
};
BOOST_DESCRIBE_STRUCT(Welcome, (),
                      (protocol, store, commit, ticket, name, heartbeat, lost_after, reconnect_spread,
                       labels))

/// code: "protocol", "clone", "revoked", "foreign_store", "overloaded". `retry`: it makes sense to come
/// again.
struct Refuse {
  static constexpr const char* kind = "refuse";
  std::string code, reason, hint;
  bool retry = false;
};
BOOST_DESCRIBE_STRUCT(Refuse, (), (code, reason, hint, retry))

struct Heartbeat {  // agent → hub
  static constexpr const char* kind = "heartbeat";
  std::int64_t sent = 0;  // the agent's boot clock, µs; comes back in the answer
};
BOOST_DESCRIBE_STRUCT(Heartbeat, (), (sent))
struct HeartbeatAck {  // hub → agent
  static constexpr const char* kind = "heartbeat_ack";
  std::int64_t sent = 0;
};
BOOST_DESCRIBE_STRUCT(HeartbeatAck, (), (sent))

struct Goodbye {  // agent → hub: an orderly stop of the agent; its instances go on
  static constexpr const char* kind = "goodbye";
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(Goodbye, (), (reason))

// ---- tasks
// ---------------------------------------------------------------------------------------------------

/// hub → agent: carry this attempt out. Sent again at each session start while it stands; the same attempt
/// twice is one attempt.
struct Assign {
  static constexpr const char* kind = "assign";
  TaskId task;
  std::uint32_t attempt = 1;
  TaskType type = TaskType::deploy;
  Placement placement;
  std::string stack, instance_name;
  std::uint32_t index = 0;         // {{instance.index}}, from 0
  std::optional<Service> service;  // deploy, update
  bool run = true;                 // deploy, update: start it, or place it stopped
  std::uint64_t restart_generation = 0, reload_generation = 0;
  std::uint8_t priority = 5;
  std::optional<Duration> timeout;
  std::optional<Errand> errand;  // exec, probe, collect
  Who who;
};
BOOST_DESCRIBE_STRUCT(Assign, (),
                      (task, attempt, type, placement, stack, instance_name, index, service, run,
                       restart_generation, reload_generation, priority, timeout, errand, who))

struct Cancel {  // hub → agent: end this attempt if it has not won yet; answered by TaskEnded
  static constexpr const char* kind = "cancel";
  TaskId task;
  std::uint32_t attempt = 0;
};
BOOST_DESCRIBE_STRUCT(Cancel, (), (task, attempt))

struct TaskStarted {  // agent → hub
  static constexpr const char* kind = "task_started";
  TaskId task;
  std::uint32_t attempt = 0;
};
BOOST_DESCRIBE_STRUCT(TaskStarted, (), (task, attempt))

struct TaskProgress {  // agent → hub; counts as progress for no_progress
  static constexpr const char* kind = "task_progress";
  TaskId task;
  std::uint32_t attempt = 0;
  std::uint8_t progress = 0;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(TaskProgress, (), (task, attempt, progress, message))

/// agent → hub: succeed, attempt_failed, refused, cancel_confirmed or attempt_lost (begun, outcome not
/// known). Kept by the agent, durably, and sent at each session start until OutcomeRecorded.
struct TaskEnded {
  static constexpr const char* kind = "task_ended";
  TaskId task;
  std::uint32_t attempt = 0;
  TaskMove outcome = TaskMove::succeed;
  std::string error;
  std::vector<std::string> output;
  std::optional<boost::json::object> result;  // exec, probe, collect
};
BOOST_DESCRIBE_STRUCT(TaskEnded, (), (task, attempt, outcome, error, output, result))

struct OutcomeRecorded {  // hub → agent: the outcome is committed (or is of no interest any more): forget it
  static constexpr const char* kind = "outcome_recorded";
  TaskId task;
  std::uint32_t attempt = 0;
};
BOOST_DESCRIBE_STRUCT(OutcomeRecorded, (), (task, attempt))

// ---- what there is
// -------------------------------------------------------------------------------------------

struct StateReport {  // agent → hub: instances that changed
  static constexpr const char* kind = "state";
  std::vector<Observed> instances;
};
BOOST_DESCRIBE_STRUCT(StateReport, (), (instances))

/// agent → hub: all instances, with what the agent had applied when it looked. On connect and when asked.
struct Inventory {
  static constexpr const char* kind = "inventory";
  std::uint64_t applied = 0;  // n of the last hub frame that this looks back on
  std::vector<Observed> instances;
  std::vector<TaskStarted> attempts;  // attempts that the agent holds, begun or queued
};
BOOST_DESCRIBE_STRUCT(Inventory, (), (applied, instances, attempts))

struct InventoryDigest {  // agent → hub, every 60 s; a difference is answered by InventoryWanted
  static constexpr const char* kind = "inventory_digest";
  std::uint64_t applied = 0;
  std::string digest;  // inventory_digest()
};
BOOST_DESCRIBE_STRUCT(InventoryDigest, (), (applied, digest))
struct InventoryWanted {  // hub → agent
  static constexpr const char* kind = "inventory_wanted";
  bool all = true;
};
BOOST_DESCRIBE_STRUCT(InventoryWanted, (), (all))

/// Over (instance, epoch, incarnation, version), in the order of the ids: equal on both sides when the hub
/// has seen all.
std::string inventory_digest(std::vector<const Observed*> instances);

// ---- asking each other
// ---------------------------------------------------------------------------------------

/// agent → hub: someone on the host wants a change of desired state (the agent's local API).
struct LocalRequest {
  static constexpr const char* kind = "local_request";
  std::string id;
  std::string action;  // start | stop | reload
  std::string target;  // stack/service or stack/instance
  Who who;
};
BOOST_DESCRIBE_STRUCT(LocalRequest, (), (id, action, target, who))
struct LocalAnswer {  // hub → agent
  static constexpr const char* kind = "local_answer";
  std::string id;
  bool ok = true;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(LocalAnswer, (), (id, ok, message))

/// hub → agent: dial /ws/stream/{id} and serve it (log following); bulk never delays control.
struct OpenStream {
  static constexpr const char* kind = "open_stream";
  std::string id;
  std::string what;  // "logs"
  InstanceId instance;
  std::map<std::string, std::string> options;  // tail, since, follow, grep, stream
};
BOOST_DESCRIBE_STRUCT(OpenStream, (), (id, what, instance, options))

using Frame = std::variant<Hello, Welcome, Refuse, Heartbeat, HeartbeatAck, Goodbye, Assign, Cancel,
                           TaskStarted, TaskProgress, TaskEnded, OutcomeRecorded, StateReport, Inventory,
                           InventoryDigest, InventoryWanted, LocalRequest, LocalAnswer, OpenStream>;

/// n: this sender's number in this session, from 1. a: the last n of the other side whose effects are durable
/// here.
struct Envelope {
  std::uint64_t n = 0, a = 0;
  std::uint64_t epoch = 0;  // of the hub's leader; 0 from agents. Agents drop lower ones than they have seen
  Frame frame;
};

}  // namespace drover
