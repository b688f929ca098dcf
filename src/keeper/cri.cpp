#include "keeper/cri.hpp"

#include <cstring>
#include <ctime>

namespace drover::keeper {

std::string rfc3339_nano(std::uint64_t wall_ns) {
  const auto seconds = time_t(wall_ns / 1'000'000'000);
  tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[64];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + size, sizeof text - size, ".%09uZ", unsigned(wall_ns % 1'000'000'000));
  return text;
}

void Batch::clear() {
  if (capacity_ > (1u << 20)) {  // one flood of empty lines shall not be remembered for ever
    data_.reset();
    capacity_ = 0;
  }
  size_ = 0;
  lines_ = 0;
  marks_.clear();
}

void Batch::begin(int stream, std::uint64_t wall_ns) {
  wall_ns_ = wall_ns;
  next_mark_ = 0;
  const auto prefix = rfc3339_nano(wall_ns) + (stream == 0 ? " stdout " : " stderr ");
  prefix_size_ = prefix.copy(prefix_, sizeof prefix_);
}

void Batch::record(char tag, std::string_view head, std::string_view body) {
  const auto need = size_ + prefix_size_ + 3 + head.size() + body.size();
  if (need > capacity_) {
    const auto bigger = std::max(need * 2, std::size_t(160 * 1024));
    auto fresh = std::make_unique_for_overwrite<char[]>(bigger);
    if (size_ > 0) std::memcpy(fresh.get(), data_.get(), size_);
    data_ = std::move(fresh);
    capacity_ = bigger;
  }
  if (size_ >= next_mark_) {
    marks_.push_back({size_, std::int64_t(wall_ns_), lines_});
    next_mark_ = size_ + 8 * 1024;
  }
  char* out = data_.get() + size_;
  std::memcpy(out, prefix_, prefix_size_);
  out += prefix_size_;
  *out++ = tag;
  *out++ = ' ';
  if (!head.empty()) std::memcpy(out, head.data(), head.size());
  out += head.size();
  if (!body.empty()) std::memcpy(out, body.data(), body.size());
  out += body.size();
  *out = '\n';
  size_ = need;
  ++lines_;
}

std::size_t format(Batch& batch, std::string_view input, const Carry& carry) {
  std::size_t carried = carry.size;
  while (true) {
    const void* newline = input.empty() ? nullptr : std::memchr(input.data(), '\n', input.size());
    const auto length =
        newline == nullptr ? input.size() : std::size_t(static_cast<const char*>(newline) - input.data());
    auto piece = input.substr(0, length);
    while (carried + piece.size() > max_log_line) {
      const auto fits = max_log_line - carried;
      batch.record('P', {carry.at, carried}, piece.substr(0, fits));
      piece.remove_prefix(fits);
      carried = 0;
    }
    if (newline == nullptr) {
      if (carried + piece.size() > carry.room) return batch.record('P', {carry.at, carried}, piece), 0;
      if (!piece.empty()) std::memcpy(carry.at + carried, piece.data(), piece.size());
      return carried + piece.size();
    }
    batch.record('F', {carry.at, carried}, piece);
    carried = 0;
    input.remove_prefix(length + 1);
  }
}

}  // namespace drover::keeper
