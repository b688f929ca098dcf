#pragma once
// Frames as JSON: {"t": kind, "n": number, "a": acknowledged, "e": leader epoch, …the frame's own members}.
// A frame may only grow: unknown members are ignored, an unknown kind is Errc::unsupported and is named.
// Several in one POST are a JSON array. Pure functions; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/frames.hpp"

namespace drover::protocol {

/// Bytes of one frame, or of one batch.
inline constexpr std::size_t max_frame = 8u << 20;
inline constexpr std::size_t max_batch = 10'000;  // frames

std::string encode(const Envelope& envelope);
/// Errc::exhausted: too long. Errc::unsupported: an unknown kind. Errc::invalid: anything else, with paths.
Result<Envelope> decode(std::string_view text);

std::string encode_batch(const std::vector<Envelope>& envelopes);
/// All of them or none.
Result<std::vector<Envelope>> decode_batch(std::string_view text);

/// "assign", "hello" …
std::string_view kind(const Frame& frame);

}  // namespace drover::protocol
