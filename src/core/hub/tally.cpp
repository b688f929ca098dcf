#include "core/hub/tally.hpp"

#include <cmath>

namespace drover::hub {

namespace {
constexpr double per_octave = 12;

std::uint16_t bucket_of(Duration value) {
  auto us = std::max<std::int64_t>(value.count(), 1);
  return std::uint16_t(std::lround(std::log2(double(us)) * per_octave));
}
Duration middle_of(std::uint16_t bucket) {
  return Duration(std::llround(std::exp2(double(bucket) / per_octave)));
}
std::int64_t slot_of(WallTime at) { return at.time_since_epoch() / TaskTally::slot; }
}  // namespace

void DurationTally::add(Duration value) {
  ++buckets_[bucket_of(value)];
  ++count_;
}

void DurationTally::add(const DurationTally& other) {
  for (const auto& [bucket, count] : other.buckets_) buckets_[bucket] += count;
  count_ += other.count_;
}

std::optional<Duration> DurationTally::percentile(double part) const {
  if (count_ == 0) return std::nullopt;
  auto rank = std::uint64_t(std::ceil(part * double(count_)));
  std::uint64_t seen = 0;
  for (const auto& [bucket, count] : buckets_)
    if ((seen += count) >= rank) return middle_of(bucket);
  return middle_of(buckets_.rbegin()->first);
}

void TaskTally::add(const Task& task) {
  if (!task.finished_at || !is_final(task.state)) return;
  auto newest = slot_of(*task.finished_at);
  TypeTally& tally = slots_[newest][task.type];
  if (task.state == TaskState::completed) ++tally.completed;
  else if (task.state == TaskState::failed) ++tally.failed;
  else ++tally.cancelled;
  tally.attempts += task.attempts.size();
  if (!task.attempts.empty()) {
    const Attempt& first = task.attempts.front();
    WallTime began = first.started_at.value_or(first.assigned_at);
    tally.waiting.add(began - task.created_at);
    tally.running.add(*task.finished_at - began);
  }
  newest = slots_.rbegin()->first;
  while (slots_.begin()->first < newest - kept / slot) slots_.erase(slots_.begin());
}

std::map<TaskType, TypeTally> TaskTally::sum(WallTime now, Duration window) const {
  std::map<TaskType, TypeTally> out;
  for (auto it = slots_.upper_bound(slot_of(now - window) - 1); it != slots_.end(); ++it)
    for (const auto& [type, tally] : it->second) {
      TypeTally& all = out[type];
      all.completed += tally.completed;
      all.failed += tally.failed;
      all.cancelled += tally.cancelled;
      all.attempts += tally.attempts;
      all.waiting.add(tally.waiting);
      all.running.add(tally.running);
    }
  return out;
}

}  // namespace drover::hub
