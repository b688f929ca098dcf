// The shapes of the system "graphium" under /compat/graphium: its agents and scripts work unchanged against
// an external node. Bare arrays, its field names and states; a priority of 0 is read as 5.

#include <fmt/format.h>

#include "hub/api/api.hpp"
#include "hub/jwt.hpp"

namespace drover::hub {
namespace {

std::string word_of(TaskType type) {
  return type == TaskType::probe ? "check" : std::string(enum_name(type));
}

Result<TaskType> type_of(const std::string& word) {
  for (TaskType type :
       {TaskType::deploy, TaskType::delete_, TaskType::stop, TaskType::start, TaskType::restart,
        TaskType::update, TaskType::probe, TaskType::exec, TaskType::collect})
    if (word_of(type) == word) return type;
  return fail(Errc::invalid, "there is no taskType \"" + word + "\"", {},
              "deploy, delete, stop, start, restart, update or check");
}

/// `agent`: the word by which the caller knows the node; its agents skip what is not addressed to them by it.
json::object task_object(const TaskView& task, std::string agent = {}) {
  if (agent.empty()) agent = task.node;
  const Attempt* last = task.attempts.empty() ? nullptr : &task.attempts.back();
  json::object out{{"@id", to_string(task.id)},
                   {"@type", "AgentTask"},
                   {"taskType", task.type == "probe" ? "check" : task.type},
                   {"status", task.state},
                   {"agentId", agent},
                   {"hostId", task.node}};
  if (!task.stack.empty()) out["stackId"] = task.stack;
  if (!task.instance.empty()) out["containerId"] = task.instance;
  out["priority"] = task.priority;
  out["payload"] = task.payload.value_or(json::object());
  out["dateCreated"] = format_time(task.created_at);
  out["createdBy"] = task.actor;
  if (last) out["assignedAt"] = format_time(last->assigned_at);
  if (last && last->started_at) out["startedAt"] = format_time(*last->started_at);
  if (task.finished_at) out["completedAt"] = format_time(*task.finished_at);
  if (task.state == "failed" || task.state == "cancelled" || (last && !last->error.empty()))
    out["error"] = task.message.empty() && last ? last->error : task.message;
  if (task.result) out["result"] = *task.result;
  out["retryCount"] = task.attempts.empty() ? 0 : task.attempts.size() - 1;
  out["maxRetries"] = task.max_attempts - 1;
  out["timeoutSeconds"] = task.timeout ? *task.timeout / 1s : 300;
  json::array depends;
  for (TaskId id : task.depends_on) depends.push_back(json::string(to_string(id)));
  out["dependsOn"] = std::move(depends);
  return out;
}

net::Response answer_of(const TaskView& task, int status = 200) {
  return net::json_response(status, print_json(task_object(task)));
}

Result<TaskId> task_id(const std::string& text) {
  std::string_view bare = text;
  if (bare.starts_with("task:")) bare.remove_prefix(5);
  return parse_id<struct TaskTag>(std::string(bare), "task");
}

/// What is due becomes assigned, and is shown until it has been begun; `status` asks for others.
net::Awaitable<Result<net::Response>> fetch(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto node, co_await external_node(api, call, call.path("id")));
  CO_TRY(auto limit, parse_limit(call.request.query.get("limit"), 10));
  auto status = call.query("status"), name = call.path("id");
  CO_TRY(auto answer, co_await command_once(api, call, FetchTasks{node, std::uint32_t(limit)}));
  std::vector<TaskId> order;
  for (const auto& id : answer.body.at("tasks").as_array())
    order.push_back(TaskId{*parse_uuid(std::string_view(id.as_string()))});
  bool due = status.empty() || status == "pending" || status == "assigned";
  CO_TRY(auto tasks, co_await api.engine.read([=](const HubCore& core) {
    const auto& all = core.state().tasks;
    std::vector<TaskId> shown = order;
    if (!due) {
      shown.clear();
      for (const auto& [id, entry] : all)
        if (entry.task.node == node && enum_name(entry.task.state) == status) shown.push_back(id);
    }
    json::array out;
    for (TaskId id : shown) {
      auto found = all.find(id);
      if (found == all.end() || out.size() >= limit) continue;
      if (due && found->second.task.state != TaskState::assigned) continue;
      out.push_back(task_object(view_task(core.state(), found->second.task), name));
    }
    return out;
  }));
  co_return net::json_response(200, print_json(tasks));
}

struct GraphiumStatus {
  std::string status, error;
  std::optional<json::object> result;
};
BOOST_DESCRIBE_STRUCT(GraphiumStatus, (), (status, error, result))

/// As it was meant: a final state stays, and only the task's own agent says something of it.
net::Awaitable<Result<net::Response>> set_status(Api& api, ApiCall call, GraphiumStatus input) {
  CO_TRY(auto id, task_id(call.path("id")));
  CO_TRY(auto task, co_await find_task_view(api, id));
  CO_TRY(auto node, co_await external_node(api, call, task.node));
  auto state = enum_value<TaskState>(input.status);
  if (!state || state == TaskState::pending)
    co_return fail(Errc::invalid, "there is no status \"" + input.status + "\" to report", {},
                   "running, completed, failed or cancelled");
  if (state == TaskState::assigned) co_return answer_of(task);  // it is, since it was fetched
  ReportTask report{.node = node, .id = id, .state = *state};
  report.message = valid_utf8(input.error).substr(0, 4096);
  if (state == TaskState::running) report.message.clear();
  report.result = std::move(input.result);
  CO_TRY([[maybe_unused]] auto done, co_await command(api, call, std::move(report)));
  CO_TRY(auto now, co_await find_task_view(api, id));
  co_return answer_of(now);
}

net::Awaitable<Result<net::Response>> list(Api& api, ApiCall call, NoBody) {
  auto status = call.query("status"), stack = call.query("stackId"), container = call.query("containerId");
  auto given = call.query("agentId"), agent = bare_node_name(given);
  CO_TRY(auto tasks, co_await api.engine.read([=](const HubCore& core) {
    json::array out;
    for (const auto& [id, entry] : core.state().tasks) {
      auto view = view_task(core.state(), entry.task);
      bool shown = (status.empty() || view.state == status) && (stack.empty() || view.stack == stack) &&
                   (agent.empty() || view.node == agent || to_string(entry.task.node) == agent) &&
                   (container.empty() || view.instance == container);
      if (shown) out.push_back(task_object(view, given));
    }
    return out;
  }));
  co_return net::json_response(200, print_json(tasks));
}

net::Awaitable<Result<net::Response>> stats(Api& api, ApiCall, NoBody) {
  auto now = api.engine.clock().now().wall;
  CO_TRY(auto stats, co_await api.engine.read([now](const HubCore& core) {
    return view_task_stats(core.state(), now, TaskTally::kept);
  }));
  co_return net::json_response(200, print_json(json::object{{"total", stats.total},
                                                            {"pending", stats.pending},
                                                            {"assigned", stats.assigned},
                                                            {"running", stats.running},
                                                            {"completed", stats.completed},
                                                            {"failed", stats.failed},
                                                            {"cancelled", stats.cancelled}}));
}

net::Awaitable<Result<net::Response>> get(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, task_id(call.path("id")));
  CO_TRY(auto task, co_await find_task_view(api, id));
  co_return answer_of(task);
}

struct GraphiumTask {
  std::string taskType, agentId, hostId, stackId, containerId;
  std::uint8_t priority = 0;
  std::optional<json::object> payload;
  std::optional<std::uint32_t> maxRetries, timeoutSeconds;
  std::vector<std::string> dependsOn;
};
BOOST_DESCRIBE_STRUCT(GraphiumTask, (),
                      (taskType, agentId, hostId, stackId, containerId, priority, payload, maxRetries,
                       timeoutSeconds, dependsOn))

/// Members that the source system sets itself are ignored, as it did.
net::Awaitable<Result<net::Response>> create(Api& api, ApiCall call, RawBody body) {
  CO_TRY(auto input, from_json_text<GraphiumTask>(body.text, Unknown::ignore));
  CO_TRY(auto type, type_of(input.taskType));
  AddTask add{.type = type, .nodes = {bare_node_name(input.agentId.empty() ? input.hostId : input.agentId)}};
  add.errand.payload = input.payload.value_or(json::object());
  add.priority = input.priority == 0 ? 5 : input.priority;
  add.max_retries = input.maxRetries.value_or(0) == 0 ? 3 : *input.maxRetries;
  add.timeout =
      Duration(std::chrono::seconds(input.timeoutSeconds.value_or(0) == 0 ? 300 : *input.timeoutSeconds));
  add.no_progress = *add.timeout;
  add.stack = std::move(input.stackId);
  add.instance_name = std::move(input.containerId);
  for (const auto& text : input.dependsOn) {
    CO_TRY(auto id, task_id(text));
    add.depends_on.push_back(id);
  }
  CO_TRY(auto done, co_await command(api, call, std::move(add)));
  CO_TRY(auto id, task_id(std::string(done.body.at("id").as_string())));
  CO_TRY(auto task, co_await find_task_view(api, id));
  co_return answer_of(task, 201);
}

net::Awaitable<Result<net::Response>> retry(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, task_id(call.path("id")));
  CO_TRY(auto old, co_await stored_task(api, id));
  CO_TRY(auto done, co_await command(api, call, RetryTask{id, std::move(old)}));
  CO_TRY(auto fresh, task_id(std::string(done.body.at("id").as_string())));
  CO_TRY(auto task, co_await find_task_view(api, fresh));
  co_return answer_of(task);
}
net::Awaitable<Result<net::Response>> cancel(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, task_id(call.path("id")));
  CO_TRY([[maybe_unused]] auto done, co_await command(api, call, CancelTask{id}));
  CO_TRY(auto task, co_await find_task_view(api, id));
  co_return answer_of(task);
}

}  // namespace

std::vector<ApiRoute> graphium_routes() {
  std::vector<ApiRoute> routes{agents_route(route("GET", "/agents/{id}/tasks", "", &fetch)),
                               agents_route(route("PUT", "/tasks/{id}/status", "", &set_status)),
                               route("GET", "/tasks", "", &list),
                               route("POST", "/tasks", "", &create),
                               route("GET", "/tasks/stats", "", &stats),
                               route("GET", "/tasks/{id}", "", &get),
                               route("POST", "/tasks/{id}/retry", "", &retry),
                               route("POST", "/tasks/{id}/cancel", "", &cancel)};
  for (auto& it : routes) it.base = "/compat/graphium/api/v1";
  return routes;
}

}  // namespace drover::hub
