// Agents' links: who comes in, what they report, and how long silence is borne.

#include <fmt/format.h>

#include "core/hub/step.hpp"

namespace drover::hub {

namespace {
void node_event(Step& step, const NodeEntry& node, std::string type, std::string message,
                std::string level = "info") {
  const std::string& name = node.row.node.name;
  step.emit({.type = std::move(type),
             .subject = "node " + name,
             .message = std::move(message),
             .level = std::move(level),
             .node = name});
}

void reconcile_node(Step& step, const NodeEntry& node) {
  for (InstanceId id : node.slots) {
    const Slot& slot = step.state.slots.at(id).slot;
    step.show_instance(slot);
    step.reconcile_later(slot.stack);
  }
}

/// Stacks that wait for a place, or have a slot for each node, look again when a node comes, goes or changes.
void reconcile_all(Step& step) {
  for (const auto& [name, stack] : step.state.stacks) step.reconcile_later(name);
}

void refuse(Step& step, Session& session, Refuse refusal) {
  step.emit({.type = "agent.refused",
             .subject = "session",
             .message = fmt::format("{}: {}", session.address, refusal.reason),
             .level = "warn"});
  std::string reason = refusal.reason;
  step.send(session, std::move(refusal));
  step.close(session.id, std::move(reason));
}

std::optional<Refuse> objection(const Step& step, const Session& session, const Hello& hello) {
  auto found = step.state.nodes.find(session.uid);
  if (found == step.state.nodes.end() || hello.uid != session.uid)
    return Refuse{"revoked", "this agent is not known here", "join again: drover node join LINE", false};
  if (hello.protocol_min > protocol_version || hello.protocol_max < protocol_oldest)
    return Refuse{"protocol",
                  fmt::format("the agent speaks protocol {}–{}, this hub {}–{}", hello.protocol_min,
                              hello.protocol_max, protocol_oldest, protocol_version),
                  "update the agent or the hub", true};
  if (hello.store && *hello.store != step.state.store)
    return Refuse{"foreign_store", "this agent serves another hub's store",
                  "remove its state directory and join again, or point it at its own hub", false};
  const NodeEntry& node = found->second;
  if (!node.session) return std::nullopt;
  const Session& other = step.state.sessions.at(*node.session);
  if (other.boot == hello.boot || hello.ticket == node.ticket) return std::nullopt;
  return Refuse{"clone",
                fmt::format("another agent with the identity of {} is connected from {}", node.row.node.name,
                            other.address),
                "two machines share one state directory; join one of them anew", true};
}

void hello(Step& step, Session& session, const Hello& frame) {
  if (auto refusal = objection(step, session, frame)) return refuse(step, session, std::move(*refusal));
  NodeEntry& node = step.state.nodes.at(session.uid);
  if (node.session && *node.session != session.id) {
    step.close(*node.session, "the agent has connected anew");
    step.state.sessions.at(*node.session).welcomed = false;
  }
  node.session = session.id;
  node.observed_fresh = false;
  session.boot = frame.boot;
  session.welcomed = true;
  session.ticket = to_string(make_uuid(step.now.wall, step.rng));
  node.row.node.host = frame.host;
  node.row.node.connected_at = step.now.wall;
  node.row.node.state = NodeState::online;
  step.mark_node(session.uid);
  node_event(step, node, "node.online",
             fmt::format("{} has connected from {}", node.row.node.name, session.address));
  step.send(session, Welcome{.protocol = std::min(frame.protocol_max, protocol_version),
                             .store = step.state.store,
                             .commit = step.state.commit,
                             .ticket = session.ticket,
                             .name = node.row.node.name,
                             .heartbeat = step.settings.heartbeat,
                             .lost_after = step.settings.lost_after,
                             .reconnect_spread = step.settings.reconnect_spread,
                             .labels = node.row.node.labels});
  step.timer(step.now.boot + step.settings.heartbeat * 3, Timer::About::node, session.uid.value);
}

std::string state_message(const Observed& observed, const Slot& slot) {
  std::string text = fmt::format("{}/{} is {}", slot.stack, slot.name, enum_name(observed.state));
  if (!observed.reason.empty()) text += ": " + observed.reason;
  return text;
}

std::string level_of(InstanceState state) {
  switch (state) {
    case InstanceState::failed:
    case InstanceState::stuck: return "error";
    case InstanceState::unhealthy:
    case InstanceState::backoff:
    case InstanceState::lost:
    case InstanceState::unknown: return "warn";
    case InstanceState::waiting:
    case InstanceState::configuring:
    case InstanceState::starting:
    case InstanceState::ready:
    case InstanceState::restarting:
    case InstanceState::stopping:
    case InstanceState::stopped:
    case InstanceState::completed: return "info";
  }
  std::unreachable();
}

/// An instance of an older revision that comes up again, after its slow tries, is none.
void deployment_progress(Step& step, const Slot& slot) {
  auto stack = step.state.stacks.find(slot.stack);
  if (stack == step.state.stacks.end() || !stack->second.row.deployment) return;
  if (slot.generation != stack->second.row.revision) return;
  auto deployment = step.state.deployments.find(*stack->second.row.deployment);
  if (deployment != step.state.deployments.end()) deployment->second.progress_at = step.now.wall;
}

/// Takes in what an agent saw of one of our slots.
void take_in(Step& step, NodeEntry& node, const Observed& observed) {
  auto found = step.state.slots.find(observed.instance);
  Observed& known = node.observed[observed.instance];
  bool changed = known.version == 0 || known.state != observed.state || known.reason != observed.reason ||
                 known.incarnation != observed.incarnation;
  bool again = known.version != 0 && known.incarnation != observed.incarnation;
  known = observed;
  if (found == step.state.slots.end()) return;
  SlotEntry& entry = found->second;
  if (entry.slot.node != node.row.node.id || entry.slot.epoch != observed.epoch) return;
  bool ready = observed.state == InstanceState::ready;
  if (!ready || again) entry.ready_since.reset();
  if (ready && !entry.ready_since) entry.ready_since = step.now.boot;
  if (observed.state == InstanceState::completed) {
    entry.slot.finished = observed;
    let_go(step, entry);
    step.mark_slot(entry.slot.id);
  } else if (entry.slot.finished) {
    entry.slot.finished.reset();
    hold(step.state, entry, ask_of(step.state, entry.slot.stack, entry.slot.generation, entry.slot.service));
    step.mark_slot(entry.slot.id);
  }
  step.show_instance(entry.slot);
  step.reconcile_later(entry.slot);
  if (!changed) return;
  // Only this is progress of a deployment: an instance that keeps starting and ending makes none.
  if (ready || observed.state == InstanceState::completed) deployment_progress(step, entry.slot);
  step.emit({.type = "instance.state",
             .subject = fmt::format("instance {}/{}", entry.slot.stack, entry.slot.name),
             .message = state_message(observed, entry.slot),
             .level = level_of(observed.state),
             .stack = entry.slot.stack,
             .service = entry.slot.service,
             .instance_name = entry.slot.name,
             .node = node.row.node.name,
             .data = {{"instance", to_string(observed.instance)},
                      {"state", enum_name(observed.state)},
                      {"incarnation", observed.incarnation},
                      {"progress", observed.progress}},
             .who = {"system", "agent " + node.row.node.name, ""}});
}

bool is_orphan(const HubState& state, NodeId node, const Observed& observed) {
  auto found = state.slots.find(observed.instance);
  if (found == state.slots.end()) return true;
  // Its agent has lost its journal, but the process lives: the deploy that is due adopts it.
  if (observed.epoch == 0 && found->second.slot.node == node &&
      same_run(found->second.slot.digest, observed.digest))
    return false;
  return found->second.slot.node != node || observed.epoch < found->second.slot.epoch;
}

/// What shall go and could not (a full disk under the agent) is tried again for as long as it is there.
void delete_again(Step& step, const NodeEntry& node) {
  for (InstanceId id : node.slots) {
    SlotEntry& entry = step.state.slots.at(id);
    const bool goes = entry.slot.removing || entry.slot.role == SlotRole::retired;
    if (!goes || entry.task || entry.slot.blocked.empty()) continue;
    entry.slot.blocked.clear();
    step.mark_slot(id);
    step.reconcile_later(entry.slot);
  }
}

void inventory(Step& step, Session& session, const Inventory& frame) {
  NodeEntry& node = step.state.nodes.at(session.uid);
  bool first = !session.inventoried;
  session.inventoried = true;
  node.ticket = session.ticket;  // the agent has it durably: from now on it is the one that counts
  std::map<InstanceId, Observed> before = std::exchange(node.observed, {});
  for (const Observed& observed : frame.instances) {
    if (auto old = before.find(observed.instance); old != before.end())
      node.observed[observed.instance] = old->second;
    take_in(step, node, observed);
  }
  node.observed_fresh = true;
  node.unknown_since.reset();
  delete_again(step, node);
  for (const Observed& observed : frame.instances)
    if (is_orphan(step.state, session.uid, observed)) make_orphan_delete(step, session.uid, observed);
  resume_tasks(step, session, frame.attempts);
  step.dispatch_later(session.uid);
  reconcile_node(step, node);
  if (first) reconcile_all(step);
  step.see_node(session.uid);
}

void digest(Step& step, Session& session, const InventoryDigest& frame) {
  NodeEntry& node = step.state.nodes.at(session.uid);
  delete_again(step, node);
  std::vector<const Observed*> known;
  for (const auto& [id, observed] : node.observed) known.push_back(&observed);
  if (inventory_digest(std::move(known)) != frame.digest) step.send(session, InventoryWanted{});
}

void leave(Step& step, Session& session, const std::string& reason) {
  NodeEntry& node = step.state.nodes.at(session.uid);
  node.row.node.state = NodeState::offline;
  step.mark_node(session.uid);
  node_event(step, node, "node.offline",
             fmt::format("the agent on {} has been stopped: {}", node.row.node.name, reason));
  step.close(session.id, "goodbye");
}

void local_request(Step& step, Session& session, const LocalRequest& frame) {
  auto kind = enum_value<OperationKind>(frame.action);
  auto result = kind ? run_command(step, frame.who, ChangeRun{*kind, false, {frame.target}})
                     : Result<Answer>(fail(Errc::invalid, "not an action: " + frame.action));
  step.send(session,
            LocalAnswer{frame.id, result.has_value(), result ? result->location : result.error().message});
}

struct FrameHandler {
  Step& step;
  Session& session;
  void operator()(const Hello&) const { step.close(session.id, "a second hello"); }
  void operator()(const Heartbeat& frame) const { step.send(session, HeartbeatAck{frame.sent}); }
  void operator()(const Goodbye& frame) const { leave(step, session, frame.reason); }
  void operator()(const TaskStarted& frame) const { task_report(step, session, frame); }
  void operator()(const TaskProgress& frame) const { task_report(step, session, frame); }
  void operator()(const TaskEnded& frame) const { task_report(step, session, frame); }
  void operator()(const StateReport& frame) const {
    NodeEntry& node = step.state.nodes.at(session.uid);
    for (const Observed& observed : frame.instances) take_in(step, node, observed);
  }
  void operator()(const Inventory& frame) const { inventory(step, session, frame); }
  void operator()(const InventoryDigest& frame) const { digest(step, session, frame); }
  void operator()(const LocalRequest& frame) const { local_request(step, session, frame); }
  // What only a hub says.
  void operator()(const Welcome&) const { stray(); }
  void operator()(const Refuse&) const { stray(); }
  void operator()(const HeartbeatAck&) const { stray(); }
  void operator()(const Assign&) const { stray(); }
  void operator()(const Cancel&) const { stray(); }
  void operator()(const OutcomeRecorded&) const { stray(); }
  void operator()(const InventoryWanted&) const { stray(); }
  void operator()(const LocalAnswer&) const { stray(); }
  void operator()(const OpenStream&) const { stray(); }
  void stray() const { step.close(session.id, "a frame that only a hub may send"); }
};

void heard(Step& step, NodeEntry& node) {
  node.heard = step.now.boot;
  node.row.node.last_seen = step.now.wall;
  NodeState& state = node.row.node.state;
  if (state != NodeState::suspect && state != NodeState::lost) return;
  node_event(step, node, "node.online", fmt::format("{} answers again", node.row.node.name));
  state = NodeState::online;
  step.mark_node(node.row.node.id);
  reconcile_node(step, node);
}
}  // namespace

Session* usable_session(HubState& state, NodeId id) {
  auto node = state.nodes.find(id);
  if (node == state.nodes.end() || !node->second.session) return nullptr;
  Session& session = state.sessions.at(*node->second.session);
  return session.welcomed && session.inventoried ? &session : nullptr;
}
bool usable(const HubState& state, NodeId id) {
  return usable_session(const_cast<HubState&>(state), id) != nullptr;
}

void session_opened(Step& step, const SessionOpened& in) {
  step.state.sessions[in.session] = {.id = in.session, .uid = in.uid, .address = in.address};
}

void session_closed(Step& step, const SessionClosed& in) {
  auto found = step.state.sessions.find(in.session);
  if (found == step.state.sessions.end()) return;
  NodeId uid = found->second.uid;
  step.state.sessions.erase(found);
  auto node = step.state.nodes.find(uid);
  if (node == step.state.nodes.end() || node->second.session != in.session) return;
  node->second.session.reset();
  node->second.observed_fresh = false;
  node->second.unknown_since = step.now.wall;
  step.see_node(uid);
  reconcile_node(step, node->second);
  step.timer(node->second.heard + step.settings.heartbeat * 3, Timer::About::node, uid.value);
}

void session_frame(Step& step, const SessionFrame& in) {
  auto found = step.state.sessions.find(in.session);
  if (found == step.state.sessions.end()) return;
  Session& session = found->second;
  session.received = in.envelope.n;
  auto node = step.state.nodes.find(session.uid);
  if (const auto* first = std::get_if<Hello>(&in.envelope.frame); first && !session.welcomed) {
    if (node != step.state.nodes.end()) node->second.heard = step.now.boot;
    return hello(step, session, *first);
  }
  if (!session.welcomed || node == step.state.nodes.end())
    return step.close(in.session, "the first frame must be hello");
  heard(step, node->second);
  std::visit(FrameHandler{step, session}, in.envelope.frame);
}

void check_node(Step& step, NodeId id) {
  auto found = step.state.nodes.find(id);
  if (found == step.state.nodes.end()) return;
  NodeEntry& node = found->second;
  if (node.row.external) return check_external(step, node);
  NodeState& state = node.row.node.state;
  if (state == NodeState::joined || state == NodeState::offline || state == NodeState::lost) return;
  BootTime suspect_at =
      node.heard + step.settings.heartbeat * 36 / 10;  // three heartbeats, each up to 20 % late
  BootTime lost_at = std::max(node.heard + step.settings.lost_after, suspect_at);
  if (step.now.boot >= lost_at) {
    state = NodeState::lost;
    node_event(step, node, "node.lost",
               fmt::format("{} is lost: nothing heard for {}", node.row.node.name,
                           human_duration(step.now.boot - node.heard)),
               "error");
    step.mark_node(id);
    if (node.session) step.close(*node.session, "nothing heard for too long");
    reconcile_node(step, node);
    return;
  }
  if (step.now.boot >= suspect_at && state == NodeState::online) {
    state = NodeState::suspect;
    node_event(step, node, "node.suspect", fmt::format("{} does not answer", node.row.node.name), "warn");
    step.mark_node(id);
  }
  step.timer(state == NodeState::suspect ? lost_at : suspect_at, Timer::About::node, id.value);
}

}  // namespace drover::hub
