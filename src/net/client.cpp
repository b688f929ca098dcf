#include "net/client.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "net/parser.hpp"
#include "net/stream.hpp"
#include "net/websocket_impl.hpp"

namespace drover::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Endpoint = asio::generic::stream_protocol::endpoint;

namespace {

constexpr std::size_t piece = 16 << 10;
constexpr std::size_t max_line = 16 << 20;

std::string shown(const Url& url) {
  return url.scheme == "unix" ? url.socket : url.host + ":" + std::to_string(url.port);
}

Error connect_error(const Url& url, error_code error) {
  auto code =
      error == asio::error::access_denied || error.value() == EPERM ? Errc::denied : Errc::unavailable;
  return {code, "cannot connect to " + shown(url), error.message()};
}

Awaitable<Result<std::vector<Endpoint>>> resolve(Url url) {
  std::vector<Endpoint> found;
  if (url.scheme == "unix") {
    if (url.socket.size() > 107) co_return fail(Errc::invalid, "the socket's path is too long", url.socket);
    found.emplace_back(asio::local::stream_protocol::endpoint(url.socket));
    co_return found;
  }
  // "localhost" may be IPv6 for one side and IPv4 for the other.
  auto host = url.host == "localhost" ? std::string("127.0.0.1") : url.host;
  error_code error;
  if (auto address = asio::ip::make_address(host, error); !error) {
    found.emplace_back(tcp::endpoint(address, url.port));
    co_return found;
  }
  asio::ip::basic_resolver<tcp, Executor> resolver(co_await current_executor());
  auto [failed, results] =
      co_await resolver.async_resolve(host, std::to_string(url.port), asio::as_tuple(asio::use_awaitable));
  if (failed) co_return fail(Errc::unavailable, "cannot find the address of " + host, failed.message());
  for (const auto& entry : results) found.emplace_back(entry.endpoint());
  co_return found;
}

Awaitable<Result<StreamSocket>> connect_any(Url url) {
  CO_TRY(auto endpoints, co_await resolve(url));
  error_code error = asio::error::host_not_found;
  for (const auto& endpoint : endpoints) {
    StreamSocket socket(co_await current_executor());
    socket.open(endpoint.protocol(), error);
    if (error) continue;
    std::tie(error) = co_await socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
    if (error) continue;
    int one = 1;
    if (url.scheme != "unix")
      ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    co_return socket;
  }
  co_return fail(connect_error(url, error));
}

Awaitable<Result<StreamPtr>> connect_stream(Url url, ClientSettings settings) {
  TlsSession tls;
  if (url.tls()) {
    if (!settings.tls)
      co_return fail(Errc::invalid,
                     "a connection to " + shown(url) + " needs TLS settings to verify it with");
    CO_TRY(tls, connect_tls(settings.tls, url.host));
  }
  CO_TRY(auto socket, co_await connect_any(url));
  auto stream = std::make_shared<Stream>(std::move(socket), std::move(tls));
  auto error = co_await stream->handshake(settings.connect);
  if (!error) co_return stream;
  if (stream->tls_refused())
    co_return fail(Errc::denied, "the TLS handshake with " + shown(url) + " was refused",
                   stream->tls_error());
  co_return fail(Errc::unavailable, "the TLS handshake with " + shown(url) + " failed",
                 stream->tls_error().empty() ? error.message() : stream->tls_error());
}

Awaitable<Result<StreamPtr>> open_stream(Url url, ClientSettings settings) {
  auto limit = settings.connect;
  auto what = "connecting to " + shown(url);
  co_return co_await within(limit, connect_stream(std::move(url), std::move(settings)), what);
}

bool has_line_end(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
}

Result<std::string> format_request(const Url& origin, const ClientRequest& request) {
  bool fine = !has_line_end(request.method) && !has_line_end(request.target) &&
              request.target.starts_with('/') && request.target.find(' ') == std::string::npos;
  std::string out = request.method + " " + request.target + " HTTP/1.1\r\nHost: " +
                    std::string(request.headers.get("Host").value_or(origin.authority())) + "\r\n";
  for (const auto& [name, value] : request.headers.items()) {
    fine = fine && !has_line_end(name) && !has_line_end(value);
    bool ours = same_header(name, "Host") || same_header(name, "Content-Length") ||
                same_header(name, "Transfer-Encoding");
    if (!ours) out += name + ": " + value + "\r\n";
  }
  if (!fine)
    return fail(Errc::invalid, "the request has a character that HTTP does not allow in a header",
                request.target);
  bool carries = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!request.body.empty() || carries)
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return out + "\r\n" + request.body;
}

bool may_repeat(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

}  // namespace

struct ResponseStream::Impl {
  Impl(StreamPtr connected, std::size_t max_header, bool head_only)
      : stream(std::move(connected)), max_head(max_header), no_body(head_only), parser(new_parser()) {}

  std::unique_ptr<MessageParser> new_parser() const {
    return std::make_unique<MessageParser>(MessageParser::Kind::response, max_head, no_body);
  }
  Error explain(error_code error) const {
    if (stream->timed_out()) return {Errc::timeout, "the server was silent for too long"};
    if (stream->tls_refused())
      return {Errc::denied, "the server refused our certificate", stream->tls_error()};
    return {Errc::unavailable, "the connection was lost",
            error == asio::error::eof ? "closed by the server" : error.message()};
  }
  /// Feeds what is there, or reads more. False: the connection has ended and the message with it.
  Awaitable<Result<bool>> step() {
    CO_TRY(auto used, parser->done() ? Result<std::size_t>(0) : parser->feed(buffer));
    buffer.erase(0, used);
    if (used > 0 || parser->done()) co_return true;
    if (buffer.size() > max_head + piece) co_return fail(Errc::invalid, "the server sends no valid HTTP");
    std::array<char, piece> bytes;
    auto got = co_await stream->read_some(bytes.data(), bytes.size());
    answered = answered || got.bytes > 0;
    buffer.append(bytes.data(), got.bytes);
    if (!got.error) co_return true;
    if (got.error == asio::error::eof && parser->head_done() && parser->feed_end()) co_return false;
    co_return fail(explain(got.error));
  }
  Awaitable<Result<void>> read_head() {
    for (int interim = 0; interim < 10;) {
      while (!parser->head_done()) {
        CO_TRYV(co_await step());
      }
      if (parser->status() >= 200 || parser->status() == 101) {
        parser->set_body_limit(UINT64_MAX);
        headers = std::move(parser->headers());
        co_return Result<void>();
      }
      parser = new_parser();  // 100 Continue and its like
      ++interim;
    }
    co_return fail(Errc::invalid, "the server sends interim answers without end");
  }
  bool reusable() { return parser->done() && parser->keep_alive() && buffer.empty() && !stream->stirred(); }

  StreamPtr stream;
  std::size_t max_head;
  bool no_body;
  std::unique_ptr<MessageParser> parser;
  std::string buffer;
  std::string lines;
  std::size_t searched = 0;  // of `lines`, for a line end
  Headers headers;
  bool answered = false;  // at least one byte came
  bool ended = false;
};

ResponseStream::ResponseStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ResponseStream::~ResponseStream() {
  if (impl_ && impl_->stream) impl_->stream->close();
}
ResponseStream::ResponseStream(ResponseStream&&) noexcept = default;
ResponseStream& ResponseStream::operator=(ResponseStream&&) noexcept = default;

int ResponseStream::status() const { return impl_->parser->status(); }
const Headers& ResponseStream::headers() const { return impl_->headers; }

Awaitable<Result<std::optional<std::string>>> ResponseStream::read(Duration idle) {
  auto& impl = *impl_;
  impl.stream->set_read_limit(idle);
  if (!impl.lines.empty()) {
    impl.searched = 0;
    co_return std::exchange(impl.lines, {});
  }
  while (impl.parser->body().empty()) {
    if (impl.ended || impl.parser->done()) co_return std::nullopt;
    CO_TRY(auto alive, co_await impl.step());
    impl.ended = !alive;
  }
  co_return std::exchange(impl.parser->body(), {});
}

Awaitable<Result<std::optional<std::string>>> ResponseStream::line(Duration idle) {
  auto& impl = *impl_;
  for (;;) {
    if (auto end = impl.lines.find('\n', impl.searched); end != std::string::npos) {
      auto line = impl.lines.substr(0, end);
      impl.lines.erase(0, end + 1);
      impl.searched = 0;
      if (line.ends_with('\r')) line.pop_back();
      co_return line;
    }
    impl.searched = impl.lines.size();
    if (impl.lines.size() > max_line)
      co_return fail(Errc::exhausted, "the server sent a line of more than 16 MiB");
    auto rest = std::exchange(impl.lines, {});
    auto more = co_await read(idle);
    impl.lines = std::move(rest);
    if (!more) co_return fail(std::move(more).error());
    if (!*more) {
      impl.searched = 0;
      if (impl.lines.empty()) co_return std::nullopt;
      co_return std::exchange(impl.lines, {});  // the last one had no line end
    }
    impl.lines += **more;
  }
}

Awaitable<Result<std::string>> ResponseStream::rest(Duration idle, std::size_t limit) {
  std::string out;
  for (;;) {
    CO_TRY(auto bytes, co_await read(idle));
    if (!bytes) co_return out;
    if (out.size() + bytes->size() > limit)
      co_return fail(Errc::exhausted, "the answer is larger than allowed");
    out += *bytes;
  }
}

struct HttpClient::Impl : std::enable_shared_from_this<Impl> {
  Impl(Url where, ClientSettings wanted) : origin(std::move(where)), settings(std::move(wanted)) {}

  Url origin;
  ClientSettings settings;
  StreamPtr idle;
  std::optional<CertificateInfo> certificate;

  StreamPtr take_idle() {
    auto stream = std::exchange(idle, nullptr);
    return stream && !stream->stirred() ? stream : nullptr;
  }
  Awaitable<Result<std::unique_ptr<ResponseStream::Impl>>> send(StreamPtr stream, ClientRequest request) {
    CO_TRY(auto bytes, format_request(origin, request));
    auto answer = std::make_unique<ResponseStream::Impl>(std::move(stream), settings.max_header,
                                                         request.method == "HEAD");
    answer->stream->set_read_limit(std::chrono::days(1));  // the caller's deadline rules
    answer->stream->set_write_limit(30s);
    // A server that refuses early answers and stops reading: its answer counts, not our failed write.
    auto error = co_await answer->stream->write(bytes);
    auto head = co_await answer->read_head();
    if (!head && error && !answer->answered && head.error().code == Errc::unavailable)
      co_return fail(answer->explain(error));
    if (!head) co_return fail(std::move(head).error());
    co_return answer;
  }
  Awaitable<Result<std::unique_ptr<ResponseStream::Impl>>> start(ClientRequest request) {
    auto kept = may_repeat(request.method) ? take_idle() : nullptr;
    if (kept) {
      auto answer = co_await send(std::move(kept), request);
      // An idle connection may have been closed by the server in this very moment.
      if (answer || answer.error().code != Errc::unavailable) co_return answer;
    }
    CO_TRY(auto stream, co_await open_stream(origin, settings));
    if (stream->ssl()) certificate = peer_certificate(stream->ssl());
    co_return co_await send(std::move(stream), std::move(request));
  }
  Awaitable<Result<ClientResponse>> whole(ClientRequest request) {
    auto keep = shared_from_this();
    CO_TRY(auto impl, co_await start(std::move(request)));
    auto* answer = impl.get();
    ResponseStream stream(std::move(impl));
    CO_TRY(auto body, co_await stream.rest(std::chrono::days(1), settings.max_body));
    ClientResponse response{answer->parser->status(), std::move(answer->headers), std::move(body)};
    if (answer->reusable()) idle = std::exchange(answer->stream, nullptr);
    co_return response;
  }
  Awaitable<Result<ResponseStream>> streamed(ClientRequest request) {
    auto keep = shared_from_this();
    CO_TRY(auto impl, co_await start(std::move(request)));
    co_return ResponseStream(std::move(impl));
  }
};

HttpClient::HttpClient(Url origin, ClientSettings settings)
    : impl_(std::make_shared<Impl>(std::move(origin), std::move(settings))) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Awaitable<Result<ClientResponse>> HttpClient::request(ClientRequest request, Duration deadline) {
  auto what = request.method + " " + request.target;
  co_return co_await within(deadline, impl_->whole(std::move(request)), what);
}

Awaitable<Result<ResponseStream>> HttpClient::open(ClientRequest request, Duration deadline) {
  auto what = request.method + " " + request.target;
  co_return co_await within(deadline, impl_->streamed(std::move(request)), what);
}

std::optional<CertificateInfo> HttpClient::server_certificate() const { return impl_->certificate; }

Awaitable<Result<WebSocket>> websocket_connect(Url url, ClientSettings client, WebSocketSettings settings,
                                               Headers headers) {
  CO_TRY(auto stream, co_await open_stream(url, client));
  auto peer = std::make_shared<Peer>();
  peer->transport = url.scheme == "unix" ? Transport::unix_socket
                    : url.tls()          ? Transport::tls
                                         : Transport::tcp;
  peer->address = url.host;
  peer->port = url.port;
  if (stream->ssl()) peer->certificate = peer_certificate(stream->ssl());
  WebSocketCall call{url.authority(), url.target, std::move(headers), client.connect};
  co_return co_await call_websocket(std::move(stream), std::move(call), std::move(settings), std::move(peer));
}

}  // namespace drover::net
