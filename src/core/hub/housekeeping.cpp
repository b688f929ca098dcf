// What is not kept for ever: finished tasks and operations, answers, credentials, events.

#include "core/hub/step.hpp"

namespace drover::hub {

void forget_old(Step& step) {
  HubState& state = step.state;
  auto old = step.now.wall - step.settings.keep_finished;
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
  std::erase_if(state.idempotency, [&](const auto& pair) {
    bool gone = pair.second.at + std::chrono::hours(24) < step.now.wall;
    if (gone) step.erase(EraseIdempotency{pair.first});
    return gone;
  });
  for (auto it = state.operations.begin(); it != state.operations.end();) {
    bool gone = it->second.finished_at && *it->second.finished_at < old;
    if (gone) step.mark_operation(it->first);
    it = gone ? state.operations.erase(it) : std::next(it);
  }
  for (auto it = state.credentials.begin(); it != state.credentials.end();) {
    bool gone = it->second.expires_at && *it->second.expires_at < step.now.wall;
    if (gone) {
      step.erase(EraseCredential{it->first});
      state.credential_hashes.erase(it->second.hash);
    }
    it = gone ? state.credentials.erase(it) : std::next(it);
  }
  if (state.event_seq > state.first_event + step.settings.max_events && state.first_event > 0) {
    state.first_event = state.event_seq - step.settings.max_events;
    step.erase(EraseEventsBefore{state.first_event});
  }
}

}  // namespace drover::hub
