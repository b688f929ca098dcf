#pragma once
// HubCore: the control plane's decisions, without I/O. Commands, frames and time go in; rows, answers, frames
// and changes for the UI come out.
//
// Pure and single-threaded: same image, same events, same seed: same effects. Owned by the hub's shell
// (src/hub) or the simulator. Commands are checked first (`Result`), then applied by functions that cannot
// fail. Reconciliation is level-triggered: after each step every stack that was touched is compared, desired
// with observed, and the missing tasks are made (core/hub/planner.hpp); nothing relies on having seen every
// message.

#include "base/rng.hpp"
#include "core/hub/state.hpp"
#include "model/changes.hpp"

namespace drover::hub {

class HubCore {
 public:
  /// `image`: everything that the store holds. The first step should be a Tick.
  HubCore(HubSettings settings, Image image, Now now);

  /// The only way in.
  Effects step(Now now, Rng& rng, const In& in);

  const HubState& state() const { return state_; }
  const HubSettings& settings() const { return settings_; }

 private:
  HubSettings settings_;
  HubState state_;
};

/// What applying `stack` would do, slot by slot; changes nothing. Pure.
std::vector<PlanStep> plan(const HubState& state, const Stack& stack);
/// The fields that differ from the current revision, of services that both have.
std::vector<FieldChange> field_changes(const HubState& state, const Stack& stack);
/// Why an instance, or each instance of a service, is where it is, or is nowhere. Lines for people.
struct Why {
  std::string instance, state, summary;
  std::vector<std::string> facts;  // what it waits for, last exit, last lines, task, deployment
  std::vector<Verdict> nodes;      // for what is not placed
};
BOOST_DESCRIBE_STRUCT(Why, (), (instance, state, summary, facts, nodes))
Result<std::vector<Why>> why(const HubState& state, std::string_view target);

/// What becomes of an instance on a node that is drained.
enum class DrainWhat : std::uint8_t {
  moves,  // to `to`, as things stand now
  ends,   // it is for this node alone
  stays,  // `reason` says why
};
BOOST_DESCRIBE_ENUM(DrainWhat, moves, ends, stays)
struct DrainStep {
  InstanceId instance;
  std::string stack, service, instance_name;
  DrainWhat what = DrainWhat::stays;
  std::string to, reason;
};
BOOST_DESCRIBE_STRUCT(DrainStep, (), (instance, stack, service, instance_name, what, to, reason))
/// Each instance that is there, in the order of their names. Changes nothing; the planner decides again when
/// it acts.
std::vector<DrainStep> drain_plan(const HubState& state, const NodeEntry& node);

/// Finds what a person named: "stack", "stack/service", "stack/instance", or a unique service or instance
/// name, or an id or a prefix (8 or more digits) of one. Errc::not_found with the nearest word,
/// Errc::conflict with the candidates.
struct Target {
  std::string scope;  // "stack shop", "service shop/web", "instance shop/web-1"
  std::string stack, service;
  std::vector<InstanceId> instances;
};
Result<Target> resolve(const HubState& state, std::string_view name);

/// Why the operation cannot be taken back; "" when it can.
std::string undo_objection(const Operation& operation);

/// Why there is nothing of it to reload; "" when there is.
std::string reload_objection(const HubState& state, const SlotEntry& entry);

}  // namespace drover::hub
