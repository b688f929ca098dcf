#pragma once
// Where may an instance run, and where does it go? One function says whether it fits a node, for plans, for
// the placing itself and for `why`.

#include "core/hub/fleet.hpp"
#include "core/hub/state.hpp"

namespace drover::hub {

/// One instance that looks for a place.
struct Wish {
  AskPtr ask;
  std::uint32_t index = 0;
  std::string bound = {};             // the one node that a per-node instance is for; "": any
  const SlotEntry* former = nullptr;  // the instance whose name it has or takes over: shares its ports
  bool instead = false;               // what the former one has there is free for it
};

/// Why a node does not take it.
struct Objection {
  enum class Kind : std::uint8_t { none, elsewhere, closed, driver, trait, crowded, port, resource };
  Kind kind = Kind::none;
  std::uint32_t what = 0;  // number of the trait, of the resource, the key of the port
  InstanceId holder = {};  // of the port
  explicit operator bool() const { return kind != Kind::none; }
};

/// The one function. `room` is somebody's.
Objection objection(const HubState& state, const Fleet& fleet, const Wish& wish, std::uint32_t room);
/// The part of it that says whether there is enough left.
Objection lacks(const HubState& state, const Fleet& fleet, const Wish& wish, std::uint32_t room);
/// "memory: 3 GiB asked, 1.2 GiB of 8 GiB free"
std::string describe(const HubState& state, const Fleet& fleet, const Wish& wish, std::uint32_t room,
                     const Objection& objection);
/// "no node fits: n2 memory: …, and 4 more": the node that comes nearest, by what it lacks.
std::string nothing_fits(const HubState& state, const Fleet& fleet, const Wish& wish);
/// Of every node, in the order of their names.
std::vector<Verdict> judge_nodes(const HubState& state, const Fleet& fleet, const Wish& wish);

/// Places instances of one service, one after the other, the best node first: all nodes are looked at once,
/// then only those that come up. Good for one pass: nodes neither come, go nor open while it lives.
class Chooser {
 public:
  /// `fleet` may be a copy, for a trial.
  Chooser(const HubState& state, const Fleet& fleet, AskPtr ask);

  /// The room where the wish (of this service) fits best now; nullopt: nowhere.
  std::optional<std::uint32_t> best(const Wish& wish);
  /// It has been placed there.
  void placed(std::uint32_t room);

 private:
  /// The lower, the better. Ties go to who joined first.
  struct Entry {
    std::uint32_t unwanted = 0;
    std::int64_t same = 0, load = 0;
    std::uint32_t room = 0;
    auto operator<=>(const Entry&) const = default;
  };
  using Heap = std::vector<Entry>;
  void gather(const Wish& wish);
  void find_domains();
  Entry score(std::uint32_t room) const;
  void push(std::uint32_t room);
  /// The best of the domain as it is now is on top of its heap, or the heap is empty. Rooms that another
  /// instance of the service may still take are put aside.
  void settle(Heap& heap, const Wish& wish, std::vector<std::uint32_t>& aside);
  std::optional<std::uint32_t> only(const Wish& wish, const std::string& node) const;

  const HubState& state_;
  const Fleet& fleet_;
  AskPtr ask_;
  bool gathered_ = false;
  std::vector<std::uint32_t> same_;       // instances of the service, by room
  std::vector<std::uint32_t> domain_of_;  // by room: the value of spread_over, numbered; else all are one
  std::vector<std::uint32_t> in_domain_;  // instances of the service, by domain
  std::vector<Heap> heaps_;               // by domain
};

/// The nodes that a per-node service is for, by name.
std::vector<std::string> per_node_names(const HubState& state, const Fleet& fleet, const Ask& ask);

// ---- what is held (slots.cpp)

/// The service of that revision as an ask; never null: what is not known any more asks for nothing.
AskPtr ask_of(HubState& state, const std::string& stack, std::uint64_t revision, const std::string& service);
/// The slot, which has a node, holds there what `ask` asks for, instead of what it held.
void hold(HubState& state, SlotEntry& entry, AskPtr ask);
void release(HubState& state, SlotEntry& entry);
/// Why the node takes nothing new now; "": it does.
std::string closed_for(const HubState& state, const NodeEntry& node);

}  // namespace drover::hub
