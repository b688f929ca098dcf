#pragma once
// One connected socket, plain or TLS: a single type for TCP, Unix sockets and TLS, so that Beast's templates
// exist once. OpenSSL works on the descriptor itself, which costs a third of the memory of asio::ssl::stream.
// Internal.

#include <algorithm>
#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/async.hpp"
#include "net/tls_session.hpp"

namespace drover::net {

using StreamSocket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Executor>;

struct IoResult {
  std::size_t bytes = 0;
  boost::system::error_code error;  // asio::error::eof at the end, timed_out by our limits
};

/// Owned by shared_ptr: timers and operations hold it. One reader and one writer at a time, on its executor.
/// When a limit passes the socket is closed and every operation ends with timed_out: a stream is not used
/// after that.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(StreamSocket socket, TlsSession tls);
  ~Stream();

  Executor executor() { return socket_.get_executor(); }
  SSL* ssl() { return tls_.ssl.get(); }
  int descriptor() { return socket_.native_handle(); }

  /// Waiting for bytes to come or go without progress ends the stream after this. Applies from the next wait
  /// on.
  void set_read_limit(Duration limit) { sides_[0].limit = limit; }
  void set_write_limit(Duration limit) { sides_[1].limit = limit; }
  /// Reading as a whole (a head, a handshake) ends by then, however steadily bytes drip in.
  void set_read_deadline(Duration from_now);
  void clear_read_deadline();

  Awaitable<boost::system::error_code> handshake(Duration limit);
  Awaitable<IoResult> read_some(char* data, std::size_t size);
  Awaitable<boost::system::error_code> write(std::string_view bytes);  // all of them
  /// Bytes that were read too far; the next read gives them first.
  void unread(std::string bytes);

  bool timed_out() const { return timed_out_; }
  /// What TLS said last when it failed; "" otherwise.
  const std::string& tls_error() const { return tls_error_; }
  bool tls_refused() const { return tls_refused_; }  // one side did not accept the other's certificate
  /// Readable, or closed by the peer: an idle connection is not to be used again then.
  bool stirred();
  /// Says goodbye (close_notify, FIN) without waiting.
  void shut_down();
  /// Reads and drops what still comes, so that the peer gets our last answer before a reset; then closes.
  Awaitable<void> linger(Duration limit);
  void close();

  // For Beast: the AsyncReadStream and AsyncWriteStream operations.
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    boost::asio::mutable_buffer first;
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers); ++it) {
      first = *it;
      if (first.size() > 0) break;
    }
    Operation operation{shared_from_this(), Side::read, static_cast<char*>(first.data()), first.size()};
    return start(std::move(operation), std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    Operation operation{shared_from_this(), Side::write, nullptr, 0};
    boost::asio::const_buffer first;
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers); ++it) {
      boost::asio::const_buffer next = *it;
      if (next.size() == 0) continue;
      if (first.size() == 0) first = next;
      else operation.gather(first, next);
      if (operation.gathered.size() >= gather_limit || first.size() >= gather_limit) break;
    }
    operation.data = const_cast<char*>(static_cast<const char*>(first.data()));  // only read, see try_once
    operation.size = first.size();
    return start(std::move(operation), std::forward<Token>(token));
  }

 private:
  static constexpr std::size_t gather_limit = 4096;
  enum class Side : std::uint8_t { read = 0, write = 1, handshake = 2 };
  enum class Wait : std::uint8_t { none, readable, writable };
  struct Attempt {
    IoResult result;
    Wait wait = Wait::none;
  };
  struct Limits {
    explicit Limits(const Executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;
    Duration limit = 30s;
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
    std::uint64_t turn = 0;  // tells a late timer from the current one
  };

  /// One read, write or handshake step: tries, waits, tries again.
  struct Operation {
    std::shared_ptr<Stream> stream;
    Side side;
    char* data;
    std::size_t size;
    bool posted = false;  // the result below is handed over by a post, never from inside the initiating call
    bool waited = false;
    IoResult result{};
    std::string
        gathered{};  // small pieces (a frame's header and its payload) as one packet and one TLS record

    void gather(boost::asio::const_buffer first, boost::asio::const_buffer next) {
      if (gathered.empty()) gathered.assign(static_cast<const char*>(first.data()), first.size());
      auto room = gather_limit - std::min(gather_limit, gathered.size());
      gathered.append(static_cast<const char*>(next.data()), std::min(room, next.size()));
    }

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}) {
      if (posted) return self.complete(result.error, result.bytes);
      if (waited) {
        stream->disarm(side);
        if (error || stream->timed_out_)
          return self.complete(stream->timed_out_ ? make_error_code(boost::asio::error::timed_out) : error,
                               0);
      }
      bool whole = gathered.empty();
      auto attempt = stream->try_once(side, whole ? data : gathered.data(), whole ? size : gathered.size());
      if (attempt.wait == Wait::none) {
        if (waited) return self.complete(attempt.result.error, attempt.result.bytes);
        posted = true;
        result = attempt.result;
        return boost::asio::post(stream->executor(), std::move(self));
      }
      waited = true;
      auto& socket = stream->socket_;
      stream->arm(side);
      auto kind = attempt.wait == Wait::readable ? StreamSocket::wait_read : StreamSocket::wait_write;
      socket.async_wait(kind, std::move(self));
    }
  };
  template <class Token>
  auto start(Operation operation, Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        std::move(operation), token, socket_);
  }

  Attempt try_once(Side side, char* data, std::size_t size);
  Attempt try_plain(Side side, char* data, std::size_t size);
  Attempt try_tls(Side side, char* data, std::size_t size);
  Attempt tls_failure(int result);
  void arm(Side side);
  void disarm(Side side);
  Limits& limits(Side side) { return sides_[side == Side::write ? 1 : 0]; }

  StreamSocket socket_;
  TlsSession tls_;
  std::array<Limits, 2> sides_;
  std::string pending_;
  std::string tls_error_;
  bool timed_out_ = false;
  bool tls_refused_ = false;
  bool tls_broken_ = false;
};

using StreamPtr = std::shared_ptr<Stream>;

}  // namespace drover::net
