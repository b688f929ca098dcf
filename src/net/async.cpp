#include "net/async.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <string>
#include <utility>
#include <vector>

namespace drover::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

std::chrono::steady_clock::time_point after(Duration duration) {
  // Far deadlines must not overflow the clock's nanoseconds.
  return std::chrono::steady_clock::now() + std::min<Duration>(duration, std::chrono::days(3650));
}

Awaitable<bool> cancelled() {
  auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

[[noreturn]] void throw_cancelled() {
  throw boost::system::system_error(asio::error::make_error_code(asio::error::operation_aborted));
}

}  // namespace

namespace detail {

struct Waiter {
  explicit Waiter(const Executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  bool woken = false;  // touched on the timer's executor only
};

class Waiters {
 public:
  /// The waiters go to their executors under the lock: remove() waits for it, so that no executor ends
  /// before, and none of its timers is left in our hands afterwards.
  void set() {
    std::lock_guard lock(mutex_);
    set_ = true;
    for (auto& waiter : std::exchange(list_, {})) {
      auto executor = waiter->timer.get_executor();
      asio::post(executor, [waiter = std::move(waiter)] {
        waiter->woken = true;
        waiter->timer.cancel();
      });
    }
  }
  void reset() {
    std::lock_guard lock(mutex_);
    set_ = false;
  }
  bool is_set() const {
    std::lock_guard lock(mutex_);
    return set_;
  }
  /// False: it is set already, do not wait.
  bool add(const std::shared_ptr<Waiter>& waiter) {
    std::lock_guard lock(mutex_);
    if (set_) return false;
    list_.push_back(waiter);
    return true;
  }
  void remove(const std::shared_ptr<Waiter>& waiter) {
    std::lock_guard lock(mutex_);
    std::erase(list_, waiter);
  }

 private:
  mutable std::mutex mutex_;
  bool set_ = false;
  std::vector<std::shared_ptr<Waiter>> list_;
};

namespace {

// Takes the waiter out of the list however the wait ends.
struct Registration {
  std::shared_ptr<Waiters> waiters;
  std::shared_ptr<Waiter> waiter;
  ~Registration() { waiters->remove(waiter); }
};

Awaitable<bool> wait_until(std::shared_ptr<Waiters> waiters, std::chrono::steady_clock::time_point until) {
  auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  if (!waiters->add(waiter)) co_return true;
  Registration registration{waiters, waiter};
  waiter->timer.expires_at(until);
  error_code ignored;
  co_await waiter->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_return waiter->woken || waiters->is_set();
}

}  // namespace

}  // namespace detail

namespace {

// Our own cancellation ends the loser with operation_aborted; anything else is a bug and goes on.
void rethrow_unless_aborted(std::exception_ptr failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) throw;
  }
}

}  // namespace

Awaitable<int> first_of(Awaitable<void> a, Awaitable<void> b) {
  auto executor = co_await asio::this_coro::executor;
  auto [order, failure_a, failure_b] =
      co_await asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(a), asio::deferred),
                                                       asio::co_spawn(executor, std::move(b), asio::deferred))
          .async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (co_await cancelled()) throw_cancelled();
  rethrow_unless_aborted(failure_a);
  rethrow_unless_aborted(failure_b);
  co_return int(order[0]);
}

Awaitable<Executor> current_executor() { co_return co_await asio::this_coro::executor; }

Awaitable<void> sleep_for(Duration duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, after(duration));
  co_await timer.async_wait(asio::use_awaitable);
}

Awaitable<void> yield_now() { co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable); }

void post(Executor executor, std::function<void()> function) { asio::post(executor, std::move(function)); }

Awaitable<void> run_on(Executor other, std::function<void()> function) {
  struct State {
    Event done;
    std::exception_ptr failure;
  };
  auto state = std::make_shared<State>();
  asio::post(other, [state, function = std::move(function)] {
    try {
      function();
    } catch (...) {
      state->failure = std::current_exception();
    }
    state->done.set();
  });
  // A cancellation must not leave while the function still uses what the caller owns.
  bool before = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!state->done.is_set()) co_await state->done.wait();
  co_await asio::this_coro::throw_if_cancelled(before);
  if (state->failure) std::rethrow_exception(state->failure);
}

Event::Event() : waiters_(std::make_shared<detail::Waiters>()) {}
Event::~Event() = default;
void Event::set() { waiters_->set(); }
void Event::reset() { waiters_->reset(); }
bool Event::is_set() const { return waiters_->is_set(); }
Awaitable<void> Event::wait() {
  co_await detail::wait_until(waiters_, std::chrono::steady_clock::time_point::max());
}
Awaitable<bool> Event::wait_for(Duration limit) { return detail::wait_until(waiters_, after(limit)); }

struct TaskGroup::State : std::enable_shared_from_this<State> {
  struct Task {
    asio::cancellation_signal signal;
    std::string name;
  };
  Executor executor;
  OnException on_exception;
  mutable std::mutex mutex;
  std::list<std::shared_ptr<Task>> tasks;
  bool cancelled = false;
  Event empty;

  void start(const std::shared_ptr<Task>& task, Awaitable<void> work) {
    bool refused;
    {
      std::lock_guard lock(mutex);
      refused = cancelled;
    }
    if (refused) {
      // Its frame goes first: what it owns may need what the joiner destroys next.
      {
        auto dropped = std::move(work);
      }
      return ended(task, nullptr);
    }
    asio::co_spawn(executor, std::move(work),
                   asio::bind_cancellation_slot(
                       task->signal.slot(), [self = shared_from_this(), task](std::exception_ptr failure) {
                         self->ended(task, failure);
                       }));
  }

  void ended(const std::shared_ptr<Task>& task, std::exception_ptr failure) {
    if (failure) report(*task, failure);
    bool last;
    {
      std::lock_guard lock(mutex);
      tasks.remove(task);
      last = tasks.empty();
    }
    if (last) empty.set();
  }

  void report(const Task& task, std::exception_ptr failure) const {
    try {
      std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
      if (error.code() != asio::error::operation_aborted && on_exception)
        on_exception(task.name, error.what());
    } catch (const std::exception& error) {
      if (on_exception) on_exception(task.name, error.what());
    } catch (...) {
      if (on_exception) on_exception(task.name, "an unknown exception");
    }
  }

  void emit() {
    std::vector<std::shared_ptr<Task>> all;
    {
      std::lock_guard lock(mutex);
      all.assign(tasks.begin(), tasks.end());
    }
    for (auto& task : all) task->signal.emit(asio::cancellation_type::terminal);
  }
};

TaskGroup::TaskGroup(Executor executor, OnException on_exception) : state_(std::make_shared<State>()) {
  state_->executor = std::move(executor);
  state_->on_exception = std::move(on_exception);
}

TaskGroup::~TaskGroup() {
  DROVER_ASSERT(size() == 0, "a TaskGroup was destroyed with tasks in it: join it first");
}

void TaskGroup::spawn(Awaitable<void> task, std::string_view name) {
  auto entry = std::make_shared<State::Task>();
  entry->name = name;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->cancelled) return;
    state_->tasks.push_back(entry);
  }
  asio::post(state_->executor, [state = state_, entry, work = std::move(task)]() mutable {
    state->start(entry, std::move(work));
  });
}

void TaskGroup::cancel() {
  {
    std::lock_guard lock(state_->mutex);
    state_->cancelled = true;
  }
  asio::post(state_->executor, [state = state_] { state->emit(); });
}

Awaitable<void> TaskGroup::join() {
  auto state = state_;
  bool before = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  bool told = false;
  while (size() > 0) {
    state->empty.reset();
    if (size() > 0) co_await state->empty.wait();
    if (!told && co_await cancelled()) {
      told = true;
      cancel();
    }
  }
  co_await asio::this_coro::throw_if_cancelled(before);
  if (before && co_await cancelled()) throw_cancelled();
}

std::size_t TaskGroup::size() const {
  std::lock_guard lock(state_->mutex);
  return state_->tasks.size();
}

Executor TaskGroup::executor() const { return state_->executor; }

}  // namespace drover::net
