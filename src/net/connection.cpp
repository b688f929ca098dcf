#include "net/connection.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "base/text.hpp"
#include "net/problem.hpp"
#include "net/request_check.hpp"
#include "net/websocket_impl.hpp"

namespace drover::net {

namespace asio = boost::asio;

namespace {

constexpr Duration linger_limit = 2s;
constexpr std::size_t piece = 16 << 10;       // bytes per read
constexpr std::size_t join_below = 64 << 10;  // smaller bodies go out in one write with their head
constexpr std::size_t watched = 64 << 10;     // what a peer may send ahead while it is being streamed to

class StreamWriter final : public BodyWriter {
 public:
  StreamWriter(StreamPtr stream, bool chunked, const bool& gone)
      : stream_(std::move(stream)), chunked_(chunked), gone_(gone) {}

  Awaitable<Result<void>> write(std::string bytes) override {
    if (bytes.empty()) co_return Result<void>();  // an empty chunk would end the body
    if (chunked_) bytes = fmt::format("{:x}\r\n", bytes.size()) + bytes + "\r\n";
    auto error = co_await stream_->write(bytes);
    if (!error) co_return Result<void>();
    failed_ = true;
    if (stream_->timed_out()) co_return fail(Errc::timeout, "the reader has not read for too long");
    co_return fail(Errc::unavailable, "the reader is gone", error.message());
  }
  bool gone() const override { return gone_ || failed_; }
  bool failed() const { return failed_; }

 private:
  StreamPtr stream_;
  bool chunked_;
  const bool& gone_;
  bool failed_ = false;
};

bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

bool wants_close(const Response& response) {
  auto said = response.headers.get("Connection");
  return said && same_header(*said, "close");
}

std::string clean_value(std::string_view value) {
  std::string out(value);
  for (char& c : out)
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  return out;
}

Response broken_handler(const ServerShared& shared, const Request& request, std::string_view what) {
  shared.problem(Error{Errc::internal, "a request handler failed", std::string(what),
                       request.method + " " + request.route});
  return problem_response(Error{Errc::internal, "something went wrong here; it has been logged"});
}

}  // namespace

std::string format_head(const Response& response, std::string_view framing, bool keep_alive) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  for (const auto& [name, value] : response.headers.items()) {
    bool ours = same_header(name, "Content-Length") || same_header(name, "Transfer-Encoding") ||
                same_header(name, "Connection");
    if (ours || name.find_first_of(" \t\r\n:") != name.npos) continue;
    out += name + ": " + clean_value(value) + "\r\n";
  }
  out += framing;
  out += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return out;
}

Connection::Connection(ServerShared& shared, StreamPtr stream, Origin origin)
    : shared_(shared),
      stream_(std::move(stream)),
      facts_(std::move(origin.peer)),
      hosts_(std::move(origin.hosts)) {
  peer_ = facts_;
  stream_->set_write_limit(shared_.settings.write_progress);
}

Awaitable<void> Connection::run(std::function<void()> handshake_done) {
  bool secure = co_await handshake();
  handshake_done();
  if (!secure) {
    stream_->close();
    co_return;
  }
  while (!shared_.stopping && co_await exchange() == Next::again) {
  }
  co_await stream_->linger(linger_limit);
}

Awaitable<bool> Connection::handshake() {
  if (!stream_->ssl()) co_return true;
  if (co_await stream_->handshake(shared_.settings.handshake)) co_return false;
  facts_->sni = sni_of(stream_->ssl());
  facts_->certificate = peer_certificate(stream_->ssl());
  co_return true;
}

void Connection::interrupt() {
  if (idle_ || endless_) stream_->close();
}

bool Connection::host_allowed(const Request& request) const {
  if (hosts_.empty()) return true;
  auto host = request.headers.get("Host").value_or("");
  for (const auto& allowed : hosts_)
    if (same_header(allowed, host)) return true;
  return false;
}

// True: there are more bytes in the buffer now.
Awaitable<bool> Connection::more() {
  std::array<char, piece> bytes;
  auto got = co_await stream_->read_some(bytes.data(), bytes.size());
  buffer_.append(bytes.data(), got.bytes);
  co_return !got.error;
}

// The raw head, taken out of the buffer; nullopt: the peer went, was too slow, or (with bytes left) sends too
// much.
Awaitable<std::optional<std::string>> Connection::read_head() {
  stream_->set_read_limit(shared_.settings.idle);
  idle_ = buffer_.empty();
  std::size_t looked = 0;
  bool timed = false;
  for (;;) {
    if (!timed && !buffer_.empty()) {
      timed = true;
      stream_->set_read_deadline(shared_.settings.header);
    }
    while (looked == 0 && buffer_.starts_with("\r\n")) buffer_.erase(0, 2);  // RFC 9112 §2.2
    if (auto end = end_of_head(std::string_view(buffer_).substr(looked))) {
      auto head = buffer_.substr(0, looked + *end);
      if (head.size() > shared_.settings.max_header) co_return std::nullopt;
      buffer_.erase(0, head.size());
      stream_->clear_read_deadline();
      co_return head;
    }
    looked = buffer_.size() > 3 ? buffer_.size() - 3 : 0;
    if (buffer_.size() > shared_.settings.max_header) co_return std::nullopt;
    bool got = co_await more();
    idle_ = false;
    if (!got) {
      buffer_.clear();
      co_return std::nullopt;
    }
  }
}

std::optional<Response> Connection::check_request(const std::string& head, Exchange& exchange) {
  if (auto wrong = check_head(head)) return problem_response(wrong->status, "invalid", wrong->what);
  auto fed = exchange.parser.feed(head);
  if (!fed || *fed != head.size() || !exchange.parser.head_done())
    return problem_response(400, "invalid",
                            fed ? "the request's header is not complete" : fed.error().message);
  auto& request = exchange.request;
  request.method = exchange.parser.method();
  request.headers = std::move(exchange.parser.headers());
  request.peer = peer_;
  exchange.http10 = exchange.parser.http10();
  exchange.keep_alive = exchange.parser.keep_alive();
  if (exchange.parser.target() == "*") {
    request.path = "*";
  } else {
    auto target = parse_target(exchange.parser.target());
    if (!target) return problem_response(target.error());
    request.path = std::move(target->path);
    request.query = std::move(target->query);
  }
  if (!host_allowed(request)) {
    return problem_response(421, "denied",
                            "this server is for this machine only; it does not answer to the name " +
                                valid_utf8(request.headers.get("Host").value_or("")));
  }
  return check_limits(exchange);
}

std::optional<Response> Connection::check_limits(Exchange& exchange) {
  const auto& settings = shared_.settings;
  auto limit = settings.body_limit ? settings.body_limit(exchange.request) : settings.max_body;
  exchange.parser.set_body_limit(limit);
  if (exchange.parser.over_limit())
    return problem_response(413, "exhausted",
                            "the body is larger than the " + human_size(limit) + " allowed here");
  auto expected = exchange.request.headers.get("Expect");
  if (expected && !same_header(*expected, "100-continue"))
    return problem_response(417, "invalid", "the only expectation understood here is 100-continue");
  return std::nullopt;
}

// False: refused or broken; `refusal` says which answer is left to give.
Awaitable<bool> Connection::read_body(Exchange* exchange) {
  auto& parser = exchange->parser;
  stream_->set_read_limit(shared_.settings.body_progress);
  if (!parser.done() && exchange->request.headers.has("Expect") && buffer_.empty()) {
    if (co_await stream_->write("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
  }
  while (!parser.done()) {
    auto used = parser.feed(buffer_);
    if (!used) {
      bool large = used.error().code == Errc::exhausted;
      co_await refuse(large ? problem_response(413, "exhausted", used.error().message)
                            : problem_response(400, "invalid", used.error().cause));
      co_return false;
    }
    buffer_.erase(0, *used);
    if (parser.done() || *used > 0) continue;
    if (buffer_.size() > shared_.settings.max_header) {  // a chunk's header that never ends
      co_await refuse(problem_response(400, "invalid", "a chunk header is too long"));
      co_return false;
    }
    if (!co_await more()) co_return false;
  }
  exchange->request.body = std::move(parser.body());
  co_return true;
}

Awaitable<Response> Connection::call_handler(Exchange* exchange) {
  std::string what;
  try {
    co_return co_await shared_.handler(exchange->request);
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) throw;
    what = error.what();
  } catch (const std::exception& error) {
    what = error.what();
  }
  co_return broken_handler(shared_, exchange->request, what);
}

Awaitable<Connection::Next> Connection::exchange() {
  auto head = co_await read_head();
  if (!head) {
    if (!buffer_.empty())
      co_await refuse(problem_response(431, "exhausted", "the header is larger than allowed here"));
    co_return Next::close;
  }
  Exchange now{MessageParser(MessageParser::Kind::request, shared_.settings.max_header + 64), {}};
  if (auto refused = check_request(*head, now)) co_return co_await refuse(std::move(*refused));
  if (!co_await read_body(&now)) co_return Next::close;
  auto response = co_await call_handler(&now);
  if (response.websocket) co_return co_await upgrade(&now, std::move(response));
  if (response.stream && !has_no_body(response.status))
    co_return co_await answer_stream(&now, std::move(response));
  co_return co_await answer(&now, std::move(response));
}

Awaitable<Connection::Next> Connection::refuse(Response response) {
  auto framing = fmt::format("Content-Length: {}\r\n", response.body.size());
  co_await stream_->write(format_head(response, framing, false) + response.body);
  co_return Next::close;
}

Awaitable<Connection::Next> Connection::answer(Exchange* exchange, Response response) {
  bool keep = exchange->keep_alive && !shared_.stopping && !wants_close(response);
  std::string framing;
  if (!has_no_body(response.status)) framing = fmt::format("Content-Length: {}\r\n", response.body.size());
  auto bytes = format_head(response, framing, keep);
  bool send_body = exchange->request.method != "HEAD" && !has_no_body(response.status);
  if (send_body && response.body.size() < join_below) {
    bytes += response.body;
    send_body = false;
  }
  auto error = co_await stream_->write(bytes);
  if (!error && send_body) error = co_await stream_->write(response.body);
  co_return keep && !error ? Next::again : Next::close;
}

// Reads while a stream is written: the end of the peer, or its next requests, which are kept for later.
Awaitable<void> Connection::watch_peer() {
  stream_->set_read_limit(std::chrono::days(3650));
  while (buffer_.size() < watched && co_await more()) {
  }
  if (buffer_.size() >= watched)
    co_await sleep_for(std::chrono::days(3650));  // cancelled when the stream has ended
  peer_gone_ = true;
}

Awaitable<void> Connection::call_stream(Response* response, BodyWriter* writer, bool* failed) {
  std::string what;
  try {
    co_await response->stream(*writer);
    co_return;
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) throw;
    what = error.what();
  } catch (const std::exception& error) {
    what = error.what();
  }
  *failed = true;
  shared_.problem(Error{Errc::internal, "a streaming answer failed", what});
}

Awaitable<Connection::Next> Connection::answer_stream(Exchange* exchange, Response response) {
  bool chunked = !exchange->http10;
  bool keep = chunked && exchange->keep_alive && !response.endless && !wants_close(response);
  auto error =
      co_await stream_->write(format_head(response, chunked ? "Transfer-Encoding: chunked\r\n" : "", keep));
  if (error || (shared_.stopping && response.endless)) co_return Next::close;
  if (exchange->request.method == "HEAD") co_return keep ? Next::again : Next::close;
  StreamWriter writer(stream_, chunked, peer_gone_);
  bool failed = false;
  endless_ = response.endless;
  int first = co_await first_of(call_stream(&response, &writer, &failed), watch_peer());
  endless_ = false;
  if (first == 1 || failed || writer.failed()) {
    stream_->close();  // without the last chunk: the reader must know that this was not all
    co_return Next::close;
  }
  if (chunked) error = co_await stream_->write("0\r\n\r\n");
  co_return keep && !error && !shared_.stopping ? Next::again : Next::close;
}

Awaitable<Connection::Next> Connection::upgrade(Exchange* exchange, Response response) {
  if (exchange->request.method != "GET" || exchange->http10 || !asks_for_websocket(exchange->request)) {
    auto refused = problem_response(426, "invalid", "this address speaks WebSocket");
    refused.headers.add("Upgrade", "websocket");
    exchange->keep_alive = false;
    co_return co_await answer(exchange, std::move(refused));
  }
  stream_->unread(std::exchange(buffer_, {}));
  auto socket =
      co_await accept_websocket(stream_, &exchange->request, response.websocket_settings, response.headers);
  if (!socket) co_return Next::close;
  websocket_ = weak_impl(*socket);
  if (shared_.stopping) co_return Next::close;
  exchange->request = {};  // it may be large, and the connection lives long
  co_await response.websocket(std::move(*socket));
  co_return Next::close;
}

}  // namespace drover::net
