#include "hub/api/api.hpp"

namespace drover::hub {
namespace {

net::Awaitable<Result<Rows<ServiceView>>> list_services(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) { return Rows<ServiceView>{view_services(core.state())}; });
}

net::Awaitable<Result<ServiceView>> get_service(Api& api, ApiCall call, NoBody) {
  auto stack = call.path("stack"), service = call.path("service");
  return api.engine.read([stack, service](const HubCore& core) -> Result<ServiceView> {
    if (auto view = view_service(core.state(), stack, service)) return *view;
    return fail(Errc::not_found, "there is no service \"" + stack + "/" + service + "\"");
  });
}

net::Awaitable<Result<Answer>> run(Api& api, ApiCall call, OperationKind kind) {
  CO_TRY(auto view, co_await get_service(api, call, {}));
  co_return co_await command(api, call, ChangeRun{kind, false, {view.id}});
}
net::Awaitable<Result<Answer>> start(Api& api, ApiCall call, NoBody) {
  return run(api, call, OperationKind::start);
}
net::Awaitable<Result<Answer>> stop(Api& api, ApiCall call, NoBody) {
  return run(api, call, OperationKind::stop);
}
net::Awaitable<Result<Answer>> restart(Api& api, ApiCall call, NoBody) {
  return run(api, call, OperationKind::restart);
}
net::Awaitable<Result<Answer>> reload(Api& api, ApiCall call, NoBody) {
  return run(api, call, OperationKind::reload);
}

}  // namespace

std::vector<ApiRoute> service_routes() {
  return {route("GET", "/services", "The services of all stacks.", &list_services),
          route("GET", "/services/{stack}/{service}", "One service.", &get_service),
          route("POST", "/services/{stack}/{service}/start", "Starts its instances.", &start),
          route("POST", "/services/{stack}/{service}/stop", "Stops its instances.", &stop),
          route("POST", "/services/{stack}/{service}/restart", "Restarts its instances.", &restart),
          route("POST", "/services/{stack}/{service}/reload",
                "Has its instances take their configuration anew.", &reload)};
}

}  // namespace drover::hub
