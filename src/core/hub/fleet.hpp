#pragma once
// What nodes have and what is taken of it, laid out so that all nodes can be looked at fast: a service's
// instances are placed in a pass over the nodes, not in one for each instance. Follows from rows: HubCore
// keeps it in step with them. Copies are cheap enough for a trial (a plan, a drain's preview).

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/node.hpp"
#include "model/stack.hpp"

namespace drover::hub {

/// Thousandths of a unit (0.5 cpu is 500, a byte 1,000), so that sums are exact. Up to 9e18.
using Amount = std::int64_t;

/// A constraint and what is known of it so far, node by node. Shared by all services that name it.
struct Trait {
  enum class Known : std::uint8_t { unknown, holds, fails };
  Constraint constraint;
  mutable std::vector<Known> known = {};  // by room
};

/// What one instance of a service asks of a node. Made once for each revision of a service.
struct Ask {
  std::string stack, service;
  std::uint32_t driver = 0;  // its number
  ServiceKind kind = ServiceKind::service;
  PlaceStrategy strategy = PlaceStrategy::spread;
  std::vector<std::string> nodes;  // manual
  std::vector<std::shared_ptr<Trait>> constraints, prefer;
  std::string spread_over;
  std::uint32_t max_per_node = 0;
  std::vector<std::pair<std::uint32_t, Amount>> amounts;  // by the resource's number
  std::vector<Port> ports;                                // fixed ones
};
using AskPtr = std::shared_ptr<const Ask>;

/// Who has something of a node.
struct Tenant {
  InstanceId id;
  std::uint32_t index = 0;
  AskPtr ask;
};

/// One node. Its number is its place in Fleet::rooms(); that of a node that has gone is used again.
struct Room {
  const Node* node = nullptr;  // nullptr: nobody is here
  std::string closed;          // "" or why it takes nothing now: "is cordoned"
  std::uint32_t instances = 0;
  std::uint32_t drivers = 0;                            // bits, by the driver's number
  std::vector<Amount> total, taken;                     // by the resource's number; shorter: none of it
  std::map<std::uint32_t, std::set<InstanceId>> ports;  // by port_key

  Amount free(std::uint32_t resource) const {
    return (resource < total.size() ? total[resource] : 0) - (resource < taken.size() ? taken[resource] : 0);
  }
};

/// The fixed port of an instance; tcp and udp are two.
std::uint32_t port_key(const Port& port, std::uint32_t index);

class Fleet {
 public:
  using Counts = std::map<std::uint32_t, std::uint32_t>;  // room → instances there

  /// The node as it is now; it must stay where it is until remove(). `closed`: see Room.
  void update(const Node& node, std::string closed);
  void remove(NodeId node);

  AskPtr ask(const std::string& stack, const Service& service) const;

  /// The node is known. Giving back what was not taken is a mistake of ours.
  void take(NodeId node, const Tenant& tenant);
  void give_back(NodeId node, const Tenant& tenant);

  const std::vector<Room>& rooms() const { return rooms_; }
  std::optional<std::uint32_t> room_of(NodeId node) const;
  std::optional<std::uint32_t> room_named(const std::string& node) const;
  const std::string& resource(std::uint32_t number) const { return resources_[number]; }
  const std::string& driver(std::uint32_t number) const { return drivers_[number]; }
  /// How many instances of the service are where; nullptr: none anywhere.
  const Counts* counts(const std::string& stack, const std::string& service) const;
  bool has(const Trait& trait, std::uint32_t room) const;

 private:
  std::uint32_t number_of(const std::string& resource) const;
  std::uint32_t driver_number(const std::string& driver) const;  // < 32
  std::shared_ptr<Trait> trait(const std::string& text) const;

  std::vector<Room> rooms_;
  std::map<NodeId, std::uint32_t> by_id_;
  std::map<std::string, std::uint32_t> by_name_;
  std::vector<std::uint32_t> empty_;  // numbers to be used again
  std::map<std::pair<std::string, std::string>, Counts> counts_;
  // What has been named so far, to be counted instead of compared.
  mutable std::vector<std::string> resources_, drivers_;
  mutable std::map<std::string, std::uint32_t> numbers_;
  mutable std::map<std::string, std::weak_ptr<Trait>> traits_;
};

}  // namespace drover::hub
