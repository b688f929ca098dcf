#include "hub/api/api.hpp"

namespace drover::hub {
namespace {

net::Awaitable<Result<Rows<Operation>>> list(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) {
    Rows<Operation> rows;
    for (const auto& [id, it] : core.state().operations) rows.items.push_back(it);
    return rows;
  });
}
net::Awaitable<Result<OperationView>> get(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct OperationTag>(call.path("id"), "operation"));
  co_return co_await api.engine.read([id](const HubCore& core) -> Result<OperationView> {
    auto found = core.state().operations.find(id);
    if (found == core.state().operations.end()) return fail(Errc::not_found, "there is no such operation");
    return view_operation(core.state(), found->second);
  });
}
net::Awaitable<Result<Answer>> undo(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct OperationTag>(call.path("id"), "operation"));
  co_return co_await command(api, call, UndoOperation{id});
}

struct OperationInput {
  OperationKind kind = OperationKind::start;
  bool all = false;
  std::vector<std::string> targets;
};
BOOST_DESCRIBE_STRUCT(OperationInput, (), (kind, all, targets))
struct Excluded {
  std::string instance, reason;
};
BOOST_DESCRIBE_STRUCT(Excluded, (), (instance, reason))

Result<std::set<InstanceId>> chosen(const HubState& state, const OperationInput& input) {
  std::set<InstanceId> out;
  if (input.all)
    for (const auto& [id, entry] : state.slots)
      if (entry.slot.role == SlotRole::holder) out.insert(id);
  for (const auto& name : input.targets) {
    TRY(auto target, resolve(state, name));
    out.insert(target.instances.begin(), target.instances.end());
  }
  return out;
}

/// Why the operation leaves this instance alone; "" if it touches it.
std::string left_alone(const HubState& state, const OperationInput& input, const SlotEntry& entry) {
  if (entry.slot.removing) return "it is being deleted";
  bool runs = wanted_running(state, entry.slot);
  switch (input.kind) {
    case OperationKind::start:
      return runs && is_alive(seen_state(state, entry).state) ? "it runs already" : "";
    case OperationKind::stop: return runs ? "" : "it is stopped already";
    case OperationKind::restart: return runs ? "" : "it was stopped on purpose";
    case OperationKind::reload: return reload_objection(state, entry);
    case OperationKind::exec:
    case OperationKind::probe:
    case OperationKind::collect: break;  // refused before
  }
  std::unreachable();
}

/// What it would touch; changes nothing.
net::Awaitable<Result<Answer>> preview(Api& api, OperationInput input) {
  return api.engine.read([input](const HubCore& core) -> Result<Answer> {
    const auto& state = core.state();
    TRY(auto ids, chosen(state, input));
    std::vector<OperationItem> items;
    std::vector<Excluded> excluded;
    for (auto id : ids) {
      const auto& entry = state.slots.at(id);
      auto reason = left_alone(state, input, entry);
      if (reason.empty())
        items.push_back({.instance = id,
                         .stack = entry.slot.stack,
                         .instance_name = entry.slot.name,
                         .node = entry.slot.node_name});
      else excluded.push_back({entry.slot.stack + "/" + entry.slot.name, reason});
    }
    return Answer{.body = {{"items", to_json(items)}, {"excluded", to_json(excluded)}}};
  });
}

net::Awaitable<Result<Answer>> start(Api& api, ApiCall call, OperationInput input) {
  if (input.all != input.targets.empty())
    co_return fail(Errc::invalid, "either all, or targets", {},
                   "{\"kind\":\"stop\",\"targets\":[\"shop/web\"]}");
  if (input.kind > OperationKind::reload)
    co_return fail(Errc::invalid, "an operation of this kind is made by its tasks", {}, "POST /api/v1/tasks");
  if (call.flag("dry_run")) co_return co_await preview(api, std::move(input));
  co_return co_await command(api, call, ChangeRun{input.kind, input.all, std::move(input.targets)});
}

}  // namespace

std::vector<ApiRoute> operation_routes() {
  return {route("GET", "/operations", "Bulk commands.", &list),
          route("GET", "/operations/{id}", "One of them, with a result for each target and its tasks.", &get),
          route("POST", "/operations/{id}/undo", "Takes a start or a stop back.", &undo),
          route("POST", "/operations",
                "Starts, stops, restarts or reloads many; dry_run=true says what it would touch.", &start)};
}

}  // namespace drover::hub
