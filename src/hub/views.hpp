#pragma once
// What the API, the UI's stream and the CLI show. Made from HubState by pure functions; keys are stable
// (additive only).

#include <boost/describe.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/hub/hub.hpp"

namespace drover::hub {

/// Of one resource of a node; for a named set: how many.
struct ResourceView {
  double total = 0, reserved = 0;
};
BOOST_DESCRIBE_STRUCT(ResourceView, (), (total, reserved))

/// How a version compares with this hub's. same | patch | minor | incompatible | unknown (ui.md "Versions").
struct NodeView {
  NodeId id;
  std::string name, state;  // NodeState; reason in `message`
  std::string message;
  std::string kind;     // agent | external: its agent is a script
  bool paused = false;  // its queue
  bool cordoned = false, draining = false;
  std::map<std::string, std::string> labels;
  std::string version, version_match;
  std::string hostname, os, kernel, arch, address, level;
  double cpus = 0, memory = 0;  // cores, bytes
  std::map<std::string, ResourceView> resources;
  std::uint32_t instances = 0, running = 0, failing = 0;
  WallTime joined_at{};
  std::optional<WallTime> connected_at, last_seen;
};
BOOST_DESCRIBE_STRUCT(NodeView, (),
                      (id, name, state, message, kind, paused, cordoned, draining, labels, version,
                       version_match, hostname, os, kernel, arch, address, level, cpus, memory, resources,
                       instances, running, failing, joined_at, connected_at, last_seen))

struct InstanceView {
  InstanceId id;
  std::string name, stack, service, kind;  // kind: service | job
  std::uint32_t index = 0;
  std::string node;           // name; "" while it has no place
  std::string role;           // holder | successor | retired: two of one name while one replaces the other
  std::string desired;        // run | stop | gone
  std::string state, reason;  // InstanceState
  WallTime since{};           // of state
  std::string health;         // none | unknown | healthy | unhealthy
  bool fresh = true;          // false: the agent is away, this is what it last said ("as of")
  std::optional<WallTime> as_of;  // set when not fresh
  std::uint64_t revision = 0;
  bool outdated = false;       // does not run the current revision's service yet
  std::optional<TaskId> task;  // operation in progress
  std::string task_type;
  std::optional<std::int64_t> pid;
  std::optional<WallTime> started_at, ready_at, reloaded_at, next_try;
  std::uint32_t restarts = 0;
  std::string last_exit;  // for people
  std::vector<std::string> last_lines;
  std::vector<std::string> degraded;  // what of its limits and isolation its host does not enforce
  std::map<std::string, std::uint16_t> ports;
  std::uint64_t incarnation = 0, epoch = 0;
};
BOOST_DESCRIBE_STRUCT(InstanceView, (),
                      (id, name, stack, service, kind, index, node, role, desired, state, reason, since,
                       health, fresh, as_of, revision, outdated, task, task_type, pid, started_at, ready_at,
                       reloaded_at, next_try, restarts, last_exit, last_lines, degraded, ports, incarnation,
                       epoch))

/// state: the worst that matters: failed > unhealthy > backoff > … > ready | completed | stopped; `reason`
/// explains it.
struct ServiceView {
  std::string id;  // "stack/service"
  std::string name, stack, kind, driver;
  std::string state, reason;
  std::uint32_t desired = 0, instances = 0, ready = 0, failing = 0;
  std::vector<std::string> nodes;
  std::map<std::string, std::uint16_t> ports;  // of the first instance
  std::uint32_t restarts = 0;
  std::uint64_t revision = 0;
  std::vector<std::string> depends_on;
};
BOOST_DESCRIBE_STRUCT(ServiceView, (),
                      (id, name, stack, kind, driver, state, reason, desired, instances, ready, failing,
                       nodes, ports, restarts, revision, depends_on))

struct StackView {
  std::string name, state, message;  // ready | deploying | degraded | failed | stopped | deleting
  std::uint64_t revision = 0;
  std::uint32_t services = 0, instances = 0, ready = 0, failing = 0;
  std::optional<DeploymentId> deployment;
  WallTime created_at{}, updated_at{};
};
BOOST_DESCRIBE_STRUCT(StackView, (),
                      (name, state, message, revision, services, instances, ready, failing, deployment,
                       created_at, updated_at))

/// A task without its bulk; `node` by name.
struct TaskView {
  TaskId id;
  std::string type, state, stack, service, instance;  // instance: its name
  InstanceId instance_id;
  std::string node;
  std::uint32_t priority = 5, attempt = 0, max_attempts = 4;
  std::uint32_t progress = 0;
  std::string message;
  bool cancel_requested = false;
  std::optional<DeploymentId> deployment;
  std::optional<OperationId> operation;
  std::optional<TaskId> retry_of;
  std::vector<TaskId> depends_on;
  std::string actor, origin, correlation;
  WallTime created_at{};
  std::optional<WallTime> started_at, finished_at;
  std::string what;   // exec: the command; probe: the question
  bool dead = false;  // failed for good, and nobody has requeued or dismissed it
  std::optional<Duration> timeout;
  std::optional<boost::json::object> payload, result;
  std::vector<Attempt> attempts;
};
BOOST_DESCRIBE_STRUCT(TaskView, (),
                      (id, type, state, stack, service, instance, instance_id, node, priority, attempt,
                       max_attempts, progress, message, cancel_requested, deployment, operation, retry_of,
                       depends_on, actor, origin, correlation, created_at, started_at, finished_at, what,
                       dead, timeout, payload, result, attempts))

/// In seconds; absent: there was none.
struct Percentiles {
  std::optional<double> p50, p90, p99;
};
BOOST_DESCRIBE_STRUCT(Percentiles, (), (p50, p90, p99))
/// Of the tasks of one type that ended within the window.
struct TypeStats {
  std::string type;
  std::uint64_t completed = 0, failed = 0, cancelled = 0, attempts = 0;
  Percentiles waiting, running;  // until the first attempt began; from there to the end
};
BOOST_DESCRIBE_STRUCT(TypeStats, (), (type, completed, failed, cancelled, attempts, waiting, running))

/// pending, assigned, running, dead: now. The others: within the window.
struct TaskStats {
  std::uint64_t total = 0, pending = 0, assigned = 0, running = 0, completed = 0, failed = 0, cancelled = 0;
  std::uint64_t dead = 0, stored = 0;  // stored: finished ones that are kept
  Duration window = std::chrono::hours(1);
  std::vector<std::string> paused;  // queues: "hub", nodes
  std::vector<TypeStats> types;
};
BOOST_DESCRIBE_STRUCT(TaskStats, (),
                      (total, pending, assigned, running, completed, failed, cancelled, dead, stored, window,
                       paused, types))

/// A bulk command with what it has come to.
struct OperationView {
  OperationId id;
  OperationKind kind = OperationKind::start;
  OperationState state = OperationState::running;
  std::string scope;
  std::uint32_t done = 0, total = 0, progress = 0;  // progress: 0–100
  std::vector<OperationItem> items;
  std::vector<TaskView> tasks;  // its children that are live or among the newest
  std::string undo;             // what takes it back: start | stop; "": it cannot be
  std::string undo_reason;      // why not
  std::optional<OperationId> undo_of;
  Who who;
  WallTime created_at{};
  std::optional<WallTime> finished_at;
};
BOOST_DESCRIBE_STRUCT(OperationView, (),
                      (id, kind, state, scope, done, total, progress, items, tasks, undo, undo_reason,
                       undo_of, who, created_at, finished_at))

/// The status bar and the first page.
struct Summary {
  std::string hub_version, store_id, hub_state;  // hub_state: ok | read_only | stopping
  std::uint32_t nodes = 0, nodes_online = 0;
  std::uint32_t services = 0, services_ok = 0, services_failing = 0;
  std::uint32_t instances = 0, instances_ready = 0, instances_failing = 0;
  std::uint32_t tasks_open = 0, tasks_failed = 0,
                deployments_live = 0;                   // tasks_failed: for good, and not requeued
  std::vector<std::string> paused;                      // queues that hand nothing out: "hub", nodes
  std::map<std::string, std::uint32_t> agent_versions;  // version → count
};
BOOST_DESCRIBE_STRUCT(Summary, (),
                      (hub_version, store_id, hub_state, nodes, nodes_online, services, services_ok,
                       services_failing, instances, instances_ready, instances_failing, tasks_open,
                       tasks_failed, deployments_live, paused, agent_versions))

NodeView view_node(const HubState&, const HubSettings&, const NodeEntry&);
InstanceView view_instance(const HubState&, const SlotEntry&);
std::optional<ServiceView> view_service(const HubState&, const std::string& stack,
                                        const std::string& service);
/// Of all stacks, in the order of their files.
std::vector<ServiceView> view_services(const HubState&);
StackView view_stack(const HubState&, const StackEntry&);
TaskView view_task(const HubState&, const Task&);
/// Over the last `window`, at most a day.
TaskStats view_task_stats(const HubState&, WallTime now, Duration window);
OperationView view_operation(const HubState&, const Operation&);
std::vector<std::string> paused_queues(const HubState&);
Summary view_summary(const HubState&, const HubSettings&);

}  // namespace drover::hub
