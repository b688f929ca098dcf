#include "base/time.hpp"

#include <fmt/format.h>
#include <time.h>

#include <array>
#include <charconv>
#include <cmath>

namespace drover {

namespace {
struct Unit {
  std::string_view name;
  std::int64_t micros;
};
constexpr std::int64_t second = 1'000'000;
constexpr std::array<Unit, 9> units{{{"us", 1},
                                     {"µs", 1},
                                     {"ms", 1'000},
                                     {"s", second},
                                     {"m", 60 * second},
                                     {"h", 3600 * second},
                                     {"d", 86'400 * second},
                                     {"w", 7 * 86'400 * second},
                                     {"y", 365 * 86'400 * second}}};
constexpr double longest = 100.0 * 365 * 86'400 * 1e6;

std::int64_t read_clock(clockid_t id) {
  timespec value{};
  ::clock_gettime(id, &value);
  return std::int64_t(value.tv_sec) * second + value.tv_nsec / 1000;
}

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

std::unexpected<Error> bad_duration(std::string_view text) {
  return fail(Errc::invalid, fmt::format("\"{}\" is not a duration", text), {},
              "write it as 500ms, 10s, 1m30s, 2h or 5d");
}
}  // namespace

Now RealClock::now() const {
  return {BootTime(Duration(read_clock(CLOCK_BOOTTIME))), WallTime(Duration(read_clock(CLOCK_REALTIME)))};
}

std::string format_duration(Duration value) {
  std::int64_t left = value.count();
  if (left == 0) return "0s";
  std::string out;
  if (left < 0) {
    out = "-";
    left = -left;
  }
  for (std::size_t i = 6; i >= 2; --i) {
    if (left >= units[i].micros) {
      out += fmt::format("{}{}", left / units[i].micros, units[i].name);
      left %= units[i].micros;
    }
  }
  if (left > 0) out += fmt::format("{}us", left);
  return out;
}

std::string human_duration(Duration value) {
  std::int64_t s = value.count() / second;
  if (value < 1s) return fmt::format("{} ms", value.count() / 1000);
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return s % 60 ? fmt::format("{}m {}s", s / 60, s % 60) : fmt::format("{}m", s / 60);
  if (s < 86'400) return fmt::format("{}h {}m", s / 3600, s % 3600 / 60);
  return fmt::format("{}d {}h", s / 86'400, s % 86'400 / 3600);
}

Result<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  double total = 0;
  if (rest.empty()) return bad_duration(text);
  while (!rest.empty()) {
    double number = 0;
    auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(number) || number < 0) return bad_duration(text);
    bool only_number = end == text.data() + text.size() && rest.data() == text.data();
    rest.remove_prefix(std::size_t(end - rest.data()));
    std::size_t length = rest.find_first_of("0123456789. ");
    const Unit* unit = find_unit(only_number ? "s" : rest.substr(0, length));
    if (!unit) return bad_duration(text);
    total += number * double(unit->micros);
    rest.remove_prefix(only_number || length == std::string_view::npos ? rest.size() : length);
  }
  if (total > longest) return bad_duration(text);
  return Duration(std::int64_t(std::llround(total)));
}

std::string format_time(WallTime time) {
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(time - day);
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", int(date.year()),
                                unsigned(date.month()), unsigned(date.day()), clock.hours().count(),
                                clock.minutes().count(), clock.seconds().count());
  if (auto fraction = clock.subseconds().count()) out += fmt::format(".{:06}", fraction);
  return out + "Z";
}

Result<WallTime> parse_time(std::string_view text) {
  auto bad = [&] {
    return fail(Errc::invalid, fmt::format("\"{}\" is not a time", text), {},
                "write it as 2026-01-31T12:00:00Z");
  };
  auto number = [&](std::size_t at, std::size_t length) {
    int value = -1;
    if (at + length > text.size()) return -1;
    auto [end, error] = std::from_chars(text.data() + at, text.data() + at + length, value);
    return error == std::errc() && end == text.data() + at + length ? value : -1;
  };
  if (text.size() < 20 || text.back() != 'Z' || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':')
    return bad();
  int y = number(0, 4), mo = number(5, 2), d = number(8, 2), h = number(11, 2), mi = number(14, 2),
      s = number(17, 2);
  std::chrono::year_month_day date{std::chrono::year(y), std::chrono::month(unsigned(mo)),
                                   std::chrono::day(unsigned(d))};
  if (y < 0 || !date.ok() || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 60) return bad();
  std::int64_t micros = 0;
  if (text[19] == '.') {
    std::string digits(text.substr(20, text.size() - 21));
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return bad();
    digits.resize(6, '0');
    std::from_chars(digits.data(), digits.data() + 6, micros);
  } else if (text.size() != 20) {
    return bad();
  }
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(h) + std::chrono::minutes(mi) +
         std::chrono::seconds(s) + Duration(micros);
}

}  // namespace drover
