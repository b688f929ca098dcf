#pragma once
// A YAML or JSON document as a tree in which every value knows where it stands. For this module and import.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace drover::spec {

struct Mark {  // 1-based; columns count characters, not bytes
  std::uint32_t line = 0, column = 0;
};

struct Entry;

/// Kinds by the YAML 1.2 core schema. A scalar keeps its text as it was written, so 0755 stays 0755.
struct Value {
  enum class Kind : std::uint8_t { null, boolean, integer, number, string, list, map };
  Kind kind = Kind::null;
  Mark at;
  std::string text;           // scalars
  bool plain = false;         // not quoted
  bool interpolated = false;  // ${…} was replaced in it, so its kind is no longer what the author wrote
  std::vector<Value> items;
  std::vector<Entry> entries;

  bool scalar() const { return kind != Kind::list && kind != Kind::map; }
  const Entry* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Mark at;
  Value value;
};

/// The kind of a plain scalar.
Value::Kind resolve(std::string_view text);

/// For messages: "a list", "true", "\"text\"" (shortened).
std::string shown(const Value& value);

/// The document, merge keys and aliases resolved. On failure every problem that could be found: syntax errors
/// (the first one only), duplicate keys, unknown aliases and tags. Limits: 4 MiB, 64 levels, 400,000 values
/// and 16 MiB after aliases.
Result<Value> parse_yaml(std::string_view text);

}  // namespace drover::spec
