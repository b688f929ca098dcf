#include "hub/api/api.hpp"

namespace drover::hub {
namespace {

net::Awaitable<Result<Rows<TaskView>>> list(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) {
    Rows<TaskView> rows;
    for (const auto& [id, entry] : core.state().tasks)
      rows.items.push_back(view_task(core.state(), entry.task));
    return rows;
  });
}
net::Awaitable<Result<TaskStats>> stats(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) { return view_task_stats(core.state()); });
}
net::Awaitable<Result<TaskView>> read_one(Api& api, TaskId id) {
  return api.engine.read([id](const HubCore& core) -> Result<TaskView> {
    auto found = core.state().tasks.find(id);
    if (found == core.state().tasks.end()) return fail(Errc::not_found, "there is no such task");
    return view_task(core.state(), found->second.task);
  });
}
net::Awaitable<Result<TaskView>> get(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct TaskTag>(call.path("id"), "task"));
  co_return co_await read_one(api, id);
}
net::Awaitable<Result<TaskView>> cancel(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct TaskTag>(call.path("id"), "task"));
  CO_TRY([[maybe_unused]] auto done, co_await command(api, call, CancelTask{id}));
  co_return co_await read_one(api, id);
}
/// Answers with the new task.
net::Awaitable<Result<TaskView>> retry(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct TaskTag>(call.path("id"), "task"));
  CO_TRY(auto done, co_await command(api, call, RetryTask{id}));
  CO_TRY(auto fresh, parse_id<struct TaskTag>(std::string(done.body.at("id").as_string()), "task"));
  co_return co_await read_one(api, fresh);
}

}  // namespace

std::vector<ApiRoute> task_routes() {
  return {route("GET", "/tasks", "The tasks: live ones and those that are kept.", &list),
          route("GET", "/tasks/stats", "How many are in which state.", &stats),
          route("GET", "/tasks/{id}", "One task with its attempts.", &get),
          route("POST", "/tasks/{id}/cancel", "Asks for its end.", &cancel),
          route("POST", "/tasks/{id}/retry", "A new task of the same kind.", &retry)};
}

}  // namespace drover::hub
