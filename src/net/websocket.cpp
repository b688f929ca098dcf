#include "net/websocket.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/text.hpp"
#include "net/problem.hpp"
#include "net/websocket_impl.hpp"

namespace drover::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ws = beast::websocket;
using beast::error_code;

namespace {

constexpr Duration close_limit = 2s;
constexpr Duration handshake_limit = 10s;

// The layer under Beast's WebSocket; all of it is Stream.
struct FrameLayer {
  using executor_type = Executor;
  StreamPtr stream;

  executor_type get_executor() const { return stream->executor(); }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return stream->async_read_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return stream->async_write_some(buffers, std::forward<Token>(token));
  }
};

// Found by Beast through the type of FrameLayer.
void beast_close_socket(FrameLayer& transport) { transport.stream->close(); }

template <class Handler>
void async_teardown(beast::role_type, FrameLayer& transport, Handler&& handler) {
  transport.stream->shut_down();
  transport.stream->close();
  asio::post(transport.get_executor(),
             beast::bind_front_handler(std::forward<Handler>(handler), error_code()));
}

using Socket = ws::stream<FrameLayer, false>;

}  // namespace

struct WebSocket::Impl {
  Impl(StreamPtr under, WebSocketSettings wanted, std::shared_ptr<const Peer> other)
      : stream(under),
        socket(FrameLayer{std::move(under)}),
        settings(std::move(wanted)),
        peer(std::move(other)) {
    ws::stream_base::timeout limits{};
    limits.handshake_timeout = handshake_limit;
    limits.idle_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(settings.idle);
    limits.keep_alive_pings = true;
    socket.set_option(limits);
    socket.auto_fragment(false);
    socket.read_message_max(settings.max_message);
    stream->clear_read_deadline();
    stream->set_read_limit(std::chrono::days(3650));  // silence is Beast's business: it sends pings
    stream->set_write_limit(settings.write_progress);
  }

  StreamPtr stream;
  Socket socket;
  WebSocketSettings settings;
  std::shared_ptr<const Peer> peer;
};

namespace {

Error explain(WebSocket::Impl& impl, error_code error) {
  if (error == ws::error::closed) {
    auto reason = impl.socket.reason();
    return {Errc::unavailable, "the WebSocket was closed by the other side",
            std::to_string(int(reason.code)) + " " + std::string(reason.reason.data(), reason.reason.size())};
  }
  if (error == beast::error::timeout || impl.stream->timed_out())
    return {Errc::timeout, "the other side of the WebSocket was silent for too long"};
  if (error == ws::error::message_too_big || error == ws::error::buffer_overflow)
    return {Errc::exhausted, "a WebSocket message was larger than " + human_size(impl.settings.max_message)};
  if (impl.stream->tls_refused())
    return {Errc::denied, "the other side refused the connection", impl.stream->tls_error()};
  if (error.category() == make_error_code(ws::error::closed).category())
    return {Errc::invalid, "the other side broke the WebSocket protocol", error.message()};
  return {Errc::unavailable, "the WebSocket is not connected any more", error.message()};
}

void put_headers(http::fields& fields, const Headers& headers) {
  for (const auto& [name, value] : headers.items()) fields.insert(name, value);
}

// Sends the close frame; the peer's answer is awaited by whoever reads, or here.
Awaitable<void> close_socket(std::shared_ptr<WebSocket::Impl> impl, std::uint16_t code, std::string reason) {
  if (!impl->socket.is_open()) {
    impl->stream->close();
    co_return;
  }
  asio::steady_timer timer(impl->stream->executor(), close_limit);
  timer.async_wait([stream = impl->stream](error_code error) {
    if (!error) stream->close();
  });
  ws::close_reason why{ws::close_code(code)};
  why.reason.assign(reason.data(), std::min<std::size_t>(reason.size(), 120));
  co_await impl->socket.async_close(why, asio::as_tuple(asio::use_awaitable));
  timer.cancel();
  impl->stream->close();
}

}  // namespace

WebSocket::WebSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocket::WebSocket(WebSocket&&) noexcept = default;
WebSocket& WebSocket::operator=(WebSocket&& other) noexcept {
  if (this != &other) {
    if (impl_) impl_->stream->close();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
WebSocket::~WebSocket() {
  if (impl_) impl_->stream->close();
}

Awaitable<Result<Message>> WebSocket::read() {
  auto impl = impl_;
  Message message;
  auto buffer = asio::dynamic_buffer(message.data);
  auto [error, size] = co_await impl->socket.async_read(buffer, asio::as_tuple(asio::use_awaitable));
  if (error) co_return fail(explain(*impl, error));
  message.text = impl->socket.got_text();
  co_return message;
}

Awaitable<Result<void>> WebSocket::write(Message message) {
  auto impl = impl_;
  impl->socket.text(message.text);
  auto [error, size] =
      co_await impl->socket.async_write(asio::buffer(message.data), asio::as_tuple(asio::use_awaitable));
  if (error) co_return fail(explain(*impl, error));
  co_return Result<void>();
}

Awaitable<void> WebSocket::close(std::uint16_t code, std::string reason) {
  return close_socket(impl_, code, std::move(reason));
}

void WebSocket::cancel() {
  asio::post(impl_->stream->executor(), [stream = impl_->stream] { stream->close(); });
}

std::uint16_t WebSocket::close_code() const { return std::uint16_t(impl_->socket.reason().code); }
std::string WebSocket::close_reason() const {
  const auto& reason = impl_->socket.reason().reason;
  return valid_utf8({reason.data(), reason.size()});
}
const Peer& WebSocket::peer() const { return *impl_->peer; }

std::weak_ptr<WebSocket::Impl> weak_impl(const WebSocket& socket) { return socket.impl_; }

bool asks_for_websocket(const Request& request) {
  http::request<http::empty_body> copy{http::string_to_verb(request.method), request.path, 11};
  put_headers(copy, request.headers);
  return ws::is_upgrade(copy);
}

Awaitable<Result<WebSocket>> accept_websocket(StreamPtr stream, const Request* request,
                                              WebSocketSettings settings, Headers extra) {
  http::request<http::empty_body> copy{http::verb::get, request->path, 11};
  put_headers(copy, request->headers);
  if (!settings.protocol.empty()) extra.set("Sec-WebSocket-Protocol", settings.protocol);
  auto impl = std::make_shared<WebSocket::Impl>(std::move(stream), std::move(settings), request->peer);
  impl->socket.set_option(
      ws::stream_base::decorator([extra](ws::response_type& answer) { put_headers(answer, extra); }));
  auto [error] = co_await impl->socket.async_accept(copy, asio::as_tuple(asio::use_awaitable));
  if (error) co_return fail(explain(*impl, error));
  co_return WebSocket(impl);
}

Awaitable<Result<WebSocket>> call_websocket(StreamPtr stream, WebSocketCall call, WebSocketSettings settings,
                                            std::shared_ptr<const Peer> peer) {
  if (!settings.protocol.empty()) call.headers.set("Sec-WebSocket-Protocol", settings.protocol);
  auto impl = std::make_shared<WebSocket::Impl>(std::move(stream), std::move(settings), std::move(peer));
  impl->stream->set_read_deadline(call.limit);
  impl->socket.set_option(ws::stream_base::decorator(
      [headers = call.headers](ws::request_type& request) { put_headers(request, headers); }));
  ws::response_type answer;
  auto [error] = co_await impl->socket.async_handshake(answer, call.host, call.target,
                                                       asio::as_tuple(asio::use_awaitable));
  impl->stream->clear_read_deadline();
  if (error == ws::error::upgrade_declined)
    co_return fail(problem_error(int(answer.result_int()), answer.body()));
  if (error) co_return fail(explain(*impl, error));
  co_return WebSocket(impl);
}

Awaitable<void> close_going_away(std::weak_ptr<WebSocket::Impl> socket) {
  if (auto impl = socket.lock())
    co_await close_socket(impl, close_code::going_away, "the server is stopping");
}

}  // namespace drover::net
