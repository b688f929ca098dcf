#include "cli/daemon_config.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>

#include "base/text.hpp"
#include "cli/context.hpp"
#include "model/node.hpp"

namespace drover::cli {

Result<PortRange> parse_range(const std::string& text) {
  auto dash = text.find('-');
  std::int64_t first = 0, last = 0;
  auto head = std::string_view(text).substr(0, dash);
  auto tail = dash == std::string::npos ? head : std::string_view(text).substr(dash + 1);
  if (detail::read_number(head, 1, 65535, first) || detail::read_number(tail, 1, 65535, last) || first > last)
    return fail(Errc::invalid, "not a range of ports: " + text);
  return PortRange{std::uint16_t(first), std::uint16_t(last)};
}

std::optional<std::string> AgentConfig::check_size(const std::string& value) {
  if (value.empty()) return std::nullopt;
  const auto size = parse_size(value);
  if (size && *size >= (16u << 20)) return std::nullopt;
  return "a size of at least 16MiB, such as 4GiB";
}

std::optional<std::string> AgentConfig::check_resources(const std::map<std::string, std::string>& value) {
  Resources ignored;
  for (const auto& [name, amount] : value)
    if (auto done = declare_resource(ignored, name, amount); !done) return done.error().hint;
  return std::nullopt;
}

std::optional<std::string> AgentConfig::check_range(const std::string& value) {
  return parse_range(value) ? std::nullopt
                            : std::optional<std::string>("a range of ports such as \"20000-29999\"");
}

std::pair<std::string, std::uint16_t> split_listen(const std::string& value) {
  auto colon = value.rfind(':');
  auto address = value.substr(0, colon);
  if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
  if (address.empty()) address = "::";
  return {address, std::uint16_t(std::stoul(value.substr(colon + 1)))};
}

namespace {
std::string config_directory(const Context& context) {
  if (::geteuid() == 0) return "/etc/drover";
  auto base = context.variable("XDG_CONFIG_HOME");
  return (base.empty() ? context.variable("HOME") + "/.config" : base) + "/drover";
}

Result<std::string> read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(from_errno(errno, "cannot read " + path));
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}
}  // namespace

Result<ConfigFile> find_config(const Context& context, const std::string& section, const std::string& given) {
  std::string path = given.empty() ? config_directory(context) + "/" + section + ".toml" : given;
  auto text = read_all(path);
  if (!text && given.empty() && text.error().code == Errc::not_found) return ConfigFile{};
  if (!text) return fail(std::move(text.error()));
  return ConfigFile{path, std::move(*text)};
}

ConfigSources sources_for(const Context& context, const std::string& section, const ConfigFile& file,
                          std::vector<ConfigFlag> flags) {
  return {section, file.name, file.text, context.environment, std::move(flags)};
}

}  // namespace drover::cli
