#include "agent/metrics.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>

#include "base/text.hpp"
#include "runtime/files.hpp"

namespace drover::agent {

namespace {

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : valid_utf8(text)) {
    if (c == '\\') out += "\\\\";
    else if (c == '\n') out += "\\n";
    else if (c == '"' && quotes) out += "\\\"";
    else out += c;
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == std::floor(value) && std::fabs(value) < 1e15) return fmt::format("{:.0f}", value);
  return fmt::format("{:.9g}", value);
}

}  // namespace

Exposition& Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(help, false), name, type);
  return *this;
}

Exposition& Exposition::sample(const Labels& labels, double value) {
  text_ += name_;
  for (std::size_t i = 0; i < labels.size(); ++i)
    text_ += fmt::format("{}{}=\"{}\"", i == 0 ? "{" : ",", labels[i].first, escaped(labels[i].second, true));
  text_ += fmt::format("{} {}\n", labels.empty() ? "" : "}", number(value));
  return *this;
}

void add_process_metrics(Exposition& out) {
  const auto info = runtime::process_info(::getpid());
  const auto ticks = double(::sysconf(_SC_CLK_TCK));
  double boot = 0;
  for (const auto& line : split(runtime::read_small_file("/proc/stat"), '\n'))
    if (line.starts_with("btime ")) boot = std::strtod(line.c_str() + 6, nullptr);
  out.family("process_cpu_seconds_total", "counter", "CPU time of this process.")
      .sample({}, double(info.cpu_ticks) / ticks);
  out.family("process_resident_memory_bytes", "gauge", "Resident memory of this process.")
      .sample({}, double(info.resident_bytes));
  out.family("process_open_fds", "gauge", "Open descriptors of this process.")
      .sample({}, double(runtime::list_directory("/proc/self/fd").size()));
  out.family("process_start_time_seconds", "gauge", "When this process started, since the epoch.")
      .sample({}, boot + double(info.start_ticks) / ticks);
}

}  // namespace drover::agent
