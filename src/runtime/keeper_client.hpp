#pragma once
// The agent's end of keeper/protocol.hpp: starts guard and keeper if none runs, stays connected, asks,
// listens.
//
// Lives on one executor. A keeper that dies is started again by its guard; when both are gone, by this. After
// each connection everything is listed anew, so no end is missed: `on_listed` before the first `on_event` of
// that connection.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "keeper/spawn_spec.hpp"
#include "net/async.hpp"
#include "runtime/paths.hpp"

namespace drover::runtime {

struct KeeperOptions {
  Paths paths;
  std::string binary;         // drover-keeper; empty: find_keeper()
  Duration request = 10s;     // for one answer
  Duration start = 30s;       // from the start of a keeper to its first answer: at boot machines are slow
  Duration reconnect = 20ms;  // first pause between two attempts; doubles up to 1 s
};

/// DROVER_KEEPER, else beside our own executable, else ../libexec/drover/ and /usr/libexec/drover/.
Result<std::string> find_keeper();

struct KeeperInstance {
  keeper::InstanceInfo info;
  std::string key, token, cgroup, log_directory;
};

struct KeeperStatus {
  keeper::StatusInfo info;
  std::string level, spawn_way, cgroup_base, version, controllers;
};

/// A request that the keeper refused, or that did not reach it (status unavailable or internal).
struct KeeperFailure {
  keeper::Status status = keeper::Status::internal;
  keeper::Stage stage = keeper::Stage::none;
  int error = 0;        // errno, where one is known
  std::string message;  // for people
  Error as_error() const;
};

struct KeeperSpawn {
  std::string key, token;
  std::uint64_t incarnation = 0;
  keeper::SpawnSpec spec;
  std::vector<int> sockets;      // for those of its names that say `sent`; the caller's
  std::string correlation = {};  // for the keeper's log
};

class KeeperClient {
 public:
  struct Callbacks {
    std::function<void(const std::vector<KeeperInstance>&)> on_listed;
    std::function<void(const KeeperInstance&)> on_event;  // life events
  };
  KeeperClient(net::Executor executor, KeeperOptions options, Log& log, Callbacks callbacks);
  ~KeeperClient();
  KeeperClient(const KeeperClient&) = delete;
  KeeperClient& operator=(const KeeperClient&) = delete;

  /// Returns when connected and listed for the first time, or cannot be. Afterwards stays connected by
  /// itself.
  net::Awaitable<Result<void>> start();
  /// Ends the connection, not the keeper. Call before destruction.
  net::Awaitable<void> close();
  bool connected() const;

  net::Awaitable<std::expected<KeeperInstance, KeeperFailure>> spawn(KeeperSpawn what);
  /// `hook`: the command before the first signal. `correlation`: for the keeper's log.
  net::Awaitable<Result<void>> stop(std::string key, keeper::Stop order,
                                    std::optional<keeper::SpawnSpec> hook = std::nullopt,
                                    std::string correlation = {});
  /// The names of all sockets that it holds, and their end.
  net::Awaitable<Result<std::vector<std::string>>> sockets();
  net::Awaitable<Result<void>> release(std::vector<std::string> names);
  /// Of a run that is gone: success.
  net::Awaitable<Result<void>> adjust(std::string key, keeper::Adjust settings);
  net::Awaitable<Result<void>> signal(std::string key, keeper::Signal order);
  net::Awaitable<Result<void>> kill(std::string key, std::uint64_t incarnation);
  net::Awaitable<Result<void>> forget(std::string key, std::uint64_t incarnation);
  net::Awaitable<Result<std::vector<KeeperInstance>>> list();
  net::Awaitable<Result<KeeperStatus>> status();
  /// Guard and keeper become the program at `binary` (absolute), which was tried first. Afterwards the
  /// connection is lost and comes again. unsupported: it is none of ours; unavailable: not now.
  net::Awaitable<Result<void>> reexec(std::string binary);
  /// All instances are stopped, `in_order` first, one after the other; then guard and keeper end.
  net::Awaitable<Result<void>> shutdown(std::vector<std::string> in_order, Duration grace);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace drover::runtime
