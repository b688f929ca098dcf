#include "hub/api/api.hpp"

namespace drover::hub {
namespace {

net::Awaitable<Result<Rows<Deployment>>> list(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) {
    Rows<Deployment> rows;
    for (const auto& [id, it] : core.state().deployments) rows.items.push_back(it);
    return rows;
  });
}
net::Awaitable<Result<Deployment>> read_one(Api& api, DeploymentId id) {
  return api.engine.read([id](const HubCore& core) -> Result<Deployment> {
    auto found = core.state().deployments.find(id);
    if (found == core.state().deployments.end()) return fail(Errc::not_found, "there is no such deployment");
    return found->second;
  });
}
net::Awaitable<Result<Deployment>> get(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct DeploymentTag>(call.path("id"), "deployment"));
  co_return co_await read_one(api, id);
}
net::Awaitable<Result<Deployment>> change(Api& api, ApiCall call, DeploymentId id, Command what) {
  CO_TRY([[maybe_unused]] auto done, co_await command(api, call, std::move(what)));
  co_return co_await read_one(api, id);
}
net::Awaitable<Result<Deployment>> pause(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct DeploymentTag>(call.path("id"), "deployment"));
  co_return co_await change(api, call, id, PauseDeployment{id, true});
}
net::Awaitable<Result<Deployment>> resume(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct DeploymentTag>(call.path("id"), "deployment"));
  co_return co_await change(api, call, id, PauseDeployment{id, false});
}
net::Awaitable<Result<Deployment>> promote(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct DeploymentTag>(call.path("id"), "deployment"));
  co_return co_await change(api, call, id, PromoteDeployment{id});
}
net::Awaitable<Result<Deployment>> abort(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct DeploymentTag>(call.path("id"), "deployment"));
  co_return co_await change(api, call, id, AbortDeployment{id});
}
net::Awaitable<Result<Deployment>> cancel(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct DeploymentTag>(call.path("id"), "deployment"));
  co_return co_await change(api, call, id, CancelDeployment{id});
}

}  // namespace

std::vector<ApiRoute> deployment_routes() {
  return {route("GET", "/deployments", "The deployments.", &list),
          route("GET", "/deployments/{id}", "One deployment.", &get),
          route("POST", "/deployments/{id}/pause", "Holds it.", &pause),
          route("POST", "/deployments/{id}/resume", "Lets it go on.", &resume),
          route("POST", "/deployments/{id}/promote", "The rest follows the canaries.", &promote),
          route("POST", "/deployments/{id}/abort", "Back to the newest revision that succeeded.", &abort),
          route("POST", "/deployments/{id}/cancel", "Ends it; what is done stays.", &cancel)};
}

}  // namespace drover::hub
