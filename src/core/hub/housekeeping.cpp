// What is not kept for ever: finished tasks and operations, answers, credentials, events.

#include "core/hub/step.hpp"

#include <algorithm>
#include <vector>

namespace drover::hub {

namespace {
/// Records by age and number.
void forget_records(Step& step, WallTime old) {
  HubState& state = step.state;
  std::uint64_t keep_from = state.first_record;
  while (!state.record_marks.empty() && state.record_marks.front().first < old) {
    keep_from = std::max(keep_from, state.record_marks.front().second + 1);
    state.record_marks.pop_front();
  }
  if (state.last_record > step.settings.keep_tasks)
    keep_from = std::max(keep_from, state.last_record - step.settings.keep_tasks + 1);
  if (keep_from <= state.first_record) return;
  state.first_record = keep_from;
  step.erase(EraseRecordsBefore{keep_from});
}

/// What failed for good is kept for a person: not for ever, not too many, and not when its instance is gone.
void bury_dead(Step& step, WallTime old) {
  HubState& state = step.state;
  std::vector<TaskId> gone;
  std::vector<TaskId> kept;
  for (const auto& [instance, id] : state.dead) {
    const Task& task = state.tasks.at(id).task;
    bool of_nothing = !task.errand && !state.slots.contains(instance);
    bool over = of_nothing || task.finished_at.value_or(step.now.wall) < old;
    (over ? gone : kept).push_back(id);
  }
  std::ranges::sort(kept);  // ids are ordered by age
  if (kept.size() > step.settings.keep_dead)
    gone.insert(gone.end(), kept.begin(), kept.end() - std::ptrdiff_t(step.settings.keep_dead));
  for (TaskId id : gone) bury(step, id);
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
  bury_dead(step, old);
  forget_records(step, old);
  forget_answers(step);
  forget_operations(step, old);
  forget_credentials(step);
  if (state.event_seq > state.first_event + step.settings.max_events && state.first_event > 0) {
    state.first_event = state.event_seq - step.settings.max_events;
    step.erase(EraseEventsBefore{state.first_event});
  }
}

}  // namespace drover::hub
