#include "runtime/companion.hpp"

namespace drover::runtime {

WallTime wall_of(std::uint64_t ns) { return WallTime(Duration(std::int64_t(ns / 1000))); }

std::optional<Exit> exit_of(const keeper::InstanceInfo& info) {
  Exit exit;
  exit.at = wall_of(info.exited_wall_ns);
  exit.oom = info.oom == keeper::Tri::yes;
  exit.core = info.core_dumped != 0;
  switch (info.exit) {
    case keeper::ExitKind::none: return std::nullopt;
    case keeper::ExitKind::code: exit.code = info.exit_value; break;
    case keeper::ExitKind::signal:
      exit.code = -1;
      exit.signal = info.exit_value;
      break;
    case keeper::ExitKind::unknown:
      exit.code = -1;
      exit.known = false;
      break;
  }
  return exit;
}

}  // namespace drover::runtime
