#pragma once
// Identifiers: UUID version 7 (RFC 9562 §5.7), ordered by the time they were made.

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/rng.hpp"
#include "base/time.hpp"

namespace drover {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  bool nil() const { return bytes == std::array<std::uint8_t, 16>{}; }
};

Uuid make_uuid(WallTime now, Rng& rng);
std::string to_string(const Uuid& id);  // 01912d68-783e-7a03-8467-5661c1243ad4
std::optional<Uuid> parse_uuid(std::string_view text);

/// A Uuid that cannot be mistaken for another kind's. Id<struct TaskTag> etc. in model/ids.hpp.
template <class Tag>
struct Id {
  Uuid value;
  auto operator<=>(const Id&) const = default;
  explicit operator bool() const { return !value.nil(); }
};
template <class Tag>
std::string to_string(const Id<Tag>& id) {
  return to_string(id.value);
}

}  // namespace drover

template <>
struct std::hash<drover::Uuid> {
  std::size_t operator()(const drover::Uuid& id) const noexcept {
    std::size_t low;
    std::memcpy(&low, id.bytes.data() + 8, sizeof low);  // the random half
    return low;
  }
};
template <class Tag>
struct std::hash<drover::Id<Tag>> {
  std::size_t operator()(const drover::Id<Tag>& id) const noexcept {
    return std::hash<drover::Uuid>()(id.value);
  }
};
