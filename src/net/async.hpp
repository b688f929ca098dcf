#pragma once
// Coroutines that are owned, bounded and joined.
//
// Rules (style.md):
//  - A coroutine is a free or member function and takes its parameters by value, or by reference to something
//    that outlives it (the object that owns its TaskGroup).
//  - Never a lambda that captures and is itself a coroutine: its captures die with the lambda, not with the
//    coroutine. A std::function that is asked for an Awaitable holds a plain lambda which *calls* a
//    coroutine:
//        response.stream = [&hub, since](BodyWriter& out) { return write_events(hub, since, out); };
//  - Nothing is detached: a TaskGroup owns it.
//  - Every Executor here is serial (IoPool has one thread per io_context): the coroutines of one executor
//  never
//    run at the same time, so what they share needs no lock.
//  - Cancellation is an exception: at its next wait a cancelled coroutine is thrown out of by
//    boost::system::system_error(operation_aborted). Destructors clean up; do not catch it. A Result that
//    says "cancelled" is possible too; treat it like any failure.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/time.hpp"

namespace drover::net {

using Executor = boost::asio::any_io_executor;
template <class T>
using Awaitable = boost::asio::awaitable<T, Executor>;

/// The executor of the calling coroutine.
Awaitable<Executor> current_executor();
Awaitable<void> sleep_for(Duration duration);
/// Lets others on this executor run first.
Awaitable<void> yield_now();
/// Runs a plain function on another executor (a database thread, say) and comes back to this one. Not
/// cancellable: the wait ends when the function has returned. What it throws is thrown here.
Awaitable<void> run_on(Executor other, std::function<void()> function);
/// Runs one function on any executor, later; never inside this call. For telling another thread's objects
/// something.
void post(Executor executor, std::function<void()> function);

/// Runs both on this executor; when one ends, cancels the other and waits until it has ended too. Which ended
/// first: 0 or 1. An exception of either (not that cancellation) is thrown here. For a reading and a writing
/// loop.
Awaitable<int> first_of(Awaitable<void> a, Awaitable<void> b);

namespace detail {
class Waiters;
template <class T>
Awaitable<void> keep(Awaitable<Result<T>> work, std::optional<Result<T>>* result) {
  result->emplace(co_await std::move(work));
}
}  // namespace detail

/// Runs `work` for at most `deadline`; then cancels it, waits until it has ended, and returns Errc::timeout
/// (or its result after all, if it got one in that moment). `what` names the work in the error.
template <class T>
Awaitable<Result<T>> within(Duration deadline, Awaitable<Result<T>> work,
                            std::string_view what = "the operation") {
  std::optional<Result<T>> result;
  bool late = co_await first_of(detail::keep<T>(std::move(work), &result), sleep_for(deadline)) == 1;
  if (result && (result->has_value() || !late)) co_return std::move(*result);
  co_return fail(Errc::timeout, std::string(what) + " took longer than " + human_duration(deadline));
}

/// A flag that coroutines wait for. Stays set until reset. Any thread, any number of waiters.
/// A loop: `co_await changed.wait(); changed.reset();` and then look at the state.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void set();
  void reset();
  bool is_set() const;
  Awaitable<void> wait();
  /// False: not set within `limit`.
  Awaitable<bool> wait_for(Duration limit);

 private:
  std::shared_ptr<detail::Waiters> waiters_;
};

/// Owns coroutines on one executor. Must be joined before it is destroyed (the destructor asserts it).
class TaskGroup {
 public:
  /// Told once for each task that ended with an exception (a bug); cancellation is not one.
  using OnException = std::function<void(std::string_view task, std::string_view what)>;
  TaskGroup(Executor executor, OnException on_exception);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts a task; from any thread. After cancel() the task is dropped unstarted. `name` is for
  /// on_exception.
  void spawn(Awaitable<void> task, std::string_view name = {});
  /// Cancels all tasks and refuses new ones; from any thread. They end later: join.
  void cancel();
  /// Returns when no task is left. If the joiner itself is cancelled, it cancels the group, joins, and then
  /// passes its own cancellation on.
  Awaitable<void> join();
  std::size_t size() const;
  Executor executor() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// A bounded queue between coroutines, across executors and threads. Any number of writers and readers.
template <class T>
class Mailbox {
 public:
  explicit Mailbox(std::size_t capacity) : capacity_(capacity) {}

  /// False: full or closed; then `value` is untouched. From plain functions and any thread too.
  bool try_push(T& value) {
    bool room;
    {
      std::lock_guard lock(mutex_);
      if (closed_ || queue_.size() >= capacity_) return false;
      queue_.push_back(std::move(value));
      room = queue_.size() < capacity_;
    }
    filled_.set();
    if (room) room_.set();  // another writer may have gone to wait between our look and now
    return true;
  }
  bool try_push(T&& value) { return try_push(value); }
  /// Waits for room. False: closed.
  Awaitable<bool> push(T value) {
    while (!try_push(value)) {
      if (closed()) co_return false;
      room_.reset();
      if (full()) co_await room_.wait();
    }
    co_return true;
  }
  std::optional<T> try_pop() {
    std::optional<T> value;
    bool more;
    {
      std::lock_guard lock(mutex_);
      if (queue_.empty()) return value;
      value.emplace(std::move(queue_.front()));
      queue_.pop_front();
      more = !queue_.empty();
    }
    room_.set();
    if (more) filled_.set();  // for another reader, as above
    return value;
  }
  /// Waits for a value. nullopt: closed and empty.
  Awaitable<std::optional<T>> pop() {
    for (;;) {
      if (auto value = try_pop()) co_return value;
      if (closed()) co_return try_pop();
      filled_.reset();
      if (waiting()) co_await filled_.wait();
    }
  }
  /// What is queued can still be read; nothing more comes in. Wakes everyone.
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    filled_.set();
    room_.set();
  }
  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return queue_.size();
  }

 private:
  bool full() const {
    std::lock_guard lock(mutex_);
    return !closed_ && queue_.size() >= capacity_;
  }
  bool waiting() const {
    std::lock_guard lock(mutex_);
    return !closed_ && queue_.empty();
  }
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::deque<T> queue_;
  bool closed_ = false;
  Event filled_;
  Event room_;
};

}  // namespace drover::net
