#pragma once
#include <string_view>

namespace drover::cli {
std::string_view version();   // "0.1.0"
std::string_view revision();  // of the source, as git knows it; "" outside of git
std::string_view compiler();
inline constexpr int protocol_version = 1;
inline constexpr std::string_view api_version = "v1";
}  // namespace drover::cli
