#include "model/node.hpp"

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
}  // namespace

std::optional<std::string> attribute(const Node& node, std::string_view key) {
  if (key == "node.name") return node.name;
  if (key.starts_with("label.")) return label(node.labels, key.substr(6));
  if (key.starts_with("host.")) return host_fact(node.host, key.substr(5));
  return std::nullopt;
}

}  // namespace drover
