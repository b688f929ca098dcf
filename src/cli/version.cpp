#include "cli/version.hpp"

#ifndef DROVER_VERSION
#define DROVER_VERSION "0.0.0"
#endif
#ifndef DROVER_REVISION
#define DROVER_REVISION ""
#endif

namespace drover::cli {
std::string_view version() { return DROVER_VERSION; }
std::string_view revision() { return DROVER_REVISION; }
std::string_view compiler() {
#ifdef __clang__
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}
}  // namespace drover::cli
