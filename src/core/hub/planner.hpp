#pragma once
// The planner of one stack for the length of one step.

#include "core/hub/step.hpp"

namespace drover::hub {

class Planner {
 public:
  Planner(Step& step, StackEntry& stack, Who who) : step_(step), stack_(stack), who_(std::move(who)) {}

  /// Matches slots with the revision, then acts on each slot, dependencies first.
  void reconcile();
  /// "" or the first dependency that does not hold, for people: "db: ready (0/1)".
  std::string unmet(const Service& service) const;

 private:
  void act(SlotEntry& entry);
  void remove(SlotEntry& entry);
  void place(SlotEntry& entry, const Service& service);
  void run(SlotEntry& entry, const Service& service);
  void wait(SlotEntry& entry, std::string reason);
  void order(SlotEntry& entry, TaskType type, std::uint8_t priority = 5);
  bool holds(const SlotEntry& entry, Condition condition) const;
  bool in_change(const SlotEntry& entry, const Service& service) const;
  bool batch_free(const Service& service) const;
  bool must_move(const SlotEntry& entry, const Service& service, bool held) const;
  bool dependants_run(const std::string& service) const;
  std::uint32_t index_of(InstanceId id) const;

  Step& step_;
  StackEntry& stack_;
  Who who_;
  const RevisionRow* follows_ = nullptr;  // the revision that the slot in hand follows
};

}  // namespace drover::hub
