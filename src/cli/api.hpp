#pragma once
// The hub's API, as every client sees it: over its Unix socket on this machine, or over TLS.

#include <functional>
#include <memory>
#include <string>

#include "cli/context.hpp"
#include "net/async.hpp"
#include "net/client.hpp"

namespace drover::cli {

struct Answer {
  int status = 0;
  std::string location;
  json::value body;
};

struct Call {
  std::string method = "GET";
  std::string path;  // below /api/v1, encoded
  net::Query query;
  std::string body;
  std::string content_type = "application/json";
  std::string if_match;
  bool endless = false;  // a stream that has no end of its own: silence is no trouble
};

/// Calls block, with a deadline of their own (DROVER_ANSWER_LIMIT, 30 s); each one makes its own connection.
/// Errors: what the hub said, or
///   not_found   nothing runs here (no socket)
///   unavailable the hub elsewhere cannot be reached
///   timeout     it is there and does not answer
class Api {
 public:
  static Result<Api> open(const Context& context);

  Result<Answer> send(const Call& call) const;
  Result<json::value> get(const std::string& path, net::Query query = {}) const;
  /// All pages of a list; honours --filter, --sort (else `sort`) and --limit.
  Result<json::array> items(const std::string& path, const std::string& sort = {}) const;
  /// Each line of a streamed answer; stops when `on_line` returns false. As a coroutine, so that it can be
  /// cancelled.
  net::Awaitable<Result<void>> lines(Call call, std::function<bool(std::string)> on_line) const;
  net::Awaitable<Result<Answer>> send_async(Call call) const;
  /// "unix:…" or "https://…": for messages.
  std::string address() const;
  /// The same hub, with an earlier deadline for each call.
  Api at_most(Duration limit) const;

 private:
  struct Target {
    net::Url url;
    net::ClientSettings settings;
    std::string token;
    Duration answer_limit{};
    bool verbose = false;
    const Context* context = nullptr;
  };
  explicit Api(std::shared_ptr<const Target> target) : target_(std::move(target)) {}
  net::ClientRequest request(const Call& call) const;
  Error explain(Error error) const;
  std::shared_ptr<const Target> target_;
};

/// "stacks/" + encoded segment …
std::string path_of(std::initializer_list<std::string_view> segments);

}  // namespace drover::cli
