#pragma once
// How long tasks wait and run, and how they end: counts in slots of five minutes, for a day. In memory only;
// after a start it is filled from the newest records.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/task.hpp"

namespace drover::hub {

/// Durations in buckets that grow by a twelfth of an octave, so that a percentile is off by 6 % at most.
class DurationTally {
 public:
  void add(Duration value);
  void add(const DurationTally& other);
  /// part 0 … 1; nullopt: nothing was counted.
  std::optional<Duration> percentile(double part) const;

 private:
  std::map<std::uint16_t, std::uint32_t> buckets_;
  std::uint64_t count_ = 0;
};

struct TypeTally {
  std::uint64_t completed = 0, failed = 0, cancelled = 0, attempts = 0;
  DurationTally waiting;  // from its creation to the start of its first attempt
  DurationTally running;  // from there to its end
};

class TaskTally {
 public:
  static constexpr Duration slot = std::chrono::minutes(5), kept = std::chrono::hours(24);
  /// A task that is over.
  void add(const Task& task);
  /// Of those that ended within the last `window` (rounded up to slots), by type.
  std::map<TaskType, TypeTally> sum(WallTime now, Duration window) const;

 private:
  std::map<std::int64_t, std::map<TaskType, TypeTally>> slots_;  // by number of the slot
};

}  // namespace drover::hub
