#include "hub/hub.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "hub/assets.hpp"
#include "hub/codes.hpp"
#include "hub/jwt.hpp"
#include "hub/serve.hpp"
#include "hub/sessions.hpp"
#include "net/server.hpp"

namespace drover::hub {

namespace {

[[noreturn]] void end_process(Log& log, const Error& error) {
  log.error(
      "the hub ends: what it decided could not be made durable",
      {{"error", error.message}, {"cause", error.cause}, {"hint", "start it again: it reads the truth"}});
  log.flush();
  ::_exit(1);
}

Result<void> make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail(from_errno(error.value(), "cannot make the state directory " + path));
  if (::chmod(path.c_str(), 0700) != 0) return fail(from_errno(errno, "cannot close " + path + " to others"));
  return {};
}

bool is_any(const std::string& address) { return address == "0.0.0.0" || address == "::"; }

/// How other machines reach a listener: its address, or this host's name where it listens on all.
std::string url_of(const HubListen& where, std::uint16_t port) {
  std::string host = where.address;
  if (is_any(host)) {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) == 0) host = name;
  }
  if (host.find(':') != host.npos) host = "[" + host + "]";
  return "https://" + host + ":" + std::to_string(port);
}

/// For the certificate: what was asked for, the addresses that it listens on, and the host's name.
std::vector<std::string> certificate_names(const HubOptions& options) {
  auto names = options.names;
  for (const auto& where : options.listen)
    if (!is_any(where.address) && where.address != "127.0.0.1" && where.address != "::1")
      names.push_back(where.address);
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) == 0 && *name) names.emplace_back(name);
  if (auto url = net::parse_url(options.url)) names.push_back(url->host);
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

}  // namespace

struct Hub::Impl {
  Impl(HubOptions given, HubParts with, std::unique_ptr<store::HubStore> opened, Image image, Authority ca,
       std::string jwt_secret)
      : options(std::move(given)),
        parts(std::move(with)),
        store(std::move(opened)),
        authority(std::move(ca)),
        engine({.settings = options.settings,
                .store = *store,
                .clock = parts.clock,
                .log = parts.log,
                .seed = parts.seed,
                .fatal =
                    [this](const Error& error) {
                      parts.fatal ? parts.fatal(error) : end_process(parts.log, error);
                    }},
               std::move(image)),
        access(engine, ::geteuid(), std::move(jwt_secret)),
        streams(engine),
        api{engine,
            access,
            authority,
            streams,
            worker.executor(0),
            options.version,
            options.revision,
            std::string(ui_build()),
            options.state},
        router(make_router({api, metrics, parts.log, parts.clock.now().boot})),
        server(parts.pool, server_settings(),
               [this](net::Request& request) { return router.answer(request); }),
        links(parts.pool.next(), [this](std::string_view task, std::string_view what) {
          parts.log.error("a link failed", {{"task", std::string(task)}, {"error", std::string(what)}});
        }) {}

  net::ServerSettings server_settings() {
    net::ServerSettings settings;
    settings.body_limit = [this](const net::Request& request) { return router.body_limit(request); };
    settings.on_problem = [this](const Error& error) {
      parts.log.warn(error.message, {{"cause", error.cause}, {"hint", error.hint}});
    };
    return settings;
  }
  Result<void> listen();
  Result<std::shared_ptr<const net::TlsServer>> tls() const;
  net::Awaitable<void> take_sessions(net::MemoryPort& port, NodeId uid);
  net::Awaitable<void> take_streams(net::MemoryPort& port, NodeId uid);

  HubOptions options;
  HubParts parts;
  std::unique_ptr<store::HubStore> store;
  Authority authority;
  net::IoPool worker{1};
  Engine engine;
  Access access;
  LogStreams streams;
  Api api;
  RequestMetrics metrics;
  net::Router router;
  net::HttpServer server;
  net::TaskGroup links;  // sessions in memory
  std::uint16_t port = 0;
  bool stopped = false;
};

Result<std::unique_ptr<Hub>> Hub::open(HubOptions options, HubParts parts) {
  TRYV(make_directory(options.state));
  if (options.socket.empty()) options.socket = options.state + "/hub.sock";
  options.settings.version = options.version;
  auto now = parts.clock.now().wall;
  TRY(auto store, store::HubStore::open(options.state + "/hub.db",
                                        {.reserve = options.reserve, .now = now, .seed = parts.seed}));
  TRY(auto image, store->load());
  TRY(auto authority, Authority::open(options.state + "/ca", certificate_names(options), now));
  std::string jwt_secret;
  if (!options.agent_jwt_secret.empty()) {
    TRY(jwt_secret, read_jwt_secret(options.agent_jwt_secret));
  }
  auto impl = std::make_unique<Impl>(std::move(options), std::move(parts), std::move(store), std::move(image),
                                     std::move(authority), std::move(jwt_secret));
  TRYV(impl->listen());
  return std::unique_ptr<Hub>(new Hub(std::move(impl)));
}

Hub::Hub(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Hub::~Hub() = default;

Result<std::shared_ptr<const net::TlsServer>> Hub::Impl::tls() const {
  net::AgentAdmission agents;
  agents.cas = {authority.ca_certificate()};
  agents.allow_expired = true;  // such a one may renew, and nothing else
  agents.allowed = [this](std::string_view uid, std::string_view serial) {
    return engine.admits(uid, serial);
  };
  return net::TlsServer::create({.identity = authority.hub(), .agents = std::move(agents)});
}

Result<void> Hub::Impl::listen() {
  TRYV(server.listen(net::ListenUnix{.path = options.socket, .mode = 0600}));
  if (options.listen.empty()) return {};
  TRY(auto secure, tls());
  for (const auto& where : options.listen) {
    net::ListenTcp tcp{.address = where.address, .port = where.port, .tls = secure};
    tcp.also_plain = true;
    tcp.also_hosts = options.also_hosts;
    TRY(auto bound, server.listen(std::move(tcp)));
    if (port != 0) continue;
    port = bound;
    authority.set_url(options.url.empty() ? url_of(where, bound) : options.url);
  }
  return {};
}

void Hub::start() {
  impl_->engine.start();
  impl_->server.start();
}

net::Awaitable<void> Hub::stop(Duration grace) {
  if (std::exchange(impl_->stopped, true)) co_return;
  co_await impl_->server.stop(grace);
  impl_->links.cancel();
  co_await impl_->links.join();
  co_await impl_->engine.close(grace + 3s);
}

const std::string& Hub::socket() const { return impl_->options.socket; }
std::uint16_t Hub::port() const { return impl_->port; }
const std::string& Hub::url() const { return impl_->authority.url(); }

// ---- the agent of the same process

net::Awaitable<void> Hub::Impl::take_sessions(net::MemoryPort& from, NodeId uid) {
  while (auto link = co_await from.accept())
    co_await run_session(engine, parts.log, std::move(*link), uid, "this process");
}

net::Awaitable<void> Hub::Impl::take_streams(net::MemoryPort& from, NodeId uid) {
  while (auto stream = co_await from.accept_stream()) {
    auto link = stream->link;
    if (!co_await streams.offer(std::move(stream->id), uid, std::move(link)))
      stream->link->close("nobody waits for this stream");
  }
}

net::Awaitable<Result<void>> Hub::attach(net::MemoryPort& port, NodeId uid, std::string name) {
  auto& engine = impl_->engine;
  auto [known, taken] = co_await engine.peek([uid, name](const HubCore& core) {
    return std::pair(core.state().nodes.contains(uid), core.state().node_names.contains(name));
  });
  if (!known) {
    Who who{.actor = "system", .origin = "hub", .correlation = random_trace()};
    auto now = impl_->parts.clock.now().wall;
    auto hash = hash_of_secret(random_token());
    JoinToken token{.id = fresh_id<TokenId>(impl_->api), .hash = hash, .replace = taken ? name : ""};
    token.who = who;
    token.created_at = now;
    token.expires_at = now + 60s;
    CO_TRY([[maybe_unused]] auto made, co_await engine.submit(who, PutJoinToken{token}));
    CO_TRY([[maybe_unused]] auto done,
           co_await engine.submit(who, RegisterNode{hash, uid, name, "memory", ""}));
  }
  impl_->links.spawn(impl_->take_sessions(port, uid), "sessions in memory");
  impl_->links.spawn(impl_->take_streams(port, uid), "streams in memory");
  co_return Result<void>();
}

net::Awaitable<Result<std::string>> Hub::login_link() {
  auto secret = random_token();
  auto now = impl_->parts.clock.now().wall;
  Credential it{
      .id = fresh_id<TokenId>(impl_->api), .kind = "link", .hash = hash_of_secret(secret), .user = "admin"};
  it.created_at = now;
  it.expires_at = now + 15min;
  Who who{.actor = "system", .origin = "hub", .correlation = random_trace()};
  CO_TRY([[maybe_unused]] auto done, co_await impl_->engine.submit(who, PutCredential{std::move(it)}));
  co_return "http://127.0.0.1:" + std::to_string(impl_->port) + "/#login=" + secret;
}

net::Awaitable<bool> Hub::needs_login_link() {
  return impl_->engine.peek([](const HubCore& core) { return core.state().users.empty(); });
}

}  // namespace drover::hub
