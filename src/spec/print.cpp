// Stacks as native files. The reader interpolates, so every $ is written twice.
#include <fmt/format.h>

#include "base/text.hpp"
#include "spec/parts.hpp"

namespace drover {

namespace {
json::value text(std::string_view value) {
  std::string out;
  for (char c : value) {
    out += c;
    if (c == '$') out += c;
  }
  return json::value(std::string_view(out));
}

json::value texts(const std::vector<std::string>& values) {
  json::array out;
  for (const std::string& value : values) out.push_back(text(value));
  return out;
}

json::value pairs(const std::map<std::string, std::string>& values) {
  json::object out;
  for (const auto& [key, value] : values) out.emplace(key, text(value));
  return out;
}

json::value duration(Duration value) { return text(format_duration(value)); }

json::value amount(std::uint64_t value) {
  return value == UINT64_MAX ? json::value("unlimited") : json::value(value);
}

void put_limits(const Limits& limits, json::object& out) {
  json::object rlimits;
  for (const auto& [name, limit] : limits.rlimits)
    rlimits.emplace(name, json::object{{"soft", amount(limit.soft)}, {"hard", amount(limit.hard)}});
  if (!rlimits.empty()) out["limits"] = std::move(rlimits);
  if (limits.cpus) out["cpus"] = text(fmt::format("{}", *limits.cpus));
  if (limits.memory) out["memory"] = text(format_size(*limits.memory));
  if (limits.pids) out["pids"] = *limits.pids;
  if (limits.io_weight) out["io_weight"] = *limits.io_weight;
  if (limits.oom_score) out["oom_score"] = *limits.oom_score;
}

void put_isolation(const Isolation& isolation, json::object& out) {
  if (isolation.capabilities) out["capabilities"] = texts(*isolation.capabilities);
  if (isolation.no_new_privileges) out["no_new_privileges"] = true;
  if (isolation.private_tmp) out["private_tmp"] = true;
  if (isolation.read_only) out["read_only"] = true;
  if (!isolation.read_only_paths.empty()) out["read_only_paths"] = texts(isolation.read_only_paths);
  if (!isolation.read_write_paths.empty()) out["read_write_paths"] = texts(isolation.read_write_paths);
}

void put_process(const ProcessSpec& spec, json::object& out) {
  out["command"] = texts(spec.command);
  out["working_dir"] = text(spec.working_dir);
  if (!spec.environment.empty()) out["environment"] = pairs(spec.environment);
  if (!spec.user.empty()) out["user"] = text(spec.user);
  if (!spec.group.empty()) out["group"] = text(spec.group);
  if (!spec.groups.empty()) out["groups"] = texts(spec.groups);
  out["umask"] = text(fmt::format("{:03o}", spec.umask));
  out["nice"] = spec.nice;
  put_limits(spec.limits, out);
  put_isolation(spec.isolation, out);
}

json::value stop(const Stop& value) {
  json::object out{{"signal", text(value.signal)}, {"grace", duration(value.grace)}};
  if (!value.before.empty()) out["before"] = texts(value.before);
  json::array steps;
  for (const StopStep& step : value.then)
    steps.push_back(text(fmt::format("{} after {}", step.signal, format_duration(step.after))));
  if (!steps.empty()) out["then"] = std::move(steps);
  if (value.target != StopTarget::main) out["target"] = text(spec::enum_word(value.target));
  return out;
}

json::value port(const Port& value) {
  json::object out{{"name", text(value.name)}};
  if (value.published == 0) out["published"] = "auto";
  else out["published"] = value.published;
  if (!value.plus.empty()) out["plus"] = text(value.plus);
  out["protocol"] = text(value.protocol);
  if (value.pass != PortPass::no) out["pass"] = text(enum_name(value.pass));
  return out;
}

void put_check(const HttpCheck& http, json::object& out) {
  out["http"] = text(http.url);
  if (!http.status.empty()) out["status"] = to_json(http.status);
  if (!http.headers.empty()) out["headers"] = pairs(http.headers);
  if (!http.body.empty()) out["body"] = text(http.body);
  if (!http.socket.empty()) out["socket"] = text(http.socket);
}
void put_check(const TcpCheck& tcp, json::object& out) { out["tcp"] = text(tcp.address); }
void put_check(const ExecCheck& exec, json::object& out) { out["exec"] = texts(exec.command); }
void put_check(const LogCheck& log, json::object& out) { out["log"] = text(log.pattern); }
void put_check(const NotifyCheck&, json::object& out) { out["notify"] = true; }
void put_check(const GrpcCheck& grpc, json::object& out) {
  out["grpc"] = text(grpc.address);
  if (!grpc.service.empty()) out["service"] = text(grpc.service);
}
void put_check(const FileCheck& file, json::object& out) { out["file"] = text(file.path); }

json::value probe(const Probe& value) {
  json::object out;
  std::visit([&](const auto& one) { put_check(one, out); }, value.check);
  out["interval"] = duration(value.interval);
  out["timeout"] = duration(value.timeout);
  out["failures"] = value.failures;
  out["successes"] = value.successes;
  return out;
}

json::value probes(const Probes& value) {
  json::object out;
  if (value.start) out["start"] = probe(*value.start);
  if (value.ready) out["ready"] = probe(*value.ready);
  if (value.live) out["live"] = probe(*value.live);
  out["start_timeout"] = duration(value.start_timeout);
  return out;
}

json::value restart(const Restart& value) {
  json::object out{
      {"policy", text(spec::enum_word(value.policy))},
      {"backoff", text(format_duration(value.backoff) + ".." + format_duration(value.backoff_max))},
      {"give_up", text(fmt::format("{} in {}", value.give_up, format_duration(value.give_up_within)))},
      {"retry_failed", duration(value.retry_failed)},
      {"success", to_json(value.success)},
      {"fatal", to_json(value.fatal)},
      {"on_unhealthy", text(spec::enum_word(value.on_unhealthy))}};
  if (!value.fatal_signals.empty()) out["fatal_signals"] = texts(value.fatal_signals);
  if (value.memory_max > 0) out["memory_max"] = text(format_size(value.memory_max));
  if (value.max_age > Duration(0)) out["max_age"] = duration(value.max_age);
  if (!value.watch.empty()) out["watch"] = texts(value.watch);
  if (value.dependants) out["dependants"] = true;
  return out;
}

json::value place(const Place& value) {
  json::object out{{"strategy", text(spec::enum_word(value.strategy))}};
  if (!value.nodes.empty()) out["nodes"] = texts(value.nodes);
  if (!value.constraints.empty()) out["constraints"] = texts(value.constraints);
  if (!value.prefer.empty()) out["prefer"] = texts(value.prefer);
  if (!value.spread_over.empty()) out["spread_over"] = text(value.spread_over);
  if (value.max_per_node > 0) out["max_per_node"] = value.max_per_node;
  return out;
}

/// Whole kibibytes are a size for people.
json::value share(double amount) {
  const auto bytes = std::uint64_t(amount);
  if (double(bytes) == amount && bytes >= 1024 && bytes % 1024 == 0) return text(format_size(bytes));
  return text(fmt::format("{}", amount));
}
json::value reserve(const std::map<std::string, double>& amounts) {
  json::object out;
  for (const auto& [name, amount] : amounts) out.emplace(name, share(amount));
  return out;
}

json::value update(const Update& value) {
  json::object out{{"order", text(spec::enum_word(value.order))},
                   {"batch", value.batch},
                   {"healthy_for", duration(value.healthy_for)},
                   {"no_progress", duration(value.no_progress)},
                   {"on_failure", text(spec::enum_word(value.on_failure))}};
  if (value.canary > 0) out["canary"] = value.canary;
  if (value.auto_promote) out["auto_promote"] = true;
  return out;
}

json::value reload(const Reload& value) {
  json::object out;
  if (!value.signal.empty()) out["signal"] = text(value.signal);
  if (!value.command.empty()) out["command"] = texts(value.command);
  return out;
}

json::value logs(const LogSpec& value) {
  return json::object{{"budget", text(format_size(value.budget))},
                      {"segment", text(format_size(value.segment))},
                      {"on_full", text(spec::enum_word(value.on_full))},
                      {"compress", text(spec::enum_word(value.compress))}};
}

json::value depends_on(const std::vector<Dependency>& value) {
  json::object out;
  for (const Dependency& one : value)
    out.emplace(one.service, json::object{{"condition", text(spec::enum_word(one.condition))}});
  return out;
}

json::value service(const Service& value) {
  json::object out{{"kind", text(spec::enum_word(value.kind))}};
  put_process(std::get<ProcessSpec>(value.spec), out);
  json::array ports;
  for (const Port& one : value.ports) ports.push_back(port(one));
  if (!ports.empty()) out["ports"] = std::move(ports);
  out["probes"] = probes(value.probes);
  out["restart"] = restart(value.restart);
  out["stop"] = stop(value.stop);
  if (!value.reload.empty()) out["reload"] = reload(value.reload);
  if (!value.depends_on.empty()) out["depends_on"] = depends_on(value.depends_on);
  if (value.scale.kind == ScaleKind::per_node) out["scale"] = "per-node";
  else out["scale"] = value.scale.count;
  out["place"] = place(value.place);
  if (!value.reserve.empty()) out["reserve"] = reserve(value.reserve);
  out["update"] = update(value.update);
  out["logs"] = logs(value.logs);
  if (!value.labels.empty()) out["labels"] = pairs(value.labels);
  return out;
}
}  // namespace

json::value print_stack_value(const Stack& stack) {
  json::object services;
  for (const Service& one : stack.services) services.emplace(one.name, service(one));
  return json::object{{"name", text(stack.name)}, {"services", std::move(services)}};
}

std::string print_stack(const Stack& stack) { return pretty_json(print_stack_value(stack)); }

}  // namespace drover
