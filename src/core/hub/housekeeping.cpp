// What is not kept for ever: finished tasks and operations, answers, credentials, events.

#include "core/hub/step.hpp"

#include <algorithm>
#include <vector>

namespace drover::hub {

namespace {
void forget_tasks(Step& step, WallTime old) {
  HubState& state = step.state;
  while (!state.finished.empty()) {
    TaskId id = state.finished.front();
    auto found = state.tasks.find(id);
    bool over = state.finished.size() > step.settings.keep_tasks;
    if (found != state.tasks.end() && !over && found->second.task.finished_at.value_or(step.now.wall) > old)
      break;
    state.finished.pop_front();
    if (found == state.tasks.end()) continue;
    state.tasks.erase(found);
    step.mark_task(id);
  }
}

/// The time of the oldest answer that stays, when there are too many.
WallTime oldest_kept(const HubState& state, std::size_t keep) {
  std::vector<WallTime> times;
  for (const auto& [key, row] : state.idempotency) times.push_back(row.at);
  std::ranges::nth_element(times, times.end() - std::ptrdiff_t(keep));
  return *(times.end() - std::ptrdiff_t(keep));
}

void forget_answers(Step& step) {
  HubState& state = step.state;
  WallTime old = step.now.wall - std::chrono::hours(24);
  const std::size_t keep = step.settings.keep_answers;
  if (state.idempotency.size() > keep) old = std::max(old, oldest_kept(state, keep));
  std::erase_if(state.idempotency, [&](const auto& pair) {
    bool gone = pair.second.at < old;
    if (gone) step.erase(EraseIdempotency{pair.first});
    return gone;
  });
}

void forget_operations(Step& step, WallTime old) {
  HubState& state = step.state;
  auto over = std::ptrdiff_t(state.operations.size()) - std::ptrdiff_t(step.settings.keep_operations);
  for (auto it = state.operations.begin(); it != state.operations.end();) {  // ids are ordered by age
    bool gone = it->second.finished_at && (over-- > 0 || *it->second.finished_at < old);
    if (gone) step.mark_operation(it->first);
    it = gone ? state.operations.erase(it) : std::next(it);
  }
}

void forget_credentials(Step& step) {
  HubState& state = step.state;
  for (auto it = state.credentials.begin(); it != state.credentials.end();) {
    bool gone = it->second.expires_at && *it->second.expires_at < step.now.wall;
    if (gone) {
      step.erase(EraseCredential{it->first});
      state.credential_hashes.erase(it->second.hash);
    }
    it = gone ? state.credentials.erase(it) : std::next(it);
  }
}
}  // namespace

void forget_old(Step& step) {
  HubState& state = step.state;
  const auto old = step.now.wall - step.settings.keep_finished;
  forget_tasks(step, old);
  forget_answers(step);
  forget_operations(step, old);
  forget_credentials(step);
  if (state.event_seq > state.first_event + step.settings.max_events && state.first_event > 0) {
    state.first_event = state.event_seq - step.settings.max_events;
    step.erase(EraseEventsBefore{state.first_event});
  }
}

}  // namespace drover::hub
