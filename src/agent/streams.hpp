#pragma once
// Serves the hub's OpenStream: dials a connection of its own and sends an instance's log there, one JSON
// record a message, as fast as the hub takes them; or the history of its probes, or the
// node's ports, as one record. Options of a log beyond those of a query: format=structured (records of
// product row E8), mark=live ({"live":true} between what was there and what is new).

#include "agent/dialer.hpp"
#include "agent/ports.hpp"
#include "base/log.hpp"
#include "model/frames.hpp"

namespace drover::agent {

struct StreamParts {
  net::Executor files;
  Dialer& dialer;
  const Clock& clock;
  Log& log;
  std::string directory;             // of the instance's log; empty: it is not here
  std::string service;               // "shop/web"
  std::string probes;                // its ProbesView as JSON
  std::vector<PortView> ports = {};  // of the node
};

/// Ends when the log has been sent, or the hub closes the stream.
net::Awaitable<void> serve_stream(StreamParts parts, OpenStream open);

}  // namespace drover::agent
