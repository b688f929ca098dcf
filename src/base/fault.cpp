#include "base/fault.hpp"

#ifdef DROVER_FAULTS
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>

namespace drover::fault {

namespace {
struct Armed {
  std::string point;
  bool kill = false;
  int count = 0;
  std::atomic<int> seen = 0;
  Armed() {
    const char* text = std::getenv("DROVER_FAULT");
    if (!text) return;
    std::string_view spec(text);
    auto equals = spec.find('=');
    if (equals == std::string_view::npos) return;
    std::string_view rest = spec.substr(equals + 1);
    if (rest.starts_with("kill:")) {
      kill = true;
      rest.remove_prefix(5);
    }
    std::from_chars(rest.data(), rest.data() + rest.size(), count);
    point = spec.substr(0, equals);
  }
};
}  // namespace

bool at(std::string_view point) {
  static Armed armed;
  if (armed.point != point || ++armed.seen != armed.count) return false;
  if (armed.kill) ::kill(::getpid(), SIGKILL);
  return true;
}

}  // namespace drover::fault
#endif
