// How a service is ended, and how it takes a new configuration without ending.
#include <fmt/format.h>

#include <charconv>

#include "base/text.hpp"
#include "model/signals.hpp"
#include "spec/parts.hpp"

namespace drover::spec {

namespace {
/// By name or number. What has no name is left as it is: validate() has the words for it.
std::string signal_in(std::string_view text) {
  std::int32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool numeric = error == std::errc() && end == text.data() + text.size();
  if (!numeric) number = signal_number(text).value_or(0);
  return std::string(signal_name(number).empty() ? text : signal_name(number));
}

void read_signal(Context& context, const Value& value, Stop& to) {
  if (auto text = read_string(context, value)) to.signal = signal_in(*text);
}

void read_grace(Context& context, const Value& value, Stop& to) {
  if (auto grace = read_duration(context, value)) to.grace = *grace;
}

void read_before(Context& context, const Value& value, Stop& to) {
  if (auto words = read_words(context, value)) to.before = std::move(*words);
}

/// "SIGINT after 5s"
void read_step(Context& context, const Value& value, std::vector<StopStep>& to) {
  constexpr std::string_view between = " after ";
  const auto at = value.scalar() ? value.text.find(between) : std::string::npos;
  auto after = at == std::string::npos
                   ? Result<Duration>(fail(Errc::invalid, "no \"after\""))
                   : parse_duration(trim(std::string_view(value.text).substr(at + between.size())));
  if (!after)
    return context.problem(value.at, fmt::format("{} is not a signal and a time", shown(value)),
                           "write it as \"SIGINT after 5s\"");
  to.push_back({signal_in(trim(std::string_view(value.text).substr(0, at))), *after});
}

void read_then(Context& context, const Value& value, Stop& to) {
  if (value.scalar()) return read_step(context, value, to.then);
  if (!want_list(context, value, "[\"SIGINT after 5s\"]")) return;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Context::Step step(context, i, value.items[i].at);
    read_step(context, value.items[i], to.then);
  }
}

const Field<Stop> stop_fields[] = {
    {"signal", &read_signal, &text_schema, "SIGTERM"},
    {"grace", &read_grace, &duration_schema, "Then all of it is killed (10s)"},
    {"before", &read_before, [] { return either({text_schema(), strings_schema()}); },
     "A command that runs before the first signal, within grace"},
    {"then", &read_then, [] { return either({text_schema(), strings_schema()}); },
     "More signals: [\"SIGINT after 5s\"], counted from the beginning of the stop"},
    {"target",
     [](Context& context, const Value& value, Stop& to) {
       if (auto target = read_enum<StopTarget>(context, value)) to.target = *target;
     },
     &enum_schema<StopTarget>, "Who gets the signals: the main process, or each of its processes"},
};

const Field<Reload> reload_fields[] = {
    {"signal",
     [](Context& context, const Value& value, Reload& to) {
       if (auto text = read_string(context, value)) to.signal = signal_in(*text);
     },
     &text_schema, "To its main process: SIGHUP"},
    {"command",
     [](Context& context, const Value& value, Reload& to) {
       if (auto words = read_words(context, value)) to.command = std::move(*words);
     },
     [] { return either({text_schema(), strings_schema()}); }, "A command that makes it reload"},
};

void twice(Context& context, const Value& value, Draft& draft, std::string_view other) {
  if (draft.given.contains(std::string(other)))
    context.problem(value.at, fmt::format("\"{}\" says how to stop already", other), "take one of them away");
}

const Field<Stop> hook_fields[] = {{"command", &read_before, &strings_schema, ""}};
const Later hook_later[] = {{"user", "another user for it"},
                            {"privileged", "containers"},
                            {"working_dir", "another directory for it"},
                            {"environment", "another environment for it"}};
}  // namespace

void read_stop(Context& context, const Value& value, Draft& draft) {
  if (want_map(context, value, "{signal: SIGTERM, grace: 10s}"))
    read_fields<Stop>(context, value, draft.service.stop, stop_fields);
}

void read_stop_signal(Context& context, const Value& value, Draft& draft) {
  context.also("stop.signal");
  twice(context, value, draft, "stop");
  read_signal(context, value, draft.service.stop);
}

void read_stop_grace(Context& context, const Value& value, Draft& draft) {
  context.also("stop.grace");
  twice(context, value, draft, "stop");
  read_grace(context, value, draft.service.stop);
}

void read_pre_stop(Context& context, const Value& value, Draft& draft) {
  context.also("stop.before");
  twice(context, value, draft, "stop");
  if (!want_list(context, value, "[{command: [\"./drain\"]}]")) return;
  if (value.items.size() > 1)
    return context.problem(value.items[1].at, "one command runs before the first signal",
                           "put them into a script");
  for (const Value& item : value.items)
    if (want_map(context, item, "{command: [\"./drain\"]}"))
      read_fields<Stop>(context, item, draft.service.stop, hook_fields, hook_later);
}

void read_reload(Context& context, const Value& value, Draft& draft) {
  if (value.scalar() && value.kind != Value::Kind::null) {
    if (auto text = read_string(context, value)) draft.service.reload.signal = signal_in(*text);
    return;
  }
  if (want_map(context, value, "SIGHUP or {signal: SIGHUP} or {command: [./reload]}"))
    read_fields<Reload>(context, value, draft.service.reload, reload_fields);
}

json::value reload_schema() { return either({text_schema(), fields_schema<Reload>(reload_fields)}); }
json::value stop_schema() { return fields_schema<Stop>(stop_fields); }
json::value pre_stop_schema() {
  return json::object{{"type", "array"}, {"items", fields_schema<Stop>(hook_fields)}};
}

}  // namespace drover::spec
