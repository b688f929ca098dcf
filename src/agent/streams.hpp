#pragma once
// Serves the hub's OpenStream: dials a connection of its own and sends an instance's log there, or that of
// agent or keeper (what: own, option: program), as runtime/log_stream.hpp has it; or the history of its
// probes, or the node's ports, or what its instances use, as one record.

#include "agent/dialer.hpp"
#include "agent/ports.hpp"
#include "agent/usage.hpp"
#include "base/log.hpp"
#include "model/frames.hpp"

namespace drover::agent {

struct StreamParts {
  net::Executor files;
  Dialer& dialer;
  const Clock& clock;
  Log& log;
  std::string directory;             // of the log; empty: it is not here
  std::string service;               // "shop/web"; of an own log the program
  std::string probes;                // its ProbesView as JSON
  std::vector<PortView> ports = {};  // of the node
  runtime::ProcessDriver* driver = nullptr;
  std::vector<InstanceView> instances = {};  // whose usage is asked for
};

/// Ends when the log has been sent, or the hub closes the stream.
net::Awaitable<void> serve_stream(StreamParts parts, OpenStream open);

}  // namespace drover::agent
