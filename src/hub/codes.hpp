#pragma once
// Secrets as they leave and as they are kept: base64url, hashes of tokens, argon2id of passwords.

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace drover::hub {

std::string to_base64url(std::string_view bytes);  // without padding
std::optional<std::string> from_base64url(std::string_view text);

/// What the store keeps of a token, link or join secret (they are random: no salt, no stretching).
std::string hash_of_secret(std::string_view secret);

/// argon2id, moderate limits: about a second and 256 MiB. Never on a thread that others wait for.
Result<std::string> hash_password(const Secret<std::string>& password);
/// Takes the same time for a user that does not exist: `hash` may be empty.
bool password_matches(const std::string& hash, const Secret<std::string>& password);

/// 32 random hex digits: a trace id.
std::string random_trace();

}  // namespace drover::hub
