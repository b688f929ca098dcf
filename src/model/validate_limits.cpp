// Limits, isolation, and how it is stopped.
#include <fmt/format.h>

#include "base/text.hpp"
#include "model/host_words.hpp"
#include "model/signals.hpp"
#include "model/validate.hpp"

namespace drover::detail {

namespace {
void check_rlimits(const Limits& limits, const std::string& at, Problems& problems) {
  for (const auto& [name, limit] : limits.rlimits) {
    if (!rlimit_number(name))
      problems.add(at + ".limits." + name, fmt::format("\"{}\" is not a limit of processes", name),
                   did_you_mean(name, rlimit_names()));
    if (limit.soft > limit.hard) problems.add(at + ".limits." + name, "the soft limit is above the hard one");
  }
}

void check_paths(const std::vector<std::string>& paths, const std::string& at, Problems& problems) {
  for (std::size_t i = 0; i < paths.size(); ++i)
    if (!paths[i].starts_with('/') || paths[i].find('\0') != std::string::npos)
      problems.add(fmt::format("{}[{}]", at, i), fmt::format("\"{}\" is not an absolute path", paths[i]));
}

bool inside(const std::string& path, std::string_view directory) {
  return path == directory || path.starts_with(std::string(directory) + "/");
}

void check_private_tmp(const ProcessSpec& spec, const std::string& at, Problems& problems) {
  if (!spec.isolation.private_tmp) return;
  constexpr std::string_view message = "private_tmp hides this: /tmp and /var/tmp are its own and empty";
  const auto hidden = [](const std::string& path) {
    return inside(path, "/tmp") || inside(path, "/var/tmp");
  };
  if (hidden(spec.working_dir) && spec.working_dir != "/tmp" && spec.working_dir != "/var/tmp")
    problems.add(at + ".working_dir", std::string(message));
  for (std::size_t i = 0; i < spec.isolation.read_write_paths.size(); ++i)
    if (hidden(spec.isolation.read_write_paths[i]))
      problems.add(fmt::format("{}.read_write_paths[{}]", at, i), std::string(message));
  for (std::size_t i = 0; i < spec.isolation.read_only_paths.size(); ++i)
    if (hidden(spec.isolation.read_only_paths[i]))
      problems.add(fmt::format("{}.read_only_paths[{}]", at, i), std::string(message));
}

void check_signal(const std::string& signal, const std::string& at, Problems& problems) {
  if (signal.starts_with("SIG") && signal_number(signal)) return;
  std::vector<std::string> known;
  for (std::int32_t i = 1; i < 32; ++i) known.emplace_back(signal_name(i));
  problems.add(at, fmt::format("\"{}\" is not the name of a signal, such as SIGTERM", signal),
               did_you_mean(signal, known));
}
}  // namespace

void check_limits(const ProcessSpec& spec, const std::string& at, Problems& problems) {
  const Limits& limits = spec.limits;
  if (limits.cpus && !(*limits.cpus >= 0.01 && *limits.cpus <= 10'000))
    problems.add(at + ".cpus", fmt::format("{} is not between 0.01 and 10000", *limits.cpus));
  if (limits.memory && *limits.memory < (1 << 20)) problems.add(at + ".memory", "must be at least 1MiB");
  if (limits.pids && *limits.pids == 0) problems.add(at + ".pids", "must be at least 1");
  if (limits.io_weight && (*limits.io_weight < 1 || *limits.io_weight > 10'000))
    problems.add(at + ".io_weight", fmt::format("{} is not between 1 and 10000", *limits.io_weight));
  if (limits.oom_score && (*limits.oom_score < -1000 || *limits.oom_score > 1000))
    problems.add(at + ".oom_score", fmt::format("{} is not between -1000 and 1000", *limits.oom_score));
  check_rlimits(limits, at, problems);
}

void check_isolation(const ProcessSpec& spec, const std::string& at, Problems& problems) {
  if (const auto& names = spec.isolation.capabilities)
    for (std::size_t i = 0; i < names->size(); ++i)
      if (!capability_number((*names)[i]))
        problems.add(fmt::format("{}.capabilities[{}]", at, i),
                     fmt::format("\"{}\" is not a capability, such as CAP_NET_BIND_SERVICE", (*names)[i]),
                     did_you_mean((*names)[i], capability_names()));
  for (std::size_t i = 0; i < spec.groups.size(); ++i)
    if (spec.groups[i].empty())
      problems.add(fmt::format("{}.groups[{}]", at, i), "a group's name is not empty");
  check_paths(spec.isolation.read_only_paths, at + ".read_only_paths", problems);
  check_paths(spec.isolation.read_write_paths, at + ".read_write_paths", problems);
  check_private_tmp(spec, at, problems);
}

void check_stop(const Stop& stop, const std::string& at, Problems& problems) {
  check_signal(stop.signal, at + ".signal", problems);
  check_duration(stop.grace, {0s, 24h}, at + ".grace", problems);
  if (!stop.before.empty()) check_command(stop.before, at + ".before", problems);
  if (stop.then.size() > 8) problems.add(at + ".then", "at most 8 more signals");
  Duration last = 0s;
  for (std::size_t i = 0; i < stop.then.size(); ++i) {
    const auto step = fmt::format("{}.then[{}]", at, i);
    check_signal(stop.then[i].signal, step, problems);
    if (stop.then[i].after <= last && i > 0) problems.add(step, "it is not later than the one before it");
    else if (stop.then[i].after >= stop.grace)
      problems.add(
          step,
          fmt::format("after {} everything is killed: this comes too late", format_duration(stop.grace)),
          "raise stop.grace");
    last = stop.then[i].after;
  }
}

namespace {
/// The old and the new instance are side by side for a while.
void check_side_by_side(const Service& service, const std::string& at, Problems& problems) {
  const bool start_first = service.update.order == UpdateOrder::start_first;
  if ((!start_first && service.update.canary == 0) || service.kind != ServiceKind::service) return;
  const std::string_view what = start_first ? "order" : "canary";
  for (const Port& port : service.ports) {
    if (port.published == 0 || port.pass != PortPass::no) continue;
    problems.add(
        fmt::format("{}.update.{}", at, what),
        fmt::format("{} needs the old and the new instance side by side, and both cannot "
                    "bind port {} (\"{}\")",
                    start_first ? "start-first" : "a canary", port.published, port.name),
        fmt::format(
            "{}use {}",
            port.protocol == "tcp" ? "have the port passed (pass: listen_fds, or pass: nginx), or " : "",
            start_first ? "order: stop-first" : "no canary"));
    return;
  }
}

void check_canary(const Service& service, const std::string& at, Problems& problems) {
  if (service.update.canary > 0 && service.kind == ServiceKind::job)
    problems.add(at + ".update.canary", "a job runs to its end: there is nothing to stand beside",
                 "take it away");
  if (service.update.auto_promote && service.update.canary == 0)
    problems.add(at + ".update.auto_promote", "there is no canary to promote", "add canary: 1");
}
}  // namespace

void check_reload(const Service& service, const std::string& at, Problems& problems) {
  const Reload& reload = service.reload;
  if (!reload.signal.empty() && !reload.command.empty())
    problems.add(at + ".reload", "either a signal or a command", "take one of them away");
  if (!reload.signal.empty()) check_signal(reload.signal, at + ".reload.signal", problems);
  if (reload.signal == "SIGKILL" || reload.signal == "SIGSTOP")
    problems.add(at + ".reload.signal", "no program can take this signal as a wish to reload",
                 "most programs take SIGHUP");
  if (!reload.command.empty()) check_command(reload.command, at + ".reload.command", problems);
  check_side_by_side(service, at, problems);
  check_canary(service, at, problems);
}

void check_passed(const Service& service, const std::string& at, Problems& problems) {
  PortPass style = PortPass::no;
  std::size_t count = 0;
  for (std::size_t i = 0; i < service.ports.size(); ++i) {
    const Port& port = service.ports[i];
    if (port.pass == PortPass::no) continue;
    const auto here = fmt::format("{}.ports[{}].pass", at, i);
    if (port.protocol != "tcp") problems.add(here, "only tcp ports can be passed as sockets");
    if (style != PortPass::no && port.pass != style)
      problems.add(here, "the ports of a service are passed in one way: listen_fds or nginx");
    if (++count == 5) problems.add(here, "a service gets at most 4 sockets");
    style = port.pass;
  }
}

}  // namespace drover::detail
