#include "cli/unit_file.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace drover::cli {

namespace {
std::string percent_doubled(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '%' ? "%%" : std::string(1, c);
  return out;
}
}  // namespace

std::string unit_word(const std::string& word) {
  std::string out;
  bool plain = !word.empty();
  for (const char c : word) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("/._-:=@,+").find(c) != std::string_view::npos;
    plain = plain && safe;
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || c == '$') out += c;
    out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : std::string(1, c);
  }
  return plain ? word : '"' + out + '"';
}

std::string unit_text(const UnitWish& wish) {
  std::vector<std::string> words;
  for (const auto& word : wish.command) words.push_back(unit_word(word));
  std::string out = fmt::format("{} Changes of your own: systemctl {}edit NAME\n[Unit]\nDescription={}\n",
                                unit_mark, wish.user ? "--user " : "", percent_doubled(wish.description));
  if (!wish.user) out += "Wants=network-online.target\nAfter=network-online.target\n";
  // Killed again and again it is still wanted.
  out += "StartLimitIntervalSec=0\n\n[Service]\nType=notify\nNotifyAccess=main\n";
  out +=
      fmt::format("ExecStart={}\nWorkingDirectory={}\n", join(words, " "), percent_doubled(wish.directory));
  out += fmt::format("Restart={}\nRestartSec=1\nWatchdogSec=60\n", wish.ends ? "on-failure" : "always");
  // What it runs lives in a scope of its own under the keeper, and outlives a restart of the daemon.
  out += fmt::format("KillMode=process\nTimeoutStartSec=120\nTimeoutStopSec={}\n\n", wish.stop_seconds);
  return out + fmt::format("[Install]\nWantedBy={}\n", wish.user ? "default.target" : "multi-user.target");
}

bool is_our_unit(const std::string& text) { return text.starts_with(unit_mark); }

}  // namespace drover::cli
