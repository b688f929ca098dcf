#pragma once
// The signals of Linux by name, without <signal.h>: files and messages name them, the host maps them.

#include <cstdint>
#include <optional>
#include <string_view>

namespace drover {

/// "SIGTERM" → 15, "TERM" → 15; nullopt: not a name of a standard signal (1–31).
std::optional<std::int32_t> signal_number(std::string_view name);
/// 15 → "SIGTERM"; "" for a number without a name.
std::string_view signal_name(std::int32_t number);

}  // namespace drover
