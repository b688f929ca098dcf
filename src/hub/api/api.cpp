#include "hub/api/api.hpp"

#include "base/text.hpp"

namespace drover::hub {

net::Response respond(const ApiCall&, net::Response response) { return response; }

net::Response respond(const ApiCall&, Answer answer) {
  auto response = net::json_response(answer.status, print_json(answer.body));
  if (!answer.location.empty()) response.headers.set("Location", answer.location);
  if (answer.replayed) response.headers.set("Idempotency-Replayed", "true");
  return response;
}

Result<net::Response> respond_page(const ApiCall& call, std::vector<json::object> rows, std::string id,
                                   std::vector<std::string_view> keys) {
  ListQuery query{.filter = call.query("filter"), .sort = call.query("sort"), .cursor = call.query("cursor")};
  query.id = std::move(id);
  query.keys = std::move(keys);
  TRY(query.limit, parse_limit(call.request.query.get("limit"), 200));
  TRY(auto page, make_page(query, std::move(rows)));
  json::array items;
  items.reserve(page.items.size());
  for (auto& item : page.items) items.emplace_back(std::move(item));
  json::object out{{"items", std::move(items)}};
  if (page.next.empty()) out["next"] = nullptr;
  else out["next"] = page.next;
  return net::json_response(200, print_json(out));
}

net::Awaitable<Result<Answer>> command(Api& api, ApiCall call, Command what) {
  std::optional<Idempotency> idempotency;
  if (auto key = call.request.headers.get("Idempotency-Key")) {
    if (key->empty() || key->size() > 255)
      co_return fail(Errc::invalid, "an Idempotency-Key has 1 to 255 characters");
    idempotency = {std::string(*key), blake2b(call.request.method + " " + call.request.path + "?" +
                                              call.request.query.encode() + "\n" + call.request.body)};
  }
  co_return co_await api.engine.submit(call.caller.who, std::move(what), std::move(idempotency));
}

net::Awaitable<Result<Answer>> command_once(Api& api, ApiCall call, Command what) {
  return api.engine.submit(call.caller.who, std::move(what));
}

std::vector<ApiRoute> all_routes() {
  std::vector<ApiRoute> out;
  for (auto* make :
       {&system_routes, &node_routes, &stack_routes, &service_routes, &instance_routes, &port_routes,
        &usage_routes, &own_log_routes, &deployment_routes, &task_routes, &operation_routes, &external_routes,
        &graphium_routes, &event_routes, &audit_routes, &people_routes, &login_routes, &agent_routes})
    for (auto& route : make()) out.push_back(std::move(route));
  return out;
}

}  // namespace drover::hub
