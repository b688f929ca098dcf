#include "model/signals.hpp"

#include <array>

namespace drover {

namespace {
// By number, as on x86-64 and arm64 (signal(7)).
constexpr std::array<std::string_view, 32> names{
    "",          "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};
}  // namespace

std::optional<std::int32_t> signal_number(std::string_view name) {
  if (name.starts_with("SIG")) name.remove_prefix(3);
  if (name.empty()) return std::nullopt;
  for (std::size_t i = 1; i < names.size(); ++i)
    if (names[i].substr(3) == name) return std::int32_t(i);
  return std::nullopt;
}

std::string_view signal_name(std::int32_t number) {
  return number > 0 && number < std::int32_t(names.size()) ? names[std::size_t(number)] : "";
}

}  // namespace drover
