// What happens when an instance ends, or should.
#include <fmt/format.h>

#include <charconv>

#include "base/text.hpp"
#include "model/signals.hpp"
#include "spec/parts.hpp"
#include "spec/words.hpp"

namespace drover::spec {

namespace {
/// "1s..60s", or the first one alone.
void read_backoff(Context& context, const Value& value, Restart& to) {
  std::size_t dots = value.scalar() ? value.text.find("..") : std::string::npos;
  if (dots == std::string::npos) {
    auto first = read_duration(context, value);
    if (first) to.backoff = *first;
    if (first && to.backoff_max < *first) to.backoff_max = *first;
    return;
  }
  auto low = parse_duration(trim(std::string_view(value.text).substr(0, dots)));
  auto high = parse_duration(trim(std::string_view(value.text).substr(dots + 2)));
  if (!low || !high)
    return context.problem(value.at, fmt::format("{} is not a range of durations", shown(value)),
                           "write it as 1s..60s: the first wait, and the longest");
  to.backoff = *low;
  to.backoff_max = *high;
}

/// "5 in 10m", 5, never
void read_give_up(Context& context, const Value& value, Restart& to) {
  constexpr std::string_view example = "write it as \"5 in 10m\": so many restarts within so long; or never";
  std::string_view text = value.text;
  if (value.scalar() && text == "never") {
    to.give_up = 0;
    return;
  }
  std::size_t in = text.find(" in ");
  std::string_view number = trim(text.substr(0, in));
  std::uint32_t count = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), count);
  if (!value.scalar() || error != std::errc() || end != number.data() + number.size() || count > 1'000'000)
    return context.problem(value.at, fmt::format("{} does not say when to give up", shown(value)),
                           std::string(example));
  to.give_up = count;
  if (in == std::string_view::npos) return;
  auto within = parse_duration(trim(text.substr(in + 4)));
  if (within) to.give_up_within = *within;
  else context.problem(value.at, within.error().message, std::string(example));
}

void read_policy(Context& context, const Value& value, Restart& to) {
  if (value.kind == Value::Kind::boolean)
    return context.problem(
        value.at, fmt::format("{} is not a restart policy", value.text),
        value.text[0] == 'f' || value.text[0] == 'F' ? "write \"no\"" : "write \"always\"");
  if (value.text.starts_with("on-failure:")) {
    std::string count = value.text.substr(11);
    return context.problem(value.at, fmt::format("{}: restarts are counted within a time", shown(value)),
                           fmt::format("write {{policy: on-failure, give_up: \"{} in 10m\"}}", count));
  }
  if (auto policy = read_enum<RestartPolicy>(context, value)) to.policy = *policy;
}

/// [0, 3], or one of them.
void read_codes(Context& context, const Value& value, std::vector<std::int32_t>& to) {
  to.clear();
  auto one = [&](const Value& from) {
    if (auto code = read_integer(context, from, 0, 255)) to.push_back(std::int32_t(*code));
  };
  if (value.kind != Value::Kind::list) return one(value);
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Context::Step step(context, i, value.items[i].at);
    one(value.items[i]);
  }
}
json::value codes_schema() {
  return either({number_schema(0, 255), json::object{{"type", "array"}, {"items", number_schema(0, 255)}}});
}

void read_signals(Context& context, const Value& value, Restart& to) {
  auto words = read_strings(context, value, true);
  if (!words) return;
  for (std::string& word : *words) {
    std::int32_t number = signal_number(word).value_or(0);
    // What has no name is left as it is: validate() has the words for it.
    if (!signal_name(number).empty()) word = signal_name(number);
  }
  to.fatal_signals = std::move(*words);
}

void read_watch(Context& context, const Value& value, Restart& to) {
  auto paths = read_strings(context, value, true);
  if (!paths) return;
  const std::string& directory = context.options().directory;
  for (std::string& path : *paths)
    if (!directory.empty() && !path.empty()) path = join_path(directory, path);
  to.watch = std::move(*paths);
}

/// 5m, or "no" (0s).
void read_time_or_no(Context& context, const Value& value, Duration& to) {
  bool no = value.scalar() && (value.text == "no" || value.text == "never" || value.text == "false");
  if (no) to = Duration(0);
  else if (auto time = read_duration(context, value)) to = *time;
}

const Field<Restart> restart_fields[] = {
    {"policy", &read_policy, &enum_schema<RestartPolicy>, "on-failure for services, no for jobs"},
    {"backoff", &read_backoff, &text_schema, "The first wait and the longest: 200ms..30s"},
    {"give_up", &read_give_up, [] { return either({number_schema(0, 1'000'000), text_schema()}); },
     "So many restarts within so long, then it is failed: 10 in 10m"},
    {"retry_failed",
     [](Context& context, const Value& value, Restart& to) {
       read_time_or_no(context, value, to.retry_failed);
     },
     &duration_schema, "Services: one try each, after it gave up (5m); no: none"},
    {"success",
     [](Context& context, const Value& value, Restart& to) { read_codes(context, value, to.success); },
     &codes_schema, "Exit codes that are no failure (0)"},
    {"fatal", [](Context& context, const Value& value, Restart& to) { read_codes(context, value, to.fatal); },
     &codes_schema, "Exit codes after which it is not tried again (78, 126, 127)"},
    {"fatal_signals", &read_signals, &strings_schema, "The same for signals: [SIGSEGV]"},
    {"on_unhealthy",
     [](Context& context, const Value& value, Restart& to) {
       if (value.text == "reschedule")
         return context.problem(value.at, "this version of Drover does not support reschedule",
                                "use restart or alert");
       if (auto word = read_enum<OnUnhealthy>(context, value)) to.on_unhealthy = *word;
     },
     &enum_schema<OnUnhealthy>, "What a failed live probe does: restart, or only tell"},
    {"memory_max",
     [](Context& context, const Value& value, Restart& to) {
       if (auto size = read_size(context, value)) to.memory_max = *size;
     },
     &size_schema, "It is restarted when its working set is above this"},
    {"max_age",
     [](Context& context, const Value& value, Restart& to) { read_time_or_no(context, value, to.max_age); },
     &duration_schema, "It is restarted after so long, give or take a tenth"},
    {"watch", &read_watch, &strings_schema,
     "Files and directories, seen from the stack file's: a change restarts it"},
    {"dependants",
     [](Context& context, const Value& value, Restart& to) {
       if (auto on = read_boolean(context, value)) to.dependants = *on;
     },
     [] { return json::value{{"type", "boolean"}}; },
     "Those that depend on it, on the same node, are restarted when it is ready again"},
};
}  // namespace

void read_restart(Context& context, const Value& value, Draft& draft) {
  Restart& to = draft.service.restart;
  if (value.kind == Value::Kind::map) read_fields<Restart>(context, value, to, restart_fields);
  else if (value.kind == Value::Kind::list)
    want_map(context, value, "{policy: always, give_up: \"5 in 10m\"}");
  else read_policy(context, value, to);
}

json::value restart_schema() {
  return either({enum_schema<RestartPolicy>(), fields_schema<Restart>(restart_fields)});
}

}  // namespace drover::spec
