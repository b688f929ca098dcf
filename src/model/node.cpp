#include "model/node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace drover {

namespace {
std::optional<std::string> label(const std::map<std::string, std::string>& labels, std::string_view key) {
  auto found = labels.find(std::string(key));
  return found == labels.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> host_fact(const HostFacts& host, std::string_view key) {
  const std::pair<std::string_view, const std::string*> facts[] = {
      {"hostname", &host.hostname}, {"os", &host.os},           {"kernel", &host.kernel},
      {"arch", &host.arch},         {"address", &host.address}, {"version", &host.version},
      {"level", &host.level}};
  for (const auto& [name, value] : facts)
    if (name == key) return value->empty() ? std::nullopt : std::optional(*value);
  return label(host.labels, key);
}

std::optional<std::string> resource(const Resources& resources, const std::string& name) {
  if (auto set = resources.sets.find(name); set != resources.sets.end())
    return fmt::format("{}", set->second.size());
  auto found = resources.quantities.find(name);
  return found == resources.quantities.end() ? std::nullopt : std::optional(fmt::format("{}", found->second));
}
}  // namespace

Result<void> declare_resource(Resources& resources, const std::string& name, std::string_view value) {
  std::string members(trim(value));
  if (!is_name(name) || members.empty())
    return fail(Errc::invalid, fmt::format("\"{}\" declares no resource", name), {},
                "a name of a-z 0-9 - _ with 4, 1.5, 200GiB or the members of a set: key1 key2");
  resources.quantities.erase(name);
  resources.sets.erase(name);
  double number = 0;
  const char* last = members.data() + members.size();
  const auto [end, error] = std::from_chars(members.data(), last, number);
  if (error == std::errc() && end == last && number >= 0 && number <= 9e15) {
    resources.quantities[name] = number;
  } else if (auto size = parse_size(members)) {
    resources.quantities[name] = double(*size);
  } else {
    std::ranges::replace(members, ',', ' ');
    for (const auto& member : split(members, ' '))
      if (!member.empty()) resources.sets[name].insert(member);
  }
  return {};
}

std::optional<std::string> attribute(const Node& node, std::string_view key) {
  if (key == "node.name") return node.name;
  if (key.starts_with("label.")) return label(node.labels, key.substr(6));
  if (key.starts_with("host.")) return host_fact(node.host, key.substr(5));
  if (key.starts_with("resource.")) return resource(node.host.resources, std::string(key.substr(9)));
  return std::nullopt;
}

}  // namespace drover
