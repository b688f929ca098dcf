#pragma once
// What a task does that no revision says: a command, a question, an order for an agent that is a script.

#include <boost/describe.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.hpp"
#include "model/stack.hpp"

namespace drover {

struct Errand {
  std::vector<std::string> command;                // exec: program and arguments; no shell
  std::map<std::string, std::string> environment;  // exec: beside PATH, HOME, USER …
  std::string working_dir;                         // exec: absolute; empty: /
  std::string user;                                // exec: name or number; empty: the agent's own
  bool repeatable = false;             // exec: may be run again when its outcome is not known, or it failed
  std::optional<InstanceId> instance;  // probe, collect: of this one; none: of the node
  std::string asked;                   // probe: "ready", "live", "start": the service's own probe
  std::optional<Check> check;          // probe: this one instead
  std::optional<boost::json::object> payload;  // for an external agent, as it was given
};
BOOST_DESCRIBE_STRUCT(Errand, (),
                      (command, environment, working_dir, user, repeatable, instance, asked, check, payload))

}  // namespace drover
