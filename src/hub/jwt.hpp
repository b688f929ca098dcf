#pragma once
// JSON Web Tokens of agents that are scripts, as the source system makes them: HS256 (RFC 7515, RFC 7519),
// claims {sub: node, roles: ["agent"], exp}. Nothing else is taken: no other algorithm, none without an end.

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"

namespace drover::hub {

struct JwtClaims {
  std::string subject;  // the node's name; "host:" or "agent:" before it is taken away
};

inline constexpr std::size_t shortest_jwt_secret = 32;  // bytes, as RFC 7518 wants it for HS256

bool looks_like_jwt(std::string_view token);
/// unauthenticated: not signed with this secret, expired, not yet valid. denied: not for an agent.
Result<JwtClaims> check_jwt(std::string_view token, std::string_view secret, WallTime now);
/// The secret of a file: without white space at its ends. invalid: too short, or readable by all.
Result<std::string> read_jwt_secret(const std::string& path);
/// The node's name of "agent:vm1", "host:vm1" or "vm1".
std::string bare_node_name(std::string_view id);

}  // namespace drover::hub
