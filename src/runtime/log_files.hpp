#pragma once
// The segments of one log directory: which there are, where a time lies in them (by the sparse
// index). Opens files read-only.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/log_segment.hpp"

namespace drover::runtime {

/// A place between two records.
struct LogPosition {
  std::uint64_t segment = 0;  // 0: before the first
  std::uint64_t offset = 0;
  bool operator==(const LogPosition&) const = default;
};

class LogFiles {
 public:
  explicit LogFiles(std::string directory) : directory_(std::move(directory)) {}

  std::vector<std::uint64_t> segments() const;  // numbers, rising
  /// The smallest number above `segment`; nullopt: it is the last.
  std::optional<std::uint64_t> after(std::uint64_t segment) const;
  std::optional<LogSegment> open(std::uint64_t segment) const;

  LogPosition begin() const;
  /// Behind the last byte that there is now.
  LogPosition end() const;
  /// Not after the first record that is at least as young as `wall_ns`, and at most one index step before it.
  LogPosition before_time(std::int64_t wall_ns) const;
  /// The beginning of a record about `bytes` before the end.
  LogPosition before_end(std::uint64_t bytes) const;
  /// How much was written after that place.
  std::uint64_t bytes_after(LogPosition position) const;

 private:
  std::string directory_;
};

}  // namespace drover::runtime
