#include "hub/api/api.hpp"

namespace drover::hub {

net::Awaitable<Result<std::optional<Task>>> stored_task(Api& api, TaskId id) {
  bool held = co_await api.engine.peek([id](const HubCore& core) { return core.state().tasks.contains(id); });
  if (held) co_return std::optional<Task>();
  co_return co_await on_worker<std::optional<Task>>(
      api, [&api, id] { return api.engine.store().finished_task(id); });
}

net::Awaitable<Result<TaskView>> find_task_view(Api& api, TaskId id) {
  CO_TRY(auto held, co_await api.engine.read([id](const HubCore& core) -> std::optional<TaskView> {
    auto found = core.state().tasks.find(id);
    if (found == core.state().tasks.end()) return std::nullopt;
    return view_task(core.state(), found->second.task);
  }));
  if (held) co_return std::move(*held);
  CO_TRY(auto stored, co_await stored_task(api, id));
  if (!stored) co_return fail(Errc::not_found, "there is no such task");
  co_return co_await api.engine.read(
      [task = std::move(*stored)](const HubCore& core) { return view_task(core.state(), task); });
}

namespace {
constexpr std::uint32_t most_scanned = 20'000;  // records of one request

net::Awaitable<Result<Rows<TaskView>>> list(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) {
    Rows<TaskView> rows;
    for (const auto& [id, entry] : core.state().tasks)
      rows.items.push_back(view_task(core.state(), entry.task));
    return rows;
  });
}

struct History {
  std::vector<TaskView> items;
  std::string next;
};

/// Those that match, from `before` on; at most so many are looked at that the answer comes soon.
net::Awaitable<Result<History>> read_history(Api& api, Filter filter, std::uint64_t before,
                                             std::size_t limit) {
  History out;
  for (std::uint32_t scanned = 0; scanned < most_scanned;) {
    CO_TRY(auto records, co_await on_worker<std::vector<TaskRecord>>(
                             api, [&api, before] { return api.engine.store().task_records(before, 500); }));
    if (records.empty()) co_return out;
    scanned += std::uint32_t(records.size());
    auto views = co_await api.engine.peek([&records](const HubCore& core) {
      std::vector<TaskView> all;
      for (const auto& record : records) all.push_back(view_task(core.state(), record.task));
      return all;
    });
    for (std::size_t i = 0; i < records.size(); ++i) {
      before = records[i].seq;
      if (!filter.matches(to_json(views[i]).get_object())) continue;
      out.items.push_back(std::move(views[i]));
      if (out.items.size() < limit) continue;
      out.next = std::to_string(before);
      co_return out;
    }
  }
  out.next = std::to_string(before);
  co_return out;
}

/// The newest end first; the cursor is the number before which it goes on.
net::Awaitable<Result<net::Response>> history(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto limit, parse_limit(call.request.query.get("limit"), 200));
  auto cursor = call.query("cursor");
  if (cursor.size() > 18 || cursor.find_first_not_of("0123456789") != cursor.npos)
    co_return fail(Errc::invalid, "the cursor is not one of ours");
  CO_TRY(auto filter, Filter::parse(call.query("filter"), member_names<TaskView>()));
  CO_TRY(auto found,
         co_await read_history(api, std::move(filter), cursor.empty() ? 0 : std::stoull(cursor), limit));
  json::object out{{"items", to_json(found.items)}, {"next", nullptr}};
  if (!found.next.empty()) out["next"] = found.next;
  co_return net::json_response(200, print_json(out));
}

net::Awaitable<Result<TaskStats>> stats(Api& api, ApiCall call, NoBody) {
  Duration window = std::chrono::hours(1);
  if (auto text = call.query("window"); !text.empty()) {
    CO_TRY(window, parse_duration(text));
  }
  if (window < TaskTally::slot || window > TaskTally::kept)
    co_return fail(Errc::invalid, "window is 5m to 24h", {}, "window=1h");
  co_return co_await api.engine.read([window, now = api.engine.clock().now().wall](const HubCore& core) {
    return view_task_stats(core.state(), now, window);
  });
}

net::Awaitable<Result<TaskView>> get(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct TaskTag>(call.path("id"), "task"));
  co_return co_await find_task_view(api, id);
}

// ---- by hand

struct TaskInput {
  TaskType type = TaskType::exec;
  std::vector<std::string> nodes, targets;
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  std::string working_dir, user;
  bool repeatable = false;
  std::string probe;
  std::optional<Check> check;
  std::optional<json::object> payload;
  std::string stack, instance;
  std::uint8_t priority = 5;
  std::optional<std::uint32_t> max_retries;
  std::optional<Duration> no_progress, timeout;
  std::vector<TaskId> depends_on;
};
BOOST_DESCRIBE_STRUCT(TaskInput, (),
                      (type, nodes, targets, command, environment, working_dir, user, repeatable, probe,
                       check, payload, stack, instance, priority, max_retries, no_progress, timeout,
                       depends_on))

/// Answers 202 with {"id"} and the Location of a task, or of an operation where there are several.
net::Awaitable<Result<Answer>> create(Api& api, ApiCall call, TaskInput input) {
  AddTask add{.type = input.type, .nodes = std::move(input.nodes), .targets = std::move(input.targets)};
  add.errand = {.command = std::move(input.command),
                .environment = std::move(input.environment),
                .working_dir = std::move(input.working_dir),
                .user = std::move(input.user),
                .repeatable = input.repeatable,
                .asked = std::move(input.probe),
                .check = std::move(input.check),
                .payload = std::move(input.payload)};
  add.priority = input.priority;
  add.max_retries = input.max_retries;
  add.no_progress = input.no_progress;
  add.timeout = input.timeout;
  add.depends_on = std::move(input.depends_on);
  add.stack = std::move(input.stack);
  add.instance_name = std::move(input.instance);
  return command(api, call, std::move(add));
}

net::Awaitable<Result<TaskView>> cancel(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct TaskTag>(call.path("id"), "task"));
  CO_TRY([[maybe_unused]] auto done, co_await command(api, call, CancelTask{id}));
  co_return co_await find_task_view(api, id);
}
/// Answers with the new task.
net::Awaitable<Result<TaskView>> retry(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct TaskTag>(call.path("id"), "task"));
  CO_TRY(auto old, co_await stored_task(api, id));
  CO_TRY(auto done, co_await command(api, call, RetryTask{id, std::move(old)}));
  CO_TRY(auto fresh, parse_id<struct TaskTag>(std::string(done.body.at("id").as_string()), "task"));
  co_return co_await find_task_view(api, fresh);
}
net::Awaitable<Result<TaskView>> dismiss(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto id, parse_id<struct TaskTag>(call.path("id"), "task"));
  CO_TRY([[maybe_unused]] auto done, co_await command(api, call, DismissTask{id}));
  co_return co_await find_task_view(api, id);
}
net::Awaitable<Result<Answer>> requeue(Api& api, ApiCall call, NoBody) {
  return command(api, call, RequeueTasks{});
}

// ---- queues

net::Awaitable<Result<Answer>> pause(Api& api, ApiCall call, NoBody) {
  return command(api, call, PauseQueue{call.path("node"), true});
}
net::Awaitable<Result<Answer>> resume(Api& api, ApiCall call, NoBody) {
  return command(api, call, PauseQueue{call.path("node"), false});
}
}  // namespace

std::vector<ApiRoute> task_routes() {
  return {
      route("GET", "/tasks",
            "The tasks: live ones, the newest that are over, and those that failed for good (dead).", &list),
      route("POST", "/tasks",
            "exec, probe or collect on nodes or instances; several make an operation. On an external node "
            "any type.",
            &create),
      route("GET", "/tasks/history", "Tasks that are over, the newest first, from the store.", &history),
      route("GET", "/tasks/stats",
            "How many are in which state, and how long those of the last hour (window=) waited and ran.",
            &stats),
      route("POST", "/tasks/requeue", "Tries all again that failed for good.", &requeue),
      route("GET", "/tasks/{id}", "One task with its attempts.", &get),
      route("POST", "/tasks/{id}/cancel", "Asks for its end.", &cancel),
      route("POST", "/tasks/{id}/retry", "A new task that does the same.", &retry),
      route("POST", "/tasks/{id}/dismiss", "It failed for good, and nothing will be done about it.",
            &dismiss),
      route("POST", "/queue/pause", "Nothing more is handed out; what is under way goes on.", &pause),
      route("POST", "/queue/resume", "The hub's queue goes on.", &resume),
      route("POST", "/nodes/{node}/queue/pause", "Nothing more is handed out to this node.", &pause),
      route("POST", "/nodes/{node}/queue/resume", "The node's queue goes on.", &resume)};
}

}  // namespace drover::hub
