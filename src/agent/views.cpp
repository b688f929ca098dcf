#include "agent/views.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"

namespace drover::agent {

namespace {

std::string_view status_word(InstanceState state) {
  switch (state) {
    case InstanceState::waiting:
    case InstanceState::configuring:
    case InstanceState::starting: return "starting";
    case InstanceState::ready:
    case InstanceState::unhealthy: return "running";
    case InstanceState::backoff:
    case InstanceState::restarting: return "restarting";
    case InstanceState::stopping: return "stopping";
    case InstanceState::stopped:
    case InstanceState::completed: return "stopped";
    case InstanceState::failed:
    case InstanceState::stuck:
    case InstanceState::lost:
    case InstanceState::unknown: return "error";
  }
  std::unreachable();
}

/// The worst one speaks for the service.
constexpr std::array<std::string_view, 6> status_order{"error",    "restarting", "starting",
                                                       "stopping", "running",    "stopped"};
constexpr std::array<std::string_view, 4> health_order{"unhealthy", "starting", "healthy", "stopped"};

template <std::size_t n>
std::string worse(const std::array<std::string_view, n>& order, const std::string& a, std::string_view b) {
  const auto rank = [&](std::string_view word) { return std::find(order.begin(), order.end(), word); };
  return a.empty() || rank(b) < rank(a) ? std::string(b) : a;
}

std::string_view health_word(const InstanceView& instance, InstanceState state, bool job) {
  if (!instance.run) return "stopped";
  if (state == InstanceState::ready) return "healthy";
  if (state == InstanceState::completed) return job ? "healthy" : "stopped";
  if (state == InstanceState::stopped) return "stopped";
  return instance.status == "starting" ? "starting" : "unhealthy";
}

InstanceView view_of(const AgentCore::Seen& seen) {
  const auto& row = *seen.placement;
  const auto& now = *seen.observed;
  InstanceView view;
  view.id = row.placement.instance;
  view.name = row.instance_name;
  view.stack = row.stack;
  view.service = row.service.name;
  view.kind = enum_name(row.service.kind);
  view.index = row.index;
  view.run = now.run;
  view.state = enum_name(now.state);
  view.reason = now.reason;
  view.health = enum_name(now.health);
  view.status = status_word(now.state);
  view.pid = now.pid;
  view.started_at = now.started_at;
  view.ready_at = now.ready_at;
  view.next_try = now.next_try;
  view.restarts = now.restarts;
  if (now.last_exit) view.last_exit = describe(*now.last_exit);
  view.last_lines = now.last_lines;
  view.degraded = now.degraded;
  view.ports = now.ports;
  view.incarnation = now.incarnation;
  view.generation = now.generation;
  view.epoch = now.epoch;
  return view;
}

}  // namespace

std::vector<InstanceView> instance_views(const AgentCore& core) {
  std::vector<InstanceView> views;
  for (const auto& seen : core.instances()) views.push_back(view_of(seen));
  return views;
}

std::vector<ServiceView> service_views(const AgentCore& core) {
  std::map<std::pair<std::string, std::string>, ServiceView> all;
  for (const auto& seen : core.instances()) {
    auto instance = view_of(seen);
    auto& service = all[{instance.stack, instance.service}];
    service.name = instance.service;
    service.stack = instance.stack;
    service.status = worse(status_order, service.status, instance.status);
    const bool job = seen.placement->service.kind == ServiceKind::job;
    service.health = worse(health_order, service.health, health_word(instance, seen.observed->state, job));
    service.healthy = service.health == "healthy";
    service.instances.push_back(std::move(instance));
  }
  std::vector<ServiceView> views;
  for (auto& [key, view] : all) views.push_back(std::move(view));
  return views;
}

Result<ServiceView> find_service_view(const std::vector<ServiceView>& services, std::string_view name) {
  std::vector<const ServiceView*> found;
  std::vector<std::string> names;
  for (const auto& service : services) {
    names.push_back(service.stack + "/" + service.name);
    names.push_back(service.name);
    if (service.name == name || service.stack + "/" + service.name == name) found.push_back(&service);
  }
  if (found.size() == 1) return *found.front();
  if (!found.empty())
    return fail(Errc::conflict, fmt::format("\"{}\" is in more than one stack", name), {},
                "name it as stack/service");
  const auto near = nearest(name, names);
  return fail(Errc::not_found, fmt::format("no service \"{}\" on this node", name), {},
              near ? fmt::format("did you mean {}?", *near) : std::string());
}

}  // namespace drover::agent
