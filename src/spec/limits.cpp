// What a service may use of the host and touch of it: our words, and Compose's for the same.
#include <fmt/format.h>

#include <charconv>

#include "base/text.hpp"
#include "model/host_words.hpp"
#include "spec/parts.hpp"

namespace drover::spec {

namespace {
constexpr std::uint64_t unlimited = UINT64_MAX;

/// Two keys for one thing must agree. `model`: what the model calls it.
template <class T>
void set_once(Context& context, const Value& value, std::string_view model, std::optional<T>& to, T read) {
  if (to && *to != read)
    return context.problem(value.at, fmt::format("\"{}\" is given twice, and not the same", model),
                           "take one of them away");
  to = read;
}

std::optional<std::uint64_t> read_amount(Context& context, const Value& value) {
  if (value.scalar() && (value.text == "unlimited" || value.text == "-1")) return unlimited;
  std::uint64_t number = 0;
  const auto* end = value.text.data() + value.text.size();
  if (const auto [at, error] = std::from_chars(value.text.data(), end, number);
      value.scalar() && error == std::errc() && at == end)
    return number;
  context.problem(value.at, fmt::format("must be a number or unlimited, found {}", shown(value)));
  return std::nullopt;
}

json::value amount_schema() {
  return either({json::value{{"type", "integer"}}, json::value{{"enum", {"unlimited"}}}});
}

const Field<Rlimit> rlimit_fields[] = {
    {"soft",
     [](Context& context, const Value& value, Rlimit& to) {
       if (auto amount = read_amount(context, value)) to.soft = *amount;
     },
     &amount_schema, "In force; the program may raise it up to the hard one"},
    {"hard",
     [](Context& context, const Value& value, Rlimit& to) {
       if (auto amount = read_amount(context, value)) to.hard = *amount;
     },
     &amount_schema, ""},
};

void read_rlimit(Context& context, const Value& value, Rlimit& to) {
  if (value.kind != Value::Kind::map) {
    if (auto amount = read_amount(context, value)) to.soft = to.hard = *amount;
    return;
  }
  read_fields<Rlimit>(context, value, to, rlimit_fields);
  for (const char* key : {"soft", "hard"})
    if (!value.find(key))
      context.problem(value.at, fmt::format("\"{}\" is missing", key),
                      "write it as {soft: 1024, hard: 4096}");
}

std::string capability_of(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = char(c - 'a' + 'A');
  return text.starts_with("CAP_") ? text : "CAP_" + text;
}

std::optional<std::vector<std::string>> read_capability_list(Context& context, const Value& value) {
  auto names = read_strings(context, value);
  if (names)
    for (std::string& name : *names) name = capability_of(std::move(name));
  return names;
}
}  // namespace

void read_limits(Context& context, const Value& value, Draft& draft) {
  if (!want_map(context, value, "{nofile: 65536, core: {soft: 0, hard: unlimited}}")) return;
  for (const Entry& entry : value.entries) {
    Context::Step step(context, entry.key, entry.value.at);
    read_rlimit(context, entry.value, draft.process.limits.rlimits[entry.key]);
  }
}

void read_ulimits(Context& context, const Value& value, Draft& draft) {
  context.also("limits");
  if (draft.given.contains("limits"))
    return context.problem(value.at, "\"limits\" says this already", "take one of them away");
  read_limits(context, value, draft);
}

/// 0 is Compose's word for none.
void read_cpus(Context& context, const Value& value, Draft& draft) {
  context.also("cpus");
  double number = 0;
  const auto* end = value.text.data() + value.text.size();
  const auto [at, error] = std::from_chars(value.text.data(), end, number, std::chars_format::fixed);
  if (!value.scalar() || error != std::errc() || at != end || number < 0)
    return context.problem(value.at, fmt::format("must be a number of cores, found {}", shown(value)),
                           "write it as 2 or 0.5");
  if (number > 0) set_once(context, value, "cpus", draft.process.limits.cpus, number);
}

void read_memory(Context& context, const Value& value, Draft& draft) {
  context.also("memory");
  const auto size = read_size(context, value);
  if (size && *size > 0) set_once(context, value, "memory", draft.process.limits.memory, *size);
}

void read_pids(Context& context, const Value& value, Draft& draft) {
  context.also("pids");
  if (value.scalar() && value.text == "-1") return;
  if (auto count = read_integer(context, value, 1, 4'194'304))
    set_once(context, value, "pids", draft.process.limits.pids, std::uint32_t(*count));
}

void read_io_weight(Context& context, const Value& value, Draft& draft) {
  if (auto weight = read_integer(context, value, 1, 10'000))
    draft.process.limits.io_weight = std::uint32_t(*weight);
}

void read_oom_score(Context& context, const Value& value, Draft& draft) {
  context.also("oom_score");
  if (auto score = read_integer(context, value, -1000, 1000))
    set_once(context, value, "oom_score", draft.process.limits.oom_score, std::int32_t(*score));
}

void read_groups(Context& context, const Value& value, Draft& draft) {
  context.also("groups");
  if (!draft.process.groups.empty())
    return context.problem(value.at, "the groups are given twice: \"groups\" and \"group_add\"",
                           "take one of them away");
  if (auto names = read_strings(context, value)) draft.process.groups = std::move(*names);
}

void read_capabilities(Context& context, const Value& value, Draft& draft) {
  if (draft.given.contains("cap_drop"))
    return context.problem(value.at, "\"cap_drop\" says this already", "take one of them away");
  if (auto names = read_capability_list(context, value))
    draft.process.isolation.capabilities = std::move(*names);
}

/// A process has what its user has, and not Compose's default set: only the whole of it can be taken away.
void read_cap_drop(Context& context, const Value& value, Draft& draft) {
  context.also("capabilities");
  const auto names = read_capability_list(context, value);
  if (!names) return;
  if (*names != std::vector<std::string>{"CAP_ALL"})
    return context.problem(value.at, "only cap_drop: [ALL] means the same for a process",
                           "name those that it keeps: capabilities: [CAP_NET_BIND_SERVICE]");
  if (!draft.process.isolation.capabilities) draft.process.isolation.capabilities.emplace();
}

void read_cap_add(Context& context, const Value& value, Draft& draft) {
  context.also("capabilities");
  if (!draft.given.contains("cap_drop"))
    return context.problem(value.at, "a process has the capabilities of its user: there is nothing to add to",
                           "write cap_drop: [ALL] beside it, or capabilities: [CAP_NET_BIND_SERVICE]");
  if (auto names = read_capability_list(context, value))
    draft.process.isolation.capabilities = std::move(*names);
}

void read_security_opt(Context& context, const Value& value, Draft& draft) {
  const auto words = read_strings(context, value);
  if (!words) return;
  for (std::size_t i = 0; i < words->size(); ++i) {
    std::string word = (*words)[i];
    std::ranges::replace(word, '=', ':');
    if (word == "no-new-privileges" || word == "no-new-privileges:true")
      draft.process.isolation.no_new_privileges = true;
    else if (word != "no-new-privileges:false")
      context.problem(value.items[i].at, fmt::format("{} is for containers", shown(value.items[i])),
                      "for processes there is no-new-privileges:true");
  }
}

namespace {
template <bool Isolation::* member>
void read_flag(Context& context, const Value& value, Draft& draft) {
  if (auto flag = read_boolean(context, value)) draft.process.isolation.*member = *flag;
}
template <std::vector<std::string> Isolation::* member>
void read_paths(Context& context, const Value& value, Draft& draft) {
  if (auto paths = read_strings(context, value)) draft.process.isolation.*member = std::move(*paths);
}

json::value flag_schema() { return json::value{{"type", "boolean"}}; }
json::value cpus_schema() { return json::value{{"type", {"number", "string"}}}; }
json::value pids_schema() { return number_schema(-1, 4'194'304); }
json::value oom_schema() { return number_schema(-1000, 1000); }

json::value limits_schema() {
  json::object properties;
  for (const std::string& name : rlimit_names())
    properties[name] = either({amount_schema(), fields_schema<Rlimit>(rlimit_fields)});
  return json::object{
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

const Field<Draft> bound_fields[] = {
    {"cpus", &read_cpus, &cpus_schema, "Cores' worth of time"},
    {"memory", &read_memory, &size_schema, ""},
    {"pids", &read_pids, &pids_schema, ""},
};
const Field<Draft> resource_fields[] = {
    {"limits",
     [](Context& context, const Value& value, Draft& draft) {
       if (want_map(context, value, "{cpus: 2, memory: 512MiB}"))
         read_fields<Draft>(context, value, draft, bound_fields);
     },
     [] { return fields_schema<Draft>(bound_fields); }, "cpus, memory, pids"},
    {"reservations", &read_reservations, &reservations_schema, "What a node must have left for it"},
};

const Field<Draft> limit_fields[] = {
    {"limits", &read_limits, &limits_schema,
     "Of each process: {nofile: 65536, core: {soft: 0, hard: unlimited}}"},
    {"ulimits", &read_ulimits, &limits_schema, "Compose's word for limits"},
    {"cpus", &read_cpus, &cpus_schema, "Cores' worth of time that all of it may use"},
    {"memory", &read_memory, &size_schema, "All of it together; above it, it is ended: out of memory"},
    {"mem_limit", &read_memory, &size_schema, "Compose's word for memory"},
    {"pids", &read_pids, &pids_schema, "Processes and threads"},
    {"pids_limit", &read_pids, &pids_schema, "Compose's word for pids"},
    {"io_weight", &read_io_weight, [] { return number_schema(1, 10'000); },
     "Share of the disks' time; others have 100"},
    {"oom_score", &read_oom_score, &oom_schema, "Higher: ended earlier when the host runs out of memory"},
    {"oom_score_adj", &read_oom_score, &oom_schema, "Compose's word for oom_score"},
    {"groups", &read_groups, &strings_schema, "More groups, beside the user's own"},
    {"group_add", &read_groups, &strings_schema, "Compose's word for groups"},
    {"capabilities", &read_capabilities, &strings_schema, "Exactly these: [CAP_NET_BIND_SERVICE]"},
    {"cap_drop", &read_cap_drop, &strings_schema, "[ALL]: Compose's word for capabilities: []"},
    {"cap_add", &read_cap_add, &strings_schema, "Beside cap_drop: [ALL]: those that it keeps"},
    {"no_new_privileges", &read_flag<&Isolation::no_new_privileges>, &flag_schema,
     "No program that it starts gets more rights than it has"},
    {"security_opt", &read_security_opt, &strings_schema, "[\"no-new-privileges:true\"]"},
    {"private_tmp", &read_flag<&Isolation::private_tmp>, &flag_schema,
     "An empty /tmp and /var/tmp of its own"},
    {"read_only", &read_flag<&Isolation::read_only>, &flag_schema,
     "The whole file system but read_write_paths, /dev, /proc and /tmp"},
    {"read_only_paths", &read_paths<&Isolation::read_only_paths>, &strings_schema, ""},
    {"read_write_paths", &read_paths<&Isolation::read_write_paths>, &strings_schema,
     "Exceptions from the two above"},
};
}  // namespace

std::span<const Field<Draft>> limit_table() { return limit_fields; }

void read_resources(Context& context, const Value& value, Draft& draft) {
  if (want_map(context, value, "{limits: {memory: 512MiB}}"))
    read_fields<Draft>(context, value, draft, resource_fields);
}
json::value resources_schema() { return fields_schema<Draft>(resource_fields); }

}  // namespace drover::spec
