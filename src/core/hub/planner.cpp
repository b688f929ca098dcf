// Reconciliation of one stack: desired with observed, one breath, the missing tasks. Level-triggered: called
// after anything that could matter has changed, and makes at most one task for an instance at a time.

#include "core/hub/planner.hpp"

#include <fmt/format.h>

namespace drover::hub {

void set_node(Step& step, SlotEntry& entry, std::optional<NodeId> node) {
  Slot& slot = entry.slot;
  if (slot.node && step.state.nodes.contains(*slot.node)) {
    NodeEntry& old = step.state.nodes.at(*slot.node);
    old.slots.erase(slot.id);
    old.observed.erase(slot.id);
    step.out.touched.nodes.insert(to_string(*slot.node));
  }
  slot.node = node;
  entry.ready_since.reset();
  if (node) {
    NodeEntry& to = step.state.nodes.at(*node);
    to.slots.insert(slot.id);
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
    step.state.nodes.at(*slot.node).slots.erase(id);
    step.state.nodes.at(*slot.node).observed.erase(id);
  }
  step.state.slots.erase(id);
  auto& services = step.state.stacks.at(slot.stack).slots;
  services[slot.service].erase(slot.name);
  if (services[slot.service].empty()) services.erase(slot.service);
  step.mark_slot(id);
  step.reconcile_later(slot.stack);
  step.emit({.type = "instance.deleted",
             .subject = fmt::format("instance {}/{}", slot.stack, slot.name),
             .message = fmt::format("{}/{} is gone", slot.stack, slot.name),
             .stack = slot.stack,
             .service = slot.service,
             .instance_name = slot.name,
             .node = slot.node_name});
}

namespace {
Who reconciler(const HubState& state, const StackEntry& stack) {
  if (stack.row.deployment) {
    auto found = state.deployments.find(*stack.row.deployment);
    if (found != state.deployments.end() && !is_final(found->second.state)) return found->second.who;
  }
  return {"system", "reconcile", ""};
}

SlotEntry& new_slot(Step& step, StackEntry& stack, const Service& service, std::string name,
                    std::uint32_t index) {
  Slot slot;
  slot.id = step.make_id<InstanceId>();
  slot.stack = stack.row.name;
  slot.service = service.name;
  slot.name = std::move(name);
  slot.index = index;
  slot.created_at = step.now.wall;
  stack.slots[service.name][slot.name] = slot.id;
  SlotEntry& entry = step.state.slots[slot.id];
  entry.slot = std::move(slot);
  step.mark_slot(entry.slot.id);
  return entry;
}

void set_removing(Step& step, SlotEntry& entry, bool removing) {
  if (entry.slot.removing == removing) return;
  entry.slot.removing = removing;
  entry.slot.blocked.clear();
  step.mark_slot(entry.slot.id);
}

/// The names that the service shall have, in order, with the node that a per-node slot is for.
std::vector<std::pair<std::string, std::string>> wanted_names(const HubState& state, const StackEntry& stack,
                                                              const Service& service) {
  std::vector<std::pair<std::string, std::string>> names;
  if (service.scale.kind == ScaleKind::per_node) {
    for (const auto& node : per_node_names(state, service))
      names.emplace_back(node_slot_name(service.name, node), node);
    return names;
  }
  for (std::uint32_t i = 0; i < wanted_replicas(stack.row, service); ++i)
    names.emplace_back(slot_name(service.name, i), "");
  return names;
}

/// Slots that are wanted exist; those that are not are marked for removal.
void match_slots(Step& step, StackEntry& stack, const Stack* content) {
  std::set<std::pair<std::string, std::string>> wanted;
  if (content) {
    for (const Service& service : content->services) {
      std::uint32_t index = 0;
      for (const auto& [name, node] : wanted_names(step.state, stack, service)) {
        wanted.emplace(service.name, name);
        auto existing = stack.slots[service.name].find(name);
        SlotEntry& entry = existing == stack.slots[service.name].end()
                               ? new_slot(step, stack, service, name, index)
                               : step.state.slots.at(existing->second);
        if (entry.slot.node_name.empty() && !node.empty()) entry.slot.node_name = node;
        set_removing(step, entry, false);
        ++index;
      }
    }
  }
  for (auto& [service, slots] : stack.slots)
    for (auto& [name, id] : slots)
      if (!wanted.contains({service, name})) set_removing(step, step.state.slots.at(id), true);
}
}  // namespace

bool satisfied(const HubState& state, const SlotEntry& entry) {
  const Slot& slot = entry.slot;
  if (entry.task || slot.removing || !slot.blocked.empty()) return false;
  SeenState seen = seen_state(state, entry);
  if (!wanted_running(state, slot))
    return seen.state == InstanceState::stopped || seen.state == InstanceState::completed ||
           seen.state == InstanceState::failed;
  const Observed* observed = observed_of(state, slot);
  if (!observed || observed->digest != wanted_digest(state, slot)) return false;
  if (observed->restart_generation < slot.restart_generation) return false;
  const Service* service = wanted_service(state, slot);
  return service && service->kind == ServiceKind::job ? seen.state == InstanceState::completed
                                                      : seen.state == InstanceState::ready;
}

// ---- Rollout: one service's slots
// --------------------------------------------------------------------------------

std::string Planner::unmet(const Service& service) const {
  for (const Dependency& dependency : service.depends_on) {
    auto slots = stack_.slots.find(dependency.service);
    std::size_t met = 0, all = 0;
    if (slots != stack_.slots.end())
      for (const auto& [name, id] : slots->second) {
        const SlotEntry& entry = step_.state.slots.at(id);
        if (entry.slot.removing) continue;
        ++all;
        met += holds(entry, dependency.condition) ? 1 : 0;
      }
    if (all == 0 || met < all)
      return fmt::format("{}: {} ({}/{})", dependency.service, enum_name(dependency.condition), met, all);
  }
  return {};
}

bool Planner::holds(const SlotEntry& entry, Condition condition) const {
  const Observed* observed = observed_of(step_.state, entry.slot);
  if (!observed || observed->digest != wanted_digest(step_.state, entry.slot)) return false;
  InstanceState seen = seen_state(step_.state, entry).state;
  switch (condition) {
    case Condition::started: return is_alive(seen) || seen == InstanceState::completed;
    case Condition::ready: return seen == InstanceState::ready || seen == InstanceState::completed;
    case Condition::completed: return seen == InstanceState::completed;
  }
  std::unreachable();
}

/// Changed, and not yet proven: counts against the batch.
bool Planner::in_change(const SlotEntry& entry, const Service& service) const {
  if (entry.slot.removing || !wanted_running(step_.state, entry.slot)) return false;
  if (entry.task) return true;
  const Observed* observed = observed_of(step_.state, entry.slot);
  if (!observed || observed->digest != wanted_digest(step_.state, entry.slot)) return false;
  if (observed->restart_generation < entry.slot.restart_generation)
    return false;  // its own turn is still to come
  if (!satisfied(step_.state, entry)) return true;
  if (service.update.healthy_for == 0s || service.kind == ServiceKind::job || !entry.ready_since)
    return false;
  BootTime proven = *entry.ready_since + service.update.healthy_for;
  if (proven <= step_.now.boot) return false;
  step_.timer(proven, stack_.row.name);
  return true;
}

bool Planner::batch_free(const Service& service) const {
  std::uint32_t count = 0;
  for (const auto& [name, id] : stack_.slots.at(service.name))
    count += in_change(step_.state.slots.at(id), service) ? 1 : 0;
  return count < std::max(service.update.batch, 1u);
}

void Planner::wait(SlotEntry& entry, std::string reason) {
  if (entry.waits == reason) return;
  entry.waits = std::move(reason);
  step_.show_instance(entry.slot);
}

void Planner::order(SlotEntry& entry, TaskType type, std::uint8_t priority) {
  Slot& slot = entry.slot;
  if (type == TaskType::deploy || type == TaskType::update) {
    slot.generation = follows_ ? follows_->number : slot.generation;
    slot.digest = wanted_digest(step_.state, slot);
    slot.finished.reset();
  }
  if (type == TaskType::start || type == TaskType::restart) slot.finished.reset();
  make_task(step_, entry, {.type = type, .run = wanted_running(step_.state, slot), .priority = priority},
            who_);
}

void Planner::place(SlotEntry& entry, const Service& service) {
  Slot& slot = entry.slot;
  if (!wanted_running(step_.state, slot)) return wait(entry, "");
  if (slot.finished && slot.finished->digest == wanted_digest(step_.state, slot) &&
      slot.finished->restart_generation >= slot.restart_generation)
    return;
  if (auto missing = unmet(service); !missing.empty()) return wait(entry, "waiting for " + missing);
  std::string bound = service.scale.kind == ScaleKind::per_node ? slot.node_name : std::string();
  entry.verdicts = judge_nodes(step_.state, service, slot.stack, slot.index, bound);
  auto node = choose_node(step_.state, entry.verdicts, slot.stack, slot.service);
  if (!node) {
    std::string first =
        entry.verdicts.empty() ? "there is no node" : entry.verdicts[0].node + " " + entry.verdicts[0].reason;
    return wait(entry, entry.verdicts.size() > 1
                           ? fmt::format("no node fits: {}, and {} more", first, entry.verdicts.size() - 1)
                           : "no node fits: " + first);
  }
  ++slot.epoch;
  set_node(step_, entry, node);
  order(entry, TaskType::deploy);
}

/// Should it go elsewhere? Only what can: spread, and somewhere else fits. `held`: a port that it needs is
/// another's.
bool Planner::must_move(const SlotEntry& entry, const Service& service, bool held) const {
  const Node& node = step_.state.nodes.at(*entry.slot.node).row.node;
  if ((!node.draining && !held) || service.place.strategy != PlaceStrategy::spread ||
      service.scale.kind == ScaleKind::per_node)
    return false;
  auto verdicts = judge_nodes(step_.state, service, entry.slot.stack, entry.slot.index, "");
  return choose_node(step_.state, verdicts, entry.slot.stack, entry.slot.service).has_value();
}

void Planner::run(SlotEntry& entry, const Service& service) {
  Slot& slot = entry.slot;
  bool want = wanted_running(step_.state, slot);
  const Observed* observed = observed_of(step_.state, slot);
  auto begin = [&](TaskType type, bool rolling) {
    if (auto missing = unmet(service); want && !missing.empty()) return wait(entry, "waiting for " + missing);
    if (rolling && want && !batch_free(service))
      return wait(entry, fmt::format("its turn (batch of {})", service.update.batch));
    order(entry, type);
  };
  if (!observed) {
    if (!want) return wait(entry, "");
    return begin(TaskType::deploy, false);
  }
  if (observed->digest != wanted_digest(step_.state, slot)) {
    const NodeEntry& node = step_.state.nodes.at(*slot.node);
    std::string held = port_conflict(step_.state, node, service, slot.stack, slot.index);
    if (held.empty()) return begin(TaskType::update, true);
    if (must_move(entry, service, true)) return order(entry, TaskType::delete_, 7);
    return wait(entry, fmt::format("no node fits: {} {}", node.row.node.name, held));
  }
  if (slot.generation != follows_->number) {
    slot.generation = follows_->number;  // the same content under a new number: nothing to do on the host
    step_.mark_slot(slot.id);
  }
  if (want != observed->run) {
    if (want) return begin(TaskType::start, false);
    if (dependants_run(slot.service)) return wait(entry, "its dependants stop first");
    return order(entry, TaskType::stop, 6);
  }
  if (want && observed->restart_generation < slot.restart_generation) return begin(TaskType::restart, true);
  wait(entry, "");
}

/// Is something that needs `service` still to be stopped or removed before it?
bool Planner::dependants_run(const std::string& service) const {
  const RevisionRow* revision = current_revision(stack_);
  if (!revision) return false;
  for (const Service& other : revision->content.services) {
    if (std::ranges::none_of(other.depends_on, [&](const Dependency& d) { return d.service == service; }))
      continue;
    auto slots = stack_.slots.find(other.name);
    if (slots == stack_.slots.end()) continue;
    for (const auto& [name, id] : slots->second) {
      const SlotEntry& entry = step_.state.slots.at(id);
      if (entry.slot.removing) return true;
      const Observed* observed = observed_of(step_.state, entry.slot);
      if (wanted_running(step_.state, entry.slot) || !observed)
        continue;  // stays; that is what was asked for
      if (entry.task || is_alive(observed->state) || observed->state == InstanceState::stopping) return true;
    }
  }
  return false;
}

void Planner::remove(SlotEntry& entry) {
  Slot& slot = entry.slot;
  if (entry.task) {
    if (step_.state.tasks.at(*entry.task).task.type != TaskType::delete_)
      request_cancel(step_, *entry.task, "");
    if (step_.state.slots.contains(slot.id) && entry.task) return;
  }
  if (!slot.node || !step_.state.nodes.contains(*slot.node)) return erase_slot(step_, slot.id);
  if (stack_.row.deleting && dependants_run(slot.service)) return wait(entry, "its dependants go first");
  const NodeEntry& node = step_.state.nodes.at(*slot.node);
  if (!usable(step_.state, *slot.node))
    return wait(entry, fmt::format("to be deleted when {} is back", node.row.node.name));
  if (node.observed_fresh && !node.observed.contains(slot.id)) return erase_slot(step_, slot.id);
  if (!slot.blocked.empty()) return wait(entry, slot.blocked);
  order(entry, TaskType::delete_, 7);
}

void Planner::act(SlotEntry& entry) {
  Slot& slot = entry.slot;
  if (slot.removing) return remove(entry);
  if (slot.node && !step_.state.nodes.contains(*slot.node)) set_node(step_, entry, std::nullopt);
  if (entry.task || !slot.blocked.empty()) return;
  const Service* service = wanted_service(step_.state, slot);
  if (!service) return;  // a held rollout has nothing for a slot that was never placed
  if (!slot.node) return place(entry, *service);
  if (!usable(step_.state, *slot.node)) return;
  if (must_move(entry, *service, false)) return order(entry, TaskType::delete_, 7);
  run(entry, *service);
}

void Planner::reconcile() {
  bool held = rollout_held(step_.state, stack_);
  const RevisionRow* revision = current_revision(stack_);
  const Stack* content = stack_.row.deleting || !revision ? nullptr : &revision->content;
  if (!held) match_slots(step_, stack_, content);
  std::vector<std::pair<std::uint32_t, InstanceId>> order;  // by index; looked up once, stacks may be large
  auto append = [&](const auto& slots) {
    for (const auto& [name, id] : slots) order.emplace_back(index_of(id), id);
  };
  if (revision)
    for (const Service* service : in_order(revision->content))
      if (auto slots = stack_.slots.find(service->name); slots != stack_.slots.end()) append(slots->second);
  for (const auto& [service, slots] : stack_.slots)  // of services that the revision does not have any more
    if (!revision || !find_service(revision->content, service)) append(slots);
  std::ranges::stable_sort(order, {}, &decltype(order)::value_type::first);
  for (const auto& [index, id] : order) {
    auto found = step_.state.slots.find(id);
    if (found == step_.state.slots.end()) continue;
    follows_ = revision;
    if (held) {
      auto own = stack_.revisions.find(found->second.slot.generation);
      follows_ = own == stack_.revisions.end() ? nullptr : &own->second;
      if (!follows_ && !found->second.slot.removing) continue;
    }
    act(found->second);
  }
}

std::uint32_t Planner::index_of(InstanceId id) const { return step_.state.slots.at(id).slot.index; }

void reconcile(Step& step, const std::string& name) {
  auto found = step.state.stacks.find(name);
  if (found == step.state.stacks.end()) return judge_operations(step, name);
  StackEntry& stack = found->second;
  Planner(step, stack, reconciler(step.state, stack)).reconcile();
  judge_operations(step, name);
  judge_deployment(step, stack);
}

}  // namespace drover::hub
