#include "hub/access.hpp"

#include "base/text.hpp"
#include "hub/codes.hpp"
#include "hub/jwt.hpp"

namespace drover::hub {

namespace {

constexpr std::uint32_t attempts_per_address = 10, attempts_of_all = 100;
constexpr Duration attempts_window = 60s;
constexpr std::size_t max_addresses = 10'000;

std::string cookie_name(const net::Request& request) {
  return request.peer->transport == net::Transport::tls ? "__Host-drover_session" : "drover_session";
}

std::string cookie_value(const net::Request& request) {
  auto name = cookie_name(request);
  for (auto header : request.headers.all("Cookie"))
    for (const auto& part : split(header, ';')) {
      auto pair = trim(part);
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
        return std::string(pair.substr(name.size() + 1));
    }
  return {};
}

/// W3C traceparent: 00-<32 hex>-<16 hex>-<2 hex>.
std::string trace_of(const net::Request& request) {
  auto header = request.headers.get("traceparent").value_or("");
  auto parts = split(header, '-');
  bool good = parts.size() == 4 && parts[1].size() == 32 &&
              parts[1].find_first_not_of("0123456789abcdef") == std::string::npos &&
              parts[1].find_first_not_of('0') != std::string::npos;
  return good ? parts[1] : random_trace();
}

std::string origin_of(const net::Request& request, bool browser) {
  if (request.headers.get("User-Agent").value_or("").starts_with("drover-cli")) return "cli";
  if (browser) return "ui " + request.peer->address;
  return "api " + (request.peer->address.empty() ? "unix socket" : request.peer->address);
}

Caller make(const net::Request& request, std::string actor, std::string how) {
  Caller caller{.actor = actor, .how = how, .role = "admin"};
  caller.who = {std::move(actor), origin_of(request, how == "session"), trace_of(request)};
  return caller;
}

bool is_safe(const net::Request& request) {
  return (request.method == "GET" || request.method == "HEAD") && !request.headers.has("Upgrade");
}

}  // namespace

Caller Access::anonymous(const net::Request& request) {
  auto caller = make(request, "anonymous", "none");
  caller.role.clear();
  return caller;
}

net::Awaitable<std::optional<Credential>> Access::find(std::string secret, std::string kind) {
  auto hash = hash_of_secret(secret);
  auto now = engine_.clock().now().wall;
  co_return co_await engine_.peek([hash, kind, now](const HubCore& core) -> std::optional<Credential> {
    const auto& state = core.state();
    auto id = state.credential_hashes.find(hash);
    if (id == state.credential_hashes.end()) return std::nullopt;
    const auto& found = state.credentials.at(id->second);
    if (found.kind != kind || (found.expires_at && *found.expires_at <= now)) return std::nullopt;
    return found;
  });
}

net::Awaitable<Result<Caller>> Access::identify(const net::Request& request) {
  if (const auto& peer = request.peer->credentials) {
    if (peer->uid != 0 && peer->uid != own_uid_)
      co_return fail(Errc::denied, "this socket is for root and the hub's own user");
    co_return make(request, "unix:" + std::to_string(peer->uid), "unix");
  }
  if (auto header = request.headers.get("Authorization")) {
    constexpr std::string_view scheme = "Bearer ";
    auto found = header->starts_with(scheme)
                     ? co_await find(std::string(header->substr(scheme.size())), "api")
                     : std::nullopt;
    if (!found) co_return fail(Errc::unauthenticated, "the token is not valid (any more)");
    auto caller =
        make(request, "token:" + (found->name.empty() ? to_string(found->id) : found->name), "token");
    caller.user = found->user;
    caller.credential = found->id;
    co_return caller;
  }
  auto cookie = cookie_value(request);
  if (cookie.empty())
    co_return fail(Errc::unauthenticated, "who are you?", {},
                   "log in, or send Authorization: Bearer drv_…; on the hub's machine use its Unix socket");
  auto found = co_await find(cookie, "session");
  if (!found) co_return fail(Errc::unauthenticated, "the session has ended", {}, "log in again");
  if (!is_safe(request) && net::from_other_site(request))
    co_return fail(Errc::denied, "another site made this request");
  auto caller = make(request, "user:" + found->user, "session");
  caller.user = found->user;
  caller.credential = found->id;
  co_return caller;
}

net::Awaitable<std::optional<NodeId>> Access::external_node(std::string name) {
  co_return co_await engine_.peek([name](const HubCore& core) -> std::optional<NodeId> {
    auto found = core.state().node_names.find(name);
    if (found == core.state().node_names.end()) return std::nullopt;
    return core.state().nodes.at(found->second).row.external ? std::optional(found->second) : std::nullopt;
  });
}

net::Awaitable<Result<Caller>> Access::identify_agent(const net::Request& request) {
  constexpr std::string_view scheme = "Bearer ";
  auto header = request.headers.get("Authorization").value_or("");
  if (request.peer->credentials || !header.starts_with(scheme)) co_return co_await identify(request);
  std::string token(header.substr(scheme.size()));
  auto caller = make(request, "", "agent");
  caller.role.clear();
  if (auto found = co_await find(token, "agent")) {
    caller.who.actor = caller.actor = "agent:" + found->name;
    caller.credential = found->id;
    if (auto id = parse_uuid(found->user)) caller.node = NodeId{*id};
    co_return caller;
  }
  if (jwt_secret_.empty() || !looks_like_jwt(token)) co_return co_await identify(request);
  CO_TRY(auto claims, check_jwt(token, jwt_secret_, engine_.clock().now().wall));
  caller.who.actor = caller.actor = "agent:" + claims.subject;
  caller.node = co_await external_node(claims.subject);
  if (!caller.node) co_return fail(Errc::denied, "there is no external node \"" + claims.subject + "\"");
  co_return caller;
}

net::Awaitable<Result<void>> Access::login_attempt(std::string address) {
  auto now = engine_.clock().now().boot;
  bool too_many = co_await engine_.peek([this, address, now](const HubCore&) {
    if (attempts_.size() > max_addresses)
      std::erase_if(attempts_, [&](const auto& it) { return now - it.second.since > attempts_window; });
    auto count = [&](const std::string& key, std::uint32_t limit) {
      auto& it = attempts_[key];
      if (now - it.since > attempts_window) it = {now, 0};
      return ++it.count > limit;
    };
    bool one = count(address.empty() ? "unix" : address, attempts_per_address);
    return count("", attempts_of_all) || one;
  });
  if (too_many) co_return fail(Errc::exhausted, "too many attempts to log in", {}, "wait a minute");
  co_return Result<void>();
}

std::string Access::cookie(const net::Request& request, std::string_view secret, Duration life) {
  auto out = cookie_name(request) + "=" + std::string(secret) +
             "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" +
             std::to_string(secret.empty() ? 0 : std::int64_t(seconds(life)));
  if (request.peer->transport == net::Transport::tls) out += "; Secure";
  return out;
}

}  // namespace drover::hub
