#pragma once
// Logs of one or several instances, or of our own programs, as one answer of JSON lines.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/api/api.hpp"

namespace drover::hub {

struct LogSource {
  InstanceId instance;
  std::string program;         // instead of an instance: agent or keeper of the node, or this hub
  std::optional<NodeId> node;  // none: it has never been placed (an empty log), or this hub
  std::string name;            // put into each record as "instance"; empty: not
};
struct LogRequest {
  Who who;
  std::vector<LogSource> sources;
  std::map<std::string, std::string> options;  // as in OpenStream
};

/// The options of a log that a request has.
std::map<std::string, std::string> log_options(const ApiCall& call);

/// By time for what is there, also when followed; what comes new comes as it comes. Back-pressure reaches the
/// agents: a slow reader stops them. An agent that is away: one record says so (or, for a single instance,
/// the answer is its error).
net::Awaitable<Result<net::Response>> stream_logs(Api& api, LogRequest request);

}  // namespace drover::hub
