#include "hub/api/api.hpp"

namespace drover::hub {
namespace {

net::Awaitable<Result<Summary>> summary(Api& api, ApiCall, NoBody) {
  CO_TRY(auto out, co_await api.engine.read(
                       [](const HubCore& core) { return view_summary(core.state(), core.settings()); }));
  if (api.engine.read_only()) out.hub_state = "read_only";
  co_return out;
}

struct VersionView {
  std::string version, revision;
  std::uint32_t protocol = protocol_version;
  std::string api = "v1";
};
BOOST_DESCRIBE_STRUCT(VersionView, (), (version, revision, protocol, api))
net::Awaitable<Result<VersionView>> version(Api& api, ApiCall, NoBody) {
  co_return VersionView{.version = api.version, .revision = api.revision};
}

net::Awaitable<Result<net::Response>> description(Api& api, ApiCall, NoBody) {
  co_return net::json_response(200, openapi(all_routes(), api.version));
}

}  // namespace

std::vector<ApiRoute> system_routes() {
  return {route("GET", "/summary", "The fleet in one object.", &summary),
          open_route(route("GET", "/version", "Of this hub.", &version)),
          open_route(route("GET", "/openapi.json", "This API, as OpenAPI 3.1.", &description))};
}

}  // namespace drover::hub
