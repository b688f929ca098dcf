#include "hub/api/api.hpp"

namespace drover::hub {
namespace {

Result<const NodeEntry*> find_node(const HubState& state, const std::string& name) {
  auto found = state.node_names.find(name);
  auto id = found != state.node_names.end() ? std::optional(found->second.value) : parse_uuid(name);
  if (id)
    if (auto node = state.nodes.find(NodeId{*id}); node != state.nodes.end()) return &node->second;
  std::vector<std::string> names;
  for (const auto& [known, it] : state.node_names) names.push_back(known);
  auto near = nearest(name, std::span<const std::string>(names));
  return fail(Errc::not_found, "there is no node \"" + name + "\"", {},
              near ? "did you mean \"" + *near + "\"?" : "");
}

net::Awaitable<Result<Rows<NodeView>>> list_nodes(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) {
    Rows<NodeView> rows;
    for (const auto& [id, node] : core.state().nodes)
      rows.items.push_back(view_node(core.state(), core.settings(), node));
    rows.id = "name";
    return rows;
  });
}

net::Awaitable<Result<NodeView>> read_node(Api& api, std::string name) {
  return api.engine.read([name](const HubCore& core) -> Result<NodeView> {
    TRY(const NodeEntry* node, find_node(core.state(), name));
    return view_node(core.state(), core.settings(), *node);
  });
}
net::Awaitable<Result<NodeView>> get_node(Api& api, ApiCall call, NoBody) {
  return read_node(api, call.path("node"));
}

/// The command, and then the node as it is now.
net::Awaitable<Result<NodeView>> change(Api& api, ApiCall call, Command what) {
  CO_TRY([[maybe_unused]] auto done, co_await command(api, call, std::move(what)));
  co_return co_await read_node(api, call.path("node"));
}

struct LabelInput {
  std::map<std::string, std::optional<std::string>> labels;
};
BOOST_DESCRIBE_STRUCT(LabelInput, (), (labels))

net::Awaitable<Result<NodeView>> label_node(Api& api, ApiCall call, LabelInput input) {
  return change(api, call, LabelNode{call.path("node"), std::move(input.labels)});
}
net::Awaitable<Result<NodeView>> cordon(Api& api, ApiCall call, NoBody) {
  return change(api, call, CordonNode{call.path("node"), true});
}
net::Awaitable<Result<NodeView>> uncordon(Api& api, ApiCall call, NoBody) {
  return change(api, call, CordonNode{call.path("node"), false});
}
net::Awaitable<Result<Rows<DrainStep>>> drain_steps(Api& api, ApiCall call, NoBody) {
  auto name = call.path("node");
  return api.engine.read([name](const HubCore& core) -> Result<Rows<DrainStep>> {
    TRY(const NodeEntry* node, find_node(core.state(), name));
    return Rows<DrainStep>{.items = drain_plan(core.state(), *node), .id = "instance"};
  });
}
/// With dry_run the plan alone.
net::Awaitable<Result<Answer>> drain(Api& api, ApiCall call, NoBody none) {
  if (call.flag("dry_run")) {
    CO_TRY(auto steps, co_await drain_steps(api, call, none));
    co_return Answer{.body = {{"items", to_json(steps.items)}}};
  }
  CO_TRY(auto view, co_await change(api, call, DrainNode{call.path("node"), true}));
  co_return Answer{.body = to_json(view).get_object()};
}
net::Awaitable<Result<NodeView>> undrain(Api& api, ApiCall call, NoBody) {
  return change(api, call, DrainNode{call.path("node"), false});
}
net::Awaitable<Result<Answer>> remove(Api& api, ApiCall call, NoBody) {
  return command(api, call, RemoveNode{call.path("node"), call.flag("force")});
}

}  // namespace

std::vector<ApiRoute> node_routes() {
  return {
      route("GET", "/nodes", "The nodes.", &list_nodes),
      route("GET", "/nodes/{node}", "One node, by name or id.", &get_node),
      route("PATCH", "/nodes/{node}", "Gives and takes labels; null takes one away.", &label_node),
      route("POST", "/nodes/{node}/cordon", "It takes nothing new.", &cordon),
      route("POST", "/nodes/{node}/uncordon", "It takes new instances again.", &uncordon),
      route("GET", "/nodes/{node}/drain", "What a drain would do, or has still to do.", &drain_steps),
      route("POST", "/nodes/{node}/drain",
            "It gives up what can go elsewhere; dry_run=true: only says what would go where.", &drain),
      route("POST", "/nodes/{node}/undrain", "It keeps what it has.", &undrain),
      route("DELETE", "/nodes/{node}", "Forgets a node; force=true also while it is connected.", &remove)};
}

}  // namespace drover::hub
