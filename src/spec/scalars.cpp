// Readers of single values.
#include <fmt/format.h>

#include <charconv>

#include "base/text.hpp"
#include "spec/context.hpp"

namespace drover::spec {

namespace {
template <class T>
std::optional<T> take(Context& context, const Value& value, Result<T> parsed) {
  if (parsed) return std::move(*parsed);
  context.problem(value.at, parsed.error().message, parsed.error().hint);
  return std::nullopt;
}

std::optional<std::int64_t> integer_of(const Value& value) {
  Value::Kind kind = value.interpolated ? resolve(value.text) : value.kind;
  if (kind != Value::Kind::integer) return std::nullopt;
  std::string_view text = value.text;
  int base = 10;
  if (text.starts_with("0o") || text.starts_with("0x")) {
    base = text[1] == 'o' ? 8 : 16;
    text.remove_prefix(2);
  } else if (text.starts_with('+')) {
    text.remove_prefix(1);
  }
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error == std::errc::result_out_of_range)
    return text.starts_with('-') ? std::numeric_limits<std::int64_t>::min()
                                 : std::numeric_limits<std::int64_t>::max();
  return error == std::errc() ? std::optional(number) : std::nullopt;
}
}  // namespace

std::optional<std::string> read_string(Context& context, const Value& value) {
  if (value.kind == Value::Kind::string || value.interpolated) return value.text;
  if (value.kind == Value::Kind::integer || value.kind == Value::Kind::number) return value.text;
  context.problem(
      value.at, fmt::format("must be a text, found {}", shown(value)),
      value.kind == Value::Kind::boolean ? fmt::format("put it in quotes: \"{}\"", value.text) : "");
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(Context& context, const Value& value, std::int64_t low,
                                         std::int64_t high) {
  auto number = integer_of(value);
  if (!number) context.problem(value.at, fmt::format("must be a whole number, found {}", shown(value)));
  else if (*number < low || *number > high) {
    context.problem(value.at, fmt::format("{} is not between {} and {}", value.text, low, high));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> read_boolean(Context& context, const Value& value) {
  Value::Kind kind = value.interpolated ? resolve(value.text) : value.kind;
  if (kind == Value::Kind::boolean) return value.text[0] == 't' || value.text[0] == 'T';
  context.problem(value.at, fmt::format("must be true or false, found {}", shown(value)));
  return std::nullopt;
}

std::optional<Duration> read_duration(Context& context, const Value& value) {
  if (!value.scalar() || value.kind == Value::Kind::null || value.kind == Value::Kind::boolean) {
    context.problem(value.at, fmt::format("must be a duration, found {}", shown(value)),
                    "write it as 500ms, 10s, 1m30s, 2h or 5d");
    return std::nullopt;
  }
  return take(context, value, parse_duration(value.text));
}

std::optional<std::uint64_t> read_size(Context& context, const Value& value) {
  if (!value.scalar() || value.kind == Value::Kind::null || value.kind == Value::Kind::boolean) {
    context.problem(value.at, fmt::format("must be a size, found {}", shown(value)),
                    "write it as 512MiB, 20GiB or a number of bytes");
    return std::nullopt;
  }
  return take(context, value, parse_size(value.text));
}

std::optional<std::string> read_word(Context& context, const Value& value,
                                     std::span<const std::string_view> words) {
  if (!value.scalar()) {
    context.problem(value.at, fmt::format("must be one of {}, found {}", quoted_words(words), shown(value)));
    return std::nullopt;
  }
  for (std::string_view word : words)
    if (word == value.text) return value.text;
  auto near = nearest(value.text, words);
  context.problem(value.at, fmt::format("{} is not one of: {}", shown(value), quoted_words(words)),
                  near ? fmt::format("did you mean \"{}\"?", *near) : "");
  return std::nullopt;
}

bool want_map(Context& context, const Value& value, std::string_view example) {
  if (value.kind == Value::Kind::map) return true;
  context.problem(value.at, fmt::format("must be a map, found {}", shown(value)),
                  fmt::format("write it as {}", example));
  return false;
}

bool want_list(Context& context, const Value& value, std::string_view example) {
  if (value.kind == Value::Kind::list) return true;
  context.problem(value.at, fmt::format("must be a list, found {}", shown(value)),
                  fmt::format("write it as {}", example));
  return false;
}

std::optional<std::vector<std::string>> read_strings(Context& context, const Value& value, bool single) {
  std::vector<std::string> out;
  if (single && value.scalar()) {
    auto one = read_string(context, value);
    if (!one) return std::nullopt;
    out.push_back(std::move(*one));
    return out;
  }
  if (!want_list(context, value, "[\"one\", \"two\"]")) return std::nullopt;
  bool good = true;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Context::Step step(context, i, value.items[i].at);
    auto one = read_string(context, value.items[i]);
    if (one) out.push_back(std::move(*one));
    good = good && one;
  }
  return good ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace drover::spec
