#include "net/router.hpp"

#include <map>

#include "base/text.hpp"
#include "net/problem.hpp"

namespace drover::net {

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node>
      parameter;  // {name}: the name belongs to the route, so that routes may name it differently
  std::map<std::string, Route, std::less<>> routes;       // by method
  std::map<std::string, Route, std::less<>> rest_routes;  // {rest*} below this node, by method
};

namespace {

using Segments = std::vector<std::string_view>;

Segments segments_of(std::string_view path) {
  Segments out;
  path.remove_prefix(1);
  for (;;) {
    auto end = path.find('/');
    out.push_back(path.substr(0, end));
    if (end == path.npos) return out;
    path.remove_prefix(end + 1);
  }
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }
bool is_rest(std::string_view segment) { return is_parameter(segment) && segment.ends_with("*}"); }

std::string_view parameter_name(std::string_view segment) {
  return segment.substr(1, segment.size() - (is_rest(segment) ? 3 : 2));
}

const Route* by_method(const std::map<std::string, Route, std::less<>>& routes, std::string_view method) {
  auto found = routes.find(method);
  if (found == routes.end() && method == "HEAD") found = routes.find("GET");
  return found == routes.end() ? nullptr : &found->second;
}

void fill_parameters(const Route& route, std::string_view path, Request& request) {
  auto wanted = segments_of(route.pattern);
  auto given = segments_of(path);
  request.route = route.pattern;
  request.parameters.clear();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!is_parameter(wanted[i])) continue;
    std::string_view raw = i < given.size() ? given[i] : std::string_view();
    if (is_rest(wanted[i]) && i < given.size()) raw = path.substr(std::size_t(given[i].data() - path.data()));
    // parse_target has checked every escape.
    request.parameters.emplace_back(parameter_name(wanted[i]),
                                    percent_decode(raw).value_or(std::string(raw)));
  }
}

Response wrong_method(const std::vector<std::string>& allowed, std::string_view method) {
  auto response =
      method == "OPTIONS"
          ? Response{.status = 204}
          : problem_response(405, "method_not_allowed",
                             valid_utf8(method) + " is not possible here; allowed: " + join(allowed, ", "));
  response.headers.set("Allow", join(allowed, ", "));
  return response;
}

// Walks the tree for a path: literals before parameters before rest. Backtracks, so that /a/{x}/c and /a/b/d
// live side by side; depth is bounded by the longest pattern.
struct Found {
  const Route* route = nullptr;
  std::vector<std::string> methods;  // of the first place that has any, when the method does not fit
};

template <class Node>
void find(const Node& node, const Segments& path, std::size_t at, std::string_view method, Found& found) {
  auto take = [&](const std::map<std::string, Route, std::less<>>& routes) {
    if (found.route || routes.empty()) return;
    found.route = by_method(routes, method);
    if (found.route || !found.methods.empty()) return;
    for (const auto& [name, route] : routes) found.methods.push_back(name);
  };
  if (at == path.size()) return take(node.routes);
  auto literal = node.literals.find(path[at]);
  if (literal != node.literals.end()) find(*literal->second, path, at + 1, method, found);
  if (!found.route && node.parameter && !path[at].empty()) find(*node.parameter, path, at + 1, method, found);
  take(node.rest_routes);
}

}  // namespace

Router::Router(std::size_t default_max_body)
    : root_(std::make_unique<Node>()), default_max_body_(default_max_body) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Route route) {
  DROVER_ASSERT(route.pattern.starts_with('/') && route.handler,
                "a route has a pattern with / and a handler");
  Node* node = root_.get();
  auto segments = segments_of(route.pattern);
  list_.emplace_back(route.method, route.pattern);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (is_rest(segments[i])) {
      DROVER_ASSERT(i + 1 == segments.size(), "{rest*} is the last segment");
      DROVER_ASSERT(!node->rest_routes.contains(route.method), "a route is there twice");
      node->rest_routes.emplace(route.method, std::move(route));
      return;
    }
    auto& next = is_parameter(segments[i]) ? node->parameter : node->literals[std::string(segments[i])];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  DROVER_ASSERT(!node->routes.contains(route.method), "a route is there twice");
  node->routes.emplace(route.method, std::move(route));
}

Awaitable<Response> Router::answer(Request& request) const {
  Found found;
  find(*root_, segments_of(request.path), 0, request.method, found);
  if (!found.route && found.methods.empty())
    co_return problem_response(404, "not_found", "there is nothing at " + valid_utf8(request.path));
  if (!found.route) {
    for (const auto& method : found.methods)
      if (method == "GET") {
        found.methods.push_back("HEAD");
        break;
      }
    co_return wrong_method(found.methods, request.method);
  }
  fill_parameters(*found.route, request.path, request);
  co_return co_await found.route->handler(request);
}

std::size_t Router::body_limit(const Request& request) const {
  Found found;
  find(*root_, segments_of(request.path), 0, request.method, found);
  return found.route && found.route->max_body != 0 ? found.route->max_body : default_max_body_;
}

std::vector<std::pair<std::string, std::string>> Router::routes() const { return list_; }

}  // namespace drover::net
