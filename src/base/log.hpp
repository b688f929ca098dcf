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

/// A constant message plus fields. `correlationId` is lifted out of the context, as E8 has it.
using LogField = std::pair<std::string_view, std::string>;

/// Where records go besides the stream. Called by any thread; must neither wait nor log.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void take(std::string line) = 0;  // one JSON record, without newline
  virtual void flush() = 0;                 // before an end without destructors: waits, but not for long
};

/// Writes whole lines with one write(2), so lines of several threads never mix. Never throws, never blocks on
/// a lock of ours. At most `per_second` records a second up to info, and as many from warn on; the next
/// second says how many were left out. Owned by main; passed by reference.
class Log {
 public:
  static constexpr std::uint32_t per_second = 1000;

  /// fd −1: only to the sink.
  Log(const Clock& clock, int fd, std::string_view component, bool text);
  void set_level(Level level) { level_ = level; }
  /// Before any other thread logs. It outlives this.
  void also_to(RecordSink& sink) { sink_ = &sink; }
  void flush() {
    if (sink_) sink_->flush();
  }
  /// What is empty among the fields is left out.
  void write(Level level, std::string_view message, std::initializer_list<LogField> fields);
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
  struct Second {
    std::atomic<std::int64_t> number = 0;
    std::atomic<std::uint32_t> records = 0;
  };
  void put(WallTime now, Level level, std::string_view message, std::initializer_list<LogField> fields);
  bool admit(WallTime now, Level level);
  const Clock& clock_;
  int fd_;
  std::string component_;
  bool text_;
  RecordSink* sink_ = nullptr;
  std::atomic<Level> level_ = Level::info;
  Second calm_, loud_;  // up to info; from warn on
};

}  // namespace drover
