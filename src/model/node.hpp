#pragma once
// A node: a host with an agent.

#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "model/ids.hpp"

namespace drover {

/// joined: has never connected. offline: said goodbye. suspect: 3 heartbeats missed. lost: lost_after passed.
enum class NodeState : std::uint8_t { joined, online, suspect, lost, offline };
BOOST_DESCRIBE_ENUM(NodeState, joined, online, suspect, lost, offline)

/// Resources are data: named quantities ("cpu" 4, "memory" bytes) and named sets ("gpu" {uuid…}).
struct Resources {
  std::map<std::string, double> quantities;
  std::map<std::string, std::set<std::string>> sets;
  bool operator==(const Resources&) const = default;
};
BOOST_DESCRIBE_STRUCT(Resources, (), (quantities, sets))

/// What an operator declares: `value` is a number or a size (a quantity: 4, 1.5, 200GiB), or the members of a
/// set, with spaces or commas between them (key1 key2). Instead of what was there under that name.
Result<void> declare_resource(Resources& resources, const std::string& name, std::string_view value);

/// What an agent says of its host; `host.*` in constraints. Never trusted for secrets (security.md).
struct HostFacts {
  std::string hostname, os, kernel, arch, address;
  std::string version;               // of the agent
  std::string level;                 // kill level in force, e.g. "cgroup v2"
  std::vector<std::string> drivers;  // "process"
  std::map<std::string, std::string> labels;
  Resources resources;
  bool operator==(const HostFacts&) const = default;
};
BOOST_DESCRIBE_STRUCT(HostFacts, (),
                      (hostname, os, kernel, arch, address, version, level, drivers, labels, resources))

struct Node {
  NodeId id;
  std::string name;                           // unique among nodes
  std::map<std::string, std::string> labels;  // given by the hub; `label.*` in constraints
  NodeState state = NodeState::joined;
  bool cordoned = false;  // takes nothing new
  bool draining = false;  // gives up what can go elsewhere
  HostFacts host;
  WallTime joined_at{};
  std::optional<WallTime> connected_at;
  std::optional<WallTime> last_seen;  // not stored
};
BOOST_DESCRIBE_STRUCT(Node, (),
                      (id, name, labels, state, cordoned, draining, host, joined_at, connected_at, last_seen))

/// The value of label.X, host.X, node.name or resource.X (how much of it the node has in all, of a set how
/// many members); nullopt: the node has none.
std::optional<std::string> attribute(const Node& node, std::string_view key);

}  // namespace drover
