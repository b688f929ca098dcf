// Why is it so? The stored reasons of one instance or of each instance of a service, in words.

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

namespace {
void add_observed(const Observed& observed, Why& why) {
  if (observed.pid)
    why.facts.push_back(
        fmt::format("process {}, start {} of this placement", *observed.pid, observed.incarnation));
  if (observed.restarts > 0)
    why.facts.push_back(fmt::format("restarted by itself {} times", observed.restarts));
  if (observed.reloaded_at)
    why.facts.push_back(fmt::format("told to reload at {}", format_time(*observed.reloaded_at)));
  if (observed.last_exit)
    why.facts.push_back(fmt::format("last end: {} at {}", describe(*observed.last_exit),
                                    format_time(observed.last_exit->at)));
  if (observed.next_try) why.facts.push_back(fmt::format("next try at {}", format_time(*observed.next_try)));
  for (const auto& missing : observed.degraded) why.facts.push_back("not in force: " + missing);
  for (const auto& line : observed.last_lines) why.facts.push_back("| " + line);
}

/// What each node says to it now.
std::vector<Verdict> verdicts_of(const HubState& state, const SlotEntry& entry) {
  const Service* service = wanted_service(state, entry.slot);
  if (!service) return {};
  bool bound = service->scale.kind == ScaleKind::per_node;
  return judge_nodes(state, state.fleet,
                     {.ask = state.fleet.ask(entry.slot.stack, *service),
                      .index = entry.slot.index,
                      .bound = bound ? entry.slot.node_name : "",
                      .former = &entry});
}

Why why_slot(const HubState& state, const SlotEntry& entry) {
  const Slot& slot = entry.slot;
  SeenState seen = seen_state(state, entry);
  Why why;
  why.instance = slot.stack + "/" + slot.name;
  why.state = std::string(enum_name(seen.state));
  why.summary = seen.reason.empty() ? why.state : fmt::format("{}: {}", why.state, seen.reason);
  if (slot.removing) why.facts.push_back("it is being deleted");
  if (!wanted_running(state, slot)) why.facts.push_back("it has been stopped on request");
  if (!entry.waits.empty()) why.facts.push_back("it waits: " + entry.waits);
  if (!slot.blocked.empty())
    why.facts.push_back("its last order failed for good: " + slot.blocked +
                        " (apply, start or restart tries again)");
  if (slot.node)
    why.facts.push_back(
        fmt::format("placed on {} (epoch {}, revision {})", slot.node_name, slot.epoch, slot.generation));
  if (entry.task) {
    const Task& task = state.tasks.at(*entry.task).task;
    why.facts.push_back(fmt::format("task {} {} is {}{}", enum_name(task.type), to_string(task.id),
                                    enum_name(task.state), task.message.empty() ? "" : ": " + task.message));
  }
  if (const Observed* observed = observed_of(state, slot)) add_observed(*observed, why);
  if (const SlotEntry* next = successor_of(state, slot)) {
    SeenState seen_next = seen_state(state, *next);
    why.facts.push_back(fmt::format("its successor is {} on {}{}", enum_name(seen_next.state),
                                    next->slot.node_name,
                                    seen_next.reason.empty() ? "" : ": " + seen_next.reason));
    if (const Observed* observed = observed_of(state, next->slot)) add_observed(*observed, why);
  }
  if (!slot.node) why.nodes = verdicts_of(state, entry);
  return why;
}
}  // namespace

Result<std::vector<Why>> why(const HubState& state, std::string_view target) {
  TRY(auto found, resolve(state, target));
  std::vector<Why> all;
  for (InstanceId id : found.instances) all.push_back(why_slot(state, state.slots.at(id)));
  return all;
}

}  // namespace drover::hub
