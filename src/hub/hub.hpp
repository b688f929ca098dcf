#pragma once
// The hub: core, store, API, agents' sessions and web UI put together. One per state directory.
//
//   HubOptions options{.state = dir};
//   TRY(auto hub, hub::Hub::open(options, {pool, clock, log, seed}));
//   TRYV(hub->start());
//   … net::wait_for(pool.executor(0), hub->stop());
//
// STATE holds hub.db, ca/, hub.sock. stop() before destruction.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "core/hub/io.hpp"
#include "net/channel.hpp"
#include "net/io_pool.hpp"

namespace drover::hub {

/// Where TCP callers come in. Always TLS; from loopback plain HTTP too, on the same port (the UI on this
/// machine).
struct HubListen {
  std::string address = "127.0.0.1";
  std::uint16_t port = 3079;  // 0: any free one
};

struct HubOptions {
  std::string state;   // directory; made if missing
  std::string socket;  // empty: STATE/hub.sock
  std::vector<HubListen> listen{HubListen{}};
  std::string url;  // for join lines: "https://hub.example:3079"; empty: from the first listener
  std::vector<std::string> names;  // more names and addresses for the hub's certificate
  std::vector<std::string> also_hosts;
  HubSettings settings;
  std::string version = "0.1.0", revision;
  std::uint64_t reserve = 8ull << 20;  // bytes kept free for a full disk
  std::string
      agent_jwt_secret;  // file with the secret of HS256 tokens of agents that are scripts; empty: none
};

/// The world that main gives it. The pool needs one thread or more.
struct HubParts {
  net::IoPool& pool;
  const Clock& clock;
  Log& log;
  std::uint64_t seed = 0;
  /// A commit has failed: the process must end, the next start reads the truth. Empty: _exit(1).
  std::function<void(const Error&)> fatal;
};

class Hub {
 public:
  /// Opens the store, makes what is missing, binds. conflict: the store or a port is in use, by whom is said.
  static Result<std::unique_ptr<Hub>> open(HubOptions options, HubParts parts);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// Serves from now on.
  void start();
  /// Ends requests within `grace`, makes everything durable, closes. Idempotent.
  net::Awaitable<void> stop(Duration grace = 2s);

  /// The agent of the same process: its node is registered under `uid` (a node of that name is replaced), and
  /// sessions and streams are taken from `port`, which outlives stop().
  net::Awaitable<Result<void>> attach(net::MemoryPort& port, NodeId uid, std::string name);
  /// A one-time link for a browser: "http://127.0.0.1:3079/#login=…".
  net::Awaitable<Result<std::string>> login_link();
  /// True: nobody has a password yet; the first start prints a link.
  net::Awaitable<bool> needs_login_link();

  const std::string& socket() const;  // path of the Unix socket
  std::uint16_t port() const;         // of the first listener; 0: none
  const std::string& url() const;     // as in join lines

 private:
  struct Impl;
  explicit Hub(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace drover::hub
