#include "base/text.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace drover {

namespace {
// Optimal string alignment distance (Damerau-Levenshtein without repeated edits of one substring).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

template <class S>
std::optional<std::string> nearest_of(std::string_view word, std::span<const S> candidates) {
  std::size_t best = word.size() < 4 ? 1 : 2;
  std::optional<std::string> found;
  if (word.size() > 64) return found;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > word.size() + best || word.size() > candidate.size() + best) continue;
    std::size_t d = distance(word, candidate);
    if (d < best + (found ? 0 : 1)) {
      best = d;
      found = std::string(candidate);
    }
  }
  return found;
}

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<SizeUnit, 18> size_units{{{"TiB", 1ULL << 40},
                                               {"GiB", 1ULL << 30},
                                               {"MiB", 1ULL << 20},
                                               {"KiB", 1ULL << 10},
                                               {"B", 1},
                                               {"b", 1},
                                               {"k", 1ULL << 10},
                                               {"kb", 1ULL << 10},
                                               {"K", 1ULL << 10},
                                               {"KB", 1ULL << 10},
                                               {"m", 1ULL << 20},
                                               {"mb", 1ULL << 20},
                                               {"M", 1ULL << 20},
                                               {"MB", 1ULL << 20},
                                               {"g", 1ULL << 30},
                                               {"gb", 1ULL << 30},
                                               {"G", 1ULL << 30},
                                               {"GB", 1ULL << 30}}};
}  // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  return nearest_of(word, candidates);
}
std::optional<std::string> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  return nearest_of(word, candidates);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  for (;;) {
    std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

Result<std::uint64_t> parse_size(std::string_view text) {
  auto bad = [&] {
    return fail(Errc::invalid, fmt::format("\"{}\" is not a size", text), {},
                "write it as 512MiB, 20GiB or a number of bytes");
  };
  double number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return bad();
  std::string_view name = trim(text.substr(std::size_t(end - text.data())));
  if (name.empty()) name = "B";
  std::uint64_t whole = 0;  // exact, where a double has not enough digits
  auto integer = std::from_chars(text.data(), end, whole);
  bool exact = integer.ec == std::errc() && integer.ptr == end;
  for (const SizeUnit& unit : size_units) {
    if (unit.name != name) continue;
    if (exact && whole <= std::uint64_t(9e18) / unit.bytes) return whole * unit.bytes;
    double bytes = number * double(unit.bytes);
    if (bytes > 9e18) return bad();
    return std::uint64_t(std::llround(bytes));
  }
  return bad();
}

std::string format_size(std::uint64_t bytes) {
  for (std::size_t i = 0; i < 4; ++i)
    if (bytes >= size_units[i].bytes && bytes % size_units[i].bytes == 0)
      return fmt::format("{}{}", bytes / size_units[i].bytes, size_units[i].name);
  return fmt::format("{}", bytes);
}

std::string human_size(std::uint64_t bytes) {
  for (std::size_t i = 0; i < 4; ++i)
    if (bytes >= size_units[i].bytes)
      return fmt::format("{:.{}f} {}", double(bytes) / double(size_units[i].bytes),
                         bytes / size_units[i].bytes >= 100 ? 0 : 1, size_units[i].name);
  return fmt::format("{} B", bytes);
}

std::string valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    auto lead = static_cast<unsigned char>(bytes[i]);
    std::size_t length = lead < 0x80                   ? 1
                         : lead >= 0xc2 && lead < 0xe0 ? 2
                         : lead >= 0xe0 && lead < 0xf0 ? 3
                         : lead >= 0xf0 && lead < 0xf5 ? 4
                                                       : 0;
    bool good = length > 0 && i + length <= bytes.size();
    for (std::size_t k = 1; good && k < length; ++k)
      good = (static_cast<unsigned char>(bytes[i + k]) & 0xc0) == 0x80;
    if (good && length > 2) {
      auto second = static_cast<unsigned char>(bytes[i + 1]);
      // overlong forms, surrogates and what lies past U+10FFFF (RFC 3629 §4)
      good = !((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
               (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f));
    }
    if (good) out.append(bytes.substr(i, length));
    else out += "\xef\xbf\xbd";
    i += good ? length : 1;
  }
  return out;
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 63 || text[0] == '-' || text[0] == '_') return false;
  return std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  for (auto byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

std::string blake2b(std::string_view data, std::string_view key) {
  std::array<std::uint8_t, 32> digest{};
  DROVER_ASSERT(key.size() <= crypto_generichash_KEYBYTES_MAX, "a BLAKE2b key has at most 64 bytes");
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(data.data()),
                     data.size(), reinterpret_cast<const unsigned char*>(key.data()), key.size());
  return to_hex(digest);
}

std::string random_token() {
  std::array<unsigned char, 32> bytes{};
  DROVER_ASSERT(sodium_init() >= 0, "libsodium does not start");
  randombytes_buf(bytes.data(), bytes.size());
  std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  out.resize(out.size() - 1);  // the terminating zero
  return out;
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace drover
