#pragma once
// Making WebSockets out of streams. Internal to net.

#include <memory>

#include "net/http.hpp"
#include "net/stream.hpp"
#include "net/websocket.hpp"

namespace drover::net {

bool asks_for_websocket(const Request& request);
/// Answers the upgrade. `extra` goes into the 101 answer.
Awaitable<Result<WebSocket>> accept_websocket(StreamPtr stream, const Request* request,
                                              WebSocketSettings settings, Headers extra);
struct WebSocketCall {
  std::string host;  // the Host header
  std::string target;
  Headers headers;
  Duration limit;
};
Awaitable<Result<WebSocket>> call_websocket(StreamPtr stream, WebSocketCall call, WebSocketSettings settings,
                                            std::shared_ptr<const Peer> peer);
/// For the server's stop: closes with "going away". Whoever reads it gets an error.
Awaitable<void> close_going_away(std::weak_ptr<WebSocket::Impl> socket);
std::weak_ptr<WebSocket::Impl> weak_impl(const WebSocket& socket);

}  // namespace drover::net
