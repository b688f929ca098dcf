#pragma once
// What only the nodes know is asked there when someone looks.

#include <string>
#include <utility>
#include <vector>

#include "hub/api/api.hpp"

namespace drover::hub {

using NamedNode = std::pair<NodeId, std::string>;

/// The one record that each of them sends on the stream `what`, with the node's name. Who does not answer is
/// not there.
net::Awaitable<std::vector<std::pair<std::string, std::string>>> ask_nodes(Api& api, Who who,
                                                                           std::vector<NamedNode> nodes,
                                                                           std::string what);

}  // namespace drover::hub
