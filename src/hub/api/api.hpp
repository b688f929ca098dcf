#pragma once
// The API's one table: each route says its method, path, what goes in and comes out, and which function does
// it. Routing, login, body checks, OpenAPI and the documentation's test come from this table.
//
//   net::Awaitable<Result<NodeView>> get_node(Api& api, ApiCall call, NoBody);
//   route("GET", "/nodes/{node}", "One node.", &get_node)

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "hub/access.hpp"
#include "hub/api/schema.hpp"
#include "hub/authority.hpp"
#include "hub/engine.hpp"
#include "hub/listing.hpp"
#include "hub/log_streams.hpp"
#include "hub/views.hpp"
#include "net/http.hpp"
#include "net/problem.hpp"

namespace drover::hub {

/// What handlers may use. Lives as long as the server.
struct Api {
  Engine& engine;
  Access& access;
  Authority& authority;
  LogStreams& streams;
  net::Executor worker;  // for what takes long: passwords, history
  std::string version, revision;
  std::string ui_build;
  std::string state = {};  // the hub's directory
};

/// One request of a known caller. The request outlives the handler.
struct ApiCall {
  net::Request& request;
  Caller caller;
  std::string path(std::string_view name) const { return std::string(request.parameter(name)); }
  std::string query(std::string_view name) const { return std::string(request.query.get(name).value_or("")); }
  bool flag(std::string_view name) const { return query(name) == "true"; }
};

struct NoBody {};  // a body is ignored
struct RawBody {   // as it came
  std::string text;
};
/// A list answer: rows of type T, filtered, ordered and cut as the query says.
template <class T>
struct Rows {
  using Item = T;
  std::vector<T> items;
  std::string id = "id";
};

struct ApiRoute {
  std::string method, path;  // below `base`
  std::string summary;
  bool open = false;             // no login needed
  bool agents = false;           // external agents come in too, with their own tokens
  std::string base = "/api/v1";  // another: the shapes of another system
  std::size_t max_body = 0;
  json::value input, output;  // JSON Schema; null: none, or not JSON
  bool list = false;
  std::function<net::Awaitable<Result<net::Response>>(Api&, ApiCall)> handler;
};

/// "/api/v1".
inline constexpr std::string_view api_base = "/api/v1";

// ---- from values to responses

net::Response respond(const ApiCall& call, net::Response response);
net::Response respond(const ApiCall& call, Answer answer);
template <class T>
net::Response respond(const ApiCall& call, const T& value) {
  (void)call;
  return net::json_response(200, to_json_text(value));
}
Result<net::Response> respond_page(const ApiCall& call, std::vector<json::object> rows, std::string id,
                                   std::vector<std::string_view> keys);

/// Names of the members of a described type.
template <class T>
std::vector<std::string_view> member_names() {
  std::vector<std::string_view> out;
  boost::mp11::mp_for_each<detail::members_of<T>>([&](auto d) { out.emplace_back(d.name); });
  return out;
}
template <class T>
Result<net::Response> respond_rows(const ApiCall& call, const Rows<T>& rows) {
  std::vector<json::object> objects;
  objects.reserve(rows.items.size());
  for (const auto& item : rows.items) objects.push_back(to_json(item).get_object());
  return respond_page(call, std::move(objects), rows.id, member_names<T>());
}

template <class T>
inline constexpr bool is_rows = false;
template <class T>
inline constexpr bool is_rows<Rows<T>> = true;

// ---- the table

template <class In>
Result<In> read_body(const ApiCall& call) {
  if constexpr (std::is_same_v<In, NoBody>) return In{};
  else if constexpr (std::is_same_v<In, RawBody>) return RawBody{call.request.body};
  else return from_json_text<In>(call.request.body.empty() ? "{}" : call.request.body, Unknown::refuse);
}

template <class In, class Out>
using HandlerFunction = net::Awaitable<Result<Out>> (*)(Api&, ApiCall, In);

template <class In, class Out>
net::Awaitable<Result<net::Response>> run_handler(HandlerFunction<In, Out> function, Api& api, ApiCall call) {
  CO_TRY(auto input, read_body<In>(call));
  CO_TRY(auto output, co_await function(api, call, std::move(input)));
  if constexpr (is_rows<Out>) co_return respond_rows(call, output);
  else co_return respond(call, std::move(output));
}

template <class In, class Out>
ApiRoute route(std::string method, std::string path, std::string summary, HandlerFunction<In, Out> function) {
  ApiRoute it{.method = std::move(method), .path = std::move(path), .summary = std::move(summary)};
  if constexpr (!std::is_same_v<In, NoBody> && !std::is_same_v<In, RawBody>) it.input = schema_of<In>();
  if constexpr (is_rows<Out>) {
    it.output = schema_of<typename Out::Item, Side::answer>();
    it.list = true;
  } else if constexpr (std::is_same_v<Out, Answer>) {
    it.output = json::object{{"type", "object"}};
  } else if constexpr (!std::is_same_v<Out, net::Response>) {
    it.output = schema_of<Out, Side::answer>();
  }
  it.handler = [function](Api& api, ApiCall call) { return run_handler<In, Out>(function, api, call); };
  return it;
}
inline ApiRoute open_route(ApiRoute it) {
  it.open = true;
  return it;
}
inline ApiRoute agents_route(ApiRoute it) {
  it.agents = true;
  return it;
}
inline ApiRoute large_body(ApiRoute it, std::size_t bytes) {
  it.max_body = bytes;
  return it;
}

// ---- for handlers

/// The command's answer; with the request's Idempotency-Key, if it has one.
net::Awaitable<Result<Answer>> command(Api& api, ApiCall call, Command command);
/// The same for answers that show a secret once: never repeated by key.
net::Awaitable<Result<Answer>> command_once(Api& api, ApiCall call, Command command);
/// A task, wherever it is: live, newest, or in the store. not_found.
net::Awaitable<Result<TaskView>> find_task_view(Api& api, TaskId id);
/// The same as it is kept. nullopt: the core has it.
net::Awaitable<Result<std::optional<Task>>> stored_task(Api& api, TaskId id);
/// The external node that the path or the task names, if the caller may act for it. denied: it is another's.
net::Awaitable<Result<NodeId>> external_node(Api& api, ApiCall call, std::string name);

/// A plain function on the worker thread.
template <class T>
net::Awaitable<Result<T>> on_worker(Api& api, std::function<Result<T>()> function) {
  std::optional<Result<T>> out;
  co_await net::run_on(api.worker, [&] { out.emplace(function()); });
  co_return std::move(*out);
}
template <class Tag>
Result<Id<Tag>> parse_id(const std::string& text, std::string_view what) {
  auto id = parse_uuid(text);
  if (!id) return fail(Errc::not_found, "there is no " + std::string(what) + " \"" + text + "\"");
  return Id<Tag>{*id};
}
/// A fresh id; its random part from the kernel.
template <class I>
I fresh_id(Api& api) {
  Rng rng(real_seed());
  return I{make_uuid(api.engine.clock().now().wall, rng)};
}

// One file a resource.
std::vector<ApiRoute> system_routes();
std::vector<ApiRoute> node_routes();
std::vector<ApiRoute> stack_routes();
std::vector<ApiRoute> service_routes();
std::vector<ApiRoute> instance_routes();
std::vector<ApiRoute> own_log_routes();
std::vector<ApiRoute> port_routes();
std::vector<ApiRoute> usage_routes();
std::vector<ApiRoute> deployment_routes();
std::vector<ApiRoute> task_routes();
std::vector<ApiRoute> operation_routes();
std::vector<ApiRoute> external_routes();
std::vector<ApiRoute> graphium_routes();
std::vector<ApiRoute> event_routes();
std::vector<ApiRoute> audit_routes();
std::vector<ApiRoute> people_routes();
std::vector<ApiRoute> login_routes();
std::vector<ApiRoute> agent_routes();
std::vector<ApiRoute> all_routes();

/// OpenAPI 3.1 of the table.
std::string openapi(const std::vector<ApiRoute>& routes, std::string_view version);

}  // namespace drover::hub
