// Reconciliation of one stack: desired with observed, one breath, the missing tasks. Level-triggered: called
// after anything that could matter has changed, and makes at most one task for an instance at a time.

#include "core/hub/planner.hpp"

#include <fmt/format.h>

namespace drover::hub {

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
    for (const auto& node : per_node_names(state, state.fleet, *state.fleet.ask(stack.row.name, service)))
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
      // What the new revision has more or less of comes with its promotion.
      if (service.scale.kind == ScaleKind::count && canary_of(step.state, stack, service.name)) {
        for (const auto& [name, id] : stack.slots[service.name]) wanted.emplace(service.name, name);
        continue;
      }
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

// ---- Rollout: one service's slots
// --------------------------------------------------------------------------------

/// How many instances of the service hold to the condition, and how many there are. Looked up once: stacks
/// may be large.
const Planner::Count& Planner::count_of(const Dependency& dependency) {
  auto [found, fresh] = met_.try_emplace({dependency.service, dependency.condition});
  Count& count = found->second;
  auto slots = stack_.slots.find(dependency.service);
  if (!fresh || slots == stack_.slots.end()) return count;
  for (const auto& [name, id] : slots->second) {
    const SlotEntry& entry = step_.state.slots.at(id);
    if (entry.slot.removing) continue;
    ++count.all;
    count.met += holds(step_.state, entry, dependency.condition) ? 1 : 0;
  }
  return count;
}

std::string Planner::unmet(const Service& service) {
  for (const Dependency& dependency : service.depends_on) {
    const Count& count = count_of(dependency);
    if (count.all == 0 || count.met < count.all)
      return fmt::format("{}: {} ({}/{})", dependency.service, enum_name(dependency.condition), count.met,
                         count.all);
  }
  return {};
}

/// Changed, and not yet proven: counts against the batch.
bool Planner::in_change(const SlotEntry& entry, const Service& service) const {
  if (entry.slot.removing || !wanted_running(step_.state, entry.slot)) return false;
  if (entry.task) return true;
  if (has_company(step_.state, entry.slot)) return !canary_of(step_.state, stack_, entry.slot.service);
  if (!entry.slot.node)  // on its way from one node to another
    return entry.slot.epoch > 0 && !entry.slot.finished &&
           entry.slot.digest == wanted_digest(step_.state, entry.slot);
  const Observed* observed = observed_of(step_.state, entry.slot);
  if (!observed || observed->digest != wanted_digest(step_.state, entry.slot)) return false;
  if (observed->restart_generation < entry.slot.restart_generation ||
      observed->reload_generation < entry.slot.reload_generation)
    return false;  // its own turn is still to come
  if (!satisfied(step_.state, entry)) return true;
  auto proven = proven_at(step_.settings, entry, service);
  if (!proven || *proven <= step_.now.boot) return false;
  step_.timer(*proven, stack_);
  return true;
}

bool Planner::batch_free(const Service& service) {
  auto [found, fresh] = changing_.try_emplace(service.name);
  if (fresh)
    for (const auto& [name, id] : stack_.slots.at(service.name))
      found->second += in_change(step_.state.slots.at(id), service) ? 1 : 0;
  return found->second < std::max(service.update.batch, 1u);
}

void Planner::wait(SlotEntry& entry, std::string reason) {
  if (entry.waits == reason) return;
  entry.waits = std::move(reason);
  step_.show_instance(entry.slot);
}

void Planner::order(SlotEntry& entry, TaskType type, std::uint8_t priority) {
  Slot& slot = entry.slot;
  if (auto changing = changing_.find(slot.service); changing != changing_.end()) ++changing->second;
  // What held may not hold any more; what did not is as it was.
  std::erase_if(
      met_, [&](const auto& it) { return it.first.first == slot.service && it.second.met == it.second.all; });
  if (type == TaskType::deploy || type == TaskType::update) {
    slot.generation = follows_ ? follows_->number : slot.generation;
    const std::string& wanted = wanted_digest(step_.state, slot);
    if (type == TaskType::deploy || !same_run(slot.digest, wanted)) slot.finished.reset();
    slot.digest = wanted;
  }
  if (type == TaskType::start || type == TaskType::restart) slot.finished.reset();
  if (type != TaskType::delete_ && type != TaskType::stop && !slot.finished) reserve(entry);
  make_task(step_, entry, {.type = type, .run = wanted_running(step_.state, slot), .priority = priority},
            who_);
}

void Planner::place(SlotEntry& entry, const Service& service) {
  Slot& slot = entry.slot;
  if (!wanted_running(step_.state, slot)) return wait(entry, "");
  if (is_done(slot)) return wait(entry, "");
  if (auto missing = unmet(service); !missing.empty()) return wait(entry, "waiting for " + missing);
  Wish wish = wish_of(entry, service);
  auto node = choose(wish, true);
  if (!node) return wait(entry, nowhere(wish));
  ++slot.epoch;
  slot.generation = follows_->number;
  set_node(step_, entry, node);
  order(entry, TaskType::deploy);
}

void Planner::begin(SlotEntry& entry, const Service& service, std::optional<TaskType> type, bool rolling) {
  if (wanted_running(step_.state, entry.slot)) {
    if (auto missing = unmet(service); !missing.empty()) return wait(entry, "waiting for " + missing);
    if (rolling && !in_change(entry, service) && !batch_free(service)) {
      stack_.standings.queuing.insert(service.name);
      return wait(entry, fmt::format("its turn (batch of {})", service.update.batch));
    }
  }
  type ? order(entry, *type) : raise(entry, service);
}

void Planner::run(SlotEntry& entry, const Service& service) {
  Slot& slot = entry.slot;
  bool want = wanted_running(step_.state, slot);
  const Observed* observed = observed_of(step_.state, slot);
  // It may ask for more than it did, or, a job that is to run once more, for what others have got meanwhile.
  const bool asks = (!entry.held || slot.generation != follows_->number) && !is_done(slot);
  const std::string lacks = asks ? lacking(entry, service) : std::string();
  const bool as_it_shall = observed && entry.held && observed->digest == wanted_digest(step_.state, slot);
  if (want && !lacks.empty() && !as_it_shall) return wait(entry, lacks);
  if (!observed) {
    if (!want) return wait(entry, "");
    return begin(entry, service, TaskType::deploy, false);
  }
  const std::string& wanted = wanted_digest(step_.state, slot);
  if (observed->digest != wanted && same_run(observed->digest, wanted) &&
      (!want || is_alive(observed->state)))
    return order(entry, TaskType::update);  // taken over live: ends nothing, so there is nothing to wait for
  if (needs_successor(entry, *follows_)) return begin(entry, service, std::nullopt, true);
  if (observed->digest != wanted) return begin(entry, service, TaskType::update, true);
  if (slot.generation != follows_->number && lacks.empty()) {
    slot.generation = follows_->number;  // the same content under a new number: nothing to do on the host
    if (!slot.finished) hold(step_.state, entry, asked(service.name));
    step_.mark_slot(slot.id);
  }
  if (want != observed->run) {
    if (want) return begin(entry, service, TaskType::start, false);
    if (dependants_run(slot.service)) return wait(entry, "its dependants stop first");
    return order(entry, TaskType::stop, 6);
  }
  if (want && observed->restart_generation < slot.restart_generation)
    return begin(entry, service, TaskType::restart, true);
  // What is to be replaced start-first and is about to run again is replaced when it does.
  bool told = !starts_first(service) || !service.reload.empty() || !moves_by_itself(observed->state);
  if (want && observed->reload_generation < slot.reload_generation && told)
    return order(entry, TaskType::reload);
  wait(entry, stays_);
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
    for (const auto& [name, id] : slots->second)
      if (holds_up_stop(step_.state, step_.state.slots.at(id))) return true;
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
  if (slot.role == SlotRole::holder && stack_.row.deleting && dependants_run(slot.service))
    return wait(entry, "its dependants go first");
  const NodeEntry& node = step_.state.nodes.at(*slot.node);
  if (!usable(step_.state, *slot.node))
    return wait(entry, fmt::format("to be deleted when {} is back", node.row.node.name));
  if (node.observed_fresh && !node.observed.contains(slot.id)) return erase_slot(step_, slot.id);
  if (!slot.blocked.empty()) return wait(entry, slot.blocked);
  order(entry, TaskType::delete_, 7);
}

void Planner::act(SlotEntry& entry) {
  Slot& slot = entry.slot;
  stays_.clear();
  if (slot.removing) {
    wanted_successor(entry);
    return remove(entry);
  }
  if (see_successor(entry)) return;
  if (slot.node && !step_.state.nodes.contains(*slot.node)) set_node(step_, entry, std::nullopt);
  if (entry.task || !slot.blocked.empty()) return;
  const Service* service = find_service(follows_->content, slot.service);
  if (!service) return;
  if (!slot.node) return place(entry, *service);
  if (!usable(step_.state, *slot.node)) return;
  if (auto why = leave_reason(entry, *service); !why.empty() && go(entry, *service, why)) return;
  run(entry, *service);
}

/// Acts on the slot by the revision that it follows.
void Planner::visit(SlotEntry& entry) {
  follows_ = followed_revision(step_.state, stack_, entry.slot);
  if (follows_ || entry.slot.removing) return act(entry);
  wait(entry, held_ ? "its deployment is held" : "the canary is to be promoted first");
}

/// All slots: by index, then dependencies first; then those of services that the revision has no more.
std::vector<InstanceId> Planner::in_turn() const {
  std::vector<std::pair<std::uint32_t, InstanceId>> order;
  auto append = [&](const auto& slots) {
    for (const auto& [name, id] : slots) order.emplace_back(step_.state.slots.at(id).slot.index, id);
  };
  const RevisionRow* revision = current_revision(stack_);
  if (revision)
    for (const Service* service : in_order(revision->content))
      if (auto slots = stack_.slots.find(service->name); slots != stack_.slots.end()) append(slots->second);
  for (const auto& [service, slots] : stack_.slots)
    if (!revision || !service_of(*revision, service)) append(slots);
  std::ranges::stable_sort(order, {}, &decltype(order)::value_type::first);
  std::vector<InstanceId> ids;
  for (const auto& [index, id] : order) ids.push_back(id);
  return ids;
}

void Planner::reconcile() {
  const RevisionRow* revision = current_revision(stack_);
  if (!held_) match_slots(step_, stack_, stack_.row.deleting || !revision ? nullptr : &revision->content);
  stack_.standings.queuing.clear();
  bool erased = false;
  for (InstanceId id : in_turn()) {
    auto found = step_.state.slots.find(id);
    if (found != step_.state.slots.end()) visit(found->second);
    erased |= !step_.state.slots.contains(id);
  }
  for (InstanceId id : std::set<InstanceId>(stack_.retired)) {
    remove(step_.state.slots.at(id));
    erased |= !step_.state.slots.contains(id);
  }
  recount(step_.state, stack_);
  if (homeless_) step_.state.homeless.insert(stack_.row.name);
  else step_.state.homeless.erase(stack_.row.name);
  if (erased) step_.reconcile_later(stack_.row.name);  // what it depended on may go now
}

bool Planner::reconcile(const std::set<InstanceId>& touched) {
  bool matters = false;
  for (InstanceId id : touched) {
    auto found = step_.state.slots.find(id);
    if (found == step_.state.slots.end()) continue;
    visit(found->second);
    found = step_.state.slots.find(id);
    if (found != step_.state.slots.end() && found->second.slot.role == SlotRole::holder)
      matters |= restand(step_.state, stack_, found->second);
  }
  if (homeless_) step_.state.homeless.insert(stack_.row.name);
  return matters;
}

/// After a report that seemed to concern one instance only, the whole stack is compared within this time: so
/// nothing hangs on the seeming.
Duration rhythm(const StackEntry& stack) {
  constexpr Duration each = 250us, longest = 5s;
  return std::min(each * std::max(stack.standings.whole.slots, 1u), longest);
}

void reconcile(Step& step, const std::string& name) {
  auto found = step.state.stacks.find(name);
  if (found == step.state.stacks.end()) return judge_operations(step, name);
  StackEntry& stack = found->second;
  if (stack.look_at) step.state.timers.erase({*stack.look_at, Timer::About::stack, {}, name});
  stack.look_at.reset();
  Planner(step, stack, reconciler(step.state, stack)).reconcile();
  judge_operations(step, name);
  judge_deployment(step, stack);
}

void reconcile(Step& step, const std::string& name, const std::set<InstanceId>& touched) {
  auto found = step.state.stacks.find(name);
  if (found == step.state.stacks.end()) return judge_operations(step, name);
  StackEntry& stack = found->second;
  if (Planner(step, stack, reconciler(step.state, stack)).reconcile(touched)) step.reconcile_later(name);
  else step.timer(step.now.boot + rhythm(stack), stack);
}

}  // namespace drover::hub
