// Dependencies, scale, updates, logs.
#include <fmt/format.h>

#include <charconv>

#include "base/text.hpp"
#include "spec/parts.hpp"

namespace drover::spec {

namespace {
void read_condition(Context& context, const Value& value, Dependency& to) {
  constexpr std::pair<std::string_view, Condition> compose[] = {
      {"service_started", Condition::started},
      {"service_healthy", Condition::ready},
      {"service_completed_successfully", Condition::completed}};
  for (const auto& [word, condition] : compose) {
    if (value.text != word) continue;
    to.condition = condition;
    return;
  }
  if (auto condition = read_enum<Condition>(context, value)) to.condition = *condition;
}

json::value condition_schema() {
  return json::value{{"enum",
                      {"started", "ready", "completed", "service_started", "service_healthy",
                       "service_completed_successfully"}}};
}

const Field<Dependency> dependency_fields[] = {
    {"condition", &read_condition, &condition_schema, ""},
    {"required",
     [](Context& context, const Value& value, Dependency&) {
       auto required = read_boolean(context, value);
       if (required && !*required)
         context.problem(value.at, "this version of Drover does not support required: false");
     },
     [] { return json::value{{"enum", {true}}}; }, ""},
    {"restart",
     [](Context& context, const Value& value, Dependency&) {
       auto restart = read_boolean(context, value);
       if (restart && *restart)
         context.problem(value.at, "this version of Drover does not support restart: true");
     },
     [] { return json::value{{"enum", {false}}}; }, ""},
};
}  // namespace

void read_depends_on(Context& context, const Value& value, Draft& draft) {
  auto& all = draft.service.depends_on;
  if (value.kind == Value::Kind::list) {
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      auto name = read_string(context, value.items[i]);
      if (!name) continue;
      Context::Step step(context, *name, fmt::format("[{}]", i), value.items[i].at);
      all.push_back({*name, Condition::started});
    }
    return;
  }
  if (!want_map(context, value, "[db] or {db: {condition: ready}}")) return;
  for (const Entry& entry : value.entries) {
    Context::Step step(context, entry.key, entry.at);
    Dependency one{entry.key, Condition::started};
    if (entry.value.kind == Value::Kind::map)
      read_fields<Dependency>(context, entry.value, one, dependency_fields);
    else if (entry.value.kind != Value::Kind::null) read_condition(context, entry.value, one);
    all.push_back(std::move(one));
  }
}

json::value depends_on_schema() {
  return either({strings_schema(),
                 json::object{{"type", "object"},
                              {"additionalProperties",
                               either({condition_schema(), fields_schema<Dependency>(dependency_fields)})}}});
}

void read_scale(Context& context, const Value& value, Draft& draft) {
  Scale& to = draft.service.scale;
  if (value.scalar() && value.text == "per-node") {
    to = {ScaleKind::per_node, 1};
    return;
  }
  if (value.scalar() && value.text == "per-gpu")
    return context.problem(value.at, "this version of Drover does not support GPUs");
  Value::Kind kind = value.interpolated ? resolve(value.text) : value.kind;
  if (kind != Value::Kind::integer)
    return context.problem(value.at,
                           fmt::format("must be a number of instances or per-node, found {}", shown(value)));
  if (auto count = read_integer(context, value, 0, 10'000)) to.count = std::uint32_t(*count);
}

namespace {
const Field<Draft> deploy_fields[] = {
    {"replicas",
     [](Context& context, const Value& value, Draft& to) {
       if (auto count = read_integer(context, value, 0, 10'000)) to.replicas = std::uint32_t(*count);
     },
     [] { return number_schema(0, 10'000); }, "How many instances"},
    {"mode",
     [](Context& context, const Value& value, Draft& to) {
       constexpr std::string_view modes[] = {"replicated", "global"};
       auto mode = read_word(context, value, modes);
       if (mode == "global") to.service.scale.kind = ScaleKind::per_node;
     },
     [] { return json::value{{"enum", {"replicated", "global"}}}; }, "global: one on each node"},
    {"resources", &read_resources, &resources_schema, "limits: {cpus, memory, pids}"},
};
const Later deploy_later[] = {{"endpoint_mode", "endpoint_mode"},
                              {"labels", "labels here", "use the service's \"labels\""},
                              {"placement", "placement in Compose's words", "use \"place\""},
                              {"restart_policy", "restart_policy", "use \"restart\""},
                              {"update_config", "update_config", "use \"update\""},
                              {"rollback_config", "rollback_config"}};
}  // namespace

void read_deploy(Context& context, const Value& value, Draft& draft) {
  if (want_map(context, value, "{replicas: 2}"))
    read_fields<Draft>(context, value, draft, deploy_fields, deploy_later);
}

namespace {
const Field<Update> update_fields[] = {
    {"batch",
     [](Context& context, const Value& value, Update& to) {
       if (auto batch = read_integer(context, value, 1, 10'000)) to.batch = std::uint32_t(*batch);
     },
     [] { return number_schema(1, 10'000); }, "So many instances are changed at once (1)"},
    {"healthy_for",
     [](Context& context, const Value& value, Update& to) {
       if (auto time = read_duration(context, value)) to.healthy_for = *time;
     },
     &duration_schema, "Ready for so long before the next ones (0s)"},
    {"no_progress",
     [](Context& context, const Value& value, Update& to) {
       if (auto time = read_duration(context, value)) to.no_progress = *time;
     },
     &duration_schema, "No progress for so long: the deployment has failed (10m)"},
    {"order",
     [](Context& context, const Value& value, Update& to) {
       if (auto order = read_enum<UpdateOrder>(context, value)) to.order = *order;
     },
     &enum_schema<UpdateOrder>, "stop-first, or start-first: the new one is ready before the old one ends"},
    {"on_failure",
     [](Context& context, const Value& value, Update& to) {
       if (auto failure = read_enum<UpdateFailure>(context, value)) to.on_failure = *failure;
     },
     &enum_schema<UpdateFailure>, "keep what is there, or rollback to the last revision that succeeded"},
    {"canary",
     [](Context& context, const Value& value, Update& to) {
       if (auto count = read_integer(context, value, 0, 10'000)) to.canary = std::uint32_t(*count);
     },
     [] { return number_schema(0, 10'000); },
     "So many of the new revision beside the old ones first, until the deployment is promoted"},
    {"auto_promote",
     [](Context& context, const Value& value, Update& to) {
       if (auto on = read_boolean(context, value)) to.auto_promote = *on;
     },
     [] { return json::value{{"type", "boolean"}}; }, "As soon as all canaries have proven themselves"},
};

const Field<LogSpec> log_fields[] = {
    {"budget",
     [](Context& context, const Value& value, LogSpec& to) {
       if (auto size = read_size(context, value)) to.budget = *size;
     },
     &size_schema, "Of an instance, all files together (256MiB)"},
    {"segment",
     [](Context& context, const Value& value, LogSpec& to) {
       if (auto size = read_size(context, value)) to.segment = *size;
     },
     &size_schema, "Of one file (16MiB)"},
    {"on_full",
     [](Context& context, const Value& value, LogSpec& to) {
       if (auto word = read_enum<LogFull>(context, value)) to.on_full = *word;
     },
     &enum_schema<LogFull>, "When the disk cannot keep up: block the program, or drop lines and count them"},
    {"compress",
     [](Context& context, const Value& value, LogSpec& to) {
       if (auto word = read_enum<LogCompress>(context, value)) to.compress = *word;
     },
     &enum_schema<LogCompress>, "Files that are closed: zstd (the default) or none"},
};
}  // namespace

void read_update(Context& context, const Value& value, Update& to) {
  if (want_map(context, value, "{order: start-first, healthy_for: 10s}"))
    read_fields<Update>(context, value, to, update_fields);
}

void read_logs(Context& context, const Value& value, Draft& draft) {
  if (want_map(context, value, "{budget: 256MiB, segment: 16MiB}"))
    read_fields<LogSpec>(context, value, draft.service.logs, log_fields);
}

json::value scale_schema() { return either({number_schema(0, 10'000), json::value{{"enum", {"per-node"}}}}); }
json::value deploy_schema() { return fields_schema<Draft>(deploy_fields); }
json::value update_schema() { return fields_schema<Update>(update_fields); }
json::value logs_schema() { return fields_schema<LogSpec>(log_fields); }

}  // namespace drover::spec
