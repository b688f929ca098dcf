#include "runtime/log_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "keeper/protocol.hpp"
#include "runtime/files.hpp"

namespace drover::runtime {

namespace {

std::uint64_t size_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? std::uint64_t(info.st_size) : 0;
}

std::optional<keeper::IndexRecord> index_record(int fd, std::uint64_t number) {
  keeper::IndexRecord record;
  const auto at = off_t(number * sizeof record);
  if (::pread(fd, &record, sizeof record, at) != ssize_t(sizeof record)) return std::nullopt;
  return record;
}

/// The last index record not younger than that; nullopt: all are, or there is no index.
std::optional<keeper::IndexRecord> last_not_after(const std::string& index, std::int64_t wall_ns) {
  const Fd file(::open(index.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::uint64_t low = 0, high = size_of(index) / sizeof(keeper::IndexRecord);
  std::optional<keeper::IndexRecord> best;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    const auto record = index_record(file.get(), middle);
    if (record && record->wall_ns < wall_ns) {
      best = record;
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return best;
}

/// The first beginning of a record at or after `offset`.
std::uint64_t align(LogSegment& segment, std::uint64_t offset) {
  if (offset == 0) return 0;
  char buffer[16 * 1024];
  for (auto at = offset - 1;;) {
    const auto n = segment.read(buffer, sizeof buffer, at);
    if (n <= 0) return at;
    const auto* newline = std::find(buffer, buffer + n, '\n');
    if (newline != buffer + n) return at + std::uint64_t(newline - buffer) + 1;
    at += std::uint64_t(n);
  }
}

}  // namespace

std::vector<std::uint64_t> LogFiles::segments() const {
  std::set<std::uint64_t> numbers;  // one that is being compressed may be there in both forms
  for (const auto& name : list_directory(directory_)) {
    std::uint64_t number = 0;
    if (!name.ends_with(".log") && !name.ends_with(".log.zst")) continue;
    const auto* end = name.data() + name.find('.');
    const auto [last, error] = std::from_chars(name.data(), end, number);
    if (error == std::errc() && last == end && number > 0) numbers.insert(number);
  }
  return {numbers.begin(), numbers.end()};
}

std::optional<std::uint64_t> LogFiles::after(std::uint64_t segment) const {
  // Most often the answer is "none", and asking for the very next file is cheaper than listing.
  if (segment > 0 && segment_exists(directory_, segment + 1)) return segment + 1;
  if (segment > 0 && ::access(segment_path(directory_, segment, "log").c_str(), F_OK) == 0)
    return std::nullopt;
  const auto all = segments();
  const auto found = std::upper_bound(all.begin(), all.end(), segment);
  return found == all.end() ? std::nullopt : std::optional(*found);
}

std::optional<LogSegment> LogFiles::open(std::uint64_t segment) const {
  return LogSegment::open(directory_, segment);
}

LogPosition LogFiles::begin() const {
  const auto all = segments();
  return all.empty() ? LogPosition{} : LogPosition{all.front(), 0};
}

LogPosition LogFiles::end() const {
  const auto all = segments();
  return all.empty() ? LogPosition{} : LogPosition{all.back(), bytes_after({all.back(), 0})};
}

LogPosition LogFiles::before_time(std::int64_t wall_ns) const {
  const auto all = segments();
  for (auto segment = all.rbegin(); segment != all.rend(); ++segment)
    if (const auto mark = last_not_after(segment_path(directory_, *segment, "idx"), wall_ns))
      return {*segment, mark->offset};
  return begin();
}

LogPosition LogFiles::before_end(std::uint64_t bytes) const {
  const auto all = segments();
  for (auto segment = all.rbegin(); segment != all.rend(); ++segment) {
    auto file = open(*segment);
    if (!file) continue;
    const auto size = file->size();
    if (size >= bytes) return {*segment, align(*file, size - bytes)};
    bytes -= size;
  }
  return begin();
}

std::uint64_t LogFiles::bytes_after(LogPosition position) const {
  std::uint64_t bytes = 0;
  for (const auto segment : segments())
    if (const auto file = segment >= position.segment ? open(segment) : std::nullopt) bytes += file->size();
  return bytes - std::min(bytes, position.offset);
}

}  // namespace drover::runtime
