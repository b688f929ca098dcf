#pragma once
// Small text helpers that the standard library lacks.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace drover {

/// The candidate with the smallest Damerau-Levenshtein distance, if it is at most 2 (1 for words under 4
/// letters).
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);
std::optional<std::string> nearest(std::string_view word, std::span<const std::string_view> candidates);

std::vector<std::string> split(std::string_view text, char separator);  // "a,,b" → a, "", b; "" → nothing
std::string_view trim(std::string_view text);
std::string join(std::span<const std::string> parts, std::string_view separator);

/// Bytes: "512MiB", "20GiB", "1g" (1024-based, as in Compose), "100". Written back in the largest exact unit.
Result<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);  // exact: "512MiB"
std::string human_size(std::uint64_t bytes);   // "1.4 GiB"

/// Replaces what is not valid UTF-8 by U+FFFD: process output before it goes into JSON.
std::string valid_utf8(std::string_view bytes);

/// A name: [a-z0-9][a-z0-9_-]{0,62}, as Compose has it for projects.
bool is_name(std::string_view text);

std::string to_hex(std::span<const std::uint8_t> bytes);
/// Keyed BLAKE2b-256 (libsodium) as hex: content digests. `key` may be empty.
std::string blake2b(std::string_view data, std::string_view key = {});
/// 32 random bytes from libsodium as base64url without padding: tokens, secrets.
std::string random_token();
/// Constant-time comparison for secrets.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace drover
