#include "base/config.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

extern char** environ;

namespace drover {

std::string_view name(ConfigOrigin origin) {
  switch (origin) {
    case ConfigOrigin::built_in: return "default";
    case ConfigOrigin::file: return "file";
    case ConfigOrigin::environment: return "environment";
    case ConfigOrigin::flag: return "flag";
  }
  std::unreachable();
}

namespace detail {
std::optional<std::string> read_number(std::string_view text, std::int64_t low, std::uint64_t high,
                                       std::int64_t& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && out >= low && (out < 0 || std::uint64_t(out) <= high)) return std::nullopt;
  return "a whole number between " + std::to_string(low) + " and " + std::to_string(high);
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + "\"";
}
}  // namespace detail

Result<std::string> expand_variables(std::string_view text,
                                     const std::map<std::string, std::string>& environment) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
    } else if (text[i + 1] == '$') {
      out += text[i++];
    } else if (text[i + 1] == '{') {
      auto end = text.find('}', i);
      if (end == std::string_view::npos)
        return fail(Errc::invalid, "${ is not closed", {}, "write $$ for a dollar sign");
      std::string variable(text.substr(i + 2, end - i - 2));
      auto found = environment.find(variable);
      if (found == environment.end())
        return fail(Errc::invalid, "the environment variable " + variable + " is not set", {},
                    "export " + variable + ", or write $${…} for the text itself");
      out += found->second;
      i = end;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::map<std::string, std::string> real_environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; entry && *entry; ++entry) {
    const char* equals = std::strchr(*entry, '=');
    if (equals) out.emplace(std::string(*entry, std::size_t(equals - *entry)), std::string(equals + 1));
  }
  return out;
}

namespace {
std::pair<std::string, std::string> section_of(std::string_view key) {
  auto dot = key.rfind('.');
  if (dot == std::string_view::npos) return {"", std::string(key)};
  return {std::string(key.substr(0, dot)), std::string(key.substr(dot + 1))};
}

std::string default_value(const ConfigEntry& entry) {
  return entry.by_default.empty() ? "none" : entry.by_default;
}
}  // namespace

std::string config_toml(const std::vector<ConfigEntry>& entries, bool origins) {
  std::string out;
  // TOML wants the keys without a table first.
  std::vector<const ConfigEntry*> order;
  for (const auto& entry : entries) order.push_back(&entry);
  std::ranges::sort(order, {}, [](const ConfigEntry* e) { return std::pair(section_of(e->key).first, e); });
  std::string section;
  for (const auto* entry : order) {
    auto [table, key] = section_of(entry->key);
    if (table != section) out += "\n[" + (section = table) + "]\n";
    if (entry->value.empty()) out += "# " + key + " is not set";
    else out += key + " = " + entry->value;
    if (origins) {
      out += "  # " + std::string(name(entry->origin));
      if (!entry->place.empty()) out += ": " + entry->place;
    }
    out += "\n";
  }
  return out;
}

namespace {
json::object schema_of(const ConfigEntry& entry) {
  json::object out;
  if (entry.type == "boolean") out["type"] = "boolean";
  else if (entry.type == "number") out["type"] = "integer";
  else if (entry.type == "list") out = {{"type", "array"}, {"items", {{"type", "string"}}}};
  else if (entry.type == "map") out = {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
  else if (entry.type == "duration") out["type"] = json::array{"string", "number"};
  else out["type"] = "string";
  if (entry.type.contains('|')) {
    json::array words;
    for (const auto& word : split(entry.type, '|')) words.push_back(json::value(std::string_view(word)));
    out["enum"] = words;
  }
  out["description"] = std::string_view(entry.help);
  return out;
}
}  // namespace

json::object config_schema(const std::vector<ConfigEntry>& entries, std::string_view title) {
  json::object properties;
  for (const auto& entry : entries) {
    json::object* into = &properties;
    auto [table, key] = section_of(entry.key);
    if (!table.empty()) {
      auto& made = (*into)[table];
      if (!made.is_object())
        made =
            json::object{{"type", "object"}, {"additionalProperties", false}, {"properties", json::object()}};
      into = &made.get_object()["properties"].get_object();
    }
    (*into)[key] = schema_of(entry);
  }
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", title},
          {"type", "object"},
          {"additionalProperties", false},
          {"properties", properties}};
}

std::string config_reference(const std::vector<ConfigEntry>& entries, std::string_view title) {
  std::string out = "# " + std::string(title) +
                    "\n\n| key | type | default | variable | what it is |\n|---|---|---|---|---|\n";
  for (const auto& entry : entries) {
    std::string type = entry.type;
    for (std::size_t at = 0; (at = type.find('|', at)) != std::string::npos; at += 2)
      type.replace(at, 1, "\\|");
    out += "| `" + entry.key + "` | " + type + " | `" + default_value(entry) + "` | `" + entry.environment +
           "` | " + entry.help + " |\n";
  }
  return out;
}

std::optional<std::string> check_listen(const std::string& value) {
  constexpr auto allowed = "address:port, such as 127.0.0.1:3079 or [::]:3079";
  auto colon = value.rfind(':');
  if (colon == std::string::npos) return allowed;
  std::int64_t port = 0;
  if (detail::read_number(std::string_view(value).substr(colon + 1), 0, 65535, port)) return allowed;
  auto host = std::string_view(value).substr(0, colon);
  bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (host.contains(':') && !bracketed) return allowed;
  return std::nullopt;
}

std::optional<std::string> check_http_url(const std::string& value) {
  for (std::string_view scheme : {"https://", "http://"})
    if (value.starts_with(scheme) && value.size() > scheme.size() && value[scheme.size()] != '/')
      return std::nullopt;
  return "an address such as https://hub.example:3079";
}

std::optional<std::string> check_optional_name(const std::string& value) {
  if (value.empty() || is_name(value)) return std::nullopt;
  return "small letters, digits, - and _, at most 63, beginning with a letter or digit";
}

}  // namespace drover
