#pragma once
// Capabilities and resource limits of Linux by name, without its headers: files name them, the host maps
// them. capabilities(7), getrlimit(2); the short names of limits are those of Compose's `ulimits`.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover {

/// "CAP_NET_BIND_SERVICE" → 10; nullopt: there is no such capability.
std::optional<std::uint32_t> capability_number(std::string_view name);
/// "nofile" → 7 (RLIMIT_NOFILE); nullopt: there is no such limit.
std::optional<std::uint32_t> rlimit_number(std::string_view name);

std::vector<std::string> capability_names();
std::vector<std::string> rlimit_names();

}  // namespace drover
