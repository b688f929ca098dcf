#include "keeper/segments.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <map>

namespace drover::keeper {

namespace {
constexpr std::uint64_t mark_every = 64 * 1024;

std::string file_name(const std::string& directory, std::uint64_t number, const char* ending) {
  char name[40];
  std::snprintf(name, sizeof name, "/%06llu.%s", static_cast<unsigned long long>(number), ending);
  return directory + name;
}
}  // namespace

std::uint64_t segment_number(std::string_view file) {
  const auto dot = file.find('.');
  if (dot == std::string_view::npos || dot < 6) return 0;
  const auto ending = file.substr(dot + 1);
  if (ending != "log" && ending != "idx" && ending != "log.zst") return 0;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(file.data(), file.data() + dot, number);
  return error == std::errc() && end == file.data() + dot ? number : 0;
}

Segments::Segments(std::string directory, SegmentLimits limits) : directory_(std::move(directory)) {
  limit(limits);
}

void Segments::limit(SegmentLimits limits) {
  limits.segment = std::max<std::uint64_t>(limits.segment, 64 * 1024);
  segment_ = limits.segment;
  budget_ = std::max(limits.budget, 2 * limits.segment);
}

bool Segments::open_last() {
  if (file_) return true;
  error_ = make_directories(directory_, 0750);
  if (error_ != 0) return false;
  std::uint64_t last = 0;
  bool compressed = false;
  for (const auto& name : list_directory(directory_)) {
    const auto number = segment_number(name);
    if (number > last) compressed = false;
    if (number >= last) compressed = compressed || name.ends_with(".zst");
    last = std::max(last, number);
  }
  return open(std::max<std::uint64_t>(compressed ? last + 1 : last, 1));
}

bool Segments::open(std::uint64_t number) {
  Fd file(
      ::open(file_name(directory_, number, "log").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!file) return error_ = errno, false;
  file_ = std::move(file);
  index_ =
      Fd(::open(file_name(directory_, number, "idx").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  number_ = number;
  if (recover()) return true;
  error_ = errno;
  file_.reset();
  return false;
}

bool Segments::recover() {
  size_ = lines_ = next_mark_ = 0;
  const auto end = ::lseek(file_.get(), 0, SEEK_END);
  if (end <= 0) return end == 0;
  size_ = std::uint64_t(end);
  IndexRecord last;
  const auto index_size = index_ ? ::lseek(index_.get(), 0, SEEK_END) : 0;
  const auto records = index_size / off_t(sizeof last);
  if (index_ && index_size % off_t(sizeof last) != 0 &&
      ::ftruncate(index_.get(), records * off_t(sizeof last)) != 0)
    index_.reset();
  if (records > 0 && index_) {
    const auto at = (records - 1) * off_t(sizeof last);
    if (::pread(index_.get(), &last, sizeof last, at) != ssize_t(sizeof last) || last.offset > size_)
      last = {};
  }
  lines_ = last.line;
  next_mark_ = last.offset + mark_every;
  char buffer[16 * 1024];
  std::uint64_t whole = last.offset;  // end of the last whole record
  for (auto at = off_t(last.offset); at < end;) {
    const auto n = ::pread(file_.get(), buffer, sizeof buffer, at);
    if (n <= 0) return false;
    lines_ += std::uint64_t(std::count(buffer, buffer + n, '\n'));
    if (const void* newest = ::memrchr(buffer, '\n', std::size_t(n)); newest != nullptr)
      whole = std::uint64_t(at + (static_cast<const char*>(newest) - buffer)) + 1;
    at += n;
  }
  if (whole < size_ && ::ftruncate(file_.get(), off_t(whole)) != 0) return false;
  size_ = whole;
  return true;
}

void Segments::enforce_budget() const {
  std::map<std::uint64_t, std::uint64_t> sizes;
  std::vector<std::string> names = list_directory(directory_);
  std::uint64_t total = 0;
  for (const auto& name : names) {
    struct stat info{};
    const auto number = segment_number(name);
    if (number == 0 || ::stat((directory_ + "/" + name).c_str(), &info) != 0) continue;
    sizes[number] += std::uint64_t(info.st_size);
    total += std::uint64_t(info.st_size);
  }
  // Room for the segment that begins now is taken from the oldest, so the budget holds at all times.
  for (const auto& [number, size] : sizes) {
    if (total + segment_ <= budget_ || number >= number_) return;
    for (const auto& name : names)
      if (segment_number(name) == number) ::unlink((directory_ + "/" + name).c_str());
    total -= size;
  }
}

std::size_t Segments::append(std::string_view bytes, const std::vector<IndexRecord>& marks,
                             std::uint64_t lines) {
  const std::uint64_t segment = segment_;
  if (bytes.size() <= segment) return append_one(bytes, marks, lines);
  std::size_t done =
      0;  // short lines grow twentyfold: cut at records, so that no segment is larger than it may be
  while (done < bytes.size()) {
    auto piece = bytes.substr(done);
    if (piece.size() > segment) {
      auto end = piece.rfind('\n', segment - 1);
      if (end == std::string_view::npos) end = piece.find('\n');
      piece = piece.substr(0, end + 1);
    }
    const IndexRecord start{0, marks.empty() ? 0 : marks.front().wall_ns, 0};
    const auto count = std::uint64_t(std::count(piece.begin(), piece.end(), '\n'));
    const auto accepted = append_one(piece, {start}, count);
    done += accepted;
    if (accepted < piece.size()) break;
  }
  return done;
}

std::size_t Segments::append_one(std::string_view bytes, const std::vector<IndexRecord>& marks,
                                 std::uint64_t lines) {
  if (!open_last()) return 0;
  if (size_ > 0 && size_ + bytes.size() > segment_) {
    if (!open(number_ + 1)) return 0;
    enforce_budget();
  }
  std::size_t written = 0;
  error_ = 0;
  while (written < bytes.size()) {
    const auto n = ::write(file_.get(), bytes.data() + written, bytes.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      error_ = n < 0 ? errno : ENOSPC;
      break;
    }
    written += std::size_t(n);
  }
  if (written < bytes.size()) {  // a record is in the file whole, or not at all
    const auto end = bytes.substr(0, written).rfind('\n');
    written = end == std::string_view::npos ? 0 : end + 1;
    if (::ftruncate(file_.get(), off_t(size_ + written)) != 0)
      file_.reset();  // opened anew, recover() cuts it off
    lines = std::uint64_t(std::count(bytes.begin(), bytes.begin() + std::ptrdiff_t(written), '\n'));
  }
  write_marks(marks, written);
  size_ += written;
  lines_ += lines;
  if (file_ && size_ > 0 && ::access(file_name(directory_, number_, "log").c_str(), F_OK) != 0 &&
      errno == ENOENT)
    file_.reset();  // somebody removed it: go on in a file that can be found
  return written;
}

void Segments::write_marks(const std::vector<IndexRecord>& marks, std::size_t accepted) {
  if (!index_) return;
  for (auto mark : marks) {
    const std::uint64_t offset = size_ + mark.offset;
    if (mark.offset >= accepted || offset < next_mark_) continue;
    mark.offset = offset;
    mark.line += lines_;
    if (::write(index_.get(), &mark, sizeof mark) != ssize_t(sizeof mark)) {  // sparse: the next one will do
      const auto end = ::lseek(index_.get(), 0, SEEK_END);
      if (::ftruncate(index_.get(), end / off_t(sizeof mark) * off_t(sizeof mark)) != 0) index_.reset();
      return;
    }
    next_mark_ = offset + mark_every;
  }
}

}  // namespace drover::keeper
