#include "runtime/log_segment.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "runtime/files.hpp"

namespace drover::runtime {

namespace {

constexpr std::size_t frame_size = 256 << 10;
constexpr std::uint32_t skippable_magic = 0x184D2A5E, footer_magic = 0x8F92EAB1;
constexpr std::size_t footer_size = 9, header_size = 8, entry_size = 8;
constexpr std::uint32_t max_frames = 1u << 20;

std::uint32_t read_u32(const char* at) {  // little-endian, as the format has it
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

void put_u32(std::string& to, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) to += char(value >> (8 * i));
}

bool read_all(int fd, char* to, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const auto n = ::pread(fd, to, size, off_t(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n, size -= std::size_t(n), offset += std::uint64_t(n);
  }
  return true;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(std::size_t(n));
  }
  return true;
}

std::uint64_t file_size(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 ? std::uint64_t(info.st_size) : 0;
}

Error failed(const std::string& what, const std::string& path) {
  return from_errno(errno, fmt::format("{} {}", what, path));
}

/// Compresses all that `from` holds now; returns how much that was.
Result<std::uint64_t> write_compressed(int from, int to, const std::string& path) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  std::string plain(frame_size, '\0'), packed(ZSTD_compressBound(frame_size), '\0'), table;
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, 1);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);  // a spoilt frame is never shown as text
  std::uint64_t done = 0;
  std::uint32_t frames = 0;
  for (const auto total = file_size(from); done < total; ++frames) {
    const auto size = std::size_t(std::min<std::uint64_t>(frame_size, total - done));
    if (!read_all(from, plain.data(), size, done)) return fail(failed("reading", path));
    const auto packed_size = ZSTD_compress2(context.get(), packed.data(), packed.size(), plain.data(), size);
    if (ZSTD_isError(packed_size) != 0U)
      return fail(Errc::internal, fmt::format("compressing {}: {}", path, ZSTD_getErrorName(packed_size)));
    if (!write_all(to, {packed.data(), packed_size})) return fail(failed("compressing", path));
    put_u32(table, std::uint32_t(packed_size));
    put_u32(table, std::uint32_t(size));
    done += size;
  }
  std::string header;
  put_u32(header, skippable_magic);
  put_u32(header, std::uint32_t(table.size() + footer_size));
  put_u32(table, frames);
  table += '\0';  // no checksums
  put_u32(table, footer_magic);
  if (!write_all(to, header + table) || ::fdatasync(to) != 0) return fail(failed("compressing", path));
  return done;
}

}  // namespace

std::string segment_path(const std::string& directory, std::uint64_t number, std::string_view ending) {
  return fmt::format("{}/{:06}.{}", directory, number, ending);
}

bool segment_exists(const std::string& directory, std::uint64_t number) {
  return ::access(segment_path(directory, number, "log").c_str(), F_OK) == 0 ||
         ::access(segment_path(directory, number, "log.zst").c_str(), F_OK) == 0;
}

std::optional<LogSegment> LogSegment::open(const std::string& directory, std::uint64_t number) {
  LogSegment segment;
  segment.file_ = Fd(::open(segment_path(directory, number, "log").c_str(), O_RDONLY | O_CLOEXEC));
  if (segment.file_) return segment;
  // The compressed one is in place before the plain one goes: one of the two is always found.
  segment.file_ = Fd(::open(segment_path(directory, number, "log.zst").c_str(), O_RDONLY | O_CLOEXEC));
  if (!segment.file_ || !segment.read_table()) return std::nullopt;
  return segment;
}

bool LogSegment::read_table() {
  const auto total = file_size(file_.get());
  char footer[footer_size];
  if (total < header_size + footer_size || !read_all(file_.get(), footer, footer_size, total - footer_size) ||
      read_u32(footer + 5) != footer_magic || footer[4] != 0)
    return false;
  const auto count = read_u32(footer);
  const auto table_size = std::uint64_t(count) * entry_size;
  if (count == 0 || count > max_frames || total < header_size + table_size + footer_size) return false;
  std::string table(table_size, '\0');
  if (!read_all(file_.get(), table.data(), table.size(), total - footer_size - table_size)) return false;
  Frame next;
  for (std::size_t i = 0; i < count; ++i) {
    next.file_size = read_u32(table.data() + i * entry_size);
    next.size = read_u32(table.data() + i * entry_size + 4);
    if (next.size == 0 || next.size > frame_size) return false;
    frames_.push_back(next);
    next.offset += next.size;
    next.file_offset += next.file_size;
  }
  return next.file_offset + header_size + table_size + footer_size == total;
}

std::uint64_t LogSegment::size() const {
  return frames_.empty() ? file_size(file_.get()) : frames_.back().offset + frames_.back().size;
}

bool LogSegment::load(std::size_t number) {
  if (loaded_ == number) return true;
  const auto& frame = frames_[number];
  std::string packed(frame.file_size, '\0');
  frame_.resize(frame.size);
  loaded_.reset();
  if (!read_all(file_.get(), packed.data(), packed.size(), frame.file_offset)) return false;
  if (ZSTD_decompress(frame_.data(), frame_.size(), packed.data(), packed.size()) != frame.size) return false;
  loaded_ = number;
  return true;
}

std::int64_t LogSegment::read(char* to, std::size_t size, std::uint64_t offset) {
  if (frames_.empty()) return ::pread(file_.get(), to, size, off_t(offset));
  if (offset >= this->size()) return 0;
  const auto after = std::upper_bound(frames_.begin(), frames_.end(), offset,
                                      [](std::uint64_t at, const Frame& frame) { return at < frame.offset; });
  const auto number = std::size_t(after - frames_.begin()) - 1;
  if (!load(number)) return -1;
  const auto from = std::size_t(offset - frames_[number].offset);
  const auto taken = std::min(size, frame_.size() - from);
  std::memcpy(to, frame_.data() + from, taken);
  return std::int64_t(taken);
}

Result<bool> compress_segment(const std::string& directory, std::uint64_t number) {
  const auto plain = segment_path(directory, number, "log"),
             whole = segment_path(directory, number, "log.zst");
  const auto temporary = whole + ".tmp";
  const Fd from(::open(plain.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from) return false;
  struct stat info{};
  if (::fstat(from.get(), &info) != 0 || info.st_size == 0) return false;
  const Fd to(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, info.st_mode & 0777));
  if (!to) return fail(failed("making", temporary));
  const auto done = write_compressed(from.get(), to.get(), plain);
  // What the budget removed meanwhile stays removed; what grew is not closed.
  const bool good = done && *done == file_size(from.get()) && ::access(plain.c_str(), F_OK) == 0;
  if (!good) {
    ::unlink(temporary.c_str());
    if (!done) return fail(done.error());
    return false;
  }
  if (::rename(temporary.c_str(), whole.c_str()) != 0) return fail(failed("renaming", temporary));
  if (const Fd parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); parent)
    ::fsync(parent.get());  // the new name is durable before the old one goes
  ::posix_fadvise(from.get(), 0, 0, POSIX_FADV_DONTNEED);
  ::posix_fadvise(to.get(), 0, 0, POSIX_FADV_DONTNEED);
  if (::unlink(plain.c_str()) != 0 && errno != ENOENT) return fail(failed("removing", plain));
  return true;
}

}  // namespace drover::runtime
