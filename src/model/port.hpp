#pragma once
// A port of an instance, as `drover port ls` and both APIs show it.

#include <boost/describe.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace drover {

struct PortView {
  std::string id;                              // "node:8080/tcp"; the hub's
  std::string node, stack, service, instance;  // "shop/web-1"
  std::string name;
  std::uint16_t port = 0;
  std::string protocol;  // tcp udp
  std::string state;     // listening (by it) | held (its socket, by the keeper) | leased (nobody listens)
                         // | taken (by somebody else) | unknown
  std::optional<std::int64_t> pid;  // who listens; none: nobody, the keeper, or not to be seen
  std::string command;
  std::optional<WallTime> since;  // the holder runs
  bool ours = false;              // the holder is an instance of Drover
  std::string holder;             // which
};
BOOST_DESCRIBE_STRUCT(PortView, (),
                      (id, node, stack, service, instance, name, port, protocol, state, pid, command, since,
                       ours, holder))

/// What an agent answers to the stream "ports".
struct PortsView {
  std::vector<PortView> items;
};
BOOST_DESCRIBE_STRUCT(PortsView, (), (items))

}  // namespace drover
