#include "base/json.hpp"

#include <fmt/format.h>

#include <boost/json/src.hpp>  // the one place where Boost.JSON is compiled
#include <cmath>

namespace drover {

namespace {
constexpr std::size_t max_depth = 64;

std::pair<std::uint32_t, std::uint32_t> position(std::string_view text, std::size_t at) {
  std::uint32_t line = 1, column = 1;
  for (std::size_t i = 0; i < at && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return {line, column};
}

void print_string(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += "\\u00";
          out += digits[static_cast<unsigned char>(c) >> 4];
          out += digits[static_cast<unsigned char>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void print_double(std::string& out, double value) {
  if (!std::isfinite(value)) out += "null";
  else if (std::floor(value) == value && std::abs(value) < 1e15) out += fmt::format("{:.0f}", value);
  else out += fmt::format("{}", value);
}

struct Printer {
  std::string out;
  bool pretty = false;

  void newline(int depth) {
    if (!pretty) return;
    out += '\n';
    out.append(std::size_t(depth) * 2, ' ');
  }
  void print(const json::value& value, int depth) {
    switch (value.kind()) {
      case json::kind::null: out += "null"; break;
      case json::kind::bool_: out += value.get_bool() ? "true" : "false"; break;
      case json::kind::int64: out += fmt::format("{}", value.get_int64()); break;
      case json::kind::uint64: out += fmt::format("{}", value.get_uint64()); break;
      case json::kind::double_: print_double(out, value.get_double()); break;
      case json::kind::string: print_string(out, std::string_view(value.get_string())); break;
      case json::kind::array: print_array(value.get_array(), depth); break;
      case json::kind::object: print_object(value.get_object(), depth); break;
    }
  }
  void print_array(const json::array& array, int depth) {
    out += '[';
    bool first = true;
    for (const auto& item : array) {
      if (!first) out += ',';
      first = false;
      newline(depth + 1);
      print(item, depth + 1);
    }
    if (!array.empty()) newline(depth);
    out += ']';
  }
  void print_object(const json::object& object, int depth) {
    out += '{';
    bool first = true;
    for (const auto& pair : object) {
      if (!first) out += ',';
      first = false;
      newline(depth + 1);
      print_string(out, std::string_view(pair.key()));
      out += pretty ? ": " : ":";
      print(pair.value(), depth + 1);
    }
    if (!object.empty()) newline(depth);
    out += '}';
  }
};

// Boost.JSON keeps the last of two equal keys silently, so duplicates are found by this handler-free check:
// the parser's own object is compared with the number of keys that the text has at each level.
class DuplicateFinder {
 public:
  explicit DuplicateFinder(std::string_view text) : text_(text) {}
  /// The offset of the first key that occurs twice in its object. The text is known to be valid JSON.
  std::optional<std::pair<std::size_t, std::string>> find() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '"') {
        if (auto twice = string()) return twice;
      } else {
        if (c == '{') levels_.emplace_back(Level{true, true, {}});
        else if (c == '[') levels_.emplace_back(Level{false, false, {}});
        else if (c == '}' || c == ']') levels_.pop_back();
        else if (c == ',' && !levels_.empty()) levels_.back().key_next = levels_.back().object;
        ++at_;
      }
    }
    return std::nullopt;
  }

 private:
  struct Level {
    bool object, key_next;
    std::set<std::string, std::less<>> keys;
  };
  std::optional<std::pair<std::size_t, std::string>> string() {
    std::size_t start = at_++;
    while (text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    ++at_;
    if (levels_.empty() || !levels_.back().key_next) return std::nullopt;
    levels_.back().key_next = false;
    std::string key(text_.substr(start + 1, at_ - start - 2));
    if (key.find('\\') != std::string::npos)  // "a" and "\u0061" are one key
      key = std::string_view(json::parse(text_.substr(start, at_ - start)).get_string());
    if (!levels_.back().keys.insert(key).second) return std::pair(start, key);
    return std::nullopt;
  }
  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Level> levels_;
};

std::unexpected<Error> bad_json(std::string_view text, std::size_t at, std::string message) {
  auto [line, column] = position(text, at);
  Error error{Errc::invalid,
              fmt::format("not valid JSON: {} at line {}, column {}", message, line, column),
              {},
              {},
              {}};
  error.problems.push_back({"", line, column, std::move(message), "", ""});
  return fail(std::move(error));
}
}  // namespace

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::stream_parser parser(json::storage_ptr{}, options);
  boost::system::error_code error;
  std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) return bad_json(text, used, "more text after the end of the document");
  if (!error) parser.finish(error);
  if (error) return bad_json(text, used, error.message());
  if (auto twice = DuplicateFinder(text).find())
    return bad_json(text, twice->first, fmt::format("the key \"{}\" occurs twice", twice->second));
  return parser.release();
}

std::string print_json(const json::value& value) {
  Printer printer;
  printer.print(value, 0);
  return std::move(printer.out);
}

std::string pretty_json(const json::value& value) {
  Printer printer{.pretty = true};
  printer.print(value, 0);
  printer.out += '\n';
  return std::move(printer.out);
}

JsonReader::Step::Step(JsonReader& reader, std::string_view key)
    : reader_(reader), length_(reader.path_.size()) {
  if (!reader.path_.empty()) reader.path_ += '.';
  reader.path_ += key;
}
JsonReader::Step::Step(JsonReader& reader, std::size_t index)
    : reader_(reader), length_(reader.path_.size()) {
  reader.path_ += fmt::format("[{}]", index);
}

void JsonReader::problem(std::string message, std::string hint) {
  problems_.push_back({path_, 0, 0, std::move(message), std::move(hint), ""});
}

void JsonReader::wrong_type(std::string_view wanted, const json::value& found) {
  std::string shown = print_json(found);
  if (shown.size() > 40) shown = shown.substr(0, 37) + "...";
  problem(fmt::format("must be {}, found {}", wanted, shown));
}

void JsonReader::unknown_member(std::string_view key, const std::vector<std::string_view>& known) {
  for (auto name : known)
    if (name == key) return;
  Step step(*this, key);
  auto near = nearest(key, std::span<const std::string_view>(known));
  problem(fmt::format("there is no \"{}\" here", key),
          near ? fmt::format("did you mean \"{}\"?", *near) : "");
}

void JsonReader::bad_enum(std::string_view found, const std::vector<std::string_view>& known) {
  std::string all;
  for (auto name : known) all += fmt::format("{}{}", all.empty() ? "" : ", ", name);
  auto near = nearest(found, std::span<const std::string_view>(known));
  problem(fmt::format("\"{}\" is not one of: {}", found, all),
          near ? fmt::format("did you mean \"{}\"?", *near) : "");
}

void JsonReader::read_integer(const json::value& from, std::int64_t low, std::uint64_t high, bool& negative,
                              std::uint64_t& out) {
  if (from.is_uint64()) out = from.get_uint64();
  else if (from.is_int64() && from.get_int64() >= 0) out = std::uint64_t(from.get_int64());
  else if (from.is_int64()) {
    negative = true;
    out = 0 - std::uint64_t(from.get_int64());
  } else {
    return wrong_type("a whole number", from);
  }
  if (negative ? from.get_int64() < low : out > high)
    problem(fmt::format("must be between {} and {}", low, high));
}

}  // namespace drover
