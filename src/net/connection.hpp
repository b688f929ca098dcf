#pragma once
// One connection of the server, from handshake to close. Internal to net.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "net/http.hpp"
#include "net/parser.hpp"
#include "net/server.hpp"
#include "net/stream.hpp"

namespace drover::net {

/// What all connections of a server share; the server outlives them.
struct ServerShared {
  ServerSettings settings;
  Handler handler;
  std::atomic<bool> stopping = false;

  void problem(const Error& error) const {
    if (settings.on_problem) settings.on_problem(error);
  }
};

class Connection {
 public:
  struct Origin {
    std::shared_ptr<Peer> peer;
    /// Plain loopback listener: only these Host values. Empty: any.
    std::vector<std::string> hosts;
  };
  Connection(ServerShared& shared, StreamPtr stream, Origin origin);

  /// TLS handshake, where there is one; then requests until the end. `handshake_done` is called in between.
  Awaitable<void> run(std::function<void()> handshake_done);
  /// The server stops: ends now if nothing is in progress; else after what is. On the connection's executor.
  void interrupt();
  std::weak_ptr<WebSocket::Impl> websocket() const { return websocket_; }

 private:
  enum class Next : std::uint8_t { again, close };
  struct Exchange {
    MessageParser parser;
    Request request;
    bool keep_alive = false;
    bool http10 = false;
  };

  Awaitable<bool> handshake();
  Awaitable<Next> exchange();
  Awaitable<std::optional<std::string>> read_head();
  std::optional<Response> check_request(const std::string& head, Exchange& exchange);
  std::optional<Response> check_limits(Exchange& exchange);
  Awaitable<bool> read_body(Exchange* exchange);
  Awaitable<Response> call_handler(Exchange* exchange);
  Awaitable<Next> answer(Exchange* exchange, Response response);
  Awaitable<Next> answer_stream(Exchange* exchange, Response response);
  Awaitable<Next> upgrade(Exchange* exchange, Response response);
  Awaitable<Next> refuse(Response response);
  Awaitable<void> watch_peer();
  Awaitable<void> call_stream(Response* response, BodyWriter* writer, bool* failed);
  Awaitable<bool> more();
  bool host_allowed(const Request& request) const;

  ServerShared& shared_;
  StreamPtr stream_;
  std::shared_ptr<const Peer> peer_;
  std::shared_ptr<Peer> facts_;
  std::vector<std::string> hosts_;
  std::string buffer_;    // read and not yet used
  bool idle_ = true;      // between requests: may be cut at any time
  bool endless_ = false;  // in a stream that the server's stop cuts
  bool peer_gone_ = false;
  std::weak_ptr<WebSocket::Impl> websocket_;
};

/// The head of an answer as bytes; header values are freed of line ends. `framing`: the field that says where
/// it ends.
std::string format_head(const Response& response, std::string_view framing, bool keep_alive);

}  // namespace drover::net
