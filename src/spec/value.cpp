#include "spec/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace drover::spec {

const Entry* Value::find(std::string_view key) const {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

namespace {
bool digits(std::string_view text, std::string_view allowed = "0123456789") {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

std::string_view without_sign(std::string_view text) {
  return text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
}

bool is_integer(std::string_view text) {
  if (text.starts_with("0o")) return digits(text.substr(2), "01234567");
  if (text.starts_with("0x")) return digits(text.substr(2), "0123456789abcdefABCDEF");
  return digits(without_sign(text));
}

bool is_number(std::string_view text) {
  text = without_sign(text);
  if (text == ".inf" || text == ".Inf" || text == ".INF") return true;
  std::size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    if (!digits(without_sign(text.substr(e + 1)))) return false;
    text = text.substr(0, e);
  }
  std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return digits(text);
  std::string_view whole = text.substr(0, dot), fraction = text.substr(dot + 1);
  return (whole.empty() || digits(whole)) && (fraction.empty() || digits(fraction)) && text.size() > 1;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}
}  // namespace

Value::Kind resolve(std::string_view text) {
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return Value::Kind::null;
  if (one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) return Value::Kind::boolean;
  if (is_integer(text)) return Value::Kind::integer;
  if (is_number(text) || one_of(text, {".nan", ".NaN", ".NAN"})) return Value::Kind::number;
  return Value::Kind::string;
}

std::string shown(const Value& value) {
  switch (value.kind) {
    case Value::Kind::list: return "a list";
    case Value::Kind::map: return "a map";
    case Value::Kind::null: return "nothing";
    case Value::Kind::boolean:
    case Value::Kind::integer:
    case Value::Kind::number: return value.text;
    case Value::Kind::string: break;
  }
  std::size_t length = std::min(value.text.size(), value.text.find('\n'));
  if (length > 60) {
    length = 57;
    while (length > 0 && (static_cast<unsigned char>(value.text[length]) & 0xc0) == 0x80) --length;
  }
  return fmt::format("\"{}{}\"", value.text.substr(0, length), length < value.text.size() ? "…" : "");
}

}  // namespace drover::spec
