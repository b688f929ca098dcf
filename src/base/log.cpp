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
}  // namespace

Log::Log(const Clock& clock, int fd, std::string_view component, bool text)
    : clock_(clock), fd_(fd), component_(component), text_(text) {}

void Log::write(Level level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < level_.load(std::memory_order_relaxed)) return;
  std::string line;
  if (text_) {
    line = fmt::format("{} {:5} {}: {}",
                       format_time(std::chrono::floor<std::chrono::seconds>(clock_.now().wall)), word(level),
                       component_, message);
    for (const auto& [key, value] : fields) line += fmt::format(" {}={}", key, value);
  } else {
    json::object record{
        {"timestamp", format_time(clock_.now().wall)}, {"level", word(level)}, {"service", component_}};
    record.emplace("message", valid_utf8(message));
    json::object context;
    for (const auto& [key, value] : fields)
      (key == "correlationId" ? record : context).emplace(key, valid_utf8(value));
    if (!context.empty()) record.emplace("context", std::move(context));
    line = print_json(record);
  }
  line += '\n';
  // One attempt: a log that cannot be written must not stop the work.
  [[maybe_unused]] auto written = ::write(fd_, line.data(), line.size());
}

}  // namespace drover
