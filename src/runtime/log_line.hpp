#pragma once
// One record of a CRI log: `<RFC3339Nano> stdout|stderr F|P <line>`. Pure.

#include <optional>
#include <string_view>

#include "runtime/logs.hpp"

namespace drover::runtime {

struct LogPart {
  std::int64_t wall_ns = 0;
  LogStream stream = LogStream::out;
  bool complete = true;   // F; P: the next part of this stream continues it
  std::string_view text;  // without the newline
};
/// nullopt: not such a record (what a killed keeper left torn).
std::optional<LogPart> parse_log_line(std::string_view line);

}  // namespace drover::runtime
