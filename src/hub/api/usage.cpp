#include "model/usage.hpp"
#include "hub/api/ask_nodes.hpp"

namespace drover::hub {
namespace {

net::Awaitable<Result<Rows<UsageView>>> list(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto nodes, co_await api.engine.read([](const HubCore& core) {
    std::vector<NamedNode> nodes;
    for (const auto& [id, node] : core.state().nodes)
      if (node.session && !node.slots.empty()) nodes.emplace_back(id, node.row.node.name);
    return nodes;
  }));
  Rows<UsageView> rows;
  for (const auto& [node, record] : co_await ask_nodes(api, call.caller.who, std::move(nodes), "usage")) {
    auto usages = from_json_text<UsagesView>(record, Unknown::ignore);
    if (!usages) continue;  // an agent that does not know the question
    for (auto& one : usages->items) {
      one.node = node;
      rows.items.push_back(std::move(one));
    }
  }
  co_return rows;
}

}  // namespace

std::vector<ApiRoute> usage_routes() {
  return {route("GET", "/usage", "CPU and memory of the instances that run, measured now.", &list)};
}

}  // namespace drover::hub
