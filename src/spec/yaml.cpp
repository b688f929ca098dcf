// libyaml's events made into a tree: YAML 1.2 core schema, duplicate keys refused, merge keys, aliases with a
// cap on what they may grow to. libyaml checks none of these.
#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "spec/value.hpp"

namespace drover::spec {

namespace {
constexpr std::size_t max_bytes = 4 << 20;  // a thousand services, every field written out, are 1.4 MiB
constexpr int max_depth = 64;
constexpr std::size_t max_values = 400'000;
constexpr std::size_t max_text = 16 << 20;

Mark mark_of(const yaml_mark_t& mark) {
  return {std::uint32_t(mark.line + 1), std::uint32_t(mark.column + 1)};
}

Mark mark_at(std::string_view text, std::size_t offset) {
  Mark mark{1, 1};
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') mark = {mark.line + 1, 1};
    else if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) ++mark.column;
  }
  return mark;
}

std::string_view line_at(std::string_view text, std::uint32_t line) {
  for (; line > 1 && !text.empty(); --line) {
    std::size_t end = text.find('\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return text.substr(0, text.find('\n'));
}

/// Frees the event when the scope ends.
struct Event {
  yaml_event_t raw{};
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw); }
  Mark at() const { return mark_of(raw.start_mark); }
};

std::string_view chars(const yaml_char_t* text) {
  return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

struct Size {
  std::size_t values = 0, text = 0;
};

Size size_of(const Value& value) {
  Size size{1, value.text.size()};
  auto add = [&](const Value& part) {
    Size more = size_of(part);
    size = {size.values + more.values, size.text + more.text};
  };
  for (const Value& item : value.items) add(item);
  for (const Entry& entry : value.entries) {
    size.text += entry.key.size();
    add(entry.value);
  }
  return size;
}

class Composer {
 public:
  explicit Composer(std::string_view text) : text_(text) {
    DROVER_ASSERT(yaml_parser_initialize(&parser_) == 1, "libyaml has no memory");
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Composer() { yaml_parser_delete(&parser_); }
  Composer(const Composer&) = delete;
  Composer& operator=(const Composer&) = delete;

  Result<Value> document();

 private:
  // All return false when nothing more can be read (the problem is recorded).
  bool next(Event& event);
  bool node(Event& event, int depth, Value& to);
  bool scalar(const Event& event, Value& to);
  bool list(int depth, Value& to);
  bool map(int depth, Value& to);
  bool key(const Event& event, int depth, Entry& to);
  bool alias(const Event& event, Value& to);
  bool grow(Size size, Mark at);
  void merge(Value& map, std::vector<Entry> sources);
  void remember(std::string_view anchor, const Value& value);
  void check_tag(std::string_view tag, Value& value);
  void problem(Mark at, std::string message, std::string hint = {}) {
    problems_.push_back({"", at.line, at.column, std::move(message), std::move(hint), ""});
  }
  void syntax();
  std::string syntax_hint(Mark at) const;

  struct Anchor {
    Value value;
    Size size;
  };
  std::string_view text_;
  yaml_parser_t parser_{};
  std::vector<Problem> problems_;
  std::map<std::string, Anchor, std::less<>> anchors_;
  Size grown_;
};

bool Composer::next(Event& event) {
  if (yaml_parser_parse(&parser_, &event.raw) == 1) return true;
  syntax();
  return false;
}

/// libyaml's words are those of its grammar; the common mistakes get words of their own.
void Composer::syntax() {
  if (parser_.error == YAML_MEMORY_ERROR) return problem({}, "out of memory");
  if (parser_.error == YAML_READER_ERROR) {
    return problem(mark_at(text_, parser_.problem_offset),
                   fmt::format("this character is not allowed in YAML ({})",
                               chars(reinterpret_cast<const yaml_char_t*>(parser_.problem))));
  }
  Mark at = mark_of(parser_.problem_mark);
  std::string message = parser_.problem ? parser_.problem : "not valid YAML";
  std::string hint = syntax_hint(at);
  if (hint.starts_with("tab")) {
    message = "a tab is used to indent";
    hint = "YAML is indented with spaces only";
  } else if (parser_.context) {
    Mark begin = mark_of(parser_.context_mark);
    message += fmt::format(" ({}", parser_.context);
    if (begin.line != at.line && begin.line > 0)
      message += fmt::format(" that begins in line {}", begin.line);
    message += ")";
  }
  problem(at, std::move(message), std::move(hint));
}

std::string Composer::syntax_hint(Mark at) const {
  std::string_view found = parser_.problem ? parser_.problem : "";
  std::string_view line = line_at(text_, at.line);
  std::size_t blank = line.find_first_not_of(' ');
  if (blank != std::string_view::npos && line[blank] == '\t') return "tab";
  if (found.starts_with("mapping values are not allowed"))
    return "a \": \" inside of a text needs quotes around the text; or this line is indented too far";
  if (found.starts_with("did not find expected key") || found.starts_with("did not find expected '-'"))
    return "this line is not indented like its neighbours";
  if (found.find("expected ',' or") != std::string_view::npos)
    return "a bracket or brace is not closed, or a comma is missing";
  if (found.find("cannot start any token") != std::string_view::npos) return "put the text in quotes";
  return {};
}

bool Composer::grow(Size size, Mark at) {
  grown_ = {grown_.values + size.values, grown_.text + size.text};
  if (grown_.values <= max_values && grown_.text <= max_text) return true;
  problem(at, fmt::format("the document has more than {} values or {}, aliases included", max_values,
                          format_size(max_text)));
  return false;
}

void Composer::remember(std::string_view anchor, const Value& value) {
  if (!anchor.empty()) anchors_[std::string(anchor)] = {value, size_of(value)};
}

void Composer::check_tag(std::string_view tag, Value& value) {
  constexpr std::string_view core = "tag:yaml.org,2002:";
  static const std::map<std::string_view, Value::Kind> kinds{
      {"null", Value::Kind::null},    {"bool", Value::Kind::boolean}, {"int", Value::Kind::integer},
      {"float", Value::Kind::number}, {"str", Value::Kind::string},   {"seq", Value::Kind::list},
      {"map", Value::Kind::map}};
  if (tag.empty() || tag == "!") return;
  auto known = tag.starts_with(core) ? kinds.find(tag.substr(core.size())) : kinds.end();
  if (known == kinds.end())
    return problem(value.at, fmt::format("the tag {} is not supported", tag), "leave it out");
  if (known->second == Value::Kind::string && value.scalar()) value.kind = Value::Kind::string;
  if (known->second == Value::Kind::number && value.kind == Value::Kind::integer) return;
  if (value.kind != known->second)
    problem(value.at, fmt::format("the tag !!{} does not fit to {}", known->first, shown(value)));
}

bool Composer::scalar(const Event& event, Value& to) {
  const auto& raw = event.raw.data.scalar;
  to.text.assign(reinterpret_cast<const char*>(raw.value), raw.length);
  to.plain = raw.style == YAML_PLAIN_SCALAR_STYLE;
  to.kind = to.plain && chars(raw.tag) != "!" ? resolve(to.text) : Value::Kind::string;
  if (!grow({1, to.text.size()}, to.at)) return false;
  check_tag(chars(raw.tag), to);
  remember(chars(raw.anchor), to);
  return true;
}

bool Composer::alias(const Event& event, Value& to) {
  std::string_view name = chars(event.raw.data.alias.anchor);
  auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    problem(event.at(), fmt::format("there is no anchor &{} before this", name));
    return grow({1, 0}, event.at());
  }
  if (!grow(found->second.size, event.at())) return false;
  to = found->second.value;
  return true;
}

bool Composer::list(int depth, Value& to) {
  for (;;) {
    Event event;
    if (!next(event)) return false;
    if (event.raw.type == YAML_SEQUENCE_END_EVENT) return true;
    Value item;
    if (!node(event, depth + 1, item)) return false;
    to.items.push_back(std::move(item));
  }
}

bool Composer::key(const Event& event, int depth, Entry& to) {
  to.at = event.at();
  if (event.raw.type == YAML_SCALAR_EVENT) {
    Value text;
    text.at = to.at;
    if (!scalar(event, text)) return false;
    to.key = std::move(text.text);
    return true;
  }
  bool braces = event.raw.type == YAML_MAPPING_START_EVENT;
  problem(to.at, "a key must be a word",
          braces ? "a text with {{…}} at its beginning needs quotes: \"{{port.http}}\"" : "");
  Value skipped;  // read on, so that what follows is looked at too
  auto& raw = const_cast<Event&>(event);
  return node(raw, depth + 1, skipped);
}

void Composer::merge(Value& map, std::vector<Entry> sources) {
  std::set<std::string, std::less<>> own;
  for (const Entry& entry : map.entries) own.insert(entry.key);
  auto take = [&](Value& source) {
    if (source.kind != Value::Kind::map)
      return problem(source.at, fmt::format("only maps can be merged with <<, found {}", shown(source)));
    for (Entry& entry : source.entries)
      if (own.insert(entry.key).second) map.entries.push_back(std::move(entry));
  };
  for (Entry& source : sources) {
    if (source.value.kind != Value::Kind::list) take(source.value);
    for (Value& item : source.value.items) take(item);
  }
}

bool Composer::map(int depth, Value& to) {
  std::vector<Entry> merges;
  std::map<std::string, Mark, std::less<>> seen;
  for (;;) {
    Event event;
    if (!next(event)) return false;
    if (event.raw.type == YAML_MAPPING_END_EVENT) break;
    Entry entry;
    bool complex = event.raw.type != YAML_SCALAR_EVENT;
    bool merging = !complex && event.raw.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                   chars(event.raw.data.scalar.value) == "<<";
    Event value;
    if (!key(event, depth, entry) || !next(value) || !node(value, depth + 1, entry.value)) return false;
    if (complex) continue;
    auto [first, fresh] = seen.emplace(entry.key, entry.at);
    if (!fresh)
      problem(entry.at, fmt::format("the key \"{}\" is there twice", entry.key),
              fmt::format("it is in line {} already", first->second.line));
    else (merging ? merges : to.entries).push_back(std::move(entry));
  }
  merge(to, std::move(merges));
  return true;
}

bool Composer::node(Event& event, int depth, Value& to) {
  to.at = event.at();
  if (depth > max_depth) {
    problem(to.at, fmt::format("more than {} levels inside of each other", max_depth));
    return false;
  }
  if (event.raw.type == YAML_SCALAR_EVENT) return scalar(event, to);
  if (event.raw.type == YAML_ALIAS_EVENT) return alias(event, to);
  bool sequence = event.raw.type == YAML_SEQUENCE_START_EVENT;
  DROVER_ASSERT(sequence || event.raw.type == YAML_MAPPING_START_EVENT,
                "an event of libyaml out of its order");
  to.kind = sequence ? Value::Kind::list : Value::Kind::map;
  if (!grow({1, 0}, to.at) || !(sequence ? list(depth, to) : map(depth, to))) return false;
  check_tag(chars(sequence ? event.raw.data.sequence_start.tag : event.raw.data.mapping_start.tag), to);
  remember(chars(sequence ? event.raw.data.sequence_start.anchor : event.raw.data.mapping_start.anchor), to);
  return true;
}

Result<Value> Composer::document() {
  Value root;
  bool found = false;
  for (bool more = true; more;) {
    Event event;
    if (!next(event) || event.raw.type == YAML_STREAM_END_EVENT) break;
    if (event.raw.type == YAML_STREAM_START_EVENT || event.raw.type == YAML_DOCUMENT_END_EVENT) continue;
    if (event.raw.type == YAML_DOCUMENT_START_EVENT && !found) continue;
    if (found) {
      problem(event.at(), "a second document begins here", "a stack file is one document");
      break;
    }
    found = true;
    more = node(event, 1, root);
  }
  if (!found && problems_.empty()) problem({1, 1}, "the file is empty");
  if (problems_.empty()) return root;
  return fail(Error{Errc::invalid, "the document cannot be read", {}, {}, std::move(problems_)});
}

/// JSON writes characters past U+FFFF as two escapes (RFC 8259 §7), YAML as one: \ud83d\ude00 → \U0001f600.
std::string join_surrogates(std::string_view text) {
  std::string out;
  auto unit = [&](std::size_t at) -> std::uint32_t {
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return 0;
    std::string digits(text.substr(at + 2, 4));
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return 0;
    return std::uint32_t(std::stoul(digits, nullptr, 16));
  };
  for (std::size_t i = 0; i < text.size();) {
    std::uint32_t high = unit(i), low = unit(i + 6);
    if (high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
      out += fmt::format("\\U{:08x}", 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
      i += 12;
    } else {
      std::size_t length = text[i] == '\\' ? std::min<std::size_t>(2, text.size() - i) : 1;
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

std::unexpected<Error> refuse(Mark at, std::string message, std::string hint = {}) {
  Error error{Errc::invalid, "the document cannot be read", {}, {}, {}};
  error.problems.push_back({"", at.line, at.column, std::move(message), std::move(hint), ""});
  return fail(std::move(error));
}
}  // namespace

Result<Value> parse_yaml(std::string_view text) {
  if (text.size() > max_bytes)
    return refuse(
        {}, fmt::format("the file has {}, more than {}", human_size(text.size()), human_size(max_bytes)));
  if (std::string valid = valid_utf8(text); valid != text) {
    std::size_t at = std::size_t(std::ranges::mismatch(valid, text).in2 - text.begin());
    return refuse(mark_at(text, at), "this is not UTF-8", "save the file as UTF-8");
  }
  std::string_view start = trim(text);
  if (!start.starts_with('{')) return Composer(text).document();
  std::string json = join_surrogates(text);
  return Composer(json).document();
}

}  // namespace drover::spec
