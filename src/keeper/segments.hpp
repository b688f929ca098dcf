#pragma once
// Append-only log segments NNNNNN.log of one directory, with a sparse index NNNNNN.idx beside each, within a
// budget.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "keeper/util.hpp"

namespace drover::keeper {

struct SegmentLimits {
  std::uint64_t budget = 256u << 20;
  std::uint64_t segment = 16u << 20;
};

/// One writer per directory. Nothing here waits but the disk.
class Segments {
 public:
  Segments(std::string directory, SegmentLimits limits);
  /// From now on; by any thread.
  void limit(SegmentLimits limits);

  /// Appends whole records. Returns how many bytes are safely in the file, always up to the end of a record;
  /// less than all of them means that the disk refused (error()). `marks`: where index records may point to,
  /// with offsets into `bytes`; `lines`: how many records these are.
  std::size_t append(std::string_view bytes, const std::vector<IndexRecord>& marks, std::uint64_t lines);
  std::uint64_t number() const { return number_; }
  std::uint64_t size() const { return size_; }
  int error() const { return error_; }
  const std::string& directory() const { return directory_; }

 private:
  std::size_t append_one(std::string_view bytes, const std::vector<IndexRecord>& marks, std::uint64_t lines);
  bool open_last();
  bool open(std::uint64_t number);
  bool recover();  // cuts off a record that a dead keeper left torn, counts what the index has not
  void enforce_budget() const;
  void write_marks(const std::vector<IndexRecord>& marks, std::size_t accepted);
  std::string directory_;
  std::atomic<std::uint64_t> budget_, segment_;
  Fd file_, index_;
  std::uint64_t number_ = 0, size_ = 0, lines_ = 0, next_mark_ = 0;
  int error_ = 0;
};

/// "000123.log", "000123.idx", "000123.log.zst" → 123; anything else → 0.
std::uint64_t segment_number(std::string_view file);

}  // namespace drover::keeper
