#include "core/agent/io.hpp"
#include "hub/api/api.hpp"
#include "hub/api/log_merge.hpp"

namespace drover::hub {
namespace {

net::Awaitable<Result<Rows<InstanceView>>> list(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) {
    Rows<InstanceView> rows;
    for (const auto& [id, entry] : core.state().slots)
      rows.items.push_back(view_instance(core.state(), entry));
    return rows;
  });
}

/// By id, or as "stack:name".
Result<const SlotEntry*> find_instance(const HubState& state, const std::string& name) {
  if (auto id = parse_uuid(name))
    if (auto found = state.slots.find(InstanceId{*id}); found != state.slots.end()) return &found->second;
  auto slashed = name;
  if (auto colon = slashed.find(':'); colon != slashed.npos) slashed[colon] = '/';
  auto target = resolve(state, slashed);
  if (target && target->scope.starts_with("instance ") && target->instances.size() == 1)
    return &state.slots.at(target->instances[0]);
  if (!target && target.error().code == Errc::conflict) return fail(target.error());
  return fail(Errc::not_found, "there is no instance \"" + name + "\"");
}

net::Awaitable<Result<InstanceView>> get(Api& api, ApiCall call, NoBody) {
  auto name = call.path("id");
  return api.engine.read([name](const HubCore& core) -> Result<InstanceView> {
    TRY(const SlotEntry* entry, find_instance(core.state(), name));
    return view_instance(core.state(), *entry);
  });
}

net::Awaitable<Result<Answer>> run(Api& api, ApiCall call, OperationKind kind) {
  CO_TRY(auto view, co_await get(api, call, {}));
  co_return co_await command(api, call, ChangeRun{kind, false, {view.stack + "/" + view.name}});
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

// ---- logs

LogSource source_of(const SlotEntry& entry, bool named) {
  return {.instance = entry.slot.id,
          .node = entry.slot.node,
          .name = named ? entry.slot.stack + "/" + entry.slot.name : ""};
}

net::Awaitable<Result<net::Response>> instance_logs(Api& api, ApiCall call, NoBody) {
  auto name = call.path("id");
  CO_TRY(auto source, co_await api.engine.read([name](const HubCore& core) -> Result<LogSource> {
    TRY(const SlotEntry* entry, find_instance(core.state(), name));
    return source_of(*entry, false);
  }));
  co_return co_await stream_logs(api,
                                 {.who = call.caller.who, .sources = {source}, .options = log_options(call)});
}

/// Held by the agent, and fetched from it when someone looks.
net::Awaitable<Result<agent::ProbesView>> probes(Api& api, ApiCall call, NoBody) {
  auto name = call.path("id");
  CO_TRY(auto source, co_await api.engine.read([name](const HubCore& core) -> Result<LogSource> {
    TRY(const SlotEntry* entry, find_instance(core.state(), name));
    return source_of(*entry, false);
  }));
  if (!source.node) co_return agent::ProbesView{};
  OpenStream ask{.id = {}, .what = "probes", .instance = source.instance, .options = {}};
  CO_TRY(auto link, co_await api.streams.open(call.caller.who, *source.node, std::move(ask)));
  auto record = co_await link->receive();
  link->close("over");
  if (!record) co_return fail(Errc::unavailable, "the agent's answer was cut");
  co_return from_json_text<agent::ProbesView>(*record, Unknown::ignore);
}

net::Awaitable<Result<net::Response>> merged_logs(Api& api, ApiCall call, NoBody) {
  auto target = call.query("target"), node = call.query("node");
  CO_TRY(auto sources,
         co_await api.engine.read([target, node](const HubCore& core) -> Result<std::vector<LogSource>> {
           const auto& state = core.state();
           std::set<InstanceId> ids;
           for (const auto& word : split(target, ',')) {
             TRY(auto found, resolve(state, word));
             ids.insert(found.instances.begin(), found.instances.end());
           }
           std::vector<LogSource> out;
           for (const auto& [id, entry] : state.slots)
             if ((target.empty() || ids.contains(id)) && (node.empty() || entry.slot.node_name == node))
               out.push_back(source_of(entry, true));
           return out;
         }));
  if (sources.size() > 200)
    co_return fail(Errc::exhausted, "these are more than 200 instances", {},
                   "narrow it down: ?target=stack/service");
  co_return co_await stream_logs(
      api, {.who = call.caller.who, .sources = std::move(sources), .options = log_options(call)});
}

}  // namespace

std::vector<ApiRoute> instance_routes() {
  return {
      route("GET", "/instances", "The instances.", &list),
      route("GET", "/instances/{id}", "One instance, by id or stack:name.", &get),
      route("POST", "/instances/{id}/start", "Starts it.", &start),
      route("POST", "/instances/{id}/stop", "Stops it; it stays stopped.", &stop),
      route("POST", "/instances/{id}/restart", "Restarts it.", &restart),
      route("POST", "/instances/{id}/reload", "Has it take its configuration anew.", &reload),
      route("GET", "/instances/{id}/probes", "The last answers of its probes, from its agent.", &probes),
      route("GET", "/instances/{id}/logs", "What it wrote, as JSON lines, from its agent.", &instance_logs),
      route("GET", "/logs", "What several instances wrote, in one stream.", &merged_logs)};
}

}  // namespace drover::hub
