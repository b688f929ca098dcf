#include "hub/jwt.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>

#include <fstream>

#include "base/json.hpp"
#include "hub/codes.hpp"

namespace drover::hub {

namespace {
constexpr std::size_t longest_token = 4096, longest_secret = 4096;

std::unexpected<Error> unknown(std::string why) {
  return fail(Errc::unauthenticated, "the token is not valid", std::move(why));
}

bool signed_with(std::string_view text, std::string_view signature, std::string_view secret) {
  if (signature.size() != crypto_auth_hmacsha256_BYTES) return false;
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  unsigned char hash[crypto_auth_hmacsha256_BYTES];
  crypto_auth_hmacsha256_final(&state, hash);
  return sodium_memcmp(hash, signature.data(), sizeof hash) == 0;
}

std::optional<json::object> part(std::string_view text) {
  auto bytes = from_base64url(text);
  auto parsed = bytes ? parse_json(*bytes) : Result<json::value>(fail(Errc::invalid, ""));
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return parsed->get_object();
}

/// Seconds since 1970; nullopt: not there, or no number.
std::optional<double> seconds_of(const json::object& claims, std::string_view name) {
  auto found = claims.find(name);
  if (found == claims.end() || !found->value().is_number()) return std::nullopt;
  return found->value().to_number<double>();
}

bool for_an_agent(const json::object& claims) {
  auto roles = claims.find("roles");
  if (roles == claims.end() || !roles->value().is_array()) return false;
  return std::ranges::any_of(roles->value().get_array(), [](const json::value& it) {
    return it.is_string() && it.get_string() == "agent";
  });
}
}  // namespace

bool looks_like_jwt(std::string_view token) { return std::ranges::count(token, '.') == 2; }

Result<JwtClaims> check_jwt(std::string_view token, std::string_view secret, WallTime now) {
  if (token.size() > longest_token || !looks_like_jwt(token)) return unknown("it is no JWT");
  const auto first = token.find('.'), last = token.rfind('.');
  auto header = part(token.substr(0, first));
  auto signature = from_base64url(token.substr(last + 1));
  if (!header || !signature) return unknown("it is no JWT");
  auto algorithm = header->find("alg");
  if (algorithm == header->end() || algorithm->value() != json::value("HS256"))
    return unknown("only HS256 is taken");
  if (!signed_with(token.substr(0, last), *signature, secret))
    return unknown("its signature is another one's");
  auto claims = part(token.substr(first + 1, last - first - 1));
  if (!claims) return unknown("its claims cannot be read");
  const double seconds_now = double(now.time_since_epoch() / 1s);
  auto end = seconds_of(*claims, "exp");
  if (!end) return unknown("it has no end (exp)");
  if (*end <= seconds_now) return unknown("it has expired");
  if (auto begin = seconds_of(*claims, "nbf"); begin && *begin > seconds_now + 60)
    return unknown("it is not valid yet");
  auto subject = claims->find("sub");
  if (subject == claims->end() || !subject->value().is_string()) return unknown("it names nobody (sub)");
  if (!for_an_agent(*claims)) return fail(Errc::denied, "the token is not an agent's (roles)");
  return JwtClaims{bare_node_name(std::string_view(subject->value().get_string()))};
}

Result<std::string> read_jwt_secret(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail(from_errno(errno, "agent_jwt_secret: " + path));
  if ((info.st_mode & S_IROTH) != 0)
    return fail(Errc::invalid, "agent_jwt_secret: everybody may read " + path, {}, "chmod 600 " + path);
  std::ifstream file(path, std::ios::binary);
  std::string text(longest_secret + 1, 0);
  file.read(text.data(), std::streamsize(text.size()));
  text.resize(std::size_t(file.gcount()));
  std::string secret(trim(text));
  if (secret.size() < shortest_jwt_secret || text.size() > longest_secret)
    return fail(Errc::invalid,
                fmt::format("agent_jwt_secret: {} must hold {} to {} bytes", path, shortest_jwt_secret,
                            longest_secret),
                {}, "openssl rand -hex 32 > " + path);
  return secret;
}

std::string bare_node_name(std::string_view id) {
  for (std::string_view prefix : {"agent:", "host:"})
    if (id.starts_with(prefix)) id.remove_prefix(prefix.size());
  return std::string(id);
}

}  // namespace drover::hub
