#pragma once
// The threads that run the coroutines: one io_context per thread, so every executor is serial.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "net/async.hpp"

namespace drover::net {

class IoPool {
 public:
  /// Starts the threads at once. `threads` ≥ 1. All signals are blocked in them (see Signals).
  explicit IoPool(std::size_t threads);
  /// Stops. All TaskGroups on it must have been joined before; what still waits is dropped.
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  std::size_t size() const;
  Executor executor(std::size_t index) const;  // index modulo size
  Executor next();                             // round-robin; any thread
  /// Ends the threads and joins them. Not from a pool thread. Idempotent.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Runs a coroutine on `executor` and blocks this thread (not one of the pool) until it has ended. For main
/// and tests.
void wait_for(Executor executor, Awaitable<void> work);
/// The same on an io_context of this thread, for programs that need no pool: the CLI.
void block_on(Awaitable<void> work);

namespace detail {
template <class T>
Awaitable<void> store(Awaitable<T> work, std::optional<T>* out) {
  out->emplace(co_await std::move(work));
}
}  // namespace detail

template <class T>
T wait_for(Executor executor, Awaitable<T> work) {
  std::optional<T> out;
  wait_for(std::move(executor), detail::store<T>(std::move(work), &out));
  return std::move(*out);
}
template <class T>
T block_on(Awaitable<T> work) {
  std::optional<T> out;
  block_on(detail::store<T>(std::move(work), &out));
  return std::move(*out);
}

/// SIGINT and SIGTERM (and SIGHUP) as calls on an executor, for as long as this object lives. One at a time
/// per process.
class Signals {
 public:
  Signals(Executor executor, std::function<void(int signal)> on_signal);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace drover::net
