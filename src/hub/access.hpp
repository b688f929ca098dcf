#pragma once
// Who calls, and how they show it: Unix socket by uid, bearer token, session cookie. One role so far: admin.

#include <map>
#include <optional>
#include <string>

#include "hub/engine.hpp"
#include "net/http.hpp"

namespace drover::hub {

struct Caller {
  std::string actor;  // "unix:0", "token:ci", "user:admin"; "anonymous" where no login is needed
  std::string how;    // "unix", "token", "session", "none"
  std::string user, role;
  std::optional<TokenId> credential;
  std::optional<NodeId> node;  // an external agent: for this node, and for nothing else
  Who who;                     // actor, origin, trace id
};

class Access {
 public:
  /// `jwt_secret`: of the HS256 tokens that external agents may show; empty: they may not.
  Access(Engine& engine, std::uint32_t own_uid, std::string jwt_secret = {})
      : engine_(engine), own_uid_(own_uid), jwt_secret_(std::move(jwt_secret)) {}

  /// Nobody in particular; for routes without login and for refusals.
  static Caller anonymous(const net::Request& request);
  /// unauthenticated: nobody we know. denied: a browser says that another site made this request.
  net::Awaitable<Result<Caller>> identify(const net::Request& request);
  /// The same, and external agents: by the token of their node, or by a JWT that names it.
  net::Awaitable<Result<Caller>> identify_agent(const net::Request& request);
  /// Counts an attempt to log in: exhausted when one address, or all together, try too often.
  net::Awaitable<Result<void>> login_attempt(std::string address);

  /// The cookie that carries `secret` (empty: takes it away). Over TLS with the prefix __Host-.
  static std::string cookie(const net::Request& request, std::string_view secret, Duration life);

 private:
  net::Awaitable<std::optional<NodeId>> external_node(std::string name);
  net::Awaitable<std::optional<Credential>> find(std::string secret, std::string kind);

  Engine& engine_;
  std::uint32_t own_uid_;
  std::string jwt_secret_;
  struct Attempts {
    BootTime since{};
    std::uint32_t count = 0;
  };
  std::map<std::string, Attempts> attempts_;  // core thread only; by address, "" for all
};

}  // namespace drover::hub
