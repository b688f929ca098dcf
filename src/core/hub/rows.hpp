#pragma once
// What the hub's store keeps. One row type a table; all live state is read back from these at start.
// Heartbeats, metrics and observed states are never stored (an ended job's last word is: Slot::finished).

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/secret.hpp"
#include "model/deployment.hpp"
#include "model/event.hpp"
#include "model/instance.hpp"
#include "model/node.hpp"
#include "model/stack.hpp"
#include "model/task.hpp"

namespace drover::hub {

/// Desired state beside the revision. `run` of a slot beats the service's, which beats the stack's.
struct Override {
  std::optional<std::uint32_t> replicas;
  std::optional<bool> run;
  Who who;
  WallTime at{};
  bool operator==(const Override&) const = default;
};
BOOST_DESCRIBE_STRUCT(Override, (), (replicas, run, who, at))

struct StackRow {
  std::string name;  // key
  std::uint64_t revision = 0;
  bool deleting = false;
  Override whole;                            // run only
  std::map<std::string, Override> services;  // by service name
  std::optional<DeploymentId> deployment;    // the live one, or the last
  WallTime created_at{}, updated_at{};
};
BOOST_DESCRIBE_STRUCT(StackRow, (),
                      (name, revision, deleting, whole, services, deployment, created_at, updated_at))

struct RevisionRow {
  std::string stack;  // key: (stack, number)
  std::uint64_t number = 0;
  std::string digest;  // keyed BLAKE2b over the whole content
  Stack content;
  std::map<std::string, std::string> digests;  // of each service
  Who who;
  WallTime at{};
  bool succeeded = false;              // a deployment of it has succeeded
  std::vector<std::uint32_t> by_name;  // places in content.services; not stored, see index_services()
};
BOOST_DESCRIBE_STRUCT(RevisionRow, (), (stack, number, digest, content, digests, who, at, succeeded))
/// So that service_of() finds without a walk; content.services must not change afterwards.
void index_services(RevisionRow& revision);
const Service* service_of(const RevisionRow& revision, std::string_view name);

/// Why a node can or cannot take an instance.
struct Verdict {
  std::string node;
  bool fits = false;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(Verdict, (), (node, fits, reason))

/// A start-first change has two instances of one name for a while.
enum class SlotRole : std::uint8_t {
  holder,     // of its name: what others see and depend on
  successor,  // to take its place when it has proven itself
  retired,    // it has been replaced, or given up as a successor: to be deleted
};
BOOST_DESCRIBE_ENUM(SlotRole, holder, successor, retired)

struct Slot {
  InstanceId id;  // key
  std::string stack, service, name;
  std::uint32_t index = 0;       // {{instance.index}}
  std::optional<NodeId> node;    // where it is placed
  std::string node_name;         // of `node`; per_node slots: of the node that they are for
  std::uint64_t epoch = 0;       // of the placement, or of the last one
  std::uint64_t generation = 0;  // the revision that the placement was last told to run
  std::string digest;            // of that service
  std::optional<bool> run;       // override for this slot alone
  std::uint64_t restart_generation = 0, reload_generation = 0;
  SlotRole role = SlotRole::holder;
  bool removing = false;             // not desired any more: to be deleted where it runs
  std::string blocked;               // "", or why the last order failed for good; cleared by a new wish
  std::optional<Observed> finished;  // an ended job
  WallTime created_at{};
};
BOOST_DESCRIBE_STRUCT(Slot, (),
                      (id, stack, service, name, index, node, node_name, epoch, generation, digest, run,
                       restart_generation, reload_generation, role, removing, blocked, finished, created_at))

// ---- people and machines that may come in (the shell hashes and checks; the core keeps and commits)
// -------------

struct JoinToken {
  TokenId id;
  std::string hash;  // BLAKE2b of the secret
  std::uint32_t uses_left = 1;
  std::map<std::string, std::string> labels;
  std::string replace;  // "" or the name of the node that is being replaced
  Who who;
  WallTime created_at{}, expires_at{};
};
BOOST_DESCRIBE_STRUCT(JoinToken, (), (id, hash, uses_left, labels, replace, who, created_at, expires_at))

/// A node whose agent is a script: it fetches its tasks and reports them (interfaces: hub/api/external.cpp).
struct External {
  Duration lost_after = 60s;  // without a call
};
BOOST_DESCRIBE_STRUCT(External, (), (lost_after))

/// The node's certificate beside the model's Node.
struct NodeRow {
  Node node;
  std::string serial, key_pin;  // of its current certificate
  std::optional<External> external;
};
BOOST_DESCRIBE_STRUCT(NodeRow, (), (node, serial, key_pin, external))

/// A queue that is paused: that of the hub, or of one node. There while it is.
struct QueueRow {
  std::string name;  // key: "hub", or a node's id
  Who who;
  WallTime at{};
};
BOOST_DESCRIBE_STRUCT(QueueRow, (), (name, who, at))

/// A task that is over, in the order of the ends. Its row among the live ones goes in the same commit. What
/// failed for good stays among those until it is requeued or dismissed.
struct TaskRecord {
  std::uint64_t seq = 0;  // key
  Task task;
};
BOOST_DESCRIBE_STRUCT(TaskRecord, (), (seq, task))

struct User {
  UserId id;
  std::string name;
  std::string password_hash;  // argon2id, by libsodium
  std::string role = "admin";
  WallTime created_at{};
};
BOOST_DESCRIBE_STRUCT(User, (), (id, name, password_hash, role, created_at))

/// A bearer token (kind "api"), a browser's session ("session"), a one-time login link ("link") or the token
/// of an external agent ("agent": `user` is its node's id).
struct Credential {
  TokenId id;
  std::string kind, name, hash;
  std::string user;  // name
  std::string role = "admin";
  WallTime created_at{};
  std::optional<WallTime> expires_at;
};
BOOST_DESCRIBE_STRUCT(Credential, (), (id, kind, name, hash, user, role, created_at, expires_at))

/// The answer to a write that carried an Idempotency-Key; kept 24 h.
struct IdempotencyRow {
  std::string key;          // "<actor> <key>"
  std::string fingerprint;  // of the request
  int status = 200;
  std::string location;
  boost::json::object body;
  WallTime at{};
};
BOOST_DESCRIBE_STRUCT(IdempotencyRow, (), (key, fingerprint, status, location, body, at))

using Row = std::variant<StackRow, RevisionRow, Slot, Task, Deployment, Operation, NodeRow, JoinToken, User,
                         Credential, IdempotencyRow, QueueRow, TaskRecord>;

/// Erases by key: one of the types above, named.
struct EraseStack {
  std::string name;
};  // its revisions too
struct EraseRevision {
  std::string stack;
  std::uint64_t number = 0;
};
struct EraseSlot {
  InstanceId id;
};
struct EraseDeployment {
  DeploymentId id;
};
struct EraseOperation {
  OperationId id;
};
struct EraseNode {
  NodeId id;
};
struct EraseJoinToken {
  TokenId id;
};
struct EraseUser {
  UserId id;
};
struct EraseCredential {
  TokenId id;
};
struct EraseIdempotency {
  std::string key;
};
struct EraseEventsBefore {
  std::uint64_t seq = 0;
};  // keeps `seq` and newer
struct EraseQueue {
  std::string name;
};
struct EraseRecordsBefore {
  std::uint64_t seq = 0;
};  // of finished tasks; keeps `seq` and newer
using Erase = std::variant<EraseStack, EraseRevision, EraseSlot, EraseDeployment, EraseOperation, EraseNode,
                           EraseJoinToken, EraseUser, EraseCredential, EraseIdempotency, EraseEventsBefore,
                           EraseQueue, EraseRecordsBefore>;

/// How many records of finished tasks are read at start.
inline constexpr std::uint32_t recent_records = 1'000;

/// One commit's worth, in order. Events and audit entries are only ever appended.
using Change = std::variant<Row, Erase, Event, AuditEntry>;

/// All that is read at start: of the records of finished tasks only the newest (recent_records).
struct Image {
  StoreId store;
  std::string digest_key;                           // 32 random bytes, hex: key of the content digests
  std::uint64_t commit = 0;                         // number of the last commit
  std::uint64_t event_seq = 0, audit_seq = 0;       // the last ones
  std::uint64_t first_event = 0;                    // the oldest retained, 0: none
  std::uint64_t first_record = 0, last_record = 0;  // of finished tasks; 0: none
  std::string audit_hash;
  std::vector<Row> rows;
};

}  // namespace drover::hub
