#pragma once
// Time is a parameter. Two clocks, never mixed:
//   BootTime  CLOCK_BOOTTIME: counts suspends, never jumps; all deadlines, leases and backoffs
//   WallTime  UTC: for people, logs and schedules only

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace drover {

using Duration = std::chrono::microseconds;
using namespace std::chrono_literals;

struct BootClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;
using WallTime = std::chrono::sys_time<Duration>;

struct Now {
  BootTime boot;
  WallTime wall;
};

/// The world's clock. The real one is made in main only. Safe from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now now() const = 0;
};

class RealClock final : public Clock {
 public:
  Now now() const override;
};

inline double seconds(Duration value) { return double(value.count()) / 1e6; }

/// "1m30s", "500ms", "2h", "0s". Exact: parse_duration(format_duration(x)) == x.
std::string format_duration(Duration value);
/// For people: at most two units, "3d 4h", "1m 30s", "42 ms".
std::string human_duration(Duration value);
/// Reads "1m30s", "10s", "500ms", "1.5h", "5d" and bare numbers as seconds. Not negative, at most 100 years.
Result<Duration> parse_duration(std::string_view text);

/// RFC 3339 UTC with microseconds when they are not zero: 2026-11-21T10:00:00.123456Z
std::string format_time(WallTime time);
Result<WallTime> parse_time(std::string_view text);

}  // namespace drover
