#include "net/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

namespace drover::net {

namespace asio = boost::asio;

namespace {

constexpr int backlog = 4096;  // the kernel caps it at somaxconn; a returning fleet waits here
constexpr Duration pause_when_short = 100ms;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<Address> tcp_address(const ListenTcp& where) {
  Address out;
  auto* four = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* six = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET, where.address.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(where.port);
    out.size = sizeof *four;
  } else if (inet_pton(AF_INET6, where.address.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(where.port);
    out.size = sizeof *six;
  } else {
    return fail(Errc::invalid, "\"" + where.address + "\" is not an IP address to listen on");
  }
  return out;
}

Error listen_error(int number, const std::string& where) {
  if (number == EADDRINUSE)
    return {Errc::conflict, where + " is in use by another program", {}, "stop it or choose another port"};
  if (number == EACCES)
    return {Errc::denied, "not allowed to listen on " + where, {}, "ports below 1024 need root"};
  if (number == EADDRNOTAVAIL) return {Errc::invalid, where + ": this machine has no such address"};
  return from_errno(number, "cannot listen on " + where);
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof out.sun_path)
    return fail(Errc::invalid, "the socket's path must have 1 to 107 bytes", path,
                "use a shorter state directory");
  std::memcpy(out.sun_path, path.data(), path.size());
  return out;
}

// A socket file that a killed process left behind is removed; one that answers is not ours to take.
Result<void> clear_stale(const ListenUnix& where, const sockaddr_un& address) {
  struct stat facts{};
  if (::lstat(where.path.c_str(), &facts) != 0) return {};
  if (!S_ISSOCK(facts.st_mode)) return fail(Errc::conflict, where.path + " exists and is not a socket");
  Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int answer = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (answer == 0 || errno == EAGAIN) return fail(Errc::conflict, "another program listens on " + where.path);
  if (errno != ECONNREFUSED) return fail(from_errno(errno, "cannot look at " + where.path));
  ::unlink(where.path.c_str());
  return {};
}

std::string show_address(const sockaddr_storage& storage, std::uint16_t& port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(storage);
    port = ntohs(four.sin_port);
    inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    return text.data();
  }
  const auto& six = reinterpret_cast<const sockaddr_in6&>(storage);
  port = ntohs(six.sin6_port);
  if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
    inet_ntop(AF_INET, &six.sin6_addr.s6_addr[12], text.data(), text.size());
  else inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
  return text.data();
}

std::shared_ptr<Peer> describe_peer(int socket, const sockaddr_storage& storage) {
  auto peer = std::make_shared<Peer>();
  if (storage.ss_family == AF_INET || storage.ss_family == AF_INET6) {
    peer->address = show_address(storage, peer->port);
    int one = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return peer;
  }
  peer->transport = Transport::unix_socket;
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0) {
    peer->credentials = UnixCredentials{who.uid, who.gid, who.pid};
    peer->uid = who.uid;
  }
  return peer;
}

bool gone_already(int number) {
  return number == ECONNABORTED || number == EPROTO || number == EINTR || number == EPERM ||
         number == ENETDOWN || number == EHOSTDOWN || number == ENONET || number == EHOSTUNREACH ||
         number == ENETUNREACH;
}

}  // namespace

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (value_ >= 0) ::close(value_);
    value_ = other.release();
  }
  return *this;
}

Result<Descriptor> open_tcp(const ListenTcp& where) {
  TRY(auto address, tcp_address(where));
  auto shown = "port " + std::to_string(where.port) + " on " + where.address;
  int family = address.storage.ss_family;
  Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail(from_errno(errno, "cannot make a socket"));
  int on = 1, off = 0;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(socket.get(), address.get(), address.size) != 0 || ::listen(socket.get(), backlog) != 0)
    return fail(listen_error(errno, shown));
  return socket;
}

Result<Descriptor> open_unix(const ListenUnix& where) {
  TRY(auto address, unix_address(where.path));
  TRYV(clear_stale(where, address));
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail(from_errno(errno, "cannot make a socket"));
  ::fchmod(socket.get(), 0600);  // the file is born with this mode: no moment in which others may connect
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(listen_error(errno, where.path));
  bool fine = !where.group || ::chown(where.path.c_str(), uid_t(-1), gid_t(*where.group)) == 0;
  if (!fine || ::chmod(where.path.c_str(), where.mode) != 0 || ::listen(socket.get(), backlog) != 0) {
    auto error = from_errno(errno, "cannot set up the socket " + where.path);
    ::unlink(where.path.c_str());
    return fail(std::move(error));
  }
  return socket;
}

std::uint16_t port_of(const Descriptor& socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  std::uint16_t port = 0;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) == 0)
    show_address(storage, port);
  return port;
}

Listener::Listener(Executor executor, Descriptor socket, Limits limits)
    : executor_(executor),
      socket_(executor, asio::generic::stream_protocol(AF_UNIX, 0), socket.release()),
      limits_(limits) {}

Awaitable<void> Listener::run(std::function<void(Accepted)> on_accept,
                              std::function<void(const Error&)> on_problem) {
  bool short_of_something = false;
  for (;;) {
    co_await wait_for_room();
    auto accepted = accept_one();
    if (!accepted) {
      // Out of descriptors or memory: the connection waits in the backlog. Said once, not ten times a second.
      if (!std::exchange(short_of_something, true)) on_problem(accepted.error());
      co_await sleep_for(pause_when_short);
      continue;
    }
    short_of_something = false;
    if (!*accepted) {
      co_await socket_.async_wait(StreamSocket::wait_read, asio::as_tuple(asio::use_awaitable));
      if (!socket_.is_open()) co_return;
      continue;
    }
    if (admit(**accepted)) on_accept(std::move(**accepted));
  }
}

Awaitable<void> Listener::wait_for_room() {
  while (connections_ >= limits_.connections || handshakes_ >= limits_.handshakes) {
    room_.reset();
    co_await room_.wait();
  }
}

Result<std::optional<Accepted>> Listener::accept_one() {
  for (;;) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    Descriptor taken(::accept4(socket_.native_handle(), reinterpret_cast<sockaddr*>(&storage), &size,
                               SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (taken) {
      auto peer = describe_peer(taken.get(), storage);
      return Accepted{std::move(taken), storage.ss_family, std::move(peer)};
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<Accepted>();
    if (!gone_already(errno)) return fail(from_errno(errno, "cannot accept connections"));
  }
}

bool Listener::admit(const Accepted& accepted) {
  if (!accepted.peer->loopback()) {
    auto& count = addresses_[accepted.peer->address];
    if (count >= limits_.per_address) return false;
    ++count;
  }
  ++connections_;
  ++handshakes_;
  return true;
}

void Listener::handshake_ended() {
  asio::post(executor_, [this] {
    --handshakes_;
    room_.set();
  });
}

void Listener::ended(const std::string& address) {
  asio::post(executor_, [this, address] {
    --connections_;
    room_.set();
    auto found = addresses_.find(address);
    if (found != addresses_.end() && --found->second == 0) addresses_.erase(found);
  });
}

void Listener::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace drover::net
