#include "runtime/keeper_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "runtime/descriptor.hpp"
#include "runtime/keeper_start.hpp"

namespace drover::runtime {

using keeper::Header;
using keeper::Packet;
using keeper::Parsed;
using keeper::Status;
using keeper::Type;

namespace {

struct Reply {
  Header header;
  std::vector<KeeperInstance> instances;  // spawned, or what a list brought
  std::optional<KeeperStatus> status;
  std::vector<std::string> texts;  // of a done
};

/// A request that waits for its answer; owned by the waiting coroutine.
struct Pending {
  Reply reply;
  net::Event done;
  bool lost = false;  // the connection went away: it may have been carried out
};

KeeperInstance instance_of(const Parsed& parsed) {
  auto texts = parsed.texts();
  texts.resize(std::max<std::size_t>(texts.size(), 4));
  return {parsed.as<keeper::InstanceInfo>(), texts[0], texts[1], texts[2], texts[3]};
}

KeeperStatus status_of(const Parsed& parsed) {
  auto texts = parsed.texts();
  texts.resize(std::max<std::size_t>(texts.size(), 5));
  return {parsed.as<keeper::StatusInfo>(), texts[0], texts[1], texts[2], texts[3], texts[4]};
}

std::string_view word(Status status) {
  switch (status) {
    case Status::ok: return "ok";
    case Status::invalid: return "it calls the request invalid";
    case Status::version: return "it speaks another version of the protocol";
    case Status::unsupported: return "it is older than this program and cannot do that";
    case Status::not_found: return "it does not know the instance";
    case Status::conflict: return "a former run is not gone yet";
    case Status::spawn_failed: return "the process could not be started";
    case Status::denied: return "it does not serve this user";
    case Status::unavailable: return "it is not available now";
    case Status::internal: return "internal error";
  }
  return "an answer that this program does not know";
}

Errc code_of(Status status) {
  switch (status) {
    case Status::ok:
    case Status::internal:
    case Status::spawn_failed: return Errc::internal;
    case Status::invalid: return Errc::invalid;
    case Status::version:
    case Status::unsupported: return Errc::unsupported;
    case Status::not_found: return Errc::not_found;
    case Status::conflict: return Errc::conflict;
    case Status::denied: return Errc::denied;
    case Status::unavailable: return Errc::unavailable;
  }
  return Errc::internal;
}

KeeperFailure failure_of(const Header& header) {
  KeeperFailure failure{header.status, header.stage, header.error, {}};
  failure.message = fmt::format("the keeper refused: {}", word(header.status));
  if (header.error != 0) failure.message += fmt::format(" ({})", std::strerror(header.error));
  return failure;
}

KeeperFailure not_reached(std::string why) {
  return {Status::unavailable, keeper::Stage::none, 0, "the keeper cannot be reached: " + std::move(why)};
}

}  // namespace

Error KeeperFailure::as_error() const { return Error{code_of(status), message, {}, {}, {}}; }

using Answered = std::expected<Reply, KeeperFailure>;

struct KeeperClient::Impl {
  Impl(net::Executor its_executor, KeeperOptions its_options, Log& its_log, Callbacks its_callbacks)
      : executor(its_executor),
        options(std::move(its_options)),
        log(its_log),
        callbacks(std::move(its_callbacks)),
        tasks(its_executor, [this](std::string_view, std::string_view what) {
          log.error("a task of the keeper client failed", {{"error", std::string(what)}});
        }) {}

  net::Executor executor;
  KeeperOptions options;
  Log& log;
  Callbacks callbacks;
  net::TaskGroup tasks;
  std::shared_ptr<Descriptor> socket;  // null: not connected
  std::int64_t guard_pid = 0;          // of a guard that we started and have not waited for
  net::Event lost;
  std::uint32_t next_request = 1;
  std::map<std::uint32_t, Pending*> pending;
  net::Event listed;         // connected, and everything has been listed
  std::string last_failure;  // why there is no connection
  bool closing = false;

  /// The connection is of no more use.
  void drop(std::string why) {
    if (!socket) return;
    last_failure = std::move(why);
    listed.reset();
    socket->close();
    socket.reset();
    lost.set();
    for (auto& [request, waiting] : pending) {
      waiting->lost = true;
      waiting->done.set();
    }
    pending.clear();
  }

  void take(std::string_view bytes) {
    const Parsed parsed(bytes);
    if (!parsed.ok) return drop("a packet of it is malformed");
    if (parsed.header.request == 0) {
      if (parsed.header.type == Type::event && callbacks.on_event) callbacks.on_event(instance_of(parsed));
      return;
    }
    const auto found = pending.find(parsed.header.request);
    if (found == pending.end()) return;
    auto& reply = found->second->reply;
    reply.header = parsed.header;
    if (parsed.header.type == Type::instance || (parsed.header.type == Type::spawned))
      reply.instances.push_back(instance_of(parsed));
    if (parsed.header.type == Type::instance) return;  // more comes
    if (parsed.header.type == Type::done) reply.texts = parsed.texts();
    if (parsed.header.type == Type::status_reply) reply.status = status_of(parsed);
    found->second->done.set();
    pending.erase(found);
  }

  net::Awaitable<void> read_all(std::shared_ptr<Descriptor> from) {
    std::string buffer;
    std::vector<int> fds;
    while (socket == from) {
      const auto size = keeper::receive_packet(from->get(), buffer, fds);
      for (int fd : fds) ::close(fd);
      fds.clear();
      if (size > 0) {
        take(buffer);
      } else if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        if (auto ready = co_await from->readable(); !ready) break;
      } else {
        drop(size == 0 ? "it closed the connection" : std::strerror(errno));
        break;
      }
    }
  }

  net::Awaitable<Result<void>> send(std::string bytes, std::vector<int> fds) {
    for (;;) {
      const auto to = socket;
      if (!to) co_return fail(Errc::unavailable, last_failure);
      const bool sent = keeper::send_packet(to->get(), bytes, fds);
      if (sent) co_return Result<void>();
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        drop(std::strerror(errno));
        continue;
      }
      CO_TRYV(co_await to->writable());
    }
  }

  /// `build` gets the number of the request.
  net::Awaitable<Answered> exchange(std::function<std::string(std::uint32_t)> build,
                                    std::vector<int> fds = {}) {
    struct Entry {  // taken out however this ends
      Impl& impl;
      std::uint32_t number;
      Pending waiting;
      Entry(Impl& its_impl) : impl(its_impl), number(its_impl.next_request++) {
        if (impl.next_request == 0) impl.next_request = 1;
        impl.pending[number] = &waiting;
      }
      ~Entry() { impl.pending.erase(number); }
    } entry(*this);
    if (auto sent = co_await send(build(entry.number), std::move(fds)); !sent)
      co_return std::unexpected(not_reached(sent.error().message));
    const bool answered = co_await entry.waiting.done.wait_for(options.request);
    if (!answered) {
      drop("no answer within " + human_duration(options.request));
      co_return std::unexpected(not_reached(last_failure));
    }
    if (entry.waiting.lost) co_return std::unexpected(not_reached(last_failure));
    if (entry.waiting.reply.header.status != Status::ok)
      co_return std::unexpected(failure_of(entry.waiting.reply.header));
    co_return std::move(entry.waiting.reply);
  }

  /// Waits for a connection first.
  net::Awaitable<Answered> ask(std::function<std::string(std::uint32_t)> build, std::vector<int> fds = {}) {
    if (!listed.is_set() && !co_await listed.wait_for(options.request))
      co_return std::unexpected(not_reached(last_failure));
    co_return co_await exchange(std::move(build), std::move(fds));
  }

  static std::string bare(Type type, std::uint32_t request) {
    return Packet(Header{.type = type, .request = request}).bytes();
  }

  net::Awaitable<Result<void>> handshake() {
    auto hello = co_await exchange([](std::uint32_t n) {
      return Packet(Header{.type = Type::hello, .request = n}, keeper::Hello{}).bytes();
    });
    if (!hello) co_return fail(hello.error().as_error());
    auto subscribed = co_await exchange([](std::uint32_t n) {
      return Packet(Header{.type = Type::subscribe, .request = n}, keeper::Subscribe{}).bytes();
    });
    if (!subscribed) co_return fail(subscribed.error().as_error());
    auto all = co_await exchange([](std::uint32_t n) { return bare(Type::list, n); });
    if (!all) co_return fail(all.error().as_error());
    if (callbacks.on_listed) callbacks.on_listed(all->instances);
    co_return Result<void>();
  }

  /// One attempt: connect, say hello, subscribe, list. Starts a keeper if nobody listens.
  net::Awaitable<Result<void>> connect() {
    reap_guard(&guard_pid);  // it may have died, and the keeper taken its place
    int fd = keeper::connect_socket(options.paths.state.c_str(), SOCK_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ECONNREFUSED)) {
      CO_TRYV(co_await start_keeper(options, &guard_pid, log));
      fd = keeper::connect_socket(options.paths.state.c_str(), SOCK_NONBLOCK);
    }
    if (fd < 0) co_return fail(from_errno(errno, "connecting to the keeper"));
    lost.reset();
    socket = std::make_shared<Descriptor>(executor, fd);
    tasks.spawn(read_all(socket), "keeper connection");
    auto ready = co_await handshake();
    if (!ready) drop(ready.error().message);
    if (!socket) co_return fail(Errc::unavailable, "the keeper cannot be reached: " + last_failure);
    listed.set();
    co_return Result<void>();
  }

  /// Stays connected.
  net::Awaitable<void> stay() {
    auto pause = options.reconnect;
    while (!closing) {
      co_await lost.wait();
      if (closing) co_return;
      if (auto again = co_await connect(); again) {
        log.info("connected to the keeper again");
        pause = options.reconnect;
        continue;
      } else if (pause == options.reconnect) {
        log.warn("the keeper cannot be reached", {{"error", again.error().message}});
      }
      lost.set();
      co_await net::sleep_for(pause);
      pause = std::min<Duration>(pause * 2, 1s);
    }
  }
};

KeeperClient::KeeperClient(net::Executor executor, KeeperOptions options, Log& log, Callbacks callbacks)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options), log, std::move(callbacks))) {}
KeeperClient::~KeeperClient() = default;

net::Awaitable<Result<void>> KeeperClient::start() {
  CO_TRYV(co_await impl_->connect());
  impl_->tasks.spawn(impl_->stay(), "keeper reconnect");
  co_return Result<void>();
}

net::Awaitable<void> KeeperClient::close() {
  impl_->closing = true;
  impl_->drop("closed");
  impl_->tasks.cancel();
  co_await impl_->tasks.join();
}

bool KeeperClient::connected() const { return impl_->listed.is_set(); }

net::Awaitable<std::expected<KeeperInstance, KeeperFailure>> KeeperClient::spawn(KeeperSpawn what) {
  const Fd parameters(keeper::sealed_memfd("drover-spawn", keeper::encode(what.spec)));
  if (!parameters) {
    const int error = errno;
    co_return std::unexpected(KeeperFailure{Status::internal, keeper::Stage::params, error,
                                            from_errno(error, "memfd_create").message});
  }
  const auto build = [&what](std::uint32_t n) {
    const keeper::Spawn fixed{.incarnation = what.incarnation,
                              .passed_fds = std::uint32_t(what.sockets.size())};
    Packet packet(Header{.type = Type::spawn, .request = n}, fixed);
    return packet.text(what.key).text(what.token).text(what.correlation).bytes();
  };
  std::vector<int> fds{parameters.get()};
  fds.insert(fds.end(), what.sockets.begin(), what.sockets.end());
  auto reply = co_await impl_->ask(build, std::move(fds));
  if (!reply) co_return std::unexpected(std::move(reply).error());
  if (reply->instances.empty()) co_return std::unexpected(not_reached("its answer lacks the instance"));
  co_return std::move(reply->instances.front());
}

namespace {
template <class Fixed>
std::function<std::string(std::uint32_t)> order(Type type, Fixed fixed, std::string key,
                                                std::string correlation = {}) {
  return [=](std::uint32_t n) {
    return Packet(Header{.type = type, .request = n}, fixed).text(key).text(correlation).bytes();
  };
}
Result<void> only_status(const Answered& reply) {
  if (reply) return {};
  return fail(reply.error().as_error());
}
}  // namespace

net::Awaitable<Result<void>> KeeperClient::stop(std::string key, keeper::Stop what,
                                                std::optional<keeper::SpawnSpec> hook,
                                                std::string correlation) {
  what.hook = hook ? 1 : 0;
  auto request = order(Type::stop, what, std::move(key), std::move(correlation));
  if (!hook) co_return only_status(co_await impl_->ask(std::move(request)));
  const Fd parameters(keeper::sealed_memfd("drover-hook", keeper::encode(*hook)));
  if (!parameters) co_return fail(from_errno(errno, "memfd_create"));
  co_return only_status(co_await impl_->ask(std::move(request), std::vector<int>{parameters.get()}));
}
net::Awaitable<Result<std::vector<std::string>>> KeeperClient::sockets() {
  auto reply = co_await impl_->ask([](std::uint32_t n) { return Impl::bare(Type::sockets, n); });
  if (!reply) co_return fail(reply.error().as_error());
  co_return std::move(reply->texts);
}
net::Awaitable<Result<void>> KeeperClient::release(std::vector<std::string> names) {
  const auto build = [&](std::uint32_t n) {
    Packet packet(Header{.type = Type::release, .request = n});
    for (const auto& name : names) packet.text(name);
    return packet.bytes();
  };
  co_return only_status(co_await impl_->ask(build));
}
net::Awaitable<Result<void>> KeeperClient::signal(std::string key, keeper::Signal what) {
  co_return only_status(co_await impl_->ask(order(Type::signal, what, std::move(key))));
}
net::Awaitable<Result<void>> KeeperClient::adjust(std::string key, keeper::Adjust settings) {
  co_return only_status(co_await impl_->ask(order(Type::adjust, settings, std::move(key))));
}
net::Awaitable<Result<void>> KeeperClient::kill(std::string key, std::uint64_t incarnation) {
  co_return only_status(co_await impl_->ask(order(Type::kill, keeper::Target{incarnation}, std::move(key))));
}
net::Awaitable<Result<void>> KeeperClient::forget(std::string key, std::uint64_t incarnation) {
  co_return only_status(
      co_await impl_->ask(order(Type::forget, keeper::Target{incarnation}, std::move(key))));
}

net::Awaitable<Result<std::vector<KeeperInstance>>> KeeperClient::list() {
  auto reply = co_await impl_->ask([](std::uint32_t n) { return Impl::bare(Type::list, n); });
  if (!reply) co_return fail(reply.error().as_error());
  co_return std::move(reply->instances);
}

net::Awaitable<Result<KeeperStatus>> KeeperClient::status() {
  auto reply = co_await impl_->ask([](std::uint32_t n) { return Impl::bare(Type::status, n); });
  if (!reply) co_return fail(reply.error().as_error());
  if (!reply->status) co_return fail(Errc::internal, "the keeper's answer lacks its status");
  co_return std::move(*reply->status);
}

net::Awaitable<Result<void>> KeeperClient::reexec(std::string binary) {
  co_return only_status(co_await impl_->ask([&](std::uint32_t n) {
    return Packet(Header{.type = Type::reexec, .request = n}).text(binary).bytes();
  }));
}

net::Awaitable<Result<void>> KeeperClient::shutdown(std::vector<std::string> in_order, Duration grace) {
  impl_->closing = true;  // what ends now is not started again
  const auto build = [&](std::uint32_t n) {
    keeper::Shutdown fixed{.grace_ms =
                               std::uint32_t(std::chrono::ceil<std::chrono::milliseconds>(grace).count())};
    Packet packet(Header{.type = Type::shutdown, .request = n}, fixed);
    for (const auto& key : in_order) packet.text(key);
    return packet.bytes();
  };
  co_return only_status(co_await impl_->ask(build));
}

}  // namespace drover::runtime
