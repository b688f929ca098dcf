#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "hub/api/ask_nodes.hpp"
#include "model/port.hpp"

namespace drover::hub {
namespace {

struct Known {
  std::vector<NamedNode> nodes;   // that can be asked
  std::vector<PortView> unknown;  // of those that cannot
};

std::vector<PortView> ports_of(const HubState& state, const NodeEntry& node) {
  std::vector<PortView> out;
  for (const auto& id : node.slots) {
    const auto entry = state.slots.find(id);
    if (entry == state.slots.end()) continue;
    const auto view = view_instance(state, entry->second);
    for (const auto& [name, port] : view.ports) {
      PortView row;
      row.node = node.row.node.name;
      row.stack = view.stack;
      row.service = view.service;
      row.instance = view.stack + "/" + view.name;
      row.name = name;
      row.port = port;
      row.state = "unknown";
      out.push_back(std::move(row));
    }
  }
  return out;
}

/// Who listens is known on each node alone: it is asked there when someone looks.
net::Awaitable<Result<Rows<PortView>>> list(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto known, co_await api.engine.read([](const HubCore& core) {
    Known out;
    for (const auto& [id, node] : core.state().nodes) {
      auto ports = ports_of(core.state(), node);
      if (ports.empty()) continue;
      if (node.session) out.nodes.emplace_back(id, node.row.node.name);
      else out.unknown.insert(out.unknown.end(), ports.begin(), ports.end());
    }
    return out;
  }));
  auto rows = std::move(known.unknown);
  for (const auto& [node, record] :
       co_await ask_nodes(api, call.caller.who, std::move(known.nodes), "ports")) {
    auto ports = from_json_text<PortsView>(record, Unknown::ignore);
    if (!ports) continue;
    for (auto& row : ports->items) {
      row.node = node;
      rows.push_back(std::move(row));
    }
  }
  std::ranges::sort(rows, {}, [](const PortView& row) { return std::tie(row.node, row.port, row.protocol); });
  for (auto& row : rows) row.id = fmt::format("{}:{}/{}", row.node, row.port, row.protocol);
  co_return Rows<PortView>{std::move(rows), "id"};
}

}  // namespace

std::vector<ApiRoute> port_routes() {
  return {route("GET", "/ports", "The ports of the instances, and who listens on them now.", &list)};
}

}  // namespace drover::hub
