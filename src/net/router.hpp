#pragma once
// A table of routes. Built once, then read from any thread.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.hpp"

namespace drover::net {

struct Route {
  std::string method;  // GET also answers HEAD
  std::string
      pattern;  // "/api/v1/stacks/{name}/scale"; "{rest*}" as the last segment takes all that follows, "" too
  Handler handler;
  std::size_t max_body = 0;  // bytes; 0: the router's default
};

/// Literal segments win over {parameters}, parameters over {rest*}. Segments are decoded after they are
/// split, so an encoded "/" stays inside its parameter. Unknown path: 404; known path, other method: 405 with
/// Allow; OPTIONS: 204 with Allow. Both as problem+json.
class Router {
 public:
  explicit Router(std::size_t default_max_body = 1 << 20);
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  /// Asserts that the pattern is well-formed and not there twice.
  void add(Route route);
  /// Sets request.parameters and request.route and calls the handler.
  Awaitable<Response> answer(Request& request) const;
  std::size_t body_limit(const Request& request) const;
  /// Method and pattern of every route, in order: for OpenAPI and its test.
  std::vector<std::pair<std::string, std::string>> routes() const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
  std::vector<std::pair<std::string, std::string>> list_;
  std::size_t default_max_body_;
};

}  // namespace drover::net
