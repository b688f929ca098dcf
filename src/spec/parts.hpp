#pragma once
// A service while it is being read, and the readers of its parts. For this module only.

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/json.hpp"
#include "model/stack.hpp"
#include "spec/context.hpp"

namespace drover::spec {

/// What the file says so far; put together in finish_service().
struct Draft {
  Service service;
  ProcessSpec process;
  std::set<std::string> given;                    // keys
  std::map<std::string, std::string> from_files;  // env_file
  std::map<std::string, std::string> environment;
  std::optional<std::uint32_t> replicas;  // deploy.replicas
};

/// "on_failure" ↔ "on-failure": files have hyphens.
template <class E>
std::string enum_word(E value) {
  std::string word(enum_name(value));
  std::ranges::replace(word, '_', '-');
  return word;
}
template <class E>
std::optional<E> read_enum(Context& context, const Value& value) {
  std::vector<std::string> words;
  for (std::string_view name : drover::detail::enum_names<E>()) words.emplace_back(name);
  for (std::string& word : words) std::ranges::replace(word, '_', '-');
  std::vector<std::string_view> views(words.begin(), words.end());
  auto word = read_word(context, value, views);
  if (!word) return std::nullopt;
  std::ranges::replace(*word, '-', '_');
  return enum_value<E>(*word);
}
template <class E>
json::value enum_schema() {
  json::array words;
  for (std::string_view name : drover::detail::enum_names<E>()) {
    std::string word(name);
    std::ranges::replace(word, '_', '-');
    words.push_back(json::value(std::string_view(word)));
  }
  return json::object{{"enum", std::move(words)}};
}

// process.cpp
void read_command(Context& context, const Value& value, Draft& draft);
void read_working_dir(Context& context, const Value& value, Draft& draft);
void read_environment(Context& context, const Value& value, Draft& draft);
void read_env_file(Context& context, const Value& value, Draft& draft);
void read_user(Context& context, const Value& value, Draft& draft);
void read_umask(Context& context, const Value& value, Draft& draft);
std::optional<std::vector<std::string>> read_words(Context& context, const Value& value);
std::map<std::string, std::string> read_pairs(Context& context, const Value& value, bool ask_variables);

// network.cpp
void read_ports(Context& context, const Value& value, Draft& draft);
json::value ports_schema();

// probes.cpp
void read_probes(Context& context, const Value& value, Draft& draft);
json::value probes_schema();

// restart.cpp
void read_restart(Context& context, const Value& value, Draft& draft);
json::value restart_schema();

// limits.cpp
std::span<const Field<Draft>> limit_table();  // the service's keys for limits and isolation
void read_resources(Context& context, const Value& value, Draft& draft);
json::value resources_schema();

// place.cpp
void read_place(Context& context, const Value& value, Place& to);
void read_reserve(Context& context, const Value& value, Draft& draft);
void read_reservations(Context& context, const Value& value, Draft& draft);
void read_mem_reservation(Context& context, const Value& value, Draft& draft);
json::value place_schema();
json::value reserve_schema();
json::value reservations_schema();

// stop.cpp
void read_stop(Context& context, const Value& value, Draft& draft);
void read_stop_signal(Context& context, const Value& value, Draft& draft);
void read_stop_grace(Context& context, const Value& value, Draft& draft);
void read_pre_stop(Context& context, const Value& value, Draft& draft);
void read_reload(Context& context, const Value& value, Draft& draft);
json::value stop_schema();
json::value reload_schema();
json::value pre_stop_schema();

// policy.cpp
void read_restart(Context& context, const Value& value, Draft& draft);
void read_depends_on(Context& context, const Value& value, Draft& draft);
void read_scale(Context& context, const Value& value, Draft& draft);
void read_deploy(Context& context, const Value& value, Draft& draft);
void read_update(Context& context, const Value& value, Update& to);
void read_logs(Context& context, const Value& value, Draft& draft);
json::value depends_on_schema();
json::value scale_schema();
json::value deploy_schema();
json::value update_schema();
json::value logs_schema();

// service.cpp
/// The services of a file, with the defaults of its top level in `defaults`.
std::vector<Service> read_services(Context& context, const Value& value, const Service& defaults);
json::value service_schema();

// schema.cpp
json::value text_schema();
json::value number_schema(std::int64_t low, std::int64_t high);
json::value duration_schema();
json::value size_schema();
json::value strings_schema();
json::value pairs_schema();
json::value either(std::initializer_list<json::value> schemas);

}  // namespace drover::spec
