// Where slots are, and their end: the state's indexes of them.

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

void put_on(NodeEntry& node, const Slot& slot) {
  if (node.slots.insert(slot.id).second) ++node.of_service[{slot.stack, slot.service}];
}

void take_off(NodeEntry& node, const Slot& slot) {
  if (node.slots.erase(slot.id) == 0) return;
  auto count = node.of_service.find({slot.stack, slot.service});
  if (--count->second == 0) node.of_service.erase(count);
}

void set_node(Step& step, SlotEntry& entry, std::optional<NodeId> node) {
  Slot& slot = entry.slot;
  if (slot.node && step.state.nodes.contains(*slot.node)) {
    NodeEntry& old = step.state.nodes.at(*slot.node);
    take_off(old, slot);
    old.observed.erase(slot.id);
    step.out.touched.nodes.insert(to_string(*slot.node));
  }
  slot.node = node;
  entry.ready_since.reset();
  if (node) {
    NodeEntry& to = step.state.nodes.at(*node);
    put_on(to, slot);
    slot.node_name = to.row.node.name;
  }
  step.mark_slot(slot.id);
}

void erase_slot(Step& step, InstanceId id) {
  auto found = step.state.slots.find(id);
  if (found == step.state.slots.end()) return;
  Slot slot = found->second.slot;
  if (found->second.task) give_up_attempt(step, *found->second.task, "the instance is gone");
  step.show_instance(slot);
  if (slot.node && step.state.nodes.contains(*slot.node)) {
    take_off(step.state.nodes.at(*slot.node), slot);
    step.state.nodes.at(*slot.node).observed.erase(id);
  }
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
