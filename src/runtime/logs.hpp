#pragma once
// Reads what the keeper wrote: segments NNNNNN.log of CRI lines with a sparse index beside each, the closed
// ones perhaps compressed by log_care. Bounded: one block of 256 KiB and one assembled line (1 MiB; the rest
// of a longer line is cut and said).

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "net/async.hpp"

namespace drover::runtime {

enum class LogStream : std::uint8_t { out, err };

struct LogRecord {
  std::int64_t wall_ns = 0;  // when it was read from the pipe
  LogStream stream = LogStream::out;
  std::string line;  // bytes as written, without the newline
};

struct LogQuery {
  std::optional<std::uint64_t> tail;  // the last N that match; none: from the beginning (or `since`)
  std::optional<WallTime> since;      // not older than this
  std::optional<WallTime> until;      // not younger than this; reading ends at the first that is
  std::string grep;                   // RE2; empty: all
  std::optional<LogStream> stream;
  std::optional<Level> level;  // what says that it is less than this is left out
  bool follow = false;         // goes on at the end, not with `until`; else it ends where the log ends now
};
/// tail, since and until ("10m", RFC 3339), grep, stream (stdout, stderr), level (debug, info, warn, error),
/// follow (true, 1): as the APIs have them. Errc::invalid names the option.
Result<LogQuery> parse_log_query(const std::vector<std::pair<std::string, std::string>>& options,
                                 WallTime now);

/// invalid: the expression of `grep`.
Result<void> check_log_query(const LogQuery& query);

/// Reads one instance's directory in order, over segments and incarnations. A plain object for one thread at
/// a time; it opens files by itself and survives their deletion by the keeper's budget.
class LogReader {
 public:
  /// An absent directory is an empty log. invalid: the expression of `grep`.
  static Result<LogReader> open(std::string directory, LogQuery query);
  ~LogReader();
  LogReader(LogReader&&) noexcept;
  LogReader& operator=(LogReader&&) noexcept;

  /// The next records, about `bytes` at most; looks through 4 MiB of log at most, so that a rare pattern does
  /// not hold up the thread. Empty and at_end(): nothing more now; call again after a change.
  Result<std::vector<LogRecord>> next(std::size_t bytes = 256 << 10);
  bool at_end() const;               // of the last next()
  std::uint64_t bytes_read() const;  // of the segments, so far

 private:
  struct Impl;
  explicit LogReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One instance's log among several.
struct LogSource {
  std::string name;  // "shop/web-1"
  std::string directory;
};
struct MergedRecord {
  std::size_t source = 0;
  LogRecord record;
};

/// Several logs as one, by time; what is younger in one than the end of another does not wait for it.
class MergedReader {
 public:
  static Result<MergedReader> open(const std::vector<LogSource>& sources, const LogQuery& query);
  /// As in LogReader.
  Result<std::vector<MergedRecord>> next(std::size_t bytes = 256 << 10);
  bool at_end() const { return at_end_; }

 private:
  struct Lane {
    LogReader reader;
    std::deque<LogRecord> ready;
    bool ended = false;  // seen in this next()
  };
  enum class Look : std::uint8_t { ready, end, not_yet };
  static Result<Look> fill(Lane& lane);
  MergedReader() = default;
  std::vector<Lane> lanes_;
  std::optional<std::uint64_t> tail_;  // until the tail has been given
  bool at_end_ = false;
};

/// Reads on `files`, hands batches to `sink` (false: stop), and follows if the query says so, woken by
/// inotify. A follower gets one empty batch when all that was there has been given.
using LogSink = std::function<net::Awaitable<bool>(std::vector<MergedRecord>)>;
net::Awaitable<Result<void>> read_logs(net::Executor files, std::vector<LogSource> sources, LogQuery query,
                                       LogSink sink);

/// "2026-11-21T11:20:00.123456789Z"
std::string capture_time(const LogRecord& record);
/// {"time":"…Z","stream":"stdout","line":"…"}; bytes that are not UTF-8 become U+FFFD. Without newline.
std::string to_json_line(const LogRecord& record);

/// The last N lines of an instance that are older than `until`, for an error message.
std::vector<std::string> last_lines(const std::string& directory, std::size_t count,
                                    std::optional<WallTime> until = {});

}  // namespace drover::runtime
