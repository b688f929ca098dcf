#include "runtime/log_shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.hpp"

namespace drover::runtime {

namespace {

constexpr std::size_t head_size = 160;  // where a line says its level, if at all

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = char(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// pino, bunyan: 10 trace … 60 fatal; syslog: 0 … 7.
std::optional<Level> level_of_number(std::int64_t value) {
  if (value >= 10)
    return value < 30 ? Level::debug : value < 40 ? Level::info : value < 50 ? Level::warn : Level::error;
  if (value < 0 || value > 7) return std::nullopt;
  return value <= 3 ? Level::error : value == 4 ? Level::warn : value <= 6 ? Level::info : Level::debug;
}

std::optional<Level> level_of_value(const json::value& value) {
  if (value.is_int64()) return level_of_number(value.get_int64());
  return value.is_string() ? level_of(std::string(value.get_string())) : std::nullopt;
}

/// Takes the first of these members that is there out of the object.
std::optional<json::value> take(json::object& from, std::initializer_list<std::string_view> keys) {
  for (const auto key : keys)
    if (auto* found = from.if_contains(key)) {
      auto value = std::move(*found);
      from.erase(key);
      return value;
    }
  return std::nullopt;
}

std::string text_of(const std::optional<json::value>& value) {
  if (!value || value->is_null()) return {};
  return value->is_string() ? std::string(value->get_string()) : print_json(*value);
}

bool take_json(std::string_view line, LogShape& shape) {
  if (!line.starts_with('{') || !line.ends_with('}')) return false;
  auto parsed = parse_json(line);
  if (!parsed || !parsed->is_object()) return false;
  auto& object = parsed->get_object();
  for (const auto* key : {"level", "severity", "lvl", "levelname", "log.level", "loglevel"})
    if (const auto* value = object.if_contains(key))
      if (const auto level = level_of_value(*value)) {
        shape.level = *level;
        object.erase(key);
        break;
      }
  const auto message = take(object, {"message", "msg", "event", "text"});
  shape.message = message ? text_of(message) : std::string(line);
  shape.gpu = text_of(take(object, {"gpu", "gpu_id", "gpuId"}));
  shape.correlation_id = text_of(
      take(object, {"correlationId", "correlation_id", "trace_id", "traceId", "request_id", "req_id"}));
  // A line in our own format keeps its context where it was.
  if (auto inner = take(object, {"context"}); inner && inner->is_object()) {
    for (auto& [key, value] : inner->get_object()) shape.context[key] = std::move(value);
  } else if (inner) {
    shape.context["context"] = std::move(*inner);
  }
  for (auto& [key, value] : object) shape.context[key] = std::move(value);
  return true;
}

/// level=warn, lvl="error", severity=…
std::optional<Level> level_of_logfmt(std::string_view line) {
  for (const std::string_view key : {"level=", "lvl=", "severity="}) {
    const auto at = line.find(key);
    if (at == std::string_view::npos || (at > 0 && line[at - 1] != ' ')) continue;
    auto word = line.substr(at + key.size(), 12);
    if (word.starts_with('"')) word.remove_prefix(1);
    const auto end = std::ranges::find_if_not(word, is_letter);
    if (const auto level = level_of({word.begin(), end})) return level;
  }
  return std::nullopt;
}

/// "<3>…" of systemd and syslog, "E1121 10:20:30.123456 …" of klog and glog.
std::optional<Level> level_of_prefix(std::string_view line) {
  if (line.size() > 3 && line[0] == '<' && is_digit(line[1]) && line[2] == '>')
    return level_of_number(line[1] - '0');
  if (line.size() < 6 || !std::ranges::all_of(line.substr(1, 4), is_digit) || line[5] != ' ')
    return std::nullopt;
  switch (line[0]) {
    case 'I': return Level::info;
    case 'W': return Level::warn;
    case 'E':
    case 'F': return Level::error;
    default: return std::nullopt;
  }
}

/// A word counts as a level when it is in capitals, in brackets, before a colon, or the first of the line.
std::optional<Level> level_of_words(std::string_view line) {
  for (std::size_t at = 0; at < line.size();) {
    if (!is_letter(line[at])) {
      ++at;
      continue;
    }
    auto end = at;
    while (end < line.size() && is_letter(line[end])) ++end;
    const auto word = line.substr(at, end - at);
    const char before = at > 0 ? line[at - 1] : ' ', after = end < line.size() ? line[end] : ' ';
    const bool apart = before != '_' && before != '-' && before != '/' && before != '.' && after != '_' &&
                       after != '-' && after != '/' && after != '.' && after != '=';
    const bool shouted = std::ranges::none_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
    const bool marked = (before == '[' && (after == ']' || after == ' ')) ||
                        (before == '<' && after == '>') || after == ':' || before == '|';
    if (word.size() > 2 && apart && (shouted || marked))
      if (const auto level = level_of(word)) return level;
    at = end;
  }
  return std::nullopt;
}

std::optional<Level> level_of_text(std::string_view line) {
  if (line.starts_with("[drover: ")) return Level::warn;
  if (line.starts_with("Traceback (most recent call last)") || line.starts_with("panic: ") ||
      line.starts_with("fatal error: "))
    return Level::error;
  const auto head = line.substr(0, head_size);
  if (const auto level = level_of_logfmt(head)) return level;
  if (const auto level = level_of_prefix(head)) return level;
  return level_of_words(head);
}

}  // namespace

std::optional<Level> level_of(std::string_view word) {
  static constexpr std::pair<std::string_view, Level> words[] = {
      {"trace", Level::debug},     {"debug", Level::debug},  {"dbg", Level::debug},
      {"verbose", Level::debug},   {"info", Level::info},    {"information", Level::info},
      {"notice", Level::info},     {"log", Level::info},     {"warn", Level::warn},
      {"warning", Level::warn},    {"wrn", Level::warn},     {"err", Level::error},
      {"error", Level::error},     {"severe", Level::error}, {"crit", Level::error},
      {"critical", Level::error},  {"alert", Level::error},  {"emerg", Level::error},
      {"emergency", Level::error}, {"fatal", Level::error},  {"panic", Level::error}};
  const auto wanted = lower(word.substr(0, 16));
  for (const auto& [name, level] : words)
    if (name == wanted) return level;
  return std::nullopt;
}

std::string_view word_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
  }
  return "info";
}

std::string without_ansi(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\x1b') {
      out += text[i];
      continue;
    }
    const char kind = i + 1 < text.size() ? text[i + 1] : '\0';
    auto end = i + 2;
    if (kind == '[') {  // ECMA-48: parameters, then one byte from @ to ~
      while (end < text.size() && (text[end] < '@' || text[end] > '~')) ++end;
      i = end;
    } else if (kind == ']') {  // up to BEL or ESC backslash
      while (end < text.size() && text[end] != '\a' && text[end] != '\x1b') ++end;
      i = end < text.size() && text[end] == '\x1b' ? end + 1 : end;
    } else if (kind != '\0') {
      ++i;
    }
  }
  return out;
}

LogShape shape_of(const LogRecord& record) {
  LogShape shape;
  const auto line = record.line.contains('\x1b') ? without_ansi(record.line) : record.line;
  if (take_json(trim(line), shape)) return shape;
  shape.message = line;
  shape.level = level_of_text(line).value_or(Level::info);
  return shape;
}

std::string to_structured_line(const LogRecord& record, std::string_view service) {
  auto shape = shape_of(record);
  json::object out{{"timestamp", capture_time(record)}, {"level", std::string(word_of(shape.level))}};
  if (!service.empty()) out["service"] = std::string(service);
  if (!shape.gpu.empty()) out["gpu"] = valid_utf8(shape.gpu);
  out["message"] = valid_utf8(shape.message);
  shape.context["stream"] = record.stream == LogStream::out ? "stdout" : "stderr";
  out["context"] = std::move(shape.context);
  if (!shape.correlation_id.empty()) out["correlationId"] = valid_utf8(shape.correlation_id);
  return print_json(out);
}

}  // namespace drover::runtime
