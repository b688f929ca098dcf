#pragma once
// The planner of one stack for the length of one step.

#include "core/hub/step.hpp"

namespace drover::hub {

class Planner {
 public:
  Planner(Step& step, StackEntry& stack, Who who)
      : step_(step), stack_(stack), who_(std::move(who)), held_(rollout_held(step.state, stack)) {}

  /// Matches slots with the revision, then acts on each slot, dependencies first.
  void reconcile();
  /// Acts on these only. True: the whole stack is to be compared at once.
  bool reconcile(const std::set<InstanceId>& touched);

 private:
  struct Count {
    std::uint32_t met = 0, all = 0;
  };
  std::vector<InstanceId> in_turn() const;
  void visit(SlotEntry& entry);
  /// "" or the first dependency that does not hold, for people: "db: ready (0/1)".
  std::string unmet(const Service& service);
  const Count& count_of(const Dependency& dependency);
  void act(SlotEntry& entry);
  void remove(SlotEntry& entry);
  void place(SlotEntry& entry, const Service& service);
  void run(SlotEntry& entry, const Service& service);
  /// Task, or nullopt for a successor: as soon as dependencies and, if `rolling`, the batch allow it.
  void begin(SlotEntry& entry, const Service& service, std::optional<TaskType> type, bool rolling);
  void wait(SlotEntry& entry, std::string reason);
  void order(SlotEntry& entry, TaskType type, std::uint8_t priority = 5);
  bool in_change(const SlotEntry& entry, const Service& service) const;
  bool batch_free(const Service& service);
  bool must_move(const SlotEntry& entry, const Service& service, bool held) const;
  bool dependants_run(const std::string& service) const;

  // succession.cpp
  /// Its successor, as long as one is wanted; one that is not is retired.
  SlotEntry* wanted_successor(SlotEntry& holder);
  bool needs_successor(const SlotEntry& holder) const;
  void raise(SlotEntry& holder, const Service& service);
  void pursue(SlotEntry& holder, SlotEntry& next, const Service& service);
  void promote(SlotEntry& holder, SlotEntry& next);

  Step& step_;
  StackEntry& stack_;
  Who who_;
  bool held_;
  const RevisionRow* follows_ = nullptr;                    // the revision that the slot in hand follows
  std::map<std::pair<std::string, Condition>, Count> met_;  // in this pass
  std::map<std::string, std::uint32_t> changing_;           // by service, in this pass
};

}  // namespace drover::hub
