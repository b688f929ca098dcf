#pragma once
// What a line says, found when it is asked for: a program's bytes are stored as they are. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/log.hpp"
#include "runtime/logs.hpp"

namespace drover::runtime {

/// trace, debug, info, notice, warn, warning, err, error, critical, fatal, panic and their kin, in any case.
std::optional<Level> level_of(std::string_view word);
std::string_view word_of(Level level);

struct LogShape {
  Level level = Level::info;  // what says nothing about itself
  std::string message, gpu, correlation_id;
  json::object context;  // what else a JSON line carries
};
/// Levels from JSON ("level", "severity", … as words or pino's numbers), logfmt (level=warn), klog (E1121 …),
/// syslog (<3>), and words at the beginning of a line ("ERROR", "[warn]", "error:"); Python's Traceback and
/// Go's panic are errors, Drover's own marks of lost lines are warnings.
LogShape shape_of(const LogRecord& record);

/// Without the escape sequences of terminals.
std::string without_ansi(std::string_view text);

/// One JSON line of product row E8: timestamp (of capture), level, service, gpu, message, context (with
/// stream and what a JSON line carries), correlationId; what is not known is left out. Without newline.
std::string to_structured_line(const LogRecord& record, std::string_view service);

}  // namespace drover::runtime
