#include "model/changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/json.hpp"
#include "base/text.hpp"

namespace drover {

namespace {
struct FieldEffect {
  std::string_view member;
  ChangeEffect effect;
};
/// Each member of Service, in its order. What lies within has the same effect.
constexpr std::array effects{
    FieldEffect{"name", ChangeEffect::none},  // another name is another service
    FieldEffect{"kind", ChangeEffect::restart},
    FieldEffect{"spec", ChangeEffect::restart},  // command, environment, user, limits, isolation, …
    FieldEffect{"ports", ChangeEffect::restart},
    FieldEffect{"probes", ChangeEffect::live},
    FieldEffect{"restart", ChangeEffect::live},
    FieldEffect{"stop", ChangeEffect::live},
    FieldEffect{"reload", ChangeEffect::live},
    FieldEffect{"depends_on", ChangeEffect::live},  // restart_dependants is the agent's to know
    FieldEffect{"scale", ChangeEffect::none},       // instances come and go; those that stay run on
    FieldEffect{"place", ChangeEffect::none},
    FieldEffect{"reserve", ChangeEffect::none},  // the hub's books; what a host enforces are limits
    FieldEffect{"update", ChangeEffect::none},
    FieldEffect{"logs", ChangeEffect::live},
    FieldEffect{"labels", ChangeEffect::none},
};

/// A field of Service that is not in the table, or the other way round, does not compile.
consteval bool complete() {
  std::size_t at = 0;
  bool all = true;
  boost::mp11::mp_for_each<detail::members_of<Service>>([&](auto member) {
    all = all && at < effects.size() && effects[at].member == std::string_view(member.name);
    ++at;
  });
  return all && at == effects.size();
}
static_assert(complete(), "say what a change of each member of Service does");

bool notifies(const std::optional<Probe>& probe) {
  return probe && std::holds_alternative<NotifyCheck>(probe->check);
}

/// What a process learns of its probes when it starts: that somebody listens, and how often it must speak.
json::value start_facts(const Service& service) {
  const Probes& probes = service.probes;
  json::object out;
  out["notify"] = notifies(probes.start) || notifies(probes.ready) || notifies(probes.live);
  out["watchdog"] = notifies(probes.live) ? probes.live->interval.count() : 0;
  return out;
}

json::object part_of(const Service& service, ChangeEffect effect) {
  json::object out;
  std::size_t at = 0;
  boost::mp11::mp_for_each<detail::members_of<Service>>([&](auto member) {
    if (effects[at++].effect == effect) out[member.name] = to_json(service.*member.pointer);
  });
  return out;
}

/// Numbers of bytes; durations are texts already.
bool is_size(std::string_view path) {
  static constexpr std::string_view sizes[] = {"limits.memory",      "logs.budget",    "logs.segment",
                                               "restart.memory_max", "reserve.memory", "reserve.disk"};
  return std::ranges::count(sizes, path) > 0;
}

std::string in_words(std::string_view path, const json::value* value) {
  if (!value || value->is_null()) return {};
  if (value->is_string() && !value->get_string().empty()) return std::string(value->get_string());
  if (is_size(path) && value->is_number()) return format_size(value->to_number<std::uint64_t>());
  return print_json(*value);
}

/// The parts that differ, as deep as both have them.
class Differences {
 public:
  Differences(std::string service, std::vector<FieldChange>& out) : service_(std::move(service)), out_(out) {}

  void compare(const std::string& path, const json::value* before, const json::value* after,
               ChangeEffect effect) {
    if (before && after && *before == *after) return;
    if (before && after && before->is_object() && after->is_object())
      return objects(path, before->get_object(), after->get_object(), effect);
    if (before && after && before->is_array() && after->is_array() &&
        before->get_array().size() == after->get_array().size())
      return arrays(path, before->get_array(), after->get_array(), effect);
    out_.push_back({service_, path, in_words(path, before), in_words(path, after), effect});
  }

 private:
  void objects(const std::string& path, const json::object& before, const json::object& after,
               ChangeEffect effect) {
    std::set<std::string, std::less<>> keys;
    for (const auto& [key, value] : before) keys.insert(std::string(key));
    for (const auto& [key, value] : after) keys.insert(std::string(key));
    for (const auto& key : keys)
      compare(path.empty() ? key : path + "." + key, before.if_contains(key), after.if_contains(key), effect);
  }
  void arrays(const std::string& path, const json::array& before, const json::array& after,
              ChangeEffect effect) {
    for (std::size_t i = 0; i < before.size(); ++i)
      compare(fmt::format("{}[{}]", path, i), &before[i], &after[i], effect);
  }

  std::string service_;
  std::vector<FieldChange>& out_;
};

/// What a process starts with stands at the top of a service in the stack file; its driver is not named.
json::value unwrapped(std::string_view member, json::value value) {
  if (member != "spec") return value;
  return std::move(value.get_object().begin()->value());
}
}  // namespace

std::vector<FieldChange> changes_between(const Service& before, const Service& after) {
  std::vector<FieldChange> out;
  Differences differences(after.name, out);
  std::size_t at = 0;
  boost::mp11::mp_for_each<detail::members_of<Service>>([&](auto member) {
    const FieldEffect& field = effects[at++];
    auto old = unwrapped(field.member, to_json(before.*member.pointer));
    auto now = unwrapped(field.member, to_json(after.*member.pointer));
    differences.compare(field.member == "spec" ? "" : std::string(field.member), &old, &now, field.effect);
  });
  if (start_facts(before) == start_facts(after)) return out;
  for (FieldChange& change : out)  // a process that was started without them cannot be told
    if (change.path.starts_with("probes")) change.effect = ChangeEffect::restart;
  return out;
}

std::string run_text(const Service& service) {
  auto part = part_of(service, ChangeEffect::restart);
  part["start"] = start_facts(service);
  return print_json(part);
}

std::string live_text(const Service& service) { return print_json(part_of(service, ChangeEffect::live)); }

std::string join_digest(std::string_view run, std::string_view live) {
  return fmt::format("{}.{}", run, live.substr(0, 16));
}

bool same_run(std::string_view digest, std::string_view other) {
  return digest.substr(0, digest.find('.')) == other.substr(0, other.find('.'));
}

}  // namespace drover
