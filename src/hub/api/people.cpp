// Users, API tokens, join tokens. Secrets are made and hashed here; the core keeps hashes.

#include "hub/api/api.hpp"
#include "hub/codes.hpp"

namespace drover::hub {
namespace {

// ---- users

struct UserView {
  std::string name, role;
  WallTime created_at{};
};
BOOST_DESCRIBE_STRUCT(UserView, (), (name, role, created_at))
struct UserInput {
  std::string name;
  Secret<std::string> password;
};
BOOST_DESCRIBE_STRUCT(UserInput, (), (name, password))

net::Awaitable<Result<Rows<UserView>>> list_users(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) {
    Rows<UserView> rows{.items = {}, .id = "name"};
    for (const auto& [name, it] : core.state().users) rows.items.push_back({it.name, it.role, it.created_at});
    return rows;
  });
}

net::Awaitable<Result<Answer>> put_user(Api& api, ApiCall call, UserInput input) {
  auto password = input.password;
  CO_TRY(auto hash, co_await on_worker<std::string>(api, [password] { return hash_password(password); }));
  auto name = input.name;
  auto known = co_await api.engine.peek([name](const HubCore& core) -> std::optional<User> {
    auto found = core.state().users.find(name);
    return found == core.state().users.end() ? std::nullopt : std::optional(found->second);
  });
  User user = known.value_or(User{.id = fresh_id<UserId>(api), .name = name});
  if (!known) user.created_at = api.engine.clock().now().wall;
  user.password_hash = std::move(hash);
  co_return co_await command_once(api, call, PutUser{std::move(user)});
}
net::Awaitable<Result<Answer>> set_user(Api& api, ApiCall call, UserInput input) {
  input.name = call.path("name");
  return put_user(api, call, std::move(input));
}
net::Awaitable<Result<Answer>> drop_user(Api& api, ApiCall call, NoBody) {
  return command(api, call, DropUser{call.path("name")});
}

// ---- API tokens

struct TokenView {
  TokenId id;
  std::string name, user;
  WallTime created_at{};
  std::optional<WallTime> expires_at;
};
BOOST_DESCRIBE_STRUCT(TokenView, (), (id, name, user, created_at, expires_at))
struct TokenInput {
  std::string name;
  std::optional<Duration> ttl;
};
BOOST_DESCRIBE_STRUCT(TokenInput, (), (name, ttl))

net::Awaitable<Result<Rows<TokenView>>> list_tokens(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) {
    Rows<TokenView> rows;
    for (const auto& [id, it] : core.state().credentials)
      if (it.kind == "api") rows.items.push_back({it.id, it.name, it.user, it.created_at, it.expires_at});
    return rows;
  });
}
net::Awaitable<Result<Answer>> make_token(Api& api, ApiCall call, TokenInput input) {
  if (!is_name(input.name))
    co_return fail(Errc::invalid, "name: a-z 0-9 - _, at most 63", {}, "{\"name\":\"ci\"}");
  auto token = "drv_" + random_token();
  auto now = api.engine.clock().now().wall;
  Credential it{
      .id = fresh_id<TokenId>(api), .kind = "api", .name = input.name, .hash = hash_of_secret(token)};
  it.user = call.caller.user;
  it.created_at = now;
  if (input.ttl) it.expires_at = now + *input.ttl;
  CO_TRY(auto answer, co_await command_once(api, call, PutCredential{it}));
  answer.body = {{"id", to_string(it.id)}, {"token", token}};
  answer.location = "/api/v1/tokens/" + to_string(it.id);
  co_return answer;
}
net::Awaitable<Result<Answer>> drop_token(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct TokenTag>(call.path("id"), "token"));
  co_return co_await command(api, call, DropCredential{id});
}

// ---- join tokens

struct JoinTokenView {
  TokenId id;
  std::uint32_t uses_left = 0;
  std::map<std::string, std::string> labels;
  std::string replace;
  WallTime created_at{}, expires_at{};
};
BOOST_DESCRIBE_STRUCT(JoinTokenView, (), (id, uses_left, labels, replace, created_at, expires_at))
struct JoinTokenInput {
  std::uint32_t uses = 1;
  Duration ttl = 15min;
  std::map<std::string, std::string> labels;
  std::string replace;
};
BOOST_DESCRIBE_STRUCT(JoinTokenInput, (), (uses, ttl, labels, replace))

net::Awaitable<Result<Rows<JoinTokenView>>> list_join_tokens(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) {
    Rows<JoinTokenView> rows;
    for (const auto& [id, it] : core.state().join_tokens)
      rows.items.push_back({it.id, it.uses_left, it.labels, it.replace, it.created_at, it.expires_at});
    return rows;
  });
}
net::Awaitable<Result<Answer>> make_join_token(Api& api, ApiCall call, JoinTokenInput input) {
  if (input.uses == 0 || input.uses > 10'000) co_return fail(Errc::invalid, "uses: between 1 and 10000");
  if (input.ttl < 1s || input.ttl > std::chrono::hours(24 * 30))
    co_return fail(Errc::invalid, "ttl: between 1s and 30d");
  for (const auto& [key, value] : input.labels)
    if (!is_name(key)) co_return fail(Errc::invalid, "labels: \"" + key + "\" is not a label's name");
  if (api.authority.url().empty())
    co_return fail(Errc::unavailable, "this hub has no address that other machines can reach", {},
                   "start it with --listen ADDRESS:3079");
  auto secret = random_token();
  auto now = api.engine.clock().now().wall;
  JoinToken token{.id = fresh_id<TokenId>(api), .hash = hash_of_secret(secret), .uses_left = input.uses};
  token.labels = std::move(input.labels);
  token.replace = input.replace;
  token.who = call.caller.who;
  token.created_at = now;
  token.expires_at = now + input.ttl;
  CO_TRY(auto answer, co_await command_once(api, call, PutJoinToken{token}));
  answer.body["line"] = api.authority.join_line(secret, input.replace);
  answer.body["expires_at"] = format_time(token.expires_at);
  co_return answer;
}
net::Awaitable<Result<Answer>> drop_join_token(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct TokenTag>(call.path("id"), "join token"));
  co_return co_await command(api, call, DropJoinToken{id});
}

}  // namespace

std::vector<ApiRoute> people_routes() {
  return {route("GET", "/users", "Who may log in.", &list_users),
          route("POST", "/users", "A new user, or a new password.", &put_user),
          route("POST", "/users/{name}", "A new password.", &set_user),
          route("DELETE", "/users/{name}", "Forgets a user, with sessions and tokens.", &drop_user),
          route("GET", "/tokens", "The API tokens.", &list_tokens),
          route("POST", "/tokens", "A new API token, shown once.", &make_token),
          route("DELETE", "/tokens/{id}", "Revokes one.", &drop_token),
          route("GET", "/join-tokens", "The join lines that are still good.", &list_join_tokens),
          route("POST", "/join-tokens", "A new join line, shown once.", &make_join_token),
          route("DELETE", "/join-tokens/{id}", "Voids one.", &drop_join_token)};
}

}  // namespace drover::hub
