// Rules of one service by itself.
#include "model/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.hpp"
#include "model/signals.hpp"

namespace drover {

namespace detail {

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  auto near = nearest(word, candidates);
  return near ? fmt::format("did you mean \"{}\"?", *near) : std::string();
}

void check_duration(Duration value, Range range, const std::string& at, Problems& problems) {
  if (value >= range.low && value <= range.high) return;
  problems.add(at, fmt::format("{} is not between {} and {}", format_duration(value),
                               format_duration(range.low), format_duration(range.high)));
}

namespace {
bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }
}  // namespace

void check_command(const std::vector<std::string>& command, const std::string& at, Problems& problems) {
  if (command.empty() || command[0].empty())
    return problems.add(at, "there is no program to run", "write it as [\"/usr/bin/program\", \"argument\"]");
  for (std::size_t i = 0; i < command.size(); ++i)
    if (has_nul(command[i]))
      problems.add(fmt::format("{}[{}]", at, i), "a NUL character cannot be passed on");
}

namespace {
void check_process(const ProcessSpec& spec, const std::string& at, Problems& problems) {
  check_command(spec.command, at + ".command", problems);
  if (!spec.working_dir.starts_with('/') || has_nul(spec.working_dir))
    problems.add(at + ".working_dir", fmt::format("\"{}\" is not an absolute path", spec.working_dir));
  for (const auto& [key, value] : spec.environment) {
    if (key.empty() || key.find('=') != std::string::npos || has_nul(key) || has_nul(value))
      problems.add(at + ".environment." + key, "this cannot be an environment variable",
                   "a name is not empty and has no \"=\"; neither name nor value has a NUL character");
  }
  if (spec.umask > 0777) problems.add(at + ".umask", "a umask is between 000 and 777 (octal)");
  if (spec.nice < -20 || spec.nice > 19)
    problems.add(at + ".nice", fmt::format("{} is not between -20 and 19", spec.nice));
}

void check_port(const Service& service, std::size_t index, const std::string& at, Problems& problems) {
  const Port& port = service.ports[index];
  if (!is_name(port.name))
    problems.add(at + ".name", fmt::format("\"{}\" is not a name: a-z, 0-9, \"-\" and \"_\"", port.name));
  for (std::size_t i = 0; i < index; ++i)
    if (service.ports[i].name == port.name)
      problems.add(at + ".name",
                   fmt::format("another port of this service is named \"{}\" already", port.name));
  if (port.protocol != "tcp" && port.protocol != "udp")
    problems.add(at + ".protocol", fmt::format("\"{}\" is not one of: tcp, udp", port.protocol));
  if (!port.plus.empty() && port.plus != "instance.index")
    problems.add(at + ".plus", fmt::format("\"{}\" is not allowed here: only instance.index", port.plus),
                 did_you_mean(port.plus, {"instance.index"}));
  else if (!port.plus.empty() && port.published == 0)
    problems.add(at + ".plus", "an automatic port has no number to add to", "give \"published\" a number");
  else if (!port.plus.empty() && port.published + std::uint64_t(service.scale.count) > 65536)
    problems.add(at + ".published", fmt::format("{} instances from {} on go past port 65535",
                                                service.scale.count, port.published));
}

void check_place(const Place& place, const std::string& at, Problems& problems) {
  if (place.strategy == PlaceStrategy::manual && place.nodes.empty())
    problems.add(at + ".nodes", "manual placement needs the names of nodes", "write it as nodes: [pve1]");
  if (place.strategy != PlaceStrategy::manual && !place.nodes.empty())
    problems.add(at + ".nodes", "nodes are named for strategy manual only",
                 "use constraints: [\"node.name == pve1\"] with spread");
  for (std::size_t i = 0; i < place.nodes.size(); ++i)
    if (place.nodes[i].empty())
      problems.add(fmt::format("{}.nodes[{}]", at, i), "a node's name is not empty");
  auto check = [&](const std::vector<std::string>& constraints, std::string_view key) {
    for (std::size_t i = 0; i < constraints.size(); ++i)
      if (auto parsed = parse_constraint(constraints[i]); !parsed)
        problems.add(fmt::format("{}.{}[{}]", at, key, i), parsed.error().message, parsed.error().hint);
  };
  check(place.constraints, "constraints");
  check(place.prefer, "prefer");
  if (!place.spread_over.empty() && !is_constraint_key(place.spread_over))
    problems.add(at + ".spread_over", fmt::format("\"{}\" is nothing that a node has", place.spread_over),
                 "write it as label.zone or host.arch");
}

void check_reserve(const Service& service, const std::string& at, Problems& problems) {
  for (const auto& [name, amount] : service.reserve) {
    const std::string here = fmt::format("{}.reserve.{}", at, name);
    if (!is_name(name))
      problems.add(here, fmt::format("\"{}\" cannot be a resource's name", name), "use a-z 0-9 - _");
    else if (!std::isfinite(amount) || amount < 0 || amount > 9e15)
      problems.add(here, fmt::format("{} is not between 0 and 9e15", amount));
  }
}

void check_numbers(const Service& service, const std::string& at, Problems& problems) {
  if (service.scale.count > 10'000)
    problems.add(at + ".scale", fmt::format("{} is more than 10000", service.scale.count));
  if (service.update.batch == 0) problems.add(at + ".update.batch", "must be at least 1");
  check_duration(service.update.healthy_for, {0s, 24h}, at + ".update.healthy_for", problems);
  check_duration(service.update.no_progress, {10ms, 24h * 7}, at + ".update.no_progress", problems);
  if (service.logs.segment < 4096) problems.add(at + ".logs.segment", "must be at least 4KiB");
  if (service.logs.budget < service.logs.segment)
    problems.add(at + ".logs.budget",
                 fmt::format("{} is less than one segment ({})", format_size(service.logs.budget),
                             format_size(service.logs.segment)));
}
}  // namespace

void check_service(const Service& service, const std::string& at, Problems& problems) {
  check_process(std::get<ProcessSpec>(service.spec), at, problems);
  if (service.ports.size() > 100) problems.add(at + ".ports", "a service has at most 100 ports");
  for (std::size_t i = 0; i < service.ports.size() && i < 100; ++i)
    check_port(service, i, fmt::format("{}.ports[{}]", at, i), problems);
  check_probes(service, at + ".probes", problems);
  check_restart(service, at + ".restart", problems);
  check_stop(service.stop, at + ".stop", problems);
  check_reload(service, at, problems);
  check_limits(std::get<ProcessSpec>(service.spec), at, problems);
  check_isolation(std::get<ProcessSpec>(service.spec), at, problems);
  check_passed(service, at, problems);
  check_place(service.place, at + ".place", problems);
  check_reserve(service, at, problems);
  check_numbers(service, at, problems);
}

}  // namespace detail

std::vector<Problem> validate(const Stack& stack) {
  std::vector<Problem> out;
  detail::Problems problems(out);
  detail::check_between(stack, problems);
  for (const Service& service : stack.services) {
    std::string at = "services." + service.name;
    detail::check_service(service, at, problems);
    detail::check_placeholders(service, at, problems);
  }
  return out;
}

}  // namespace drover
