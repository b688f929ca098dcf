#pragma once
// The hub core's world: what comes in, what goes out.
//
// Order: the shell collects the effects of steps into one commit; when it is durable, it releases replies,
// frames and published changes of those steps in order. A read is answered when every change that it could
// have seen is durable.

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "core/hub/rows.hpp"
#include "model/frames.hpp"

namespace drover::hub {

// ---- commands (each from a person or a program, with Who)
// --------------------------------------------------------

struct ApplyStack {
  Stack stack;
  std::optional<std::uint64_t> if_match;
};
struct DeleteStack {
  std::string stack;
};
struct RollbackStack {
  std::string stack;
  std::uint64_t revision = 0;
};  // 0: the newest that succeeded before this one
struct ScaleService {
  std::string stack, service;
  std::uint32_t replicas = 1;
};

/// start, stop or restart. `all` or one or several targets: "stack", "stack/service", "stack/instance", or a
/// service or instance name that is unique. Ambiguous: Errc::conflict with the candidates.
struct ChangeRun {
  OperationKind kind = OperationKind::start;
  bool all = false;
  std::vector<std::string> targets;
  std::optional<OperationId> undo_of = {};
};

struct CancelDeployment {
  DeploymentId id;
};
struct PauseDeployment {
  DeploymentId id;
  bool pause = true;
};
/// The rest follows the canaries, which have proven themselves.
struct PromoteDeployment {
  DeploymentId id;
};
/// Back to the newest revision before it that succeeded.
struct AbortDeployment {
  DeploymentId id;
};
struct CancelTask {
  TaskId id;
};
/// A new task that does the same. `old`: as the store has it, where the core holds it no more.
struct RetryTask {
  TaskId id;
  std::optional<Task> old;
};
/// Every task that failed for good and can be tried again.
struct RequeueTasks {};
/// It failed for good, and nothing will be done about it.
struct DismissTask {
  TaskId id;
};
/// exec, probe or collect; on an external node any type. One node or instance: a task; several: an operation.
struct AddTask {
  TaskType type = TaskType::exec;
  std::vector<std::string> nodes;    // names or ids
  std::vector<std::string> targets;  // probe, collect: of these instances; see resolve()
  Errand errand;
  std::uint8_t priority = 5;
  std::optional<std::uint32_t> max_retries;
  std::optional<Duration> no_progress, timeout;
  std::vector<TaskId> depends_on;
  std::string stack, instance_name;  // external nodes: what it is about, for people and filters
};
/// Nothing more is handed out: by the hub (node empty) or to one node. What is under way goes on. Durable.
struct PauseQueue {
  std::string node;
  bool pause = true;
};
/// start ↔ stop: what the operation changed is as it was before.
struct UndoOperation {
  OperationId id;
};

// ---- agents that are scripts (external nodes)

/// Makes the node and the credential of its agent in one commit. Or a new credential in place of the old
/// ones.
struct AddExternalNode {
  NodeId uid;
  std::string name;
  std::map<std::string, std::string> labels;
  Duration lost_after = 60s;
  Credential credential;
};
struct RenewExternalNode {
  std::string node;
  Credential credential;
};
/// A poll: a sign of life, and the tasks that are due become assigned. Answers {"tasks": [ids]}: those that
/// are assigned or running there, in the order in which they are to be done.
struct FetchTasks {
  NodeId node;
  std::uint32_t limit = 10;
};
/// What an external agent says of a task. No attempt: the newest one.
struct ReportTask {
  NodeId node;
  TaskId id;
  std::optional<std::uint32_t> attempt;
  TaskState state = TaskState::running;  // running: begun, or progress
  std::uint8_t progress = 0;
  std::string message;
  std::vector<std::string> output;
  std::optional<boost::json::object> result;
};

struct LabelNode {
  std::string node;
  std::map<std::string, std::optional<std::string>> labels;
};  // nullopt: take away
struct CordonNode {
  std::string node;
  bool cordon = true;
};
struct DrainNode {
  std::string node;
  bool drain = true;
};
struct RemoveNode {
  std::string node;
  bool force = false;
};  // without force: refused while it is online or has instances

struct PutJoinToken {
  JoinToken token;
};
struct DropJoinToken {
  TokenId id;
};
/// A join line has been shown and the CSR signed. Checks the token once more, takes one use, makes the node.
struct RegisterNode {
  std::string token_hash;
  NodeId uid;
  std::string name, serial, key_pin;
};
struct RenewNode {
  NodeId uid;
  std::string serial, key_pin;
};

struct PutUser {
  User user;
};
struct DropUser {
  std::string name;
};
struct PutCredential {
  Credential credential;
};
struct DropCredential {
  TokenId id;
};
struct UseLink {
  std::string hash;
  Credential session;
};  // a one-time link is spent for a session, in one commit
/// Something was refused before it became a command, or only needs its line in the audit log.
struct AuditNote {
  std::string action, target, outcome, detail;
};

/// A frame for an agent that is no task (OpenStream). Errc::unavailable while the agent is away.
struct RelayFrame {
  NodeId node;
  Frame frame;
};

using Command =
    std::variant<ApplyStack, DeleteStack, RollbackStack, ScaleService, ChangeRun, CancelDeployment,
                 PauseDeployment, PromoteDeployment, AbortDeployment, CancelTask, RetryTask, RequeueTasks,
                 DismissTask, AddTask, PauseQueue, UndoOperation, AddExternalNode, RenewExternalNode,
                 FetchTasks, ReportTask, LabelNode, CordonNode, DrainNode, RemoveNode, PutJoinToken,
                 DropJoinToken, RegisterNode, RenewNode, PutUser, DropUser, PutCredential, DropCredential,
                 UseLink, AuditNote, RelayFrame>;

// ---- events
// ------------------------------------------------------------------------------------------------------

using CallId = std::uint64_t;     // made by the shell; the answer carries it
using SessionId = std::uint64_t;  // made by the shell, never used twice in one life of the process

struct Idempotency {
  std::string key, fingerprint;
};
struct Call {
  CallId id = 0;
  Who who;
  Command command;
  std::optional<Idempotency> idempotency;
};
/// A link whose peer has proven to be this agent. Its first frame is Hello.
struct SessionOpened {
  SessionId session = 0;
  NodeId uid;
  std::string address;
};
struct SessionClosed {
  SessionId session = 0;
  std::string reason;
};
struct SessionFrame {
  SessionId session = 0;
  Envelope envelope;
};  // checked by protocol/ (order, duplicates)
struct Tick {};

using In = std::variant<Call, SessionOpened, SessionClosed, SessionFrame, Tick>;

// ---- effects
// -----------------------------------------------------------------------------------------------------

/// status as in HTTP: 200, 201, 202 (with location of the deployment or operation).
struct Answer {
  int status = 200;
  std::string location;
  boost::json::object body;
  bool replayed = false;  // by Idempotency-Key
};
struct Reply {
  CallId id = 0;
  Result<Answer> result;
};
struct SendFrame {
  SessionId session = 0;
  Envelope envelope;
};
struct CloseSession {
  SessionId session = 0;
  std::string reason;
};

/// Rows whose views changed: what the UI's stream has to show. Ids as text; stacks, and services as
/// "stack/service".
struct Touched {
  std::set<std::string> nodes, stacks, services, instances, tasks, deployments, operations;
};

struct Effects {
  std::vector<Change> changes;
  std::uint64_t commit = 0;  // the commit number to store with them
  std::vector<Reply> replies;
  std::vector<SendFrame> frames;
  std::vector<CloseSession> closes;
  Touched touched;
  std::optional<BootTime> wake;  // call step(Tick) no later than this; replaces the former one
};

/// Times of the fleet. All can be set down to 100 ms for tests.
struct HubSettings {
  Duration heartbeat = 5s;
  Duration lost_after = 30s;
  Duration reconnect_spread = 0s;
  std::uint32_t max_parallel = 64;  // tasks at once on a node
  Duration retry_backoff = 1s, retry_backoff_max = 60s;
  Duration settle = 1s;  // an instance without a ready probe counts for a rollout after it has lived so long
  std::uint32_t recent_tasks = 1'000;     // finished ones in memory; all are in the store
  std::uint64_t keep_tasks = 1'000'000;   // finished ones in the store
  std::uint32_t keep_dead = 1'000;        // those that failed for good and wait for a person
  std::uint32_t keep_operations = 1'000;  // finished ones
  std::uint32_t keep_answers = 2'000;     // to writes with an Idempotency-Key
  Duration keep_finished = std::chrono::hours(7 * 24);
  Duration keep_events = std::chrono::hours(7 * 24);
  std::uint64_t max_events = 1'000'000;
  std::string version;  // of this hub
};

}  // namespace drover::hub
