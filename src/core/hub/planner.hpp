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
  bool dependants_run(const std::string& service) const;

  bool is_done(const Slot& slot) const;  // a job that has ended, and is not to run once more

  // moves.cpp
  AskPtr asked(const std::string& service) const;  // by the revision in hand
  Wish wish_of(const SlotEntry& entry, const Service& service) const;
  /// Where it fits best; nullopt: nowhere, and whoever frees something is to tell. `take`: it goes there now.
  std::optional<NodeId> choose(const Wish& wish, bool take);
  std::string nowhere(const Wish& wish);
  /// Why it has to go elsewhere; "": it may stay.
  std::string leave_reason(const SlotEntry& entry, const Service& service) const;
  /// Sends it elsewhere, in its turn. False: it cannot go; `stays_` says why.
  bool go(SlotEntry& entry, const Service& service, const std::string& why);
  void reserve(SlotEntry& entry);  // what it is told to run; where that does not fit, it keeps what it has
  /// The update does not fit where it is; "": it does.
  std::string lacking(const SlotEntry& entry, const Service& service) const;

  // succession.cpp
  /// Its successor, as long as one is wanted; one that is not is retired.
  SlotEntry* wanted_successor(SlotEntry& holder);
  bool needs_successor(const SlotEntry& holder, const RevisionRow& target) const;
  void raise(SlotEntry& holder, const Service& service);
  /// What the holder waits for meanwhile.
  std::string pursue(SlotEntry& holder, SlotEntry& next, const Service& service);
  void promote(SlotEntry& holder, SlotEntry& next);
  /// It is one of those beside which the new revision shows itself.
  bool is_canary(const SlotEntry& holder);
  /// Looks after the one that is to take the holder's place. True: that was all for the holder.
  bool see_successor(SlotEntry& holder);

  Step& step_;
  StackEntry& stack_;
  Who who_;
  bool held_;
  const RevisionRow* follows_ = nullptr;  // the revision that the slot in hand follows
  std::string stays_;                     // why the slot in hand stays though it should go
  bool homeless_ = false;                 // somebody found no place
  // Found once in this pass.
  std::map<AskPtr, Chooser> choosers_;
  std::map<AskPtr, std::string> nowhere_;                   // why nothing fits
  std::map<std::string, std::set<InstanceId>> canaries_;    // by service
  std::map<std::pair<std::string, Condition>, Count> met_;  // in this pass
  std::map<std::string, std::uint32_t> changing_;           // by service, in this pass
};

}  // namespace drover::hub
