#include "net/stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

namespace drover::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr auto far_away = std::chrono::steady_clock::time_point::max();

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE when the peer is gone.
int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  auto descriptor = int(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  auto sent = ::send(descriptor, data, std::size_t(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_write(bio);
  return int(sent);
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  auto descriptor = int(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  auto got = ::recv(descriptor, data, std::size_t(size), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_read(bio);
  return int(got);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "drover socket");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    BIO_meth_set_create(made, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    return made;
  }();
  return method;
}

}  // namespace

Stream::Stream(StreamSocket socket, TlsSession tls)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      sides_{Limits(socket_.get_executor()), Limits(socket_.get_executor())} {
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
  if (!tls_) return;
  BIO* bio = BIO_new(socket_method());
  BIO_set_data(bio, reinterpret_cast<void*>(std::intptr_t(socket_.native_handle())));
  SSL_set_bio(tls_.ssl.get(), bio, bio);
}

Stream::~Stream() = default;

void Stream::set_read_deadline(Duration from_now) {
  sides_[0].deadline = std::chrono::steady_clock::now() + from_now;
}
void Stream::clear_read_deadline() { sides_[0].deadline = far_away; }

Awaitable<error_code> Stream::handshake(Duration limit) {
  if (!tls_) co_return error_code();
  auto keep = shared_from_this();
  set_read_deadline(limit);
  Operation operation{keep, Side::handshake, nullptr, 0};
  auto [error, bytes] = co_await start(std::move(operation), asio::as_tuple(asio::use_awaitable));
  clear_read_deadline();
  co_return error;
}

Awaitable<IoResult> Stream::read_some(char* data, std::size_t size) {
  auto keep = shared_from_this();
  auto [error, bytes] =
      co_await async_read_some(asio::buffer(data, size), asio::as_tuple(asio::use_awaitable));
  co_return IoResult{bytes, error};
}

Awaitable<error_code> Stream::write(std::string_view bytes) {
  auto keep = shared_from_this();
  while (!bytes.empty()) {
    auto [error, written] = co_await async_write_some(asio::buffer(bytes.data(), bytes.size()),
                                                      asio::as_tuple(asio::use_awaitable));
    if (error) co_return error;
    bytes.remove_prefix(written);
  }
  co_return error_code();
}

void Stream::unread(std::string bytes) { pending_.insert(0, bytes); }

Stream::Attempt Stream::try_once(Side side, char* data, std::size_t size) {
  if (!socket_.is_open()) return {{0, timed_out_ ? asio::error::timed_out : asio::error::operation_aborted}};
  if (side == Side::read && !pending_.empty()) {
    auto taken = std::min(size, pending_.size());
    std::memcpy(data, pending_.data(), taken);
    pending_.erase(0, taken);
    if (pending_.empty()) pending_.shrink_to_fit();
    return {{taken, {}}};
  }
  if (side != Side::handshake && size == 0) return {};
  return tls_ ? try_tls(side, data, size) : try_plain(side, data, size);
}

Stream::Attempt Stream::try_plain(Side side, char* data, std::size_t size) {
  for (;;) {
    auto count = side == Side::write ? ::send(descriptor(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT)
                                     : ::recv(descriptor(), data, size, MSG_DONTWAIT);
    if (count > 0) return {{std::size_t(count), {}}};
    if (count == 0) return {{0, asio::error::eof}};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return {{}, side == Side::write ? Wait::writable : Wait::readable};
    return {{0, error_code(errno, boost::system::system_category())}};
  }
}

Stream::Attempt Stream::try_tls(Side side, char* data, std::size_t size) {
  if (tls_broken_) return {{0, asio::error::connection_aborted}};
  ERR_clear_error();
  errno = 0;
  std::size_t count = 0;
  int result = 0;
  switch (side) {
    case Side::read: result = SSL_read_ex(ssl(), data, size, &count); break;
    case Side::write: result = SSL_write_ex(ssl(), data, size, &count); break;
    case Side::handshake: result = SSL_do_handshake(ssl()); break;
  }
  if (result == 1) return {{count, {}}};
  return tls_failure(result);
}

Stream::Attempt Stream::tls_failure(int result) {
  int system_error = errno;
  switch (SSL_get_error(ssl(), result)) {
    case SSL_ERROR_WANT_READ: return {{}, Wait::readable};
    case SSL_ERROR_WANT_WRITE: return {{}, Wait::writable};
    case SSL_ERROR_ZERO_RETURN: return {{0, asio::error::eof}};
    default: break;
  }
  tls_broken_ = true;
  auto code = ERR_peek_error();
  auto reason = ERR_GET_REASON(code);
  if (code == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return {{0, error_code(system_error != 0 ? system_error : ECONNRESET, boost::system::system_category())}};
  }
  // Alerts 40 to 49 and 116 are about certificates; OpenSSL adds 1000.
  bool alert = reason >= SSL_AD_REASON_OFFSET + 40 && reason <= SSL_AD_REASON_OFFSET + 49;
  alert = alert || reason == SSL_AD_REASON_OFFSET + 116;
  tls_refused_ =
      alert || reason == SSL_R_CERTIFICATE_VERIFY_FAILED || reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
  tls_error_ = drain_errors();
  if (auto why = verification_problem(ssl()); !why.empty()) tls_error_ += " (" + why + ")";
  return {{0, asio::error::connection_aborted}};
}

void Stream::arm(Side side) {
  auto& own = limits(side);
  auto until = std::min(own.deadline, std::chrono::steady_clock::now() +
                                          std::min<Duration>(own.limit, std::chrono::days(3650)));
  auto turn = ++own.turn;
  own.timer.expires_at(until);
  own.timer.async_wait([weak = weak_from_this(), side, turn](error_code error) {
    auto stream = weak.lock();
    if (error || !stream || stream->limits(side).turn != turn) return;
    stream->timed_out_ = true;
    stream->close();
  });
}

void Stream::disarm(Side side) {
  ++limits(side).turn;
  limits(side).timer.cancel();
}

bool Stream::stirred() {
  if (!socket_.is_open() || timed_out_) return true;
  pollfd look{descriptor(), POLLIN | POLLRDHUP, 0};
  return ::poll(&look, 1, 0) != 0;
}

void Stream::shut_down() {
  if (!socket_.is_open()) return;
  if (tls_ && !tls_broken_ && SSL_is_init_finished(ssl())) {
    ERR_clear_error();
    SSL_shutdown(ssl());
    ERR_clear_error();
  }
  error_code ignored;
  socket_.shutdown(StreamSocket::shutdown_send, ignored);
}

Awaitable<void> Stream::linger(Duration limit) {
  auto keep = shared_from_this();
  shut_down();
  set_read_deadline(limit);
  std::array<char, 4096> dropped;
  for (std::size_t total = 0; total < (4u << 20);) {
    auto got = co_await read_some(dropped.data(), dropped.size());
    if (got.error) break;
    total += got.bytes;
  }
  close();
}

void Stream::close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace drover::net
