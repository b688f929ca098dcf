#include "runtime/log_line.hpp"

#include <chrono>

namespace drover::runtime {

namespace {

/// -1: not digits.
int number(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

/// "2026-11-21T11:20:00.123456789Z", with 0 to 9 digits of fraction; takes it from the front of `text`.
std::optional<std::int64_t> take_time(std::string_view& text) {
  if (text.size() < 21 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':')
    return std::nullopt;
  const int year = number(text, 0, 4), month = number(text, 5, 2), day = number(text, 8, 2);
  const int hour = number(text, 11, 2), minute = number(text, 14, 2), second = number(text, 17, 2);
  if (year < 0 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year{year}, std::chrono::month{unsigned(month)},
                                         std::chrono::day{unsigned(day)});
  if (!date.ok()) return std::nullopt;
  std::size_t at = 19;
  std::int64_t fraction = 0, unit = 1'000'000'000;
  if (text[at] == '.')
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9' && unit > 1; ++at)
      fraction = fraction * 10 + (text[at] - '0'), unit /= 10;
  if (at >= text.size() || text[at] != 'Z') return std::nullopt;
  text.remove_prefix(at + 1);
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((std::int64_t(days) * 24 + hour) * 60 + minute) * 60 * 1'000'000'000 + second * 1'000'000'000LL +
         fraction * unit;
}

}  // namespace

std::optional<LogPart> parse_log_line(std::string_view line) {
  LogPart part;
  const auto time = take_time(line);
  if (!time || line.size() < 10 || line[0] != ' ') return std::nullopt;
  part.wall_ns = *time;
  const auto stream = line.substr(1, 6);
  if (stream != "stdout" && stream != "stderr") return std::nullopt;
  part.stream = stream == "stdout" ? LogStream::out : LogStream::err;
  if (line[7] != ' ' || (line[8] != 'F' && line[8] != 'P') || line[9] != ' ') return std::nullopt;
  part.complete = line[8] == 'F';
  part.text = line.substr(10);
  return part;
}

}  // namespace drover::runtime
