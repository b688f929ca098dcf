#include "net/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>
#include <utility>

#include "net/connection.hpp"
#include "net/listener.hpp"
#include "net/loopback_peer.hpp"
#include "net/websocket_impl.hpp"

namespace drover::net {

namespace {

// Runs a function when a coroutine is left, however it is left.
template <class Function>
class AtExit {
 public:
  explicit AtExit(Function function) : function_(std::move(function)) {}
  ~AtExit() { function_(); }
  AtExit(const AtExit&) = delete;
  AtExit& operator=(const AtExit&) = delete;

 private:
  Function function_;
};

std::vector<std::string> loopback_hosts(const ListenTcp& where, std::uint16_t port) {
  bool loopback = where.address == "::1" || where.address.starts_with("127.") || where.also_plain;
  if ((where.tls && !where.also_plain) || !loopback) return {};
  std::vector<std::string> hosts;
  auto suffix = ":" + std::to_string(port);
  for (std::string name : {"localhost", "127.0.0.1", "[::1]"}) {
    hosts.push_back(name + suffix);
    if (port == 80) hosts.push_back(name);
  }
  if (where.address != "127.0.0.1" && where.address != "::1") hosts.push_back(where.address + suffix);
  for (const auto& name : where.also_hosts) hosts.push_back(name);
  return hosts;
}

Awaitable<Result<void>> readable(StreamSocket& socket) {
  auto [error] =
      co_await socket.async_wait(StreamSocket::wait_read, boost::asio::as_tuple(boost::asio::use_awaitable));
  if (error) co_return fail(Errc::unavailable, "the connection has ended");
  co_return Result<void>();
}

}  // namespace

struct HttpServer::Impl {
  struct Lane {
    explicit Lane(Executor where, TaskGroup::OnException on_exception)
        : executor(where), tasks(std::move(where), std::move(on_exception)) {}
    Executor executor;
    TaskGroup tasks;
    std::set<Connection*> connections;  // on its executor only
  };
  struct Door {  // a listener and what its connections need
    std::unique_ptr<Listener> listener;
    std::atomic<std::shared_ptr<const TlsServer>> tls;
    std::vector<std::string> hosts;
    std::string socket_path;
    bool identify_callers = false;
    bool also_plain = false;
  };

  Impl(IoPool& pool, ServerSettings settings, Handler handler)
      : front(pool.executor(0)), accepting(front, on_exception()) {
    shared.settings = std::move(settings);
    shared.handler = std::move(handler);
    for (std::size_t i = 0; i < pool.size(); ++i)
      lanes.push_back(std::make_unique<Lane>(pool.executor(i), on_exception()));
  }

  TaskGroup::OnException on_exception() {
    return [this](std::string_view task, std::string_view what) {
      shared.problem(Error{Errc::internal, "a connection ended with an exception", std::string(what),
                           std::string(task)});
    };
  }
  Door& add(Descriptor socket) {
    auto door = std::make_unique<Door>();
    const auto& limits = shared.settings;
    door->listener = std::make_unique<Listener>(
        front, std::move(socket),
        Listener::Limits{limits.max_connections, limits.max_per_address, limits.max_handshakes});
    return *doors.emplace_back(std::move(door));
  }

  void open(Door* door, Accepted accepted) {
    auto& lane = *lanes[turn++ % lanes.size()];
    ++open_count;
    if (door->identify_callers) accepted.peer->uid = owner_of_other_end(accepted.socket.get());
    auto place = on_end(door, accepted.peer->address);
    lane.tasks.spawn(serve(door, &lane, std::move(accepted), std::move(place)), "connection");
  }
  // Gives the place back when the coroutine's frame goes, started or not.
  std::shared_ptr<void> on_end(Door* door, std::string address) {
    return std::shared_ptr<void>(nullptr, [this, door, address](void*) {
      --open_count;
      door->listener->ended(address);
    });
  }
  Awaitable<bool> speaks_plain(Door* door, StreamSocket& socket, const Peer& peer);
  Awaitable<void> serve(Door* door, Lane* lane, Accepted accepted, std::shared_ptr<void> place);
  Awaitable<void> stop_lane(Lane* lane);

  ServerShared shared;
  Executor front;
  TaskGroup accepting;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<std::unique_ptr<Door>> doors;
  std::atomic<std::size_t> open_count = 0;
  std::size_t turn = 0;
};

/// A TLS connection begins with 0x16 (handshake), a plain one with a letter.
Awaitable<bool> HttpServer::Impl::speaks_plain(Door* door, StreamSocket& socket, const Peer& peer) {
  if (!door->tls.load()) co_return true;
  if (!door->also_plain || !peer.loopback()) co_return false;
  auto ready = within(shared.settings.handshake, readable(socket), "the first byte");
  if (!co_await std::move(ready)) co_return false;
  char first = 0;
  co_return ::recv(socket.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first != 0x16;
}

Awaitable<void> HttpServer::Impl::serve(Door* door, Lane* lane, Accepted accepted,
                                        std::shared_ptr<void> place) {
  bool told = false;
  auto handshake_done = [&told, door] {
    if (!std::exchange(told, true)) door->listener->handshake_ended();
  };
  AtExit always(handshake_done);
  StreamSocket socket(lane->executor, boost::asio::generic::stream_protocol(accepted.family, 0),
                      accepted.socket.release());
  bool plain = co_await speaks_plain(door, socket, *accepted.peer);
  TlsSession tls;
  if (auto settings = door->tls.load(); settings && !plain) {
    auto session = accept_tls(settings);
    if (!session) {
      shared.problem(session.error());
      co_return;
    }
    tls = std::move(*session);
    accepted.peer->transport = Transport::tls;
  }
  auto hosts = plain ? door->hosts : std::vector<std::string>();
  Connection connection(shared, std::make_shared<Stream>(std::move(socket), std::move(tls)),
                        {accepted.peer, std::move(hosts)});
  lane->connections.insert(&connection);
  AtExit forget([lane, &connection] { lane->connections.erase(&connection); });
  co_await connection.run(handshake_done);
}

// On the lane's executor.
Awaitable<void> HttpServer::Impl::stop_lane(Lane* lane) {
  for (auto* connection : lane->connections) {
    connection->interrupt();
    if (auto socket = connection->websocket(); !socket.expired())
      lane->tasks.spawn(close_going_away(socket), "close");
  }
  co_return;
}

HttpServer::HttpServer(IoPool& pool, ServerSettings settings, Handler handler)
    : impl_(std::make_shared<Impl>(pool, std::move(settings), std::move(handler))) {}

HttpServer::~HttpServer() {
  DROVER_ASSERT(impl_->accepting.size() == 0 && impl_->open_count == 0,
                "an HttpServer was destroyed before stop()");
}

Result<std::uint16_t> HttpServer::listen(ListenTcp where) {
  TRY(auto socket, open_tcp(where));
  auto port = port_of(socket);
  auto& door = impl_->add(std::move(socket));
  door.hosts = loopback_hosts(where, port);
  door.tls = where.tls;
  door.identify_callers = where.identify_callers;
  door.also_plain = where.also_plain;
  return port;
}

Result<void> HttpServer::listen(ListenUnix where) {
  TRY(auto socket, open_unix(where));
  impl_->add(std::move(socket)).socket_path = where.path;
  return {};
}

void HttpServer::start() {
  for (auto& door : impl_->doors) {
    impl_->accepting.spawn(
        door->listener->run(
            [impl = impl_.get(), at = door.get()](Accepted accepted) { impl->open(at, std::move(accepted)); },
            [impl = impl_.get()](const Error& error) { impl->shared.problem(error); }),
        "accept");
  }
}

void HttpServer::replace_tls(std::shared_ptr<const TlsServer> tls) {
  for (auto& door : impl_->doors)
    if (door->tls.load()) door->tls = tls;
}

std::size_t HttpServer::connections() const { return impl_->open_count; }

Awaitable<void> HttpServer::stop(Duration grace) {
  auto until = std::chrono::steady_clock::now() + grace;
  impl_->shared.stopping = true;
  impl_->accepting.cancel();
  co_await impl_->accepting.join();
  for (auto& door : impl_->doors) {
    co_await run_on(impl_->front, [at = door.get()] { at->listener->close(); });
    if (!door->socket_path.empty()) ::unlink(door->socket_path.c_str());
  }
  for (auto& lane : impl_->lanes) lane->tasks.spawn(impl_->stop_lane(lane.get()), "stop");
  for (auto& lane : impl_->lanes) {
    auto left = std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now());
    // When its time is over, first_of cancels the join, which cancels the group and then waits for it.
    co_await first_of(lane->tasks.join(), sleep_for(std::max(left, Duration(0))));
  }
  // The last places are given back by posts to the front executor.
  co_await run_on(impl_->front, [] {});
}

}  // namespace drover::net
