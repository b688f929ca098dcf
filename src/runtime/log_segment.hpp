#pragma once
// One file of a log, plain (NNNNNN.log) or compressed (NNNNNN.log.zst), read at any offset of what was
// written. The compressed one is zstd's seekable format (contrib/seekable_format of zstd): independent frames
// of 256 KiB, then a table of their sizes in a skippable frame, so that an offset costs one frame; `zstd -d`
// reads it too.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/descriptor.hpp"

namespace drover::runtime {

/// "DIR/000123" + ending.
std::string segment_path(const std::string& directory, std::uint64_t number, std::string_view ending);
bool segment_exists(const std::string& directory, std::uint64_t number);

/// Read-only. Goes on reading what it opened when the file is compressed or removed meanwhile.
class LogSegment {
 public:
  /// nullopt: there is no such segment (any more), or its compressed file has no valid table.
  static std::optional<LogSegment> open(const std::string& directory, std::uint64_t number);

  /// As pread(2): bytes read, 0 at the end (of now, for a plain one), -1 when a frame is damaged.
  std::int64_t read(char* to, std::size_t size, std::uint64_t offset);
  /// Of what was written, not of the file.
  std::uint64_t size() const;
  bool compressed() const { return !frames_.empty(); }

 private:
  struct Frame {
    std::uint64_t offset = 0, size = 0;  // of what was written
    std::uint64_t file_offset = 0, file_size = 0;
  };
  bool read_table();
  bool load(std::size_t frame);
  Fd file_;
  std::vector<Frame> frames_;
  std::string frame_;  // decompressed
  std::optional<std::size_t> loaded_;
};

/// Writes NNNNNN.log.zst (zstd -1) beside NNNNNN.log, makes it durable, renames it into place and removes the
/// plain one. Killed at any moment, it leaves a segment that is there in full. False: the segment grew or
/// went meanwhile, nothing was done. The segment must be closed, that is, have a successor.
Result<bool> compress_segment(const std::string& directory, std::uint64_t number);

}  // namespace drover::runtime
