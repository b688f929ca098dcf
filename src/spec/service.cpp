// One service: the table of its keys, and how its parts come together.
#include <fmt/format.h>

#include "spec/parts.hpp"
#include "spec/words.hpp"

namespace drover::spec {

namespace {
void read_kind(Context& context, const Value& value, Draft& draft) {
  if (value.text == "cron")
    return context.problem(value.at, "this version of Drover does not support schedules",
                           "kind is service or job");
  if (auto kind = read_enum<ServiceKind>(context, value)) draft.service.kind = *kind;
}

void read_group(Context& context, const Value& value, Draft& draft) {
  if (auto group = read_string(context, value)) draft.process.group = *group;
}

void read_nice(Context& context, const Value& value, Draft& draft) {
  if (auto nice = read_integer(context, value, -20, 19)) draft.process.nice = std::int32_t(*nice);
}

void read_labels(Context& context, const Value& value, Draft& draft) {
  draft.service.labels = read_pairs(context, value, false);
}

const Field<Draft> own_fields[] = {
    {"kind", &read_kind, &enum_schema<ServiceKind>, "A job runs to its end"},
    {"command", &read_command, [] { return either({text_schema(), strings_schema()}); },
     "What runs: a list, or a text split as a shell would; no shell runs it"},
    {"working_dir", &read_working_dir, &text_schema, "Default: the directory of the file"},
    {"environment", &read_environment, &pairs_schema, "NAME: value; without a value: from the caller's"},
    {"env_file", &read_env_file, [] { return json::value(json::object{}); }, "Files of NAME=value"},
    {"user", &read_user, &text_schema, "\"name\" or \"name:group\""},
    {"group", &read_group, &text_schema, ""},
    {"umask", &read_umask, &text_schema, "Octal: \"022\""},
    {"nice", &read_nice, [] { return number_schema(-20, 19); }, ""},
    {"ports", &read_ports, &ports_schema, "What it listens on"},
    {"probes", &read_probes, &probes_schema, "How to see that it works"},
    {"restart", &read_restart, &restart_schema, "What happens when it ends"},
    {"restart_dependants",
     [](Context& context, const Value& value, Draft& to) {
       context.also("restart.dependants");
       if (auto on = read_boolean(context, value)) to.service.restart.dependants = *on;
     },
     [] { return json::value{{"type", "boolean"}}; }, "The same as restart.dependants"},
    {"stop", &read_stop, &stop_schema, "How to end it"},
    {"stop_signal", &read_stop_signal, &text_schema, "Compose's word for stop.signal"},
    {"stop_grace_period", &read_stop_grace, &duration_schema, "Compose's word for stop.grace"},
    {"pre_stop", &read_pre_stop, &pre_stop_schema, "Compose's word for stop.before"},
    {"reload", &read_reload, &reload_schema, "How it takes a new configuration without ending"},
    {"depends_on", &read_depends_on, &depends_on_schema, "What must be there before it starts"},
    {"scale", &read_scale, &scale_schema, "How many instances, or per-node"},
    {"deploy", &read_deploy, &deploy_schema, "Compose's words for scale"},
    {"place", [](Context& c, const Value& v, Draft& to) { read_place(c, v, to.service.place); },
     &place_schema, "Where it runs"},
    {"reserve", &read_reserve, &reserve_schema,
     "What a node must have left for an instance: {cpu: 0.5, memory: 512MiB}"},
    {"mem_reservation", &read_mem_reservation, &size_schema, "Compose's word for reserve.memory"},
    {"update", [](Context& c, const Value& v, Draft& to) { read_update(c, v, to.service.update); },
     &update_schema, "How changes roll out"},
    {"logs", &read_logs, &logs_schema, "How much is kept of what it prints"},
    {"labels", &read_labels, &pairs_schema, "For people and filters"},
};

/// All keys of a service, in the order of the schema.
std::span<const Field<Draft>> service_fields() {
  static const std::vector<Field<Draft>> all = [] {
    std::vector<Field<Draft>> table(std::begin(own_fields), std::end(own_fields));
    table.insert(table.end(), limit_table().begin(), limit_table().end());
    return table;
  }();
  return all;
}

constexpr std::string_view compose = "this field of Compose";
const Later service_later[] = {
    {"image", "containers"},
    {"build", "containers"},
    {"entrypoint", "containers", "use \"command\""},
    {"container_name", "containers"},
    {"pull_policy", "containers"},
    {"unit", "systemd units"},
    {"recipe", "recipes"},
    {"gpus", "GPUs"},
    {"artifacts", "artifacts"},
    {"templates", "templates"},
    {"secrets", "secrets"},
    {"configs", "configs"},
    {"disconnect", "policies for lost nodes"},
    {"schedule", "schedules"},
    {"retries", "retries", "use \"restart\""},
    {"healthcheck", "Compose's healthcheck", "use \"probes\""},
    {"logging", "Compose's logging", "use \"logs\""},
    {"annotations", compose},
    {"attach", compose},
    {"blkio_config", compose},
    {"cgroup", compose},
    {"cgroup_parent", compose},
    {"cpu_count", compose},
    {"cpu_percent", compose},
    {"cpu_period", compose},
    {"cpu_quota", compose},
    {"cpu_rt_period", compose},
    {"cpu_rt_runtime", compose},
    {"cpu_shares", compose},
    {"cpuset", compose},
    {"credential_spec", compose},
    {"develop", compose},
    {"device_cgroup_rules", compose},
    {"devices", compose},
    {"dns", compose},
    {"dns_opt", compose},
    {"dns_search", compose},
    {"domainname", compose},
    {"expose", compose},
    {"extends", compose},
    {"external_links", compose},
    {"extra_hosts", compose},
    {"hostname", compose},
    {"init", compose},
    {"ipc", compose},
    {"isolation", compose},
    {"label_file", compose},
    {"links", compose},
    {"mac_address", compose},
    {"mem_swappiness", compose},
    {"memswap_limit", compose},
    {"models", compose},
    {"network_mode", compose},
    {"networks", compose},
    {"oom_kill_disable", compose},
    {"pid", compose},
    {"platform", compose},
    {"post_start", compose},
    {"pre_start", compose},
    {"privileged", compose},
    {"profiles", compose},
    {"provider", compose},
    {"runtime", compose},
    {"shm_size", compose},
    {"stdin_open", compose},
    {"storage_opt", compose},
    {"sysctls", compose},
    {"tmpfs", compose},
    {"tty", compose},
    {"use_api_socket", compose},
    {"userns_mode", compose},
    {"uts", compose},
    {"volumes", compose},
    {"volumes_from", compose},
};

/// Keys at the service and keys under its x-drover are one set.
void note_given(Context& context, const Value& value, Draft& draft) {
  for (const Entry& entry : value.entries) draft.given.insert(entry.key);
  const Entry* ours = value.find("x-drover");
  if (!ours || ours->value.kind != Value::Kind::map) return;
  for (const Entry& entry : ours->value.entries)
    if (!draft.given.insert(entry.key).second)
      context.problem_in(entry.at, "x-drover." + entry.key,
                         fmt::format("\"{}\" is given twice: here and at the service", entry.key),
                         "take one of them away");
}

void check_scale(Context& context, const Value& value, Draft& draft) {
  const Entry* deploy = value.find("deploy");
  if (!draft.replicas || !deploy) return;
  Scale& scale = draft.service.scale;
  bool differs =
      draft.given.contains("scale") && (scale.kind != ScaleKind::count || scale.count != *draft.replicas);
  if (differs)
    context.problem_in(deploy->at, "deploy", "\"scale\" and deploy.replicas do not say the same",
                       "take one of them away");
  else if (scale.kind == ScaleKind::count) scale.count = *draft.replicas;
}

void check_driver(Context& context, const Value& value, const Draft& draft) {
  if (draft.given.contains("command")) return;
  for (const char* other : {"image", "build", "unit", "recipe", "entrypoint"})
    if (draft.given.contains(other)) return context.excuse("command");
  context.problem_in(value.at, "command", "there is no command to run", "write command: [\"./program\"]");
}

Service finish_service(Context& context, const Value& value, Draft draft) {
  check_driver(context, value, draft);
  check_scale(context, value, draft);
  if (draft.process.working_dir.empty() && !draft.given.contains("working_dir")) {
    if (context.options().directory.empty())
      context.problem_in(value.at, "working_dir", "an absolute working_dir is needed here",
                         "there is no file whose directory it could be");
    draft.process.working_dir = join_path(context.options().directory, "");
  }
  if (draft.service.kind == ServiceKind::job && !draft.given.contains("restart"))
    draft.service.restart.policy = RestartPolicy::no;
  draft.process.environment = std::move(draft.from_files);
  for (auto& [name, content] : draft.environment) draft.process.environment[name] = std::move(content);
  draft.service.spec = std::move(draft.process);
  return std::move(draft.service);
}

Service read_service(Context& context, const Entry& entry, const Service& defaults) {
  Draft draft;
  draft.service = defaults;
  draft.service.name = entry.key;
  if (entry.value.kind == Value::Kind::map) {
    note_given(context, entry.value, draft);
    read_fields<Draft>(context, entry.value, draft, service_fields(), service_later);
    if (const Entry* ours = entry.value.find("x-drover")) {
      Context::Step step(context, "", "x-drover", ours->at);
      if (want_map(context, ours->value, "{kind: job}"))
        read_fields<Draft>(context, ours->value, draft, service_fields(), service_later);
    }
  } else if (entry.value.kind != Value::Kind::null) {
    want_map(context, entry.value, "{command: [\"./program\"]}");
    return std::move(draft.service);
  }
  return finish_service(context, entry.value, std::move(draft));
}
}  // namespace

std::vector<Service> read_services(Context& context, const Value& value, const Service& defaults) {
  std::vector<Service> services;
  Context::Step step(context, "services", value.at);
  if (!want_map(context, value, "web: {command: [\"./web\"]}")) return services;
  for (const Entry& entry : value.entries) {
    if (entry.key.starts_with("x-")) continue;
    Context::Step inside(context, entry.key, entry.at);
    services.push_back(read_service(context, entry, defaults));
  }
  if (services.empty())  // keys that begin with x- are none
    context.problem(value.at, "a stack has at least one service");
  return services;
}

json::value service_schema() { return fields_schema<Draft>(service_fields()); }

}  // namespace drover::spec
