#pragma once
// Small readers of small files (/proc, /sys, our own records).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace drover::runtime {

/// "" when unreadable. At most `limit` bytes: the first ones, or with `end` the last ones.
std::string read_small_file(const std::string& path, std::size_t limit = 1 << 20, bool end = false);
/// Temporary file and rename, not synced: for tmpfs.
Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode = 0600);
/// Names without . and ..; empty when it cannot be read.
std::vector<std::string> list_directory(const std::string& path);

/// One process, from /proc/PID/stat and friends. start_ticks 0: there is none.
struct ProcessInfo {
  std::int32_t pid = 0, parent = 0;
  char state = 0;
  std::uint64_t start_ticks = 0;
  std::uint64_t cpu_ticks = 0;  // user + system
  std::uint64_t resident_bytes = 0;
};
ProcessInfo process_info(std::int32_t pid);
/// "nginx -g daemon off;": arguments joined by blanks, at most 80 bytes, valid UTF-8; the name in brackets
/// for kernel threads and zombies.
std::string process_command(std::int32_t pid);

}  // namespace drover::runtime
