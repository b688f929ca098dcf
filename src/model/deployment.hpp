#pragma once
// A deployment carries one revision (or one override) of a stack to its instances.
// planned → running ⇄ paused → succeeded | failed → rolling_back → rolled_back | rollback_failed; cancelled;
// superseded; deleted stacks end in succeeded too.

#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/task.hpp"

namespace drover {

enum class DeploymentState : std::uint8_t {
  planned,
  running,
  paused,
  succeeded,
  failed,
  cancelled,
  superseded,
  rolling_back,  // it failed or was aborted; another deployment brings back what was there before it
  rolled_back,
  rollback_failed,  // that one failed too
};
BOOST_DESCRIBE_ENUM(DeploymentState, planned, running, paused, succeeded, failed, cancelled, superseded,
                    rolling_back, rolled_back, rollback_failed)

/// Nothing more is done for it; what may still change is what became of its rollback.
constexpr bool is_final(DeploymentState state) {
  switch (state) {
    case DeploymentState::planned:
    case DeploymentState::running:
    case DeploymentState::paused: return false;
    case DeploymentState::succeeded:
    case DeploymentState::failed:
    case DeploymentState::cancelled:
    case DeploymentState::superseded:
    case DeploymentState::rolling_back:
    case DeploymentState::rolled_back:
    case DeploymentState::rollback_failed: return true;
  }
  std::unreachable();
}

/// `update` ends the old run, `adjust` changes settings of the one that runs.
enum class StepKind : std::uint8_t { create, update, stop, start, restart, delete_, keep, adjust };
BOOST_DESCRIBE_ENUM(StepKind, create, update, stop, start, restart, delete_, keep, adjust)

/// What the plan says of one slot.
struct PlanStep {
  std::string service, instance_name;
  InstanceId instance;  // nil for a slot that does not exist yet (plan only)
  StepKind kind = StepKind::create;
  std::string node;    // name; "" if nothing fits
  std::string reason;  // why this, why there, or why nowhere
  bool done = false;
};
BOOST_DESCRIBE_STRUCT(PlanStep, (), (service, instance_name, instance, kind, node, reason, done))

struct Deployment {
  DeploymentId id;
  std::string stack;
  std::uint64_t revision = 0;  // 0: the stack is being deleted
  DeploymentState state = DeploymentState::planned;
  std::string message;  // what it waits for, or why it ended
  std::vector<PlanStep> steps;
  std::optional<DeploymentId> rolls_back;         // it undoes this one, which has failed or was aborted
  std::map<std::string, std::uint32_t> canaries;  // by service: so many beside the old ones, until …
  bool promoted = false;                          // … a person, or auto_promote, lets the rest follow
  bool promotable = false;                        // all canaries have proven themselves
  Who who;
  WallTime created_at{};
  WallTime progress_at{};  // of the last progress
  std::optional<WallTime> finished_at;
};
BOOST_DESCRIBE_STRUCT(Deployment, (),
                      (id, stack, revision, state, message, steps, rolls_back, canaries, promoted, promotable,
                       who, created_at, progress_at, finished_at))

enum class OperationKind : std::uint8_t { start, stop, restart, reload, exec, probe, collect };
BOOST_DESCRIBE_ENUM(OperationKind, start, stop, restart, reload, exec, probe, collect)
enum class OperationState : std::uint8_t { running, succeeded, partial, failed, cancelled };
BOOST_DESCRIBE_ENUM(OperationState, running, succeeded, partial, failed, cancelled)

/// One target of a bulk command.
struct OperationItem {
  InstanceId instance;
  std::string stack, instance_name, node;
  std::uint64_t restart_generation = 0;  // kind restart: the count to reach
  std::optional<bool> ok;                // not set: not yet
  std::string message;                   // kind reload: how; else, and when it failed: why not
  std::optional<bool> ran;               // before: for an undo. Not set: of no interest
  std::optional<TaskId> task;            // kinds exec, probe, collect: what does it
};
BOOST_DESCRIBE_STRUCT(OperationItem, (),
                      (instance, stack, instance_name, node, restart_generation, ok, message, ran, task))

/// A command over one or many instances, with a result for each.
struct Operation {
  OperationId id;
  OperationKind kind = OperationKind::start;
  OperationState state = OperationState::running;
  std::string scope;  // what was asked for: "all", "stack shop", "service shop/web", "instance shop/web-1"
  std::vector<OperationItem> items;
  std::optional<OperationId> undo_of;  // it takes this one back
  Who who;
  WallTime created_at{};
  std::optional<WallTime> finished_at;
};
BOOST_DESCRIBE_STRUCT(Operation, (), (id, kind, state, scope, items, undo_of, who, created_at, finished_at))

}  // namespace drover
