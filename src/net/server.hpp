#pragma once
// The HTTP server: any mix of plain TCP, TLS and Unix sockets, one handler.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/http.hpp"
#include "net/io_pool.hpp"
#include "net/tls.hpp"

namespace drover::net {

struct ServerSettings {
  std::size_t max_body = 1 << 20;                         // bytes, where body_limit says nothing
  std::function<std::size_t(const Request&)> body_limit;  // per route; sees all but the body
  std::size_t max_header = 16 << 10;                      // bytes of request line and headers together
  std::size_t max_connections = 20'000;                   // per listener; more wait in the backlog
  std::size_t max_per_address = 256;  // more are closed at once; not for Unix sockets, loopback
  std::size_t max_handshakes = 64;    // TLS handshakes in flight; more wait in the backlog
  Duration handshake = 10s;
  Duration idle = 75s;            // between requests
  Duration header = 10s;          // from a request's first byte to the end of its header
  Duration body_progress = 20s;   // no byte of the body for so long
  Duration write_progress = 20s;  // the peer takes no byte for so long
  /// Told about what no caller can be told (accept fails, a handler throws). Any thread.
  std::function<void(const Error&)> on_problem;
};

struct ListenTcp {
  std::string address = "127.0.0.1";     // IP address; "::" takes IPv4 too
  std::uint16_t port = 0;                // 0: any free one
  std::shared_ptr<const TlsServer> tls;  // none: plain
  /// With tls: callers on loopback may speak plain HTTP on the same port; the first byte tells. Hosts as
  /// below.
  bool also_plain = false;
  /// Plain on loopback only: which Host values pass besides localhost, 127.0.0.1 and [::1] with our port (DNS
  /// rebinding). A plain listener elsewhere (behind a proxy) takes any Host.
  std::vector<std::string> also_hosts;
  bool identify_callers = false;  // Peer::uid for callers on loopback, by sock_diag
};

struct ListenUnix {
  std::string path;
  unsigned mode = 0600;                // 0660 with a group
  std::optional<std::uint32_t> group;  // gid of the socket file
};

/// Lives on a pool; handlers run on the executor of their connection. stop() before destruction.
class HttpServer {
 public:
  HttpServer(IoPool& pool, ServerSettings settings, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds and listens; who connects waits until start(). Returns the port. conflict: the port is in use.
  Result<std::uint16_t> listen(ListenTcp where);
  /// A socket file that nobody listens on is replaced. conflict: someone does.
  Result<void> listen(ListenUnix where);
  void start();
  /// New connections of all TLS listeners use this from now on (a renewed certificate). Any thread.
  void replace_tls(std::shared_ptr<const TlsServer> tls);
  std::size_t connections() const;

  /// No new connections, idle ones and endless streams are cut, WebSockets get "going away"; the rest may
  /// finish within `grace`, then it is cut. Returns when everything has ended. Call once, and not
  /// from a handler of this server.
  Awaitable<void> stop(Duration grace);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace drover::net
