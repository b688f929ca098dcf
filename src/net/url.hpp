#pragma once
// URLs and their encoding. Strict: what is not surely right is refused.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace drover::net {

/// Decoded parameters in their order; names may repeat.
class Query {
 public:
  Query() = default;
  explicit Query(std::vector<std::pair<std::string, std::string>> items) : items_(std::move(items)) {}
  std::optional<std::string_view> get(std::string_view name) const;  // the first
  bool has(std::string_view name) const { return get(name).has_value(); }
  std::vector<std::string_view> all(std::string_view name) const;
  void add(std::string name, std::string value) { items_.emplace_back(std::move(name), std::move(value)); }
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }
  std::string encode() const;  // "a=1&b=x%20y"; without "?"

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

/// http, https, ws, wss with host and port; or unix with socket path ("unix:/run/drover/hub.sock").
struct Url {
  std::string scheme;
  std::string host;          // without brackets
  std::uint16_t port = 0;    // given, or the scheme's own
  std::string socket;        // unix only
  std::string target = "/";  // path and query as they go on the wire
  bool tls() const { return scheme == "https" || scheme == "wss"; }
  std::string authority() const;  // "host:port", "[::1]:80"; without the scheme's own port
};
/// No user information, no fragment.
Result<Url> parse_url(std::string_view text);

/// Everything but A-Z a-z 0-9 - . _ ~ becomes %XX: for one path segment or a query value.
std::string percent_encode(std::string_view text);
/// %XX → bytes; `plus_is_space` for queries. Refuses broken escapes, NUL and what is not UTF-8 afterwards.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
/// "a=1&b=2" (without "?"); at most 256 parameters.
Result<Query> parse_query(std::string_view text);

/// A request target in origin form, taken apart: the path is checked (starts with "/", no "//", no "." or
/// ".." segments, also not when encoded) but stays encoded; segments are decoded by the router.
struct Target {
  std::string path;
  Query query;
};
Result<Target> parse_target(std::string_view target);

}  // namespace drover::net
