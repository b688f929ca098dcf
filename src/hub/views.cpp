#include "hub/views.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"

namespace drover::hub {

namespace {

/// How a version compares with this hub's (ui.md "Versions").
std::string compare_versions(std::string_view theirs, std::string_view ours) {
  if (theirs.empty()) return "unknown";
  if (theirs == ours) return "same";
  auto a = split(theirs, '.'), b = split(ours, '.');
  if (a.size() < 2 || b.size() < 2) return "unknown";
  if (a[0] != b[0]) return "incompatible";
  return a[1] == b[1] ? "patch" : "minor";
}

double quantity(const Resources& resources, const std::string& name) {
  auto found = resources.quantities.find(name);
  return found == resources.quantities.end() ? 0 : found->second;
}

/// "connecting": not away, and not taking work either.
std::string_view node_state(const HubState& state, const NodeEntry& node) {
  auto known = node.row.node.state;
  if (!node.row.external && known == drover::NodeState::online && !usable(state, node.row.node.id))
    return "connecting";
  return enum_name(known);
}

std::string node_message(const HubState& state, const NodeEntry& node) {
  if (node.row.external && node.row.node.state == drover::NodeState::online) return "its agent is a script";
  if (node.row.external && node.row.node.state == drover::NodeState::joined)
    return "its agent has not called yet";
  switch (node.row.node.state) {
    case drover::NodeState::joined: return "has joined, its agent has not connected yet";
    case drover::NodeState::suspect: return "does not answer";
    case drover::NodeState::lost: return "lost: nothing heard for too long";
    case drover::NodeState::offline: return "its agent has been stopped; what runs there goes on";
    case drover::NodeState::online:
      if (!node.session) return "its connection has broken; what runs there goes on";
      return usable(state, node.row.node.id) ? "" : "connected; what runs there is not known yet";
  }
  std::unreachable();
}

bool is_failing(InstanceState state) {
  return state == InstanceState::failed || state == InstanceState::stuck ||
         state == InstanceState::unhealthy || state == InstanceState::backoff || state == InstanceState::lost;
}
bool is_good(InstanceState state) {
  return state == InstanceState::ready || state == InstanceState::completed;
}

/// Position in "failed > unhealthy > backoff > …": the lower, the more it matters.
int weight(InstanceState state) {
  constexpr InstanceState order[] = {
      InstanceState::failed,      InstanceState::stuck,    InstanceState::unhealthy,
      InstanceState::backoff,     InstanceState::lost,     InstanceState::unknown,
      InstanceState::restarting,  InstanceState::stopping, InstanceState::starting,
      InstanceState::configuring, InstanceState::waiting,  InstanceState::ready,
      InstanceState::completed,   InstanceState::stopped};
  return int(std::ranges::find(order, state) - std::begin(order));
}

const RevisionRow* revision_of(const StackEntry& stack) {
  auto found = stack.revisions.find(stack.row.revision);
  return found == stack.revisions.end() ? nullptr : &found->second;
}

void add_observed(InstanceView& view, const Observed& observed) {
  view.health = enum_name(observed.health);
  view.pid = observed.pid;
  view.started_at = observed.started_at;
  view.ready_at = observed.ready_at;
  view.reloaded_at = observed.reloaded_at;
  view.next_try = observed.next_try;
  view.restarts = observed.restarts;
  if (observed.last_exit) view.last_exit = describe(*observed.last_exit);
  view.last_lines = observed.last_lines;
  view.degraded = observed.degraded;
  view.ports = observed.ports;
  view.incarnation = observed.incarnation;
}

/// Whether the agent is there, and if not, of when its word is.
void add_age(InstanceView& view, const HubState& state, const Slot& slot) {
  if (!slot.node) return;
  auto node = state.nodes.find(*slot.node);
  if (node == state.nodes.end() || node->second.observed_fresh) return;
  view.fresh = false;
  view.as_of = node->second.row.node.last_seen ? node->second.row.node.last_seen : node->second.unknown_since;
}

struct Tally {
  std::uint32_t instances = 0, good = 0, failing = 0, stopped = 0, restarts = 0;
  InstanceState worst = InstanceState::stopped;
  std::string reason;

  void add(const HubState& state, const SlotEntry& entry) {
    auto seen = seen_state(state, entry);
    if (instances == 0 || weight(seen.state) < weight(worst)) {
      worst = seen.state;
      reason = seen.reason;
    }
    ++instances;
    good += is_good(seen.state);
    failing += is_failing(seen.state);
    stopped += seen.state == InstanceState::stopped;
    if (auto* observed = observed_of(state, entry.slot)) restarts += observed->restarts;
  }
};

Tally tally(const HubState& state, const StackEntry& stack) {
  Tally out;
  for (const auto& [service, slots] : stack.slots)
    for (const auto& [name, id] : slots)
      if (auto found = state.slots.find(id); found != state.slots.end()) out.add(state, found->second);
  return out;
}

const Deployment* deployment_of(const HubState& state, const StackEntry& stack) {
  if (!stack.row.deployment) return nullptr;
  auto found = state.deployments.find(*stack.row.deployment);
  return found == state.deployments.end() ? nullptr : &found->second;
}

std::string stack_state(const StackEntry& stack, const Deployment* deployment, const Tally& sum) {
  if (stack.row.deleting) return "deleting";
  if (deployment && !is_final(deployment->state)) return "deploying";
  if (deployment && deployment->state == DeploymentState::failed) return "failed";
  if (sum.failing > 0 && sum.good == 0) return "failed";
  if (sum.instances > 0 && sum.stopped == sum.instances) return "stopped";
  return sum.good + sum.stopped == sum.instances ? "ready" : "degraded";
}

}  // namespace

namespace {
std::map<std::string, ResourceView> resources_of(const Fleet& fleet, NodeId node) {
  std::map<std::string, ResourceView> out;
  auto number = fleet.room_of(node);
  if (!number) return out;
  const Room& room = fleet.rooms()[*number];
  for (std::uint32_t i = 0; i < std::max(room.total.size(), room.taken.size()); ++i) {
    const Amount total = i < room.total.size() ? room.total[i] : 0;
    const Amount taken = i < room.taken.size() ? room.taken[i] : 0;
    if (total > 0 || taken > 0) out[fleet.resource(i)] = {double(total) / 1000, double(taken) / 1000};
  }
  return out;
}
}  // namespace

NodeView view_node(const HubState& state, const HubSettings& settings, const NodeEntry& entry) {
  const Node& node = entry.row.node;
  NodeView view{.id = node.id, .name = node.name, .state = std::string(node_state(state, entry))};
  view.message = node_message(state, entry);
  view.kind = entry.row.external ? "external" : "agent";
  view.paused = state.paused.contains(to_string(node.id));
  view.cordoned = node.cordoned;
  view.draining = node.draining;
  view.labels = node.labels;
  view.version = node.host.version;
  view.version_match = compare_versions(node.host.version, settings.version);
  view.hostname = node.host.hostname;
  view.os = node.host.os;
  view.kernel = node.host.kernel;
  view.arch = node.host.arch;
  view.address = node.host.address;
  view.level = node.host.level;
  view.cpus = quantity(node.host.resources, "cpu");
  view.memory = quantity(node.host.resources, "memory");
  view.resources = resources_of(state.fleet, node.id);
  for (InstanceId id : entry.slots) {
    auto found = state.slots.find(id);
    if (found == state.slots.end()) continue;
    auto seen = seen_state(state, found->second).state;
    ++view.instances;
    view.running += is_alive(seen);
    view.failing += is_failing(seen);
  }
  view.joined_at = node.joined_at;
  view.connected_at = node.connected_at;
  view.last_seen = node.last_seen;
  return view;
}

namespace {
/// What a person should know beside how it stands: about the other one of its name, or an order that failed.
std::string note_of(const SlotEntry& entry, const std::string& reason) {
  const Slot& slot = entry.slot;
  switch (slot.role) {
    case SlotRole::successor: return reason.empty() ? "to take the place of the other one" : reason;
    case SlotRole::retired: return reason.empty() ? "replaced, to be deleted" : reason;
    case SlotRole::holder: break;
  }
  if (!reason.empty()) return reason;
  return slot.blocked.empty() ? entry.waits : slot.blocked;
}
}  // namespace

InstanceView view_instance(const HubState& state, const SlotEntry& entry) {
  const Slot& slot = entry.slot;
  auto seen = seen_state(state, entry);
  InstanceView view{.id = slot.id, .name = slot.name, .stack = slot.stack, .service = slot.service};
  view.index = slot.index;
  view.node = slot.node ? slot.node_name : "";
  view.desired = slot.removing ? "gone" : wanted_running(state, slot) ? "run" : "stop";
  view.state = enum_name(seen.state);
  view.reason = note_of(entry, seen.reason);
  view.role = enum_name(slot.role);
  view.since = seen.since;
  view.health = "none";
  view.revision = slot.generation;
  view.epoch = slot.epoch;
  if (auto* observed = observed_of(state, slot)) add_observed(view, *observed);
  add_age(view, state, slot);
  auto stack = state.stacks.find(slot.stack);
  const RevisionRow* revision = stack == state.stacks.end() ? nullptr : revision_of(stack->second);
  const Service* service = revision ? service_of(*revision, slot.service) : nullptr;
  view.kind = enum_name(service ? service->kind : ServiceKind::service);
  if (revision && service) {
    auto digest = revision->digests.find(slot.service);
    view.outdated = digest != revision->digests.end() && digest->second != slot.digest;
  }
  view.task = entry.task;
  if (entry.task)
    if (auto task = state.tasks.find(*entry.task); task != state.tasks.end())
      view.task_type = enum_name(task->second.task.type);
  return view;
}

std::optional<ServiceView> view_service(const HubState& state, const std::string& stack_name,
                                        const std::string& name) {
  auto stack = state.stacks.find(stack_name);
  if (stack == state.stacks.end()) return std::nullopt;
  const RevisionRow* revision = revision_of(stack->second);
  const Service* service = revision ? service_of(*revision, name) : nullptr;
  auto slots = stack->second.slots.find(name);
  bool any = slots != stack->second.slots.end() && !slots->second.empty();
  if ((!service || stack->second.row.deleting) && !any) return std::nullopt;
  ServiceView view{.id = stack_name + "/" + name, .name = name, .stack = stack_name};
  view.kind = enum_name(service ? service->kind : ServiceKind::service);
  view.driver = service ? std::visit([](const auto& spec) { return spec.kind; }, service->spec) : "process";
  view.revision = stack->second.row.revision;
  if (service)
    for (const auto& dependency : service->depends_on) view.depends_on.push_back(dependency.service);
  Tally sum;
  std::set<std::string> nodes;
  if (any)
    for (const auto& [slot_name, id] : slots->second) {
      auto found = state.slots.find(id);
      if (found == state.slots.end()) continue;
      sum.add(state, found->second);
      view.desired += !found->second.slot.removing;
      if (found->second.slot.node) nodes.insert(found->second.slot.node_name);
      if (auto* observed = observed_of(state, found->second.slot); observed && view.ports.empty())
        view.ports = observed->ports;
    }
  if (service && service->scale.kind == ScaleKind::count)
    view.desired = wanted_replicas(stack->second.row, *service);
  view.instances = sum.instances;
  view.ready = sum.good;
  view.failing = sum.failing;
  view.restarts = sum.restarts;
  view.nodes.assign(nodes.begin(), nodes.end());
  view.state = sum.instances ? enum_name(sum.worst) : view.desired ? "waiting" : "stopped";
  view.reason = sum.reason;
  return view;
}

std::vector<ServiceView> view_services(const HubState& state) {
  std::vector<ServiceView> out;
  for (const auto& [name, stack] : state.stacks) {
    std::set<std::string> names;  // also those that are on their way out
    for (const auto& [service, slots] : stack.slots) names.insert(service);
    if (auto* revision = revision_of(stack))
      for (const auto& service : revision->content.services) {
        names.erase(service.name);
        if (auto view = view_service(state, name, service.name)) out.push_back(std::move(*view));
      }
    for (const auto& service : names)
      if (auto view = view_service(state, name, service)) out.push_back(std::move(*view));
  }
  return out;
}

StackView view_stack(const HubState& state, const StackEntry& stack) {
  auto sum = tally(state, stack);
  const Deployment* deployment = deployment_of(state, stack);
  const RevisionRow* revision = revision_of(stack);
  StackView view{.name = stack.row.name};
  view.state = stack_state(stack, deployment, sum);
  view.message = deployment ? deployment->message : "";
  view.revision = stack.row.revision;
  view.services = revision ? std::uint32_t(revision->content.services.size()) : 0;
  view.instances = sum.instances;
  view.ready = sum.good;
  view.failing = sum.failing;
  view.deployment = stack.row.deployment;
  view.created_at = stack.row.created_at;
  view.updated_at = deployment ? deployment->created_at : stack.row.updated_at;
  return view;
}

Summary view_summary(const HubState& state, const HubSettings& settings) {
  Summary sum{.hub_version = settings.version, .store_id = to_string(state.store), .hub_state = "ok"};
  for (const auto& [id, node] : state.nodes) {
    ++sum.nodes;
    sum.nodes_online += node_state(state, node) == "online";
    if (!node.row.node.host.version.empty()) ++sum.agent_versions[node.row.node.host.version];
  }
  for (const auto& [id, entry] : state.slots) {
    if (entry.slot.role != SlotRole::holder) continue;
    auto seen = seen_state(state, entry).state;
    ++sum.instances;
    sum.instances_ready += is_good(seen);
    sum.instances_failing += is_failing(seen);
  }
  for (const auto& [name, stack] : state.stacks) {
    const RevisionRow* revision = revision_of(stack);
    if (!revision || stack.row.deleting) continue;
    for (const auto& service : revision->content.services) {
      auto view = view_service(state, name, service.name);
      if (!view) continue;
      ++sum.services;
      sum.services_failing += view->failing > 0;
      sum.services_ok += view->failing == 0 && view->ready >= view->desired;
    }
  }
  for (const auto& [id, entry] : state.tasks) sum.tasks_open += !is_final(entry.task.state);
  sum.tasks_failed = std::uint32_t(state.dead.size());
  sum.paused = paused_queues(state);
  for (const auto& [id, deployment] : state.deployments) sum.deployments_live += !is_final(deployment.state);
  return sum;
}

}  // namespace drover::hub
