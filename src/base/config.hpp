#pragma once
// Configuration, declared once. A struct lists its fields in a table:
//
//   struct AgentConfig {
//     Duration heartbeat = 5s;
//     static constexpr auto fields() {
//       return std::tuple{Field{&AgentConfig::heartbeat, "heartbeat", "How often …", &between_ms<100,
//       60'000>}};
//     }
//   };
//
// Loader, `config show`, `config explain`, JSON Schema and reference page come from that table.
// Order: default < file (TOML) < environment DROVER_<SECTION>_<KEY> < flag. All errors are reported at once,
// each with its place. `${VAR}` in a TOML string is replaced by the environment's value; `$$` is a dollar
// sign.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace drover {

/// A check returns what is allowed when the value is wrong: "between 100ms and 60s". nullopt: fine.
template <class M>
using FieldCheck = std::optional<std::string> (*)(const M&);

/// One row of a table. `key` may have dots: "tls.names" is `names` in the TOML table [tls].
template <class T, class M>
struct Field {
  constexpr Field(M T::* member_, const char* key_, const char* help_, FieldCheck<M> check_ = nullptr)
      : member(member_), key(key_), help(help_), check(check_) {}
  M T::* member;
  std::string_view key;
  std::string_view help;
  FieldCheck<M> check;
};

enum class ConfigOrigin : std::uint8_t { built_in, file, environment, flag };
std::string_view name(ConfigOrigin origin);  // "default", "file", "environment", "flag"

/// What the table says of one field, and where its value comes from. For show, explain, schema, reference.
struct ConfigEntry {
  std::string key, help;
  std::string type;  // text, number, boolean, duration, size, list, map or the allowed words: "a|b|c"
  std::string value, by_default;  // as written in the file; secrets are "***"
  std::string environment;        // name of its variable
  ConfigOrigin origin = ConfigOrigin::built_in;
  std::string place;  // "agent.toml:12", "DROVER_AGENT_HUB", "--hub"
};

struct ConfigFlag {
  std::string key, value;
  std::string flag;  // as the person wrote it: "--hub"
};

/// What is read: nothing of it is looked up by the loader itself.
struct ConfigSources {
  std::string section;    // "agent": the environment's DROVER_AGENT_…
  std::string file_name;  // as the person named it; empty: no file
  std::string file_text;
  std::map<std::string, std::string> environment;  // all of it
  std::vector<ConfigFlag> flags;
};

template <class T>
struct Loaded {
  T config;
  std::vector<ConfigEntry> entries;  // in the order of the table
};

namespace detail {

/// One field with its types erased.
struct ConfigSlot {
  std::string key, help, type;
  bool is_list = false, is_map = false, is_text = true, is_boolean = false;
  std::function<std::optional<std::string>(std::string_view)> set_text;  // the problem, if any
  std::function<std::optional<std::string>(const std::vector<std::string>&)> set_list;
  std::function<std::optional<std::string>(const std::map<std::string, std::string>&)> set_map;
  std::function<std::optional<std::string>()> check;  // of the value that is there now
  std::function<std::string()> print;
};

/// Fills the slots from the sources. Errc::invalid with every problem.
Result<std::vector<ConfigEntry>> load_slots(std::vector<ConfigSlot>& slots, const ConfigSources& sources);
std::string toml_text(std::string_view text);  // quoted

template <class M>
std::string config_type() {
  if constexpr (detail::is_secret<M>) return "secret";
  else if constexpr (detail::is_optional<M>) return config_type<typename M::value_type>();
  else if constexpr (std::is_same_v<M, bool>) return "boolean";
  else if constexpr (std::is_same_v<M, Duration>) return "duration";
  else if constexpr (detail::is_vector<M>) return "list";
  else if constexpr (detail::is_map<M>) return "map";
  else if constexpr (std::is_enum_v<M>) {
    std::string out;
    for (auto word : detail::enum_names<M>()) out += (out.empty() ? "" : "|") + std::string(word);
    return out;
  } else if constexpr (std::is_integral_v<M>) return "number";
  else return "text";
}

std::optional<std::string> read_number(std::string_view text, std::int64_t low, std::uint64_t high,
                                       std::int64_t& out);

/// Reads one scalar; returns the problem.
template <class M>
std::optional<std::string> read_config(std::string_view text, M& to) {
  if constexpr (detail::is_secret<M>) {
    to = M(std::string(text));
    return std::nullopt;
  } else if constexpr (detail::is_optional<M>) {
    return read_config(text, to.emplace());
  } else if constexpr (std::is_same_v<M, std::string>) {
    to = text;
    return std::nullopt;
  } else if constexpr (std::is_same_v<M, bool>) {
    if (text != "true" && text != "false") return "true or false";
    to = text == "true";
    return std::nullopt;
  } else if constexpr (std::is_same_v<M, Duration>) {
    auto parsed = parse_duration(text);
    if (!parsed) return "a duration such as 500ms, 10s or 1m30s";
    to = *parsed;
    return std::nullopt;
  } else if constexpr (std::is_enum_v<M>) {
    if (auto found = enum_value<M>(text)) to = *found;
    else return "one of " + config_type<M>();
    return std::nullopt;
  } else {
    static_assert(std::is_integral_v<M>, "no configuration field has this type");
    std::int64_t number = 0;
    if (auto wrong = read_number(text, std::int64_t(std::numeric_limits<M>::min()),
                                 std::uint64_t(std::numeric_limits<M>::max()), number))
      return wrong;
    to = M(number);
    return std::nullopt;
  }
}

template <class M>
std::string print_config(const M& value) {
  if constexpr (detail::is_secret<M>) return "\"***\"";
  else if constexpr (detail::is_optional<M>) return value ? print_config(*value) : "";
  else if constexpr (std::is_same_v<M, std::string>) return toml_text(value);
  else if constexpr (std::is_same_v<M, bool>) return value ? "true" : "false";
  else if constexpr (std::is_same_v<M, Duration>) return toml_text(format_duration(value));
  else if constexpr (std::is_enum_v<M>) return toml_text(enum_name(value));
  else if constexpr (detail::is_vector<M>) {
    std::string out = "[";
    for (const auto& item : value) out += (out.size() > 1 ? ", " : "") + toml_text(item);
    return out + "]";
  } else if constexpr (detail::is_map<M>) {
    std::string out = "{";
    for (const auto& [key, item] : value)
      out += (out.size() > 1 ? ", " : " ") + key + " = " + toml_text(item);
    return out + (out.size() > 1 ? " }" : "}");
  } else return std::to_string(value);
}

template <class T, class M>
ConfigSlot make_slot(T& config, const Field<T, M>& field) {
  ConfigSlot slot{std::string(field.key), std::string(field.help), config_type<M>()};
  slot.is_list = is_vector<M>;
  slot.is_map = is_map<M>;
  slot.is_boolean = std::is_same_v<M, bool>;
  slot.is_text = std::is_same_v<M, std::string> || std::is_enum_v<M> || is_secret<M>;
  M& member = config.*field.member;
  auto check = field.check;
  auto keep = [&member, check](M value) -> std::optional<std::string> {
    if (check) {
      if (auto wrong = check(value)) return wrong;
    }
    member = std::move(value);
    return std::nullopt;
  };
  if constexpr (is_vector<M>) {
    slot.set_list = [keep](const std::vector<std::string>& list) { return keep(list); };
    slot.set_text = [keep](std::string_view text) { return keep(split(text, ',')); };
  } else if constexpr (is_map<M>) {
    slot.set_map = [keep](const std::map<std::string, std::string>& map) { return keep(map); };
    slot.set_text = [keep](std::string_view text) -> std::optional<std::string> {
      M map;
      for (const auto& pair : split(text, ',')) {
        auto equals = pair.find('=');
        if (equals == std::string::npos || equals == 0) return "key=value, separated by commas";
        map[pair.substr(0, equals)] = pair.substr(equals + 1);
      }
      return keep(std::move(map));
    };
  } else {
    slot.set_text = [keep](std::string_view text) -> std::optional<std::string> {
      M value{};
      if (auto wrong = read_config(text, value)) return wrong;
      return keep(std::move(value));
    };
  }
  slot.check = [&member, check] { return check ? check(member) : std::nullopt; };
  slot.print = [&member] { return print_config(member); };
  return slot;
}

template <class T>
std::vector<ConfigSlot> slots_of(T& config) {
  std::vector<ConfigSlot> slots;
  std::apply([&](const auto&... field) { (slots.push_back(make_slot(config, field)), ...); }, T::fields());
  return slots;
}
}  // namespace detail

/// Errc::invalid: with every problem of file, environment and flags at once.
template <class T>
Result<Loaded<T>> load_config(const ConfigSources& sources) {
  Loaded<T> loaded;
  auto slots = detail::slots_of(loaded.config);
  TRY(loaded.entries, detail::load_slots(slots, sources));
  return loaded;
}

/// The table with its defaults, for schema and reference.
template <class T>
std::vector<ConfigEntry> describe_config(std::string section) {
  ConfigSources nothing;
  nothing.section = std::move(section);
  return load_config<T>(nothing).value().entries;
}

/// A TOML file with every value (and its origin as a comment when `origins`).
std::string config_toml(const std::vector<ConfigEntry>& entries, bool origins);
/// JSON Schema (draft 2020-12) of the file.
json::object config_schema(const std::vector<ConfigEntry>& entries, std::string_view title);
/// The reference page: a Markdown table.
std::string config_reference(const std::vector<ConfigEntry>& entries, std::string_view title);

/// `${VAR}` → its value, `$$` → `$`. Errc::invalid names a variable that is not set.
Result<std::string> expand_variables(std::string_view text,
                                     const std::map<std::string, std::string>& environment);
/// The process's environment as a map. For main and the CLI.
std::map<std::string, std::string> real_environment();

// ---- checks

template <std::int64_t Low, std::int64_t High>
std::optional<std::string> between_ms(const Duration& value) {
  Duration low = std::chrono::milliseconds(Low), high = std::chrono::milliseconds(High);
  if (value >= low && value <= high) return std::nullopt;
  return "between " + format_duration(low) + " and " + format_duration(high);
}
template <std::int64_t Low, std::int64_t High, class M>
std::optional<std::string> between(const M& value) {
  if (std::int64_t(value) >= Low && std::int64_t(value) <= High) return std::nullopt;
  return "between " + std::to_string(Low) + " and " + std::to_string(High);
}
/// The file must name it: an empty default is reported as missing.
template <class M>
std::optional<std::string> not_empty(const M& value) {
  return value.empty() ? std::optional<std::string>("not empty") : std::nullopt;
}
/// "127.0.0.1:3079", "[::1]:80", ":3079"
std::optional<std::string> check_listen(const std::string& value);
/// http(s)://host[:port]
std::optional<std::string> check_http_url(const std::string& value);
/// "" or a name as in is_name.
std::optional<std::string> check_optional_name(const std::string& value);

}  // namespace drover
