#include "base/id.hpp"

#include <sys/random.h>

namespace drover {

std::uint64_t real_seed() {
  std::uint64_t seed = 0;
  DROVER_ASSERT(::getrandom(&seed, sizeof seed, 0) == sizeof seed, "getrandom gave no seed");
  return seed;
}

Uuid make_uuid(WallTime now, Rng& rng) {
  Uuid id;
  auto millis = std::uint64_t(std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count());
  std::uint64_t a = rng.next(), b = rng.next();
  for (int i = 0; i < 6; ++i) id.bytes[std::size_t(i)] = std::uint8_t(millis >> (40 - 8 * i));
  id.bytes[6] = std::uint8_t(0x70 | (a & 0x0f));
  id.bytes[7] = std::uint8_t(a >> 8);
  std::memcpy(id.bytes.data() + 8, &b, 8);
  id.bytes[8] = std::uint8_t((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

std::string to_string(const Uuid& id) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += digits[id.bytes[i] >> 4];
    out += digits[id.bytes[i] & 15];
  }
  return out;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid id;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < 36; ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    char c = text[i];
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return std::nullopt;
    auto& byte = id.bytes[nibble / 2];
    byte = std::uint8_t(byte << 4 | digit);
    ++nibble;
  }
  return id;
}

}  // namespace drover
