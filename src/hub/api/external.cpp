// Agents that are scripts: their node, their token, their tasks. A call is a sign of life.

#include "hub/api/api.hpp"
#include "hub/codes.hpp"
#include "hub/jwt.hpp"

namespace drover::hub {

net::Awaitable<Result<NodeId>> external_node(Api& api, ApiCall call, std::string name) {
  auto node =
      co_await api.engine.peek([name = bare_node_name(name)](const HubCore& core) -> std::optional<NodeId> {
        const auto& state = core.state();
        auto id = parse_uuid(name);
        auto known = state.node_names.find(name);
        NodeId node = id ? NodeId{*id} : known == state.node_names.end() ? NodeId{} : known->second;
        auto found = state.nodes.find(node);
        return found != state.nodes.end() && found->second.row.external ? std::optional(node) : std::nullopt;
      });
  // To an agent all that is not its own looks the same.
  if (call.caller.node && call.caller.node != node)
    co_return fail(Errc::denied, "this token is for another node's agent");
  if (!node)
    co_return fail(Errc::not_found, "there is no external node \"" + name + "\"", {},
                   "drover node add NAME --external");
  co_return *node;
}

namespace {

// ---- the node (people)

struct ExternalInput {
  std::string name;
  bool external = false;
  std::map<std::string, std::string> labels;
  Duration lost_after = 60s;
};
BOOST_DESCRIBE_STRUCT(ExternalInput, (), (name, external, labels, lost_after))

Credential credential_for(Api& api, const std::string& token, NodeId node, std::string name) {
  Credential it{
      .id = fresh_id<TokenId>(api), .kind = "agent", .name = std::move(name), .hash = hash_of_secret(token)};
  it.user = to_string(node);
  it.role = "agent";
  it.created_at = api.engine.clock().now().wall;
  return it;
}

/// The token is shown once.
net::Awaitable<Result<Answer>> add(Api& api, ApiCall call, ExternalInput input) {
  if (!input.external)
    co_return fail(Errc::invalid, "a node with an agent of ours joins by itself", {},
                   "drover token create; or \"external\": true");
  auto token = "drva_" + random_token();
  auto uid = fresh_id<NodeId>(api);
  AddExternalNode add{uid, input.name, std::move(input.labels), input.lost_after,
                      credential_for(api, token, uid, input.name)};
  CO_TRY(auto answer, co_await command_once(api, call, std::move(add)));
  answer.body["token"] = token;
  co_return answer;
}

net::Awaitable<Result<Answer>> renew(Api& api, ApiCall call, NoBody) {
  auto token = "drva_" + random_token();
  RenewExternalNode renew{call.path("node"), credential_for(api, token, {}, "")};
  CO_TRY(auto answer, co_await command_once(api, call, std::move(renew)));
  answer.body["token"] = token;
  co_return answer;
}

// ---- the tasks (its agent)

net::Awaitable<Result<net::Response>> fetch(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto node, co_await external_node(api, call, call.path("id")));
  CO_TRY(auto limit, parse_limit(call.request.query.get("limit"), 10));
  CO_TRY(auto answer, co_await command_once(api, call, FetchTasks{node, std::uint32_t(limit)}));
  std::vector<TaskId> ids;
  for (const auto& id : answer.body.at("tasks").as_array())
    ids.push_back(TaskId{*parse_uuid(std::string_view(id.as_string()))});
  CO_TRY(auto tasks, co_await api.engine.read([ids](const HubCore& core) {
    json::array out;
    for (TaskId id : ids)
      if (auto found = core.state().tasks.find(id); found != core.state().tasks.end())
        out.push_back(to_json(view_task(core.state(), found->second.task)));
    return out;
  }));
  co_return net::json_response(200, print_json(tasks));
}

struct StatusInput {
  std::string status;  // started | progress | completed | failed | cancelled
  std::optional<std::uint32_t> attempt;
  std::uint8_t progress = 0;
  std::string message, error;
  std::vector<std::string> output;
  std::optional<json::object> result;
};
BOOST_DESCRIBE_STRUCT(StatusInput, (), (status, attempt, progress, message, error, output, result))

Result<TaskState> state_of(const std::string& status) {
  if (status == "started" || status == "running" || status == "progress") return TaskState::running;
  if (status == "completed") return TaskState::completed;
  if (status == "failed") return TaskState::failed;
  if (status == "cancelled") return TaskState::cancelled;
  return fail(Errc::invalid, "there is no status \"" + status + "\"", {},
              "started, progress, completed, failed or cancelled");
}

net::Awaitable<Result<Answer>> report(Api& api, ApiCall call, NodeId node, std::string task,
                                      StatusInput input) {
  CO_TRY(auto id, parse_id<struct TaskTag>(task, "task"));
  CO_TRY(auto state, state_of(input.status));
  ReportTask report{
      .node = node, .id = id, .attempt = input.attempt, .state = state, .progress = input.progress};
  report.message = valid_utf8(input.error.empty() ? input.message : input.error).substr(0, 4096);
  for (const auto& line : input.output) report.output.push_back(valid_utf8(line.substr(0, 2000)));
  report.result = std::move(input.result);
  co_return co_await command(api, call, std::move(report));
}

net::Awaitable<Result<Answer>> report_of_node(Api& api, ApiCall call, StatusInput input) {
  CO_TRY(auto node, co_await external_node(api, call, call.path("id")));
  co_return co_await report(api, call, node, call.path("task"), std::move(input));
}

/// The node is that of the token; a person says it by the task.
net::Awaitable<Result<Answer>> report_of_task(Api& api, ApiCall call, StatusInput input) {
  CO_TRY(auto id, parse_id<struct TaskTag>(call.path("id"), "task"));
  CO_TRY(auto task, co_await find_task_view(api, id));
  CO_TRY(auto node, co_await external_node(api, call, task.node));
  co_return co_await report(api, call, node, call.path("id"), std::move(input));
}

}  // namespace

std::vector<ApiRoute> external_routes() {
  return {
      route("POST", "/nodes", "A node whose agent is a script; its token is shown once.", &add),
      route("POST", "/nodes/{node}/token", "A new token for the agent of an external node; the old one ends.",
            &renew),
      agents_route(route("GET", "/agents/{id}/tasks",
                         "For agents that are scripts: what is due becomes assigned. A bare array.", &fetch)),
      agents_route(route("PUT", "/agents/{id}/tasks/{task}/status",
                         "What became of a task: started, progress, completed, failed, cancelled.",
                         &report_of_node)),
      agents_route(route("PUT", "/tasks/{id}/status", "The same, by the task alone.", &report_of_task))};
}

}  // namespace drover::hub
