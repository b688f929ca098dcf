#include "core/hub/step.hpp"

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
  for (auto id : tasks_) {
    if (auto* entry = find(state.tasks, id)) write(entry->task);
    else erase(EraseTask{id});
  }
  for (auto id : deployments_) {
    if (auto* deployment = find(state.deployments, id)) write(*deployment);
    else erase(EraseDeployment{id});
  }
  for (auto id : operations_) {
    if (auto* operation = find(state.operations, id)) write(*operation);
    else erase(EraseOperation{id});
  }
}

void Step::timer(BootTime at, StackEntry& stack) {
  if (stack.look_at && *stack.look_at <= at) return;
  if (stack.look_at) state.timers.erase({*stack.look_at, Timer::About::stack, {}, stack.row.name});
  stack.look_at = at;
  state.timers.insert({at, Timer::About::stack, {}, stack.row.name});
}

void Step::finish() {
  // What reconciling changes may ask for another round (the last dependant went: now its dependency). Each
  // round ends something, so this ends; the bound is for our own mistakes.
  for (int round = 0; round < 1000 && !dirty_stacks_.empty(); ++round)
    for (const auto& [name, dirty] : std::exchange(dirty_stacks_, {}))
      dirty.whole ? reconcile(*this, name) : reconcile(*this, name, dirty.slots);
  for (auto node : std::exchange(dirty_nodes_, {})) dispatch(*this, node);
  write_marked();
  if (!out.changes.empty()) out.commit = ++state.commit;
  if (!state.timers.empty()) out.wake = state.timers.begin()->at;
}

}  // namespace drover::hub
