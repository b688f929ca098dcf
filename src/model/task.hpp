#pragma once
// A task: one durable change of one instance on one node, and the record of what was done, where and why.
// Life cycle: architecture.md §4. Total, constexpr, no default: a new state does not compile until all is
// answered.

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "model/errand.hpp"
#include "model/ids.hpp"
#include "model/stack.hpp"

namespace drover {

enum class TaskType : std::uint8_t {
  deploy,
  delete_,
  stop,
  start,
  restart,
  update,
  reload,
  exec,     // a command on a node, at most once
  probe,    // a service's probe, or a given one, now
  collect,  // the facts of a node or an instance
};
BOOST_DESCRIBE_ENUM(TaskType, deploy, delete_, stop, start, restart, update, reload, exec, probe, collect)

/// Changes no instance: asked for by name, not made from desired state.
constexpr bool is_errand(TaskType type) {
  return type == TaskType::exec || type == TaskType::probe || type == TaskType::collect;
}

enum class TaskState : std::uint8_t { pending, assigned, running, completed, failed, cancelled };
BOOST_DESCRIBE_ENUM(TaskState, pending, assigned, running, completed, failed, cancelled)

enum class TaskMove : std::uint8_t {
  assign,
  start,
  succeed,
  attempt_failed,
  refused,
  attempt_lost,
  cancel,            // asked for by a person or a newer plan
  cancel_confirmed,  // the agent says: not done
};
BOOST_DESCRIBE_ENUM(TaskMove, assign, start, succeed, attempt_failed, refused, attempt_lost, cancel,
                    cancel_confirmed)

/// What the move may still use.
struct Left {
  bool attempts = true;  // attempts (or, for refused, refusals) are left
  bool cancel_requested = false;
  bool repeatable = true;  // false: an attempt without outcome is "failed: outcome unknown"
};

namespace detail {
constexpr std::optional<TaskState> from_pending(TaskMove move) {
  switch (move) {
    case TaskMove::assign: return TaskState::assigned;
    case TaskMove::cancel: return TaskState::cancelled;
    case TaskMove::start:
    case TaskMove::succeed:
    case TaskMove::attempt_failed:
    case TaskMove::refused:
    case TaskMove::attempt_lost:
    case TaskMove::cancel_confirmed: return std::nullopt;
  }
  std::unreachable();
}
constexpr std::optional<TaskState> ended(TaskMove move, Left left) {
  switch (move) {
    case TaskMove::succeed: return TaskState::completed;
    case TaskMove::cancel_confirmed: return TaskState::cancelled;
    case TaskMove::attempt_failed:
      return left.cancel_requested ? TaskState::cancelled
             : left.attempts       ? TaskState::pending
                                   : TaskState::failed;
    case TaskMove::refused:
      return left.cancel_requested ? TaskState::cancelled
             : left.attempts       ? TaskState::pending
                                   : TaskState::failed;
    case TaskMove::attempt_lost:
      return left.cancel_requested ? TaskState::cancelled
             : left.repeatable     ? TaskState::pending
                                   : TaskState::failed;
    case TaskMove::assign:
    case TaskMove::start:
    case TaskMove::cancel: return std::nullopt;
  }
  std::unreachable();
}
}  // namespace detail

/// nullopt: this move is not allowed here; the caller refuses it and changes nothing.
/// A cancel of an assigned or running task only sets cancel_requested and is no move.
constexpr std::optional<TaskState> next(TaskState state, TaskMove move, Left left) {
  switch (state) {
    case TaskState::pending: return detail::from_pending(move);
    case TaskState::assigned: return move == TaskMove::start ? TaskState::running : detail::ended(move, left);
    case TaskState::running: return detail::ended(move, left);
    case TaskState::completed:
    case TaskState::failed:
    case TaskState::cancelled: return std::nullopt;
  }
  std::unreachable();
}
static_assert(!next(TaskState::completed, TaskMove::attempt_lost, {}));

constexpr bool is_final(TaskState state) {
  return state == TaskState::completed || state == TaskState::failed || state == TaskState::cancelled;
}

/// Who asked, from where, and the thread that ties request, task, event and log line together.
struct Who {
  std::string actor = "system";  // user:anna, token:ci, unix:0, system
  std::string origin = "hub";    // cli, ui, api 10.0.0.7, reconcile, agent pve1
  std::string correlation;       // trace id of the request (32 hex digits), empty for our own doings
  bool operator==(const Who&) const = default;
};
BOOST_DESCRIBE_STRUCT(Who, (), (actor, origin, correlation))

/// What an instance shall be on its node. Deploy and update carry it whole; the others name it.
struct Placement {
  InstanceId instance;
  std::uint64_t epoch = 0;       // raised whenever the slot is placed; agents refuse lower ones
  std::uint64_t generation = 0;  // the stack's revision
  std::string digest;            // of the service as it shall run; decides whether an update is due
  bool operator==(const Placement&) const = default;
};
BOOST_DESCRIBE_STRUCT(Placement, (), (instance, epoch, generation, digest))

struct Attempt {
  std::uint32_t number = 0;  // from 1
  WallTime assigned_at{};
  std::optional<WallTime> started_at;
  std::optional<WallTime> ended_at;
  std::string outcome;  // the move that ended it, "" while open
  std::string error;
  std::vector<std::string> output;  // last lines, where there are any
};
BOOST_DESCRIBE_STRUCT(Attempt, (), (number, assigned_at, started_at, ended_at, outcome, error, output))

struct Task {
  TaskId id;
  TaskType type = TaskType::deploy;
  TaskState state = TaskState::pending;
  std::string stack, service, instance_name;
  NodeId node;
  Placement placement;
  std::uint64_t restart_generation = 0;  // type restart: the count that this restart makes true
  std::uint64_t reload_generation = 0;   // type reload: the same
  std::uint8_t priority = 5;             // 0–10, high first
  std::uint32_t max_retries = 3;         // attempts = 1 + max_retries
  Duration no_progress = 300s;
  std::optional<Duration> timeout;
  std::vector<TaskId> depends_on;
  std::optional<TaskId> retry_of;
  std::optional<DeploymentId> deployment;
  std::optional<OperationId> operation;
  bool cancel_requested = false;
  std::uint32_t refusals = 0;                 // in a row
  std::uint8_t progress = 0;                  // 0–100
  std::string message;                        // what it is doing or why it ended, for people
  std::optional<Errand> errand;               // what is to be done, where it is not said by a revision
  std::optional<boost::json::object> result;  // what came of it, where that is more than done or not
  std::vector<Attempt> attempts;
  Who who;
  WallTime created_at{};
  std::optional<WallTime> finished_at;
};
BOOST_DESCRIBE_STRUCT(Task, (),
                      (id, type, state, stack, service, instance_name, node, placement, restart_generation,
                       reload_generation, priority, max_retries, no_progress, timeout, depends_on, retry_of,
                       deployment, operation, cancel_requested, refusals, progress, message, errand, result,
                       attempts, who, created_at, finished_at))

/// May an attempt whose outcome is not known be made again? Those that name the state to reach may; a command
/// only if it was said of it.
inline bool is_repeatable(const Task& task) {
  return task.type != TaskType::exec || (task.errand && task.errand->repeatable);
}

}  // namespace drover
