#pragma once
// Our own log: one JSON line an event in the format of product row E8, or text on a terminal.

#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.hpp"

namespace drover {

enum class Level : std::uint8_t { debug, info, warn, error };

/// A constant message plus fields. `correlationId` and `service` are lifted out of the context, as E8 has it.
using LogField = std::pair<std::string_view, std::string>;

/// Writes whole lines with one write(2), so lines of several threads never mix. Never throws, never blocks on
/// a lock of ours. Owned by main; passed by reference.
class Log {
 public:
  Log(const Clock& clock, int fd, std::string_view component, bool text);
  void set_level(Level level) { level_ = level; }
  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(Level::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(Level::info, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(Level::warn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(Level::error, message, fields);
  }

 private:
  void write(Level level, std::string_view message, std::initializer_list<LogField> fields);
  const Clock& clock_;
  int fd_;
  std::string component_;
  bool text_;
  std::atomic<Level> level_ = Level::info;
};

}  // namespace drover
