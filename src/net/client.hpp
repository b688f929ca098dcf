#pragma once
// HTTP client for TCP, TLS and Unix sockets, and WebSocket client. No redirects, no proxies, no cookies.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/async.hpp"
#include "net/http.hpp"
#include "net/tls.hpp"
#include "net/url.hpp"

namespace drover::net {

struct ClientSettings {
  std::shared_ptr<const TlsClient> tls;  // needed for https and wss
  Duration connect = 10s;                // name, connection and handshake together
  std::size_t max_body = 64 << 20;       // bytes of an answer read whole
  std::size_t max_header = 64 << 10;
};

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, encoded
  Headers headers;           // Content-Length is added, and Host unless it is given
  std::string body;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

/// An answer whose body is read while it comes. Movable; destroying it cuts the connection.
class ResponseStream {
 public:
  struct Impl;
  explicit ResponseStream(std::unique_ptr<Impl> impl);
  ~ResponseStream();
  ResponseStream(ResponseStream&&) noexcept;
  ResponseStream& operator=(ResponseStream&&) noexcept;

  int status() const;
  const Headers& headers() const;
  /// The next bytes (at most 64 KiB); nullopt: the end. timeout: none for `idle`.
  Awaitable<Result<std::optional<std::string>>> read(Duration idle);
  /// The next line without its end; nullopt: the end. exhausted: longer than 16 MiB.
  Awaitable<Result<std::optional<std::string>>> line(Duration idle);
  /// Everything that is left, at most `limit` bytes.
  Awaitable<Result<std::string>> rest(Duration idle, std::size_t limit);

 private:
  std::unique_ptr<Impl> impl_;
};

/// For one origin. Keeps one idle connection; requests may overlap (each other one gets a connection of its
/// own). Use it on one executor. Errors: unavailable (cannot connect, connection lost), timeout, denied (the
/// server's identity is wrong, or it refuses ours), exhausted (answer too large), invalid (not HTTP). HTTP
/// error statuses are answers, not errors.
class HttpClient {
 public:
  HttpClient(Url origin, ClientSettings settings);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  /// The whole answer within `deadline`.
  Awaitable<Result<ClientResponse>> request(ClientRequest request, Duration deadline);
  /// The answer's header within `deadline`; the body is read from the stream.
  Awaitable<Result<ResponseStream>> open(ClientRequest request, Duration deadline);
  /// What the server showed in the last handshake: to learn a pin's certificate. None: plain.
  std::optional<CertificateInfo> server_certificate() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// ws://, wss:// or unix: (then `url.target` is the path). Extra headers: Authorization, traceparent.
Awaitable<Result<WebSocket>> websocket_connect(Url url, ClientSettings client, WebSocketSettings settings,
                                               Headers headers = {});

}  // namespace drover::net
