#include "base/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "base/json.hpp"

namespace drover {

namespace {
std::string_view word(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
  }
  std::unreachable();
}

std::string in_words(WallTime now, Level level, std::string_view component, std::string_view message,
                     std::initializer_list<LogField> fields) {
  auto line = fmt::format("{} {:5} {}: {}", format_time(std::chrono::floor<std::chrono::seconds>(now)),
                          word(level), component, message);
  for (const auto& [key, value] : fields)
    if (!value.empty()) line += fmt::format(" {}={}", key, value);
  return line;
}

std::string record(WallTime now, Level level, std::string_view component, std::string_view message,
                   std::initializer_list<LogField> fields) {
  json::object out{{"timestamp", format_time(now)}, {"level", word(level)}, {"service", component}};
  out.emplace("message", valid_utf8(message));
  json::object context;
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;  // not known here
    (key == "correlationId" ? out : context).emplace(key, valid_utf8(value));
  }
  if (!context.empty()) out.emplace("context", std::move(context));
  return print_json(out);
}
}  // namespace

Log::Log(const Clock& clock, int fd, std::string_view component, bool text)
    : clock_(clock), fd_(fd), component_(component), text_(text) {}

bool Log::admit(WallTime now, Level level) {
  auto& second = level < Level::warn ? calm_ : loud_;
  const auto number = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (second.number.exchange(number) != number)
    if (const auto records = second.records.exchange(0); records > per_second)
      put(now, Level::warn, "records were left out: too many in one second",
          {{"count", std::to_string(records - per_second)}});
  return ++second.records <= per_second;
}

void Log::write(Level level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < level_.load(std::memory_order_relaxed)) return;
  if (const auto now = clock_.now().wall; admit(now, level)) put(now, level, message, fields);
}

void Log::put(WallTime now, Level level, std::string_view message, std::initializer_list<LogField> fields) {
  std::string line;
  if (!text_ || sink_) line = record(now, level, component_, message, fields);
  if (fd_ >= 0) {
    auto shown = text_ ? in_words(now, level, component_, message, fields) : line;
    shown += '\n';
    // One attempt: a log that cannot be written must not stop the work.
    [[maybe_unused]] auto written = ::write(fd_, shown.data(), shown.size());
  }
  if (sink_) sink_->take(std::move(line));
}

}  // namespace drover
