#include <charconv>

#include "hub/api/api.hpp"
#include "spec/read.hpp"

namespace drover::hub {
namespace {

Result<const StackEntry*> find_stack(const HubState& state, const std::string& name) {
  auto found = state.stacks.find(name);
  if (found != state.stacks.end()) return &found->second;
  std::vector<std::string> names;
  for (const auto& [known, it] : state.stacks) names.push_back(known);
  auto near = nearest(name, std::span<const std::string>(names));
  return fail(Errc::not_found, "there is no stack \"" + name + "\"", {},
              near ? "did you mean \"" + *near + "\"?" : "");
}

net::Awaitable<Result<Rows<StackView>>> list_stacks(Api& api, ApiCall, NoBody) {
  return api.engine.read([](const HubCore& core) {
    Rows<StackView> rows{.items = {}, .id = "name"};
    for (const auto& [name, stack] : core.state().stacks)
      rows.items.push_back(view_stack(core.state(), stack));
    return rows;
  });
}

net::Awaitable<Result<net::Response>> get_stack(Api& api, ApiCall call, NoBody) {
  auto name = call.path("stack");
  CO_TRY(auto object, co_await api.engine.read([name](const HubCore& core) -> Result<json::object> {
    TRY(const StackEntry* stack, find_stack(core.state(), name));
    auto out = to_json(view_stack(core.state(), *stack)).get_object();
    json::object overrides{{"services", to_json(stack->row.services)}};
    if (stack->row.whole.run) overrides["run"] = *stack->row.whole.run;
    out["overrides"] = std::move(overrides);
    if (auto revision = stack->revisions.find(stack->row.revision); revision != stack->revisions.end())
      out["content"] = print_stack_value(revision->second.content);
    return out;
  }));
  auto response = net::json_response(200, print_json(object));
  response.headers.set("ETag", "\"" + print_json(object.at("revision")) + "\"");
  if (call.request.headers.get("If-None-Match") == response.headers.get("ETag"))
    co_return net::Response{.status = 304, .headers = response.headers};
  co_return response;
}

Result<ReadResult> read_input(const ApiCall& call, const std::string& text) {
  auto name = call.path("stack");
  TRY(auto read, read_stack(text, {.default_name = name}));
  if (read.stack.name == name) return read;
  Error error{Errc::invalid, "the file is of another stack", {}, {}, {}};
  error.problems.push_back(
      {"name", 0, 0, "is \"" + read.stack.name + "\", the address says \"" + name + "\"", {}, {}});
  return fail(std::move(error));
}

json::array warnings(const ReadResult& read) {
  json::array out;
  for (const auto& it : read.warnings)
    out.push_back(json::object{{"path", it.path},
                               {"line", it.line},
                               {"column", it.column},
                               {"message", it.message},
                               {"hint", it.hint},
                               {"file", it.file}});
  return out;
}

/// "7" or 7, weak or strong; "*" is not supported.
Result<std::optional<std::uint64_t>> if_match(const ApiCall& call) {
  auto header = call.request.headers.get("If-Match");
  if (!header) return std::nullopt;
  auto text = trim(*header);
  if (text.size() > 2 && text.starts_with('"') && text.ends_with('"')) text = text.substr(1, text.size() - 2);
  std::uint64_t revision = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), revision);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Errc::invalid, "If-Match is a revision in quotes");
  return revision;
}

net::Awaitable<Result<Answer>> plan_stack(Api& api, ApiCall call, RawBody body) {
  CO_TRY(auto read, read_input(call, body.text));
  auto stack = read.stack;
  CO_TRY(auto answer, co_await api.engine.read([stack, said = warnings(read)](const HubCore& core) {
    return json::object{{"steps", to_json(plan(core.state(), stack))},
                        {"changes", to_json(field_changes(core.state(), stack))},
                        {"warnings", said}};
  }));
  co_return Answer{.body = std::move(answer)};
}

net::Awaitable<Result<Answer>> put_stack(Api& api, ApiCall call, RawBody body) {
  if (call.flag("dry_run")) co_return co_await plan_stack(api, call, std::move(body));
  CO_TRY(auto revision, if_match(call));
  CO_TRY(auto read, read_input(call, body.text));
  CO_TRY(auto answer, co_await command(api, call, ApplyStack{std::move(read.stack), revision}));
  answer.body["warnings"] = warnings(read);
  co_return answer;
}

net::Awaitable<Result<Answer>> delete_stack(Api& api, ApiCall call, NoBody) {
  return command(api, call, DeleteStack{call.path("stack")});
}

net::Awaitable<Result<Answer>> run_stack(Api& api, ApiCall call, OperationKind kind) {
  auto name = call.path("stack");
  CO_TRY([[maybe_unused]] auto known, co_await api.engine.read([name](const HubCore& core) -> Result<bool> {
    TRY([[maybe_unused]] const StackEntry* stack, find_stack(core.state(), name));
    return true;
  }));
  co_return co_await command(api, call, ChangeRun{kind, false, {name}});
}
net::Awaitable<Result<Answer>> start(Api& api, ApiCall call, NoBody) {
  return run_stack(api, call, OperationKind::start);
}
net::Awaitable<Result<Answer>> stop(Api& api, ApiCall call, NoBody) {
  return run_stack(api, call, OperationKind::stop);
}
net::Awaitable<Result<Answer>> restart(Api& api, ApiCall call, NoBody) {
  return run_stack(api, call, OperationKind::restart);
}
net::Awaitable<Result<Answer>> reload(Api& api, ApiCall call, NoBody) {
  return run_stack(api, call, OperationKind::reload);
}

struct RollbackInput {
  std::uint64_t revision = 0;
};
BOOST_DESCRIBE_STRUCT(RollbackInput, (), (revision))
net::Awaitable<Result<Answer>> rollback(Api& api, ApiCall call, RollbackInput input) {
  return command(api, call, RollbackStack{call.path("stack"), input.revision});
}

struct ScaleInput {
  std::optional<std::uint32_t> replicas;
};
BOOST_DESCRIBE_STRUCT(ScaleInput, (), (replicas))
net::Awaitable<Result<Answer>> scale(Api& api, ApiCall call, ScaleInput input) {
  if (!input.replicas)
    co_return fail(Errc::invalid, "replicas: how many instances?", {}, "{\"replicas\": 3}");
  co_return co_await command(api, call,
                             ScaleService{call.path("stack"), call.path("service"), *input.replicas});
}

struct RevisionView {
  std::uint64_t number = 0;
  std::string digest;
  Who who;
  WallTime at{};
  bool succeeded = false, current = false;
};
BOOST_DESCRIBE_STRUCT(RevisionView, (), (number, digest, who, at, succeeded, current))
net::Awaitable<Result<Rows<RevisionView>>> revisions(Api& api, ApiCall call, NoBody) {
  auto name = call.path("stack");
  return api.engine.read([name](const HubCore& core) -> Result<Rows<RevisionView>> {
    TRY(const StackEntry* stack, find_stack(core.state(), name));
    Rows<RevisionView> rows{.items = {}, .id = "number"};
    for (const auto& [number, it] : stack->revisions)
      rows.items.push_back({number, it.digest, it.who, it.at, it.succeeded, number == stack->row.revision});
    return rows;
  });
}

net::Awaitable<Result<Answer>> explain(Api& api, ApiCall call, NoBody) {
  auto target = call.query("target");
  if (target.empty()) co_return fail(Errc::invalid, "target: of what?", {}, "?target=shop/web");
  CO_TRY(auto items,
         co_await api.engine.read([target](const HubCore& core) { return why(core.state(), target); }));
  co_return Answer{.body = {{"items", to_json(items)}}};
}

constexpr std::size_t max_stack_file = 4 << 20;

}  // namespace

std::vector<ApiRoute> stack_routes() {
  return {
      route("GET", "/stacks", "The stacks.", &list_stacks),
      route("GET", "/stacks/{stack}", "One stack, with overrides and content.", &get_stack),
      large_body(route("PUT", "/stacks/{stack}", "Applies a stack file (YAML or JSON).", &put_stack),
                 max_stack_file),
      large_body(route("POST", "/stacks/{stack}/plan", "What applying would do.", &plan_stack),
                 max_stack_file),
      route("DELETE", "/stacks/{stack}", "Stops and deletes all of it.", &delete_stack),
      route("POST", "/stacks/{stack}/start", "Starts what was stopped.", &start),
      route("POST", "/stacks/{stack}/stop", "Stops all of it; it stays stopped.", &stop),
      route("POST", "/stacks/{stack}/restart", "Restarts what runs.", &restart),
      route("POST", "/stacks/{stack}/reload", "Has what runs take its configuration anew.", &reload),
      route("POST", "/stacks/{stack}/rollback", "Back to an earlier revision.", &rollback),
      route("POST", "/stacks/{stack}/services/{service}/scale", "How many instances run.", &scale),
      route("GET", "/stacks/{stack}/revisions", "Its revisions.", &revisions),
      route("GET", "/why", "Why an instance is where it is, or is nowhere.", &explain),
  };
}

}  // namespace drover::hub
