#include "runtime/logs.hpp"

#include <fmt/format.h>
#include <re2/re2.h>
#include <array>
#include <charconv>

#include "base/json.hpp"
#include "base/text.hpp"
#include "runtime/log_files.hpp"
#include "runtime/log_line.hpp"
#include "runtime/log_shape.hpp"

namespace drover::runtime {

namespace {

constexpr std::size_t block_size = 256 << 10;
constexpr std::size_t look_limit = 4 << 20;
constexpr std::size_t max_assembled = 1 << 20;
constexpr std::uint64_t max_tail = 10'000;
constexpr std::size_t max_tail_bytes = 8 << 20;
constexpr std::string_view cut_mark = " [drover: the rest of this line was cut]";

Result<std::uint64_t> count_of(std::string_view name, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return value;
  return fail(Errc::invalid, fmt::format("{}: \"{}\" is not a number", name, text));
}

Result<WallTime> moment_of(std::string_view name, std::string_view text, WallTime now) {
  if (auto time = parse_time(text)) return *time;
  if (auto ago = parse_duration(text)) return now - *ago;
  return fail(Errc::invalid, fmt::format("{}: \"{}\" is neither a time nor a duration", name, text), {},
              "write 10m, 1h30m or 2026-11-21T10:00:00Z");
}

Result<void> take_option(LogQuery& query, const std::string& name, const std::string& value, WallTime now) {
  if (value.empty()) return {};
  if (name == "tail" && value == "all") return {};
  if (name == "tail") {
    TRY(query.tail, count_of(name, value));
  } else if (name == "since") {
    TRY(query.since, moment_of(name, value, now));
  } else if (name == "until") {
    TRY(query.until, moment_of(name, value, now));
  } else if (name == "level") {
    query.level = level_of(value);
    if (!query.level)
      return fail(Errc::invalid, fmt::format("level: \"{}\" is not one of: debug, info, warn, error", value));
  } else if (name == "grep") {
    query.grep = value;
  } else if (name == "follow") {
    query.follow = value == "true" || value == "1";
  } else if (name == "stream") {
    if (value != "stdout" && value != "stderr")
      return fail(Errc::invalid, fmt::format("stream: \"{}\" is not one of: stdout, stderr", value));
    query.stream = value == "stdout" ? LogStream::out : LogStream::err;
  }
  return {};
}

/// Parts of a stream into whole lines.
class Assembler {
 public:
  /// A line that is complete with this part.
  std::optional<LogRecord> add(const LogPart& part) {
    auto& open = open_[std::size_t(part.stream)];
    if (!open) open = LogRecord{part.wall_ns, part.stream, {}};
    const auto room = max_assembled - std::min(max_assembled, open->line.size());
    open->line.append(part.text.substr(0, room));
    if (part.text.size() > room && !open->line.ends_with(cut_mark)) open->line.append(cut_mark);
    if (!part.complete) return std::nullopt;
    return std::exchange(open, std::nullopt);
  }
  std::optional<LogRecord> flush() {
    for (auto& open : open_)
      if (open) return std::exchange(open, std::nullopt);
    return std::nullopt;
  }

 private:
  std::array<std::optional<LogRecord>, 2> open_;
};

}  // namespace

Result<LogQuery> parse_log_query(const std::vector<std::pair<std::string, std::string>>& options,
                                 WallTime now) {
  LogQuery query;
  for (const auto& [name, value] : options) TRYV(take_option(query, name, value, now));
  if (query.follow && query.until)
    return fail(Errc::invalid, "follow and until exclude each other", {}, "leave one of them out");
  return query;
}

namespace {
/// Null for an empty expression.
Result<std::unique_ptr<re2::RE2>> pattern_of(const std::string& expression) {
  if (expression.empty()) return nullptr;
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(8 << 20);
  auto pattern = std::make_unique<re2::RE2>(expression, options);
  if (pattern->ok()) return pattern;
  return fail(Errc::invalid, "grep: " + pattern->error(), {}, "RE2 syntax; escape . * + ? ( ) [ ] with \\");
}
}  // namespace

Result<void> check_log_query(const LogQuery& query) {
  TRYV(pattern_of(query.grep));
  return {};
}

struct LogReader::Impl {
  Impl(std::string directory, LogQuery its_query) : files(std::move(directory)), query(std::move(its_query)) {
    if (query.since) since_ns = query.since->time_since_epoch().count() * 1000;
    if (query.until) until_ns = query.until->time_since_epoch().count() * 1000;
  }

  LogFiles files;
  LogQuery query;
  std::int64_t since_ns = INT64_MIN, until_ns = INT64_MAX;
  std::unique_ptr<re2::RE2> pattern;
  LogPosition at;
  std::optional<LogSegment> file;
  std::string block;  // bytes from `at` on that hold no whole record yet
  Assembler assembler;
  std::deque<LogRecord> queued;  // of the tail
  std::int64_t last_ns = 0;
  bool at_end = false;
  bool older = false;   // a record before `since` was seen
  bool beyond = false;  // one after `until`
  /// Where a reader that does not follow ends: what is written while it reads could outrun it for ever.
  std::optional<LogPosition> last;
  std::uint64_t bytes_read = 0;

  void go_to(LogPosition where) {
    at = where;
    file.reset();
    block.clear();
    assembler = {};
  }

  bool wanted(const LogRecord& record) {
    if (record.wall_ns < since_ns) return older = true, false;
    if (record.wall_ns > until_ns) return beyond = true, false;
    if (query.stream && record.stream != *query.stream) return false;
    if (pattern && !re2::RE2::PartialMatch(record.line, *pattern)) return false;
    return !query.level || shape_of(record).level >= *query.level;
  }

  /// False: nothing more now.
  bool fill() {
    if (beyond) return false;
    if (!file) {
      if (at.segment == 0) at = files.begin();
      if (at.segment == 0) return false;
      file = files.open(at.segment);
      if (!file) return next_segment();
    }
    const auto size = block.size();
    const auto room = room_at({at.segment, at.offset + size});
    if (room == 0) return false;
    block.resize(size + room);
    const auto n = file->read(block.data() + size, room, at.offset + size);
    block.resize(size + std::size_t(std::max<std::int64_t>(n, 0)));
    bytes_read += std::uint64_t(std::max<std::int64_t>(n, 0));
    if (n > 0) return true;
    return n < 0 ? skip_damaged() : next_segment();
  }

  /// How much is to be read there at once.
  std::size_t room_at(LogPosition where) const {
    if (!last || where.segment < last->segment) return block_size;
    if (where.segment > last->segment) return 0;
    return std::size_t(
        std::min<std::uint64_t>(block_size, last->offset - std::min(last->offset, where.offset)));
  }

  bool next_segment() {
    const auto next = files.after(at.segment);
    if (!next) return false;
    // The next one is made after the last write to this one: what is here now is all of it.
    const auto size = block.size();
    char more;
    if (file && file->read(&more, 1, at.offset + size) == 1) return true;
    tell_gap(*next - at.segment - (file ? 1 : 0));
    at = {*next, 0};
    file.reset();
    block.clear();
    return true;
  }

  /// The budget was faster than this reader.
  void tell_gap(std::uint64_t files_gone) {
    if (files_gone == 0) return;
    queued.push_back(
        {last_ns, LogStream::out,
         fmt::format("[drover: {} log file{} gone by the budget before {} could be read here]", files_gone,
                     files_gone == 1 ? " was" : "s were", files_gone == 1 ? "it" : "they")});
    assembler = {};  // what follows does not continue a line from before
  }

  /// A compressed file that the disk has spoilt: said once, and its rest is left out.
  bool skip_damaged() {
    const auto next = files.after(at.segment);
    if (!next) return false;
    queued.push_back({last_ns, LogStream::out,
                      fmt::format("[drover: {:06}.log.zst is damaged; from byte {} on it is missing here]",
                                  at.segment, at.offset)});
    go_to({*next, 0});
    return true;
  }

  /// Takes the whole records of the block; `sink` gets those that are wanted.
  template <class Sink>
  void take(Sink&& sink) {
    std::size_t begin = 0;
    for (auto end = block.find('\n'); end != std::string::npos; end = block.find('\n', begin)) {
      const auto line = std::string_view(block).substr(begin, end - begin);
      begin = end + 1;
      LogPart part;
      if (const auto parsed = parse_log_line(line)) part = *parsed;
      else if (line.empty()) continue;
      else part = {last_ns, LogStream::out, true, line};  // torn by a killed keeper: shown as it is
      last_ns = part.wall_ns;
      if (auto record = assembler.add(part); record && wanted(*record)) sink(std::move(*record));
    }
    at.offset += begin;
    block.erase(0, begin);
  }

  /// Everything from `where` to the end; the last `count` of it stay in `queued`. Returns how many matched.
  std::uint64_t collect(LogPosition where, std::uint64_t count) {
    go_to(where);
    queued.clear();
    std::uint64_t matched = 0;
    std::size_t bytes = 0;
    const auto keep = [&](LogRecord record) {
      ++matched;
      bytes += record.line.size();
      queued.push_back(std::move(record));
      while (queued.size() > count || bytes > max_tail_bytes) {
        bytes -= queued.front().line.size();
        queued.pop_front();
      }
    };
    while (fill()) take(keep);
    return matched;
  }

  void seek_tail(std::uint64_t count) {
    count = std::min(count, max_tail);
    const auto first = files.begin();
    const auto younger = query.until ? files.bytes_after(files.before_time(until_ns)) : 0;
    for (std::uint64_t window = std::max<std::uint64_t>(64 << 10, count * 256);; window *= 4) {
      const auto from = files.before_end(younger + window);
      beyond = false;
      // The first line of a window may lack its beginning, on each stream: two more than wanted are enough.
      if (collect(from, count) >= count + 2 || from == first || older) return;
    }
  }
};

LogReader::LogReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogReader::~LogReader() = default;
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;

Result<LogReader> LogReader::open(std::string directory, LogQuery query) {
  auto impl = std::make_unique<Impl>(std::move(directory), std::move(query));
  TRY(impl->pattern, pattern_of(impl->query.grep));
  impl->last = impl->files.end();
  if (impl->query.tail) impl->seek_tail(*impl->query.tail);
  else if (impl->query.since) impl->go_to(impl->files.before_time(impl->since_ns));
  if (impl->query.follow) impl->last.reset();
  return LogReader(std::move(impl));
}

bool LogReader::at_end() const { return impl_->at_end; }
std::uint64_t LogReader::bytes_read() const { return impl_->bytes_read; }

Result<std::vector<LogRecord>> LogReader::next(std::size_t bytes) {
  std::vector<LogRecord> out;
  std::size_t size = 0;
  const auto add = [&](LogRecord record) {
    size += record.line.size() + sizeof(LogRecord);
    out.push_back(std::move(record));
  };
  while (!impl_->queued.empty() && size < bytes) {
    add(std::move(impl_->queued.front()));
    impl_->queued.pop_front();
  }
  impl_->at_end = false;
  // What is queued meanwhile (a word of ours on what is missing) comes before what follows it.
  for (std::size_t looked = 0; size < bytes && looked < look_limit && !impl_->at_end && impl_->queued.empty();
       looked += block_size) {
    if (impl_->fill()) impl_->take(add);
    else impl_->at_end = true;
  }
  impl_->at_end = impl_->at_end && impl_->queued.empty();
  if (impl_->at_end && out.empty() && !impl_->query.follow)
    while (auto rest = impl_->assembler.flush())
      if (impl_->wanted(*rest)) add(std::move(*rest));
  return out;
}

std::string capture_time(const LogRecord& record) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(std::chrono::nanoseconds(record.wall_ns));
  auto time = format_time(WallTime(seconds));
  if (time.ends_with('Z')) time.pop_back();
  return fmt::format("{}.{:09}Z", time, record.wall_ns - std::chrono::nanoseconds(seconds).count());
}

std::string to_json_line(const LogRecord& record) {
  json::object object{{"time", capture_time(record)},
                      {"stream", record.stream == LogStream::out ? "stdout" : "stderr"},
                      {"line", valid_utf8(record.line)}};
  return print_json(object);
}

std::vector<std::string> last_lines(const std::string& directory, std::size_t count,
                                    std::optional<WallTime> until) {
  std::vector<std::string> lines;
  LogQuery query;
  query.tail = count;
  query.until = until;
  auto reader = LogReader::open(directory, query);
  if (!reader) return lines;
  for (bool more = true; more;) {
    auto batch = reader->next();
    if (!batch) break;
    for (auto& record : *batch) lines.push_back(valid_utf8(record.line.substr(0, 1024)));
    more = !batch->empty() || !reader->at_end();
  }
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - std::ptrdiff_t(count));
  return lines;
}

}  // namespace drover::runtime
