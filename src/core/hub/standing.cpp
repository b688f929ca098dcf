// How each instance stands: for deployments, operations, dependants; and the counts of it.

#include "core/hub/standing.hpp"

#include "core/hub/step.hpp"

namespace drover::hub {

bool moves_by_itself(InstanceState state) {
  switch (state) {
    case InstanceState::waiting:
    case InstanceState::configuring:
    case InstanceState::starting:
    case InstanceState::unhealthy:
    case InstanceState::backoff:
    case InstanceState::restarting:
    case InstanceState::stopping: return true;
    case InstanceState::ready:  // being proven (healthy_for), or about to be changed
    case InstanceState::stopped:
    case InstanceState::completed:
    case InstanceState::failed:
    case InstanceState::stuck:
    case InstanceState::lost:
    case InstanceState::unknown: return false;
  }
  std::unreachable();
}

namespace {
Standing stand(const HubState& state, const SlotEntry& entry) {
  Standing standing;
  auto set = [&](Fact fact, bool value) { standing[std::size_t(fact)] = value; };
  bool settled = satisfied(state, entry);
  set(Fact::settled, settled);
  set(Fact::moving, !settled && in_motion(state, entry));
  bool going = entry.slot.removing;  // nobody waits for what goes
  set(Fact::started, going || holds(state, entry, Condition::started));
  set(Fact::ready, going || holds(state, entry, Condition::ready));
  set(Fact::completed, going || holds(state, entry, Condition::completed));
  set(Fact::down, !holds_up_stop(state, entry));
  return standing;
}

/// May what has changed let something else go on: a dependant, the next of a batch, the end of a deployment?
bool matters(const Standings& all, const std::string& service, const Standing& changed) {
  auto has = [&](Fact fact) { return changed[std::size_t(fact)]; };
  if (changed.none()) return false;
  if (all.queuing.contains(service)) return true;
  if ((has(Fact::settled) && all.whole.all(Fact::settled)) ||
      (has(Fact::moving) && all.whole.none(Fact::moving)))
    return true;
  auto tally = all.services.find(service);
  if (tally == all.services.end()) return true;  // the last of it has gone
  auto reached = [&](Fact fact) { return has(fact) && tally->second.all(fact); };
  if (all.needed.contains(service) &&
      (reached(Fact::started) || reached(Fact::ready) || reached(Fact::completed)))
    return true;
  return all.needing.contains(service) && reached(Fact::down);
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
  if (observed->reload_generation < slot.reload_generation) return false;
  const Service* service = wanted_service(state, slot);
  return service && service->kind == ServiceKind::job ? seen.state == InstanceState::completed
                                                      : seen.state == InstanceState::ready;
}

std::optional<BootTime> proven_at(const HubSettings& settings, const SlotEntry& entry,
                                  const Service& service) {
  if (service.kind == ServiceKind::job || !entry.ready_since) return std::nullopt;
  // Where no probe says more than that it lives, it could be a program that ends at once.
  Duration least = service.probes.ready ? 0s : settings.settle;
  return *entry.ready_since + std::max(service.update.healthy_for, least);
}

bool has_failed(const HubState& state, const SlotEntry& entry) {
  return !entry.slot.blocked.empty() || seen_state(state, entry).state == InstanceState::failed;
}

bool in_motion(const HubState& state, const SlotEntry& entry) {
  if (entry.task || successor_of(state, entry.slot)) return true;
  return !has_failed(state, entry) && observed_of(state, entry.slot) &&
         moves_by_itself(seen_state(state, entry).state);
}

bool holds(const HubState& state, const SlotEntry& entry, Condition condition) {
  const Observed* observed = observed_of(state, entry.slot);
  if (!observed || !same_run(observed->digest, wanted_digest(state, entry.slot))) return false;
  InstanceState seen = seen_state(state, entry).state;
  switch (condition) {
    case Condition::started: return is_alive(seen) || seen == InstanceState::completed;
    case Condition::ready: return seen == InstanceState::ready || seen == InstanceState::completed;
    case Condition::completed: return seen == InstanceState::completed;
  }
  std::unreachable();
}

bool holds_up_stop(const HubState& state, const SlotEntry& entry) {
  if (entry.slot.removing) return true;
  const Observed* observed = observed_of(state, entry.slot);
  if (wanted_running(state, entry.slot) || !observed) return false;  // stays; that is what was asked for
  return entry.task || is_alive(observed->state) || observed->state == InstanceState::stopping;
}

void recount(HubState& state, StackEntry& stack) {
  Standings& all = stack.standings;
  all.whole = {};
  all.services.clear();
  all.needed.clear();
  all.needing.clear();
  for (const auto& [service, slots] : stack.slots) {
    StandCount& tally = all.services[service];
    for (const auto& [name, id] : slots) {
      SlotEntry& entry = state.slots.at(id);
      entry.standing = stand(state, entry);
      tally.add(*entry.standing);
      all.whole.add(*entry.standing);
    }
  }
  if (const RevisionRow* revision = current_revision(stack))
    for (const Service& service : revision->content.services)
      for (const Dependency& dependency : service.depends_on) {
        all.needed.insert(dependency.service);
        all.needing.insert(service.name);
      }
}

bool restand(const HubState& state, StackEntry& stack, SlotEntry& entry) {
  Standing before = entry.standing.value_or(Standing()), after = stand(state, entry);
  StandCount& tally = stack.standings.services[entry.slot.service];
  if (entry.standing) {
    tally.take(before);
    stack.standings.whole.take(before);
  }
  tally.add(after);
  stack.standings.whole.add(after);
  entry.standing = after;
  return matters(stack.standings, entry.slot.service, before ^ after);
}

bool uncount(StackEntry& stack, const SlotEntry& entry) {
  if (!entry.standing) return true;
  auto tally = stack.standings.services.find(entry.slot.service);
  tally->second.take(*entry.standing);
  stack.standings.whole.take(*entry.standing);
  if (tally->second.slots == 0) stack.standings.services.erase(tally);
  return matters(stack.standings, entry.slot.service, Standing().set());
}

}  // namespace drover::hub
