#pragma once
// From an HTTP request to a handler of the table, and back: who calls, what is counted, how errors look.

#include "base/log.hpp"
#include "hub/api/api.hpp"
#include "hub/metrics.hpp"
#include "net/router.hpp"

namespace drover::hub {

struct ServeParts {
  Api& api;
  RequestMetrics& metrics;
  Log& log;
  BootTime started{};
};

/// Every route of the hub: API, health, metrics, agents' links, the UI's stream, the UI.
net::Router make_router(ServeParts parts);

/// One WebSocket of the UI (docs/api.md).
net::Awaitable<void> run_ui_stream(Api& api, net::WebSocket socket);

/// The error, with its trace id. unauthenticated and denied are told as such and nothing more.
net::Response problem(const Error& error, const Who& who);

}  // namespace drover::hub
