#pragma once
// HTTP messages as plain values, for servers and clients alike.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "net/async.hpp"
#include "net/certificate.hpp"
#include "net/url.hpp"
#include "net/websocket.hpp"

namespace drover::net {

/// Header fields in their order; names compare without case and may repeat.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> items) : items_(items) {}
  std::optional<std::string_view> get(std::string_view name) const;  // the first
  bool has(std::string_view name) const { return get(name).has_value(); }
  std::size_t count(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  void add(std::string name, std::string value) { items_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string name, std::string value);  // replaces all of that name
  void remove(std::string_view name);
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

bool same_header(std::string_view a, std::string_view b);  // without case

enum class Transport : std::uint8_t { unix_socket, tcp, tls };

/// The kernel's word about the process at the other end of a Unix socket.
struct UnixCredentials {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int32_t pid = 0;
};

/// Who is at the other end. Facts of the transport only; who that is for us is decided above.
struct Peer {
  Transport transport = Transport::tcp;
  std::string address;  // "192.0.2.7", "::1"; empty for Unix sockets. IPv4 in IPv6 is shown as IPv4
  std::uint16_t port = 0;
  std::optional<UnixCredentials> credentials;
  /// The user at the other end: from the credentials, or, on loopback TCP, where the listener identifies
  /// callers.
  std::optional<std::uint32_t> uid;
  std::optional<CertificateInfo> certificate;  // verified, role agent
  std::string sni;
  bool loopback() const {
    return transport == Transport::unix_socket || address == "::1" || address.starts_with("127.");
  }
};

struct Request {
  std::string method;  // GET, POST, …: an upper-case token
  std::string path;    // as sent, still percent-encoded, checked by parse_target
  Query query;
  Headers headers;
  std::string body;
  std::shared_ptr<const Peer> peer;
  /// Filled by the router: decoded path parameters ({name} → value).
  std::vector<std::pair<std::string, std::string>> parameters;
  /// The route's pattern, "/api/v1/stacks/{name}": for metrics. Empty before routing.
  std::string route;
  std::string_view parameter(std::string_view name) const;  // "" when there is none
};

/// Where a streamed body goes. Lives as long as the stream function runs; use it on the executor it was given
/// on.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  /// Waits until the bytes are with the kernel, so a slow reader slows the writer and memory stays bounded.
  /// Errors: the peer is gone, or has not read anything for the write time-out; stop then.
  virtual Awaitable<Result<void>> write(std::string bytes) = 0;
  /// True as soon as it is known. The stream function is cancelled then anyway, wherever it waits.
  virtual bool gone() const = 0;
};
/// Writes the body piece by piece; the body ends when it returns. Cancelled when the peer goes or the server
/// stops.
using StreamFunction = std::function<Awaitable<void>(BodyWriter&)>;

/// Runs the connection after an upgrade; it ends when this returns.
using WebSocketHandler = std::function<Awaitable<void>(WebSocket)>;

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  StreamFunction stream;  // instead of body
  bool endless = false;   // a stream that follows something: cut at once when the server stops
  WebSocketHandler
      websocket;  // instead of both: switch protocols. The request must ask for it, else it gets 426
  WebSocketSettings websocket_settings;
};

Response text_response(int status, std::string body, std::string content_type = "text/plain; charset=utf-8");
Response json_response(int status, std::string json);
Response upgrade_to(WebSocketHandler handler, WebSocketSettings settings = {});

/// Answers one request, on the connection's executor. Never throws for bad input: errors are responses.
using Handler = std::function<Awaitable<Response>(Request&)>;

/// Does a browser say that another site makes this request (Sec-Fetch-Site, Origin against Host)? Then writes
/// and upgrades are refused. Programs send neither header and pass.
bool from_other_site(const Request& request);

std::string_view reason_phrase(int status);

}  // namespace drover::net
