// Commands on nodes: labels, cordon, drain, removal; joining and renewal.

#include <fmt/format.h>

#include "core/hub/commands.hpp"

namespace drover::hub {

Result<NodeEntry*> find_node(Step& step, const std::string& name) {
  auto found = step.state.node_names.find(name);
  if (found != step.state.node_names.end()) return &step.state.nodes.at(found->second);
  if (auto id = parse_uuid(name); id && step.state.nodes.contains(NodeId{*id}))
    return &step.state.nodes.at(NodeId{*id});
  std::vector<std::string> names;
  for (const auto& [known, node] : step.state.node_names) names.push_back(known);
  auto near = nearest(name, std::span<const std::string>(names));
  return fail(Errc::not_found, fmt::format("there is no node \"{}\"", name), {},
              near ? fmt::format("did you mean \"{}\"?", *near) : "");
}

namespace {
/// The audit line, the event, and another look at all that may be placed now, or not any more.
void node_changed(Step& step, const NodeEntry& node, const Who& who, std::string_view action,
                  std::string_view done) {
  const std::string& name = node.row.node.name;
  step.audit(who, fmt::format("node.{}", action), "node " + name);
  step.emit({.type = fmt::format("node.{}", action),
             .subject = "node " + name,
             .message = fmt::format("{} {}", name, done),
             .node = name,
             .who = who});
  step.mark_node(node.row.node.id);
  for (const auto& [other, stack] : step.state.stacks) step.reconcile_later(other);
}

Answer node_answer(const NodeEntry& node) {
  return {200, "", {{"id", to_string(node.row.node.id)}, {"name", node.row.node.name}}};
}

/// Gives up everything that the node had: its attempts are lost, its instances are placed anew or wait.
void forget_node(Step& step, NodeId id) {
  NodeEntry& node = step.state.nodes.at(id);
  auto open = node.open;
  if (auto pending = step.state.pending.find(id); pending != step.state.pending.end())
    for (const auto& [rank, task] : pending->second) open.insert(task);
  for (TaskId task : open) give_up_attempt(step, task, "the node was removed");
  auto slots = node.slots;
  for (InstanceId slot : slots) {
    SlotEntry& entry = step.state.slots.at(slot);
    set_node(step, entry, std::nullopt);
    entry.slot.finished.reset();
    step.reconcile_later(entry.slot.stack);
  }
  std::vector<TokenId> tokens;
  for (const auto& [token, credential] : step.state.credentials)
    if (credential.kind == "agent" && credential.user == to_string(id)) tokens.push_back(token);
  for (TokenId token : tokens) drop_credential(step, token);
  if (step.state.paused.erase(to_string(id)) != 0) step.erase(EraseQueue{to_string(id)});
  if (node.session) {
    step.close(*node.session, "the node was removed");
    step.state.sessions.at(*node.session).welcomed = false;
  }
  step.state.node_names.erase(node.row.node.name);
  step.state.fleet.remove(id);
  step.state.nodes.erase(id);
  step.mark_node(id);
  for (const auto& [name, stack] : step.state.stacks) step.reconcile_later(name);
}
}  // namespace

Result<Answer> CommandRunner::operator()(const LabelNode& command) const {
  TRY(NodeEntry * node, find_node(step, command.node));
  for (const auto& [key, value] : command.labels)
    if (!is_name(key))
      return fail(Errc::invalid, fmt::format("\"{}\" is not a label's name", key), {}, "use a-z 0-9 - _");
  for (const auto& [key, value] : command.labels) {
    if (value) node->row.node.labels[key] = *value;
    else node->row.node.labels.erase(key);
  }
  node_changed(step, *node, who, "label", "has other labels");
  return node_answer(*node);
}

Result<Answer> CommandRunner::operator()(const CordonNode& command) const {
  TRY(NodeEntry * node, find_node(step, command.node));
  node->row.node.cordoned = command.cordon;
  node_changed(step, *node, who, command.cordon ? "cordon" : "uncordon",
               command.cordon ? "takes nothing new" : "takes new instances again");
  return node_answer(*node);
}

Result<Answer> CommandRunner::operator()(const DrainNode& command) const {
  TRY(NodeEntry * node, find_node(step, command.node));
  node->row.node.draining = command.drain;
  node_changed(step, *node, who, command.drain ? "drain" : "undrain",
               command.drain ? "is being drained" : "is not drained any more");
  return node_answer(*node);
}

Result<Answer> CommandRunner::operator()(const RemoveNode& command) const {
  TRY(NodeEntry * node, find_node(step, command.node));
  Answer answer = node_answer(*node);
  std::string name = node->row.node.name;
  if (!command.force && node->session)
    return fail(Errc::conflict, fmt::format("{} is connected", name), {},
                "drain it and stop its agent first, or force it");
  if (!command.force && !node->slots.empty())
    return fail(Errc::conflict, fmt::format("{} instances are placed on {}", node->slots.size(), name), {},
                "drain it first, or force it: they are then placed elsewhere or wait");
  step.audit(who, "node.remove", "node " + name);
  step.emit({.type = "node.removed",
             .subject = "node " + name,
             .message = fmt::format("{} was removed", name),
             .node = name,
             .who = who});
  forget_node(step, node->row.node.id);
  return answer;
}

Result<Answer> CommandRunner::operator()(const RegisterNode& command) const {
  auto token = std::ranges::find_if(step.state.join_tokens,
                                    [&](const auto& pair) { return pair.second.hash == command.token_hash; });
  if (token == step.state.join_tokens.end() || token->second.uses_left == 0 ||
      token->second.expires_at <= step.now.wall)
    return fail(Errc::denied, "the join line is not valid (any more)", {},
                "make a new one: drover token create");
  if (!is_name(command.name))
    return fail(Errc::invalid, fmt::format("\"{}\" is not a node's name", command.name), {},
                "use a-z 0-9 - _, at most 63");
  auto same = step.state.node_names.find(command.name);
  if (same != step.state.node_names.end() && token->second.replace != command.name)
    return fail(Errc::conflict, fmt::format("there is a node \"{}\" already", command.name), {},
                fmt::format("choose another name, or make a line with --replace {}", command.name));
  if (!token->second.replace.empty() && token->second.replace != command.name)
    return fail(Errc::denied, fmt::format("this line replaces {} only", token->second.replace));
  std::map<std::string, std::string> labels = token->second.labels;
  if (same != step.state.node_names.end()) {
    labels.merge(std::map(step.state.nodes.at(same->second).row.node.labels));
    forget_node(step, NodeId(same->second));
  }
  TokenId token_id = token->first;
  if (--token->second.uses_left == 0) {
    step.state.join_tokens.erase(token);
    step.erase(EraseJoinToken{token_id});
  } else {
    step.write(token->second);
  }
  NodeEntry& node = step.state.nodes[command.uid];
  node.row.node = {
      .id = command.uid, .name = command.name, .labels = std::move(labels), .joined_at = step.now.wall};
  node.row.serial = command.serial;
  node.row.key_pin = command.key_pin;
  node.heard = step.now.boot;
  step.state.node_names[command.name] = command.uid;
  node_changed(step, node, who, "join", "has joined");
  return Answer{201, "", {{"id", to_string(command.uid)}, {"name", command.name}}};
}

Result<Answer> CommandRunner::operator()(const RenewNode& command) const {
  auto found = step.state.nodes.find(command.uid);
  if (found == step.state.nodes.end()) return fail(Errc::denied, "this agent is not known here");
  found->second.row.serial = command.serial;
  found->second.row.key_pin = command.key_pin;
  step.mark_node(command.uid);
  step.audit(who, "node.renew", "node " + found->second.row.node.name);
  return node_answer(found->second);
}

Result<Answer> CommandRunner::operator()(const RelayFrame& command) const {
  Session* session = usable_session(step.state, command.node);
  if (!session) return fail(Errc::unavailable, "the agent is away", {}, "try again when its node is online");
  step.send(*session, command.frame);
  return Answer{};
}

}  // namespace drover::hub
