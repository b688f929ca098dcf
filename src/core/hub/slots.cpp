// Where slots are, and their end: the state's indexes of them.

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

namespace {
void leave_node(Step& step, SlotEntry& entry) {
  NodeEntry& node = step.state.nodes.at(*entry.slot.node);
  release(step.state, entry);
  node.slots.erase(entry.slot.id);
  node.observed.erase(entry.slot.id);
  step.room_freed(node);
}
}  // namespace

AskPtr ask_of(HubState& state, const std::string& stack, std::uint64_t revision, const std::string& service) {
  auto found = state.stacks.find(stack);
  if (found != state.stacks.end()) {
    AskPtr& known = found->second.asks[{revision, service}];
    if (known) return known;
    auto row = found->second.revisions.find(revision);
    if (row != found->second.revisions.end())
      if (const Service* wanted = find_service(row->second.content, service))
        return known = state.fleet.ask(stack, *wanted);
    found->second.asks.erase({revision, service});
  }
  auto nothing = std::make_shared<Ask>();
  nothing->stack = stack;
  nothing->service = service;
  return nothing;
}

void hold(HubState& state, SlotEntry& entry, AskPtr ask) {
  if (entry.held == ask) return;
  release(state, entry);
  entry.held = std::move(ask);
  state.fleet.take(*entry.slot.node, {entry.slot.id, entry.slot.index, entry.held});
}

void release(HubState& state, SlotEntry& entry) {
  if (!entry.held) return;
  state.fleet.give_back(*entry.slot.node, {entry.slot.id, entry.slot.index, entry.held});
  entry.held.reset();
}

void let_go(Step& step, SlotEntry& entry) {
  if (!entry.held) return;
  release(step.state, entry);
  step.room_freed(step.state.nodes.at(*entry.slot.node));
}

void set_node(Step& step, SlotEntry& entry, std::optional<NodeId> node) {
  Slot& slot = entry.slot;
  if (slot.node && step.state.nodes.contains(*slot.node)) leave_node(step, entry);
  slot.node = node;
  entry.ready_since.reset();
  if (node) {
    NodeEntry& to = step.state.nodes.at(*node);
    to.slots.insert(slot.id);
    slot.node_name = to.row.node.name;
    hold(step.state, entry, ask_of(step.state, slot.stack, slot.generation, slot.service));
  }
  step.mark_slot(slot.id);
}

void erase_slot(Step& step, InstanceId id) {
  auto found = step.state.slots.find(id);
  if (found == step.state.slots.end()) return;
  Slot slot = found->second.slot;
  if (found->second.task) give_up_attempt(step, *found->second.task, "the instance is gone");
  step.show_instance(slot);
  if (slot.node && step.state.nodes.contains(*slot.node)) leave_node(step, found->second);
  StackEntry& stack = step.state.stacks.at(slot.stack);
  bool matters = uncount(stack, found->second);
  step.state.slots.erase(id);
  switch (slot.role) {
    case SlotRole::holder:
      stack.slots[slot.service].erase(slot.name);
      if (stack.slots[slot.service].empty()) stack.slots.erase(slot.service);
      break;
    case SlotRole::successor: stack.successors.erase({slot.service, slot.name}); break;
    case SlotRole::retired: stack.retired.erase(id); break;
  }
  step.mark_slot(id);
  if (matters) step.reconcile_later(slot.stack);
  else step.reconcile_later(slot);
  step.emit({.type = "instance.deleted",
             .subject = fmt::format("instance {}/{}", slot.stack, slot.name),
             .message = fmt::format("{}{}/{} is gone", slot.role == SlotRole::holder ? "" : "the former ",
                                    slot.stack, slot.name),
             .stack = slot.stack,
             .service = slot.service,
             .instance_name = slot.name,
             .node = slot.node_name});
}

}  // namespace drover::hub
