#pragma once
// Named fault points: `if (fault::at("store.commit")) return fail(...)`. Compiled to nothing in release.
// A test arms one by the environment: DROVER_FAULT="store.commit=3" fires at the third time (and only then);
// "store.commit=kill:3" kills the process there.

#include <string_view>

namespace drover::fault {
#ifdef DROVER_FAULTS
bool at(std::string_view point);
#else
inline bool at(std::string_view) { return false; }
#endif
}  // namespace drover::fault
