#pragma once
// Raw output into CRI lines: `<RFC3339Nano> stdout|stderr F|P <line>\n`. Pure.

#include <memory>
#include <string_view>
#include <vector>

#include "keeper/protocol.hpp"

namespace drover::keeper {

/// Records that belong together, in one growing buffer that is used again for every read.
class Batch {
 public:
  void clear();
  std::string_view bytes() const { return {data_.get(), size_}; }
  const std::vector<IndexRecord>& marks() const {
    return marks_;
  }  // candidates for the index: offsets into bytes()
  std::uint64_t lines() const { return lines_; }

  /// Starts a batch: the stream and time of all its records.
  void begin(int stream, std::uint64_t wall_ns);
  /// One record whose line is `head` then `body`. `tag`: F complete, P to be continued.
  void record(char tag, std::string_view head, std::string_view body);

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0, capacity_ = 0;
  char prefix_[64];
  std::size_t prefix_size_ = 0;
  std::uint64_t lines_ = 0, wall_ns_ = 0, next_mark_ = 0;
  std::vector<IndexRecord> marks_;
};
inline constexpr std::size_t record_overhead = 41;  // what a record has besides its line

/// The unfinished line between two reads: `size` bytes of `at` (max_log_line long), of which `room` may be
/// touched.
struct Carry {
  char* at = nullptr;
  std::size_t size = 0;
  std::size_t room = max_log_line;
};
/// Appends `input` to the batch; returns the new size of the carry.
std::size_t format(Batch& batch, std::string_view input, const Carry& carry);

/// "2026-11-21T11:20:00.123456789Z"
std::string rfc3339_nano(std::uint64_t wall_ns);

}  // namespace drover::keeper
