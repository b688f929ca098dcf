#include "core/hub/step.hpp"

#include <fmt/format.h>

namespace drover::hub {

namespace {
constexpr std::size_t recent_events = 10'000;

template <class Map, class Key>
auto* find(Map& map, const Key& key) {
  auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}
}  // namespace

void Step::mark_node(NodeId id) {
  nodes_.insert(id);
  see_node(id);
}
void Step::see_node(NodeId id) {
  seen_nodes_.insert(id);
  out.touched.nodes.insert(to_string(id));
}
void Step::mark_stack(const std::string& name) {
  stacks_.insert(name);
  out.touched.stacks.insert(name);
}
void Step::mark_slot(InstanceId id) {
  slots_.insert(id);
  if (auto* entry = find(state.slots, id)) show_instance(entry->slot);
  else out.touched.instances.insert(to_string(id));
}
void Step::mark_task(TaskId id) {
  tasks_.insert(id);
  show_task(id);
}
void Step::mark_deployment(DeploymentId id) {
  deployments_.insert(id);
  out.touched.deployments.insert(to_string(id));
}
void Step::mark_operation(OperationId id) {
  operations_.insert(id);
  out.touched.operations.insert(to_string(id));
}
void Step::show_instance(const Slot& slot) {
  out.touched.instances.insert(to_string(slot.id));
  out.touched.services.insert(slot.stack + "/" + slot.service);
  out.touched.stacks.insert(slot.stack);
  if (slot.node) out.touched.nodes.insert(to_string(*slot.node));
}

void Step::emit(Event event) {
  event.seq = ++state.event_seq;
  event.time = now.wall;
  state.events.push_back(event);
  if (state.events.size() > recent_events) state.events.pop_front();
  if (state.first_event == 0) state.first_event = event.seq;
  out.changes.emplace_back(std::move(event));
}

void Step::audit(const Who& who, std::string action, std::string target, std::string outcome,
                 std::string detail) {
  AuditEntry entry{.seq = ++state.audit_seq,
                   .time = now.wall,
                   .who = who,
                   .action = std::move(action),
                   .target = std::move(target),
                   .outcome = std::move(outcome),
                   .detail = std::move(detail)};
  out.changes.emplace_back(std::move(entry));  // the store chains the hashes
}

void Step::send(Session& session, Frame frame) {
  out.frames.push_back(
      {session.id, Envelope{++session.sent, session.received, state.leader_epoch, std::move(frame)}});
}

void Step::close(SessionId session, std::string reason) {
  out.closes.push_back({session, std::move(reason)});
}

void Step::write_marked() {
  // Erases first: a name may be used again within one step.
  for (auto id : slots_)
    if (!state.slots.contains(id)) erase(EraseSlot{id});
  for (const auto& name : stacks_) {
    if (auto* entry = find(state.stacks, name)) write(entry->row);
    else erase(EraseStack{name});
  }
  for (auto id : nodes_) {
    if (auto* node = find(state.nodes, id)) write(node->row);
    else erase(EraseNode{id});
  }
  for (auto id : slots_)
    if (auto* entry = find(state.slots, id)) write(entry->slot);
  for (auto id : tasks_) write_task(id);
  for (auto id : deployments_) {
    if (auto* deployment = find(state.deployments, id)) write(*deployment);
    else erase(EraseDeployment{id});
  }
  for (auto id : operations_) {
    if (auto* operation = find(state.operations, id)) write(*operation);
    else erase(EraseOperation{id});
  }
}

void Step::write_task(TaskId id) {
  auto* entry = find(state.tasks, id);
  if (!entry) return;
  if (entry->record != 0) write(TaskRecord{entry->record, entry->task});
  else write(entry->task);
}

void Step::timer(BootTime at, StackEntry& stack) {
  if (stack.look_at && *stack.look_at <= at) return;
  if (stack.look_at) state.timers.erase({*stack.look_at, Timer::About::stack, {}, stack.row.name});
  stack.look_at = at;
  state.timers.insert({at, Timer::About::stack, {}, stack.row.name});
}

void Step::room_freed(const NodeEntry& node) {
  out.touched.nodes.insert(to_string(node.row.node.id));
  room_freed_ = true;
  if (!node.row.node.draining || !node.slots.empty()) return;
  emit({.type = "node.drained",
        .subject = "node " + node.row.node.name,
        .message = fmt::format("{} is empty: nothing is placed there any more", node.row.node.name),
        .node = node.row.node.name});
}

/// Placement sees the nodes as they are now.
void Step::refresh_fleet() {
  for (NodeId id : std::exchange(seen_nodes_, {}))
    if (auto* node = find(state.nodes, id)) state.fleet.update(node->row.node, closed_for(state, *node));
}

/// Not at once: many instances may go one after the other.
void Step::look_again_for_places() {
  if (!std::exchange(room_freed_, false)) return;
  for (const auto& name : state.homeless)
    if (auto* stack = find(state.stacks, name)) timer(now.boot + rhythm(*stack), *stack);
}

/// Who is cancelled for its dependency may have dependants of its own.
void Step::cancel_blamed() {
  for (std::size_t i = 0; i < blamed_.size(); ++i) {
    auto [id, why] = blamed_[i];
    if (auto* entry = find(state.tasks, id); entry && entry->task.state == TaskState::pending)
      finish_task(*this, entry->task, TaskState::cancelled, std::move(why));
  }
  blamed_.clear();
}

void Step::finish() {
  refresh_fleet();
  // What reconciling changes may ask for another round (the last dependant went: now its dependency). Each
  // round ends something, so this ends; the bound is for our own mistakes.
  cancel_blamed();
  for (int round = 0; round < 1000 && !dirty_stacks_.empty(); ++round) {
    for (const auto& [name, dirty] : std::exchange(dirty_stacks_, {}))
      dirty.whole ? reconcile(*this, name) : reconcile(*this, name, dirty.slots);
    cancel_blamed();
  }
  look_again_for_places();
  for (auto node : std::exchange(dirty_nodes_, {})) dispatch(*this, node);
  write_marked();
  forget_recent(*this);
  if (!out.changes.empty()) out.commit = ++state.commit;
  if (!state.timers.empty()) out.wake = state.timers.begin()->at;
}

}  // namespace drover::hub
