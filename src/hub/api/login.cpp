#include "hub/api/api.hpp"
#include "hub/codes.hpp"

namespace drover::hub {
namespace {

constexpr Duration session_life = std::chrono::hours(24 * 7);
constexpr Duration link_life = 15min;

struct LoginInput {
  std::string user;
  Secret<std::string> password;
  std::string link;
  Secret<std::string> token;
};
BOOST_DESCRIBE_STRUCT(LoginInput, (), (user, password, link, token))
struct MeView {
  std::string user, role, how;
};
BOOST_DESCRIBE_STRUCT(MeView, (), (user, role, how))

Credential new_session(Api& api, const std::string& user, const std::string& secret) {
  auto now = api.engine.clock().now().wall;
  Credential it{
      .id = fresh_id<TokenId>(api), .kind = "session", .hash = hash_of_secret(secret), .user = user};
  it.created_at = now;
  it.expires_at = now + session_life;
  return it;
}

net::Response logged_in(const ApiCall& call, const std::string& user, const std::string& secret) {
  auto response = net::json_response(200, to_json_text(MeView{user, "admin", "session"}));
  response.headers.set("Set-Cookie", Access::cookie(call.request, secret, session_life));
  return response;
}

net::Awaitable<Result<net::Response>> by_link(Api& api, ApiCall call, std::string link) {
  auto secret = random_token();
  auto who = call.caller.who;
  who.actor = "user:admin";
  CO_TRY([[maybe_unused]] auto used,
         co_await api.engine.submit(who, UseLink{hash_of_secret(link), new_session(api, "admin", secret)}));
  co_return logged_in(call, "admin", secret);
}

net::Awaitable<Result<net::Response>> by_password(Api& api, ApiCall call, LoginInput input) {
  auto name = input.user;
  auto hash = co_await api.engine.peek([name](const HubCore& core) {
    auto found = core.state().users.find(name);
    return found == core.state().users.end() ? std::string() : found->second.password_hash;
  });
  auto password = input.password;
  CO_TRY(bool good, co_await on_worker<bool>(api, [hash, password]() -> Result<bool> {
           return password_matches(hash, password);
         }));
  if (!good) co_return fail(Errc::unauthenticated, "user or password is wrong");
  auto secret = random_token();
  auto who = call.caller.who;
  who.actor = "user:" + name;
  CO_TRY([[maybe_unused]] auto done,
         co_await api.engine.submit(who, PutCredential{new_session(api, name, secret)}));
  co_return logged_in(call, name, secret);
}

/// A browser cannot send an API token with its WebSocket: it is exchanged for a session that ends no later.
net::Awaitable<Result<net::Response>> by_token(Api& api, ApiCall call, std::string token) {
  auto hash = hash_of_secret(token);
  auto now = api.engine.clock().now().wall;
  auto found = co_await api.engine.peek([hash, now](const HubCore& core) -> std::optional<Credential> {
    const auto& state = core.state();
    auto id = state.credential_hashes.find(hash);
    if (id == state.credential_hashes.end()) return std::nullopt;
    const auto& it = state.credentials.at(id->second);
    if (it.kind != "api" || (it.expires_at && *it.expires_at <= now)) return std::nullopt;
    return it;
  });
  if (!found) co_return fail(Errc::unauthenticated, "the token is not valid (any more)");
  auto user = found->user.empty() ? std::string("admin") : found->user;
  auto secret = random_token();
  auto session = new_session(api, user, secret);
  if (found->expires_at) session.expires_at = std::min(*session.expires_at, *found->expires_at);
  auto who = call.caller.who;
  who.actor = "token:" + found->name;
  CO_TRY([[maybe_unused]] auto done, co_await api.engine.submit(who, PutCredential{std::move(session)}));
  co_return logged_in(call, user, secret);
}

net::Awaitable<Result<net::Response>> attempt(Api& api, ApiCall call, LoginInput input) {
  if (net::from_other_site(call.request)) co_return fail(Errc::denied, "another site made this request");
  CO_TRYV(co_await api.access.login_attempt(call.request.peer->address));
  if (!input.link.empty()) co_return co_await by_link(api, call, std::move(input.link));
  if (!input.token.reveal().empty()) co_return co_await by_token(api, call, input.token.reveal());
  co_return co_await by_password(api, call, std::move(input));
}

net::Awaitable<Result<net::Response>> login(Api& api, ApiCall call, LoginInput input) {
  auto name = input.user;
  auto response = co_await attempt(api, call, std::move(input));
  if (!response)
    (void)co_await api.engine.submit(
        call.caller.who, AuditNote{"login", "user " + valid_utf8(name), "denied", response.error().message});
  co_return response;
}

net::Awaitable<Result<net::Response>> logout(Api& api, ApiCall call, NoBody) {
  if (call.caller.credential && call.caller.how == "session") {
    CO_TRY([[maybe_unused]] auto done,
           co_await command_once(api, call, DropCredential{*call.caller.credential}));
  }
  auto response = net::json_response(200, "{}");
  response.headers.set("Set-Cookie", Access::cookie(call.request, "", 0s));
  co_return response;
}

net::Awaitable<Result<MeView>> me(Api&, ApiCall call, NoBody) {
  co_return MeView{call.caller.user.empty() ? call.caller.actor : call.caller.user, call.caller.role,
                   call.caller.how};
}

struct PasswordInput {
  Secret<std::string> password;
};
BOOST_DESCRIBE_STRUCT(PasswordInput, (), (password))
net::Awaitable<Result<MeView>> set_password(Api& api, ApiCall call, PasswordInput input) {
  auto name = call.caller.user.empty() ? "admin" : call.caller.user;
  auto password = input.password;
  CO_TRY(auto hash, co_await on_worker<std::string>(api, [password] { return hash_password(password); }));
  auto known = co_await api.engine.peek([name](const HubCore& core) -> std::optional<User> {
    auto found = core.state().users.find(name);
    return found == core.state().users.end() ? std::nullopt : std::optional(found->second);
  });
  User user = known.value_or(User{.id = fresh_id<UserId>(api), .name = name});
  if (!known) user.created_at = api.engine.clock().now().wall;
  user.password_hash = std::move(hash);
  CO_TRY([[maybe_unused]] auto done, co_await command_once(api, call, PutUser{std::move(user)}));
  co_return MeView{name, "admin", call.caller.how};
}

/// A one-time link for a browser; its secret is in the fragment, which browsers do not send.
net::Awaitable<Result<Answer>> make_link(Api& api, ApiCall call, NoBody) {
  auto secret = random_token();
  auto now = api.engine.clock().now().wall;
  Credential it{
      .id = fresh_id<TokenId>(api), .kind = "link", .hash = hash_of_secret(secret), .user = "admin"};
  it.created_at = now;
  it.expires_at = now + link_life;
  CO_TRY(auto answer, co_await command_once(api, call, PutCredential{it}));
  answer.body = {
      {"path", "/#login=" + secret}, {"link", secret}, {"expires_at", format_time(*it.expires_at)}};
  co_return answer;
}

}  // namespace

std::vector<ApiRoute> login_routes() {
  return {open_route(route("POST", "/login", "By user and password, by a one-time link, or by an API token.",
                           &login)),
          route("POST", "/logout", "Ends this session.", &logout), route("GET", "/me", "Who am I?", &me),
          route("POST", "/me/password", "A new password for me.", &set_password),
          route("POST", "/login-links", "A one-time link for a browser.", &make_link)};
}

}  // namespace drover::hub
