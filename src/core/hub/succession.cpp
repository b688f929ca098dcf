// A start-first change: the successor of an instance starts beside it, proves itself and takes its place; the
// old one ends afterwards. A successor that fails is given up, and the old one is never touched.

#include <fmt/format.h>

#include "base/text.hpp"
#include "core/hub/planner.hpp"

namespace drover::hub {

namespace {
std::string full_name(const Slot& slot) { return slot.stack + "/" + slot.name; }

/// What it printed last, for people: at most three lines.
std::string last_words(const Observed& observed) {
  const auto& lines = observed.last_lines;
  std::vector<std::string> last(lines.end() - std::ptrdiff_t(std::min<std::size_t>(lines.size(), 3)),
                                lines.end());
  return last.empty() ? std::string() : fmt::format("; its last lines: {}", join(last, " | "));
}

/// It ends, or has ended, though it never proved itself: one try is all that it has.
bool gave_up(const Observed& observed) {
  if (observed.restarts > 0) return true;
  switch (observed.state) {
    case InstanceState::stopped:
    case InstanceState::completed:
    case InstanceState::failed:
    case InstanceState::stuck: return true;
    case InstanceState::waiting:
    case InstanceState::backoff:  // the host could not start it now
    case InstanceState::configuring:
    case InstanceState::starting:
    case InstanceState::ready:
    case InstanceState::unhealthy:
    case InstanceState::restarting:  // what comes of it, and its last lines, are told next
    case InstanceState::stopping:
    case InstanceState::lost:
    case InstanceState::unknown: return false;
  }
  std::unreachable();
}

/// When it will have waited for too long for what it needs to start: a port, or the host.
std::optional<WallTime> waits_until(const Slot& slot, const Observed& observed, const Service& service) {
  const Duration limit = service.probes.start_timeout;
  bool waits = observed.state == InstanceState::waiting || observed.state == InstanceState::backoff;
  return waits && limit > Duration(0) ? std::optional(slot.created_at + limit) : std::nullopt;
}

/// Why it will never take the holder's place; "" while it may.
std::string failure_of(const Step& step, const SlotEntry& next, const Service& service) {
  if (!next.slot.blocked.empty()) return next.slot.blocked;
  const Observed* observed = observed_of(step.state, next.slot);
  if (!observed) return {};
  auto until = waits_until(next.slot, *observed, service);
  bool late = until && *until <= step.now.wall;
  if (!gave_up(*observed) && !late) return {};
  std::string why = observed->reason;
  if (why.empty() && observed->last_exit) why = describe(*observed->last_exit);
  if (why.empty()) why = "it did not stay up";
  return why + last_words(*observed);
}

void tell(Step& step, const Slot& slot, std::string type, std::string message, std::string level) {
  step.emit({.type = std::move(type),
             .subject = "instance " + full_name(slot),
             .message = std::move(message),
             .level = std::move(level),
             .stack = slot.stack,
             .service = slot.service,
             .instance_name = slot.name,
             .node = slot.node_name,
             .data = {{"instance", to_string(slot.id)}}});
}

/// Who waits for something of the old one waits for it of the new one.
void hand_over_operations(Step& step, InstanceId from, InstanceId to) {
  for (auto& [id, operation] : step.state.operations) {
    if (operation.state != OperationState::running) continue;
    for (OperationItem& item : operation.items) {
      if (item.instance != from) continue;
      item.instance = to;
      step.mark_operation(id);
    }
  }
}
}  // namespace

bool starts_first(const Service& service) {
  return service.update.order == UpdateOrder::start_first && service.kind == ServiceKind::service;
}

const SlotEntry* successor_of(const HubState& state, const Slot& holder) {
  auto stack = state.stacks.find(holder.stack);
  if (stack == state.stacks.end() || stack->second.successors.empty() || holder.role != SlotRole::holder)
    return nullptr;
  auto found = stack->second.successors.find({holder.service, holder.name});
  return found == stack->second.successors.end() ? nullptr : &state.slots.at(found->second);
}

bool has_company(const HubState& state, const Slot& holder) {
  if (successor_of(state, holder)) return true;
  return std::ranges::any_of(state.stacks.at(holder.stack).retired, [&](InstanceId id) {
    const Slot& other = state.slots.at(id).slot;
    return other.service == holder.service && other.name == holder.name;
  });
}

void retire(Step& step, SlotEntry& entry) {
  Slot& slot = entry.slot;
  StackEntry& stack = step.state.stacks.at(slot.stack);
  if (slot.role == SlotRole::successor) stack.successors.erase({slot.service, slot.name});
  slot.role = SlotRole::retired;
  slot.removing = true;
  slot.blocked.clear();
  entry.waits.clear();
  entry.standing.reset();
  stack.retired.insert(slot.id);
  step.mark_slot(slot.id);
  step.reconcile_later(slot.stack);
}

bool Planner::is_canary(const SlotEntry& holder) {
  const Deployment* deployment = canary_of(step_.state, stack_, holder.slot.service);
  if (!deployment || is_final(deployment->state)) return false;
  auto [chosen, fresh] = canaries_.try_emplace(holder.slot.service);
  if (!fresh) return chosen->second.contains(holder.slot.id);
  std::vector<std::pair<std::uint32_t, InstanceId>> holders;
  for (const auto& [name, id] : stack_.slots.at(holder.slot.service)) {
    const Slot& slot = step_.state.slots.at(id).slot;
    if (!slot.removing && slot.generation > 0 && wanted_running(step_.state, slot))
      holders.emplace_back(slot.index, id);
  }
  std::ranges::sort(holders);
  const std::size_t count = deployment->canaries.at(holder.slot.service);
  for (std::size_t i = 0; i < std::min(count, holders.size()); ++i) chosen->second.insert(holders[i].second);
  return chosen->second.contains(holder.slot.id);
}

/// Its process is to be another one, and it serves: so the other one comes first.
bool Planner::needs_successor(const SlotEntry& holder, const RevisionRow& target) const {
  const Service* service = find_service(target.content, holder.slot.service);
  const Observed* observed = observed_of(step_.state, holder.slot);
  const bool there = successor_of(step_.state, holder.slot);
  if (!service || !wanted_running(step_.state, holder.slot)) return false;
  if (!there && !starts_first(*service) && !canary_of(step_.state, stack_, service->name)) return false;
  if (!observed) return there;                                        // what is under way goes on
  const bool canary = canary_of(step_.state, stack_, service->name);  // beside whatever is there
  if (!is_alive(observed->state) && !there && !canary) return false;
  bool reload = starts_first(*service) && service->reload.empty() &&
                observed->reload_generation < holder.slot.reload_generation &&
                !canary_of(step_.state, stack_, service->name);  // it is replaced soon enough
  auto digest = target.digests.find(service->name);
  if (reload || (digest != target.digests.end() && !same_run(observed->digest, digest->second))) return true;
  return there && holder.slot.node && step_.state.nodes.contains(*holder.slot.node) &&
         !leave_reason(holder, *service).empty();
}

SlotEntry* Planner::wanted_successor(SlotEntry& holder) {
  if (stack_.successors.empty()) return nullptr;
  auto found = stack_.successors.find({holder.slot.service, holder.slot.name});
  if (found == stack_.successors.end()) return nullptr;
  SlotEntry& next = step_.state.slots.at(found->second);
  const auto& node = next.slot.node;
  bool wanted = !holder.slot.removing && follows_ && node && step_.state.nodes.contains(*node) &&
                next.slot.digest == wanted_digest(step_.state, next.slot) &&
                needs_successor(holder, *follows_);
  if (wanted) return &next;
  retire(step_, next);
  return nullptr;
}

bool Planner::see_successor(SlotEntry& holder) {
  const Deployment* deployment = deployment_of(step_.state, stack_);
  if (deployment && deployment->state == DeploymentState::paused) return false;  // it stays as it is
  const RevisionRow* own = follows_;
  const bool canary = is_canary(holder);
  if (canary) follows_ = current_revision(stack_);
  SlotEntry* next = wanted_successor(holder);
  const Service* service = find_service(follows_->content, holder.slot.service);
  bool all = false;
  if (next) {
    std::string waits = pursue(holder, *next, *service);
    if (canary) stays_ = std::move(waits);
    else wait(holder, std::move(waits));
    all = !canary;
  } else if (canary && !holder.task && holder.slot.blocked.empty() && needs_successor(holder, *follows_)) {
    begin(holder, *service, std::nullopt, false);
    all = true;
  }
  follows_ = own;
  return all;
}

void Planner::raise(SlotEntry& holder, const Service& service) {
  // Never more than two at once.
  if (has_company(step_.state, holder.slot)) return wait(holder, "the former one of its name ends first");
  const Slot& old = holder.slot;
  const Fleet& fleet = step_.state.fleet;
  Wish wish = wish_of(holder, service);
  auto own = fleet.room_of(*old.node);
  auto node = own && !objection(step_.state, fleet, wish, *own) ? old.node : choose(wish, true);
  if (!node) return wait(holder, nowhere(wish) + " (for its successor)");
  Slot slot;
  slot.id = step_.make_id<InstanceId>();
  slot.stack = old.stack;
  slot.service = old.service;
  slot.name = old.name;
  slot.index = old.index;
  slot.run = old.run;
  slot.restart_generation = old.restart_generation;
  slot.reload_generation = old.reload_generation;
  slot.role = SlotRole::successor;
  slot.created_at = step_.now.wall;
  slot.epoch = 1;
  slot.generation = follows_->number;
  stack_.successors[{slot.service, slot.name}] = slot.id;
  SlotEntry& next = step_.state.slots[slot.id];
  next.slot = std::move(slot);
  set_node(step_, next, node);
  order(next, TaskType::deploy);
  wait(holder, "its successor is to be started");
}

std::string Planner::pursue(SlotEntry& holder, SlotEntry& next, const Service& service) {
  if (std::string why = failure_of(step_, next, service); !why.empty()) {
    holder.slot.blocked = "its successor failed: " + why;
    tell(step_, holder.slot, "instance.succession_failed",
         fmt::format("{} stays as it is; {}", full_name(holder.slot), holder.slot.blocked), "error");
    step_.mark_slot(holder.slot.id);
    retire(step_, next);
    return {};
  }
  const Observed* observed = observed_of(step_.state, next.slot);
  if (!next.task && !observed && usable(step_.state, *next.slot.node)) {
    order(next, TaskType::deploy);
    return "its successor is to be started";
  }
  if (!satisfied(step_.state, next)) {
    if (auto until = observed ? waits_until(next.slot, *observed, service) : std::nullopt)
      step_.timer(step_.now.boot + (*until - step_.now.wall), stack_);
    SeenState seen = seen_state(step_.state, next);
    return fmt::format("its successor is {}{}", enum_name(seen.state),
                       seen.reason.empty() ? "" : ": " + seen.reason);
  }
  auto proven = proven_at(step_.settings, next, service);
  const bool stays = canary_of(step_.state, stack_, service.name);
  if (proven && *proven <= step_.now.boot && stays) return "its successor is a canary, and is to be promoted";
  if (proven && *proven <= step_.now.boot) {
    promote(holder, next);
    return {};
  }
  if (proven) step_.timer(*proven, stack_);
  return "its successor is ready, and has to stay so for a while";
}

void Planner::promote(SlotEntry& holder, SlotEntry& next) {
  stack_.successors.erase({next.slot.service, next.slot.name});
  stack_.slots[next.slot.service][next.slot.name] = next.slot.id;
  next.slot.role = SlotRole::holder;
  // What was asked of the old one meanwhile is asked of the new one.
  next.slot.run = holder.slot.run;
  next.slot.restart_generation = holder.slot.restart_generation;
  next.slot.reload_generation = holder.slot.reload_generation;
  step_.mark_slot(next.slot.id);
  hand_over_operations(step_, holder.slot.id, next.slot.id);
  tell(step_, next.slot, "instance.replaced",
       fmt::format("{} has been replaced by its successor, which is ready", full_name(next.slot)), "info");
  retire(step_, holder);
}

ReloadWay reload_way(const HubState& state, const SlotEntry& entry) {
  const Service* service = wanted_service(state, entry.slot);
  if (service && !service->reload.empty()) return ReloadWay::told;
  // Where nothing is known, because the hub or the link is new, it may serve.
  const Observed* observed = observed_of(state, entry.slot);
  bool rests = observed && !is_alive(observed->state);
  return service && starts_first(*service) && !rests ? ReloadWay::replaced : ReloadWay::restarted;
}

std::string reload_objection(const HubState& state, const SlotEntry& entry) {
  if (entry.slot.removing) return "it is being deleted";
  if (!wanted_running(state, entry.slot)) return "it was stopped on purpose";
  const Service* service = wanted_service(state, entry.slot);
  const bool beside = canary_of(state, state.stacks.at(entry.slot.stack), entry.slot.service);
  if (service && beside && starts_first(*service) && service->reload.empty())
    return "its deployment waits for canaries: promote or abort it first";
  bool job = service && service->kind == ServiceKind::job && service->reload.empty();
  return job ? "a job takes its configuration when it starts" : "";
}

}  // namespace drover::hub
