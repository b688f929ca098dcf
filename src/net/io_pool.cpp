#include "net/io_pool.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace drover::net {

namespace asio = boost::asio;

/// Its waiting coroutines can be dropped before it ends itself.
struct Context : asio::io_context {
  using asio::io_context::io_context;
  using asio::io_context::shutdown;
};

struct IoPool::Impl {
  struct Lane {
    Context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::thread thread;
  };
  /// A coroutine that waits in one lane may hold a timer or a socket of another one: what waits is dropped
  /// everywhere while all lanes are there. Twice, since what is dropped cancels, and so makes work for other
  /// lanes.
  ~Impl() {
    for (int round = 0; round < 2; ++round)
      for (auto& lane : lanes) lane->context.shutdown();
  }

  std::vector<std::unique_ptr<Lane>> lanes;
  std::atomic<std::size_t> turn = 0;
};

namespace {

// Signals go to the main thread; a pool thread that took one would interrupt its system calls.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    for (int fatal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&all, fatal);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

IoPool::IoPool(std::size_t threads) : impl_(std::make_unique<Impl>()) {
  DROVER_ASSERT(threads > 0, "an IoPool needs a thread");
  BlockSignals inherited;
  for (std::size_t i = 0; i < threads; ++i) {
    auto& lane = *impl_->lanes.emplace_back(std::make_unique<Impl::Lane>());
    lane.thread = std::thread([&lane] { lane.context.run(); });
  }
}

IoPool::~IoPool() { stop(); }

std::size_t IoPool::size() const { return impl_->lanes.size(); }

Executor IoPool::executor(std::size_t index) const {
  return impl_->lanes[index % impl_->lanes.size()]->context.get_executor();
}

Executor IoPool::next() { return executor(impl_->turn.fetch_add(1, std::memory_order_relaxed)); }

void IoPool::stop() {
  for (auto& lane : impl_->lanes) lane->context.stop();
  for (auto& lane : impl_->lanes)
    if (lane->thread.joinable()) lane->thread.join();
}

void wait_for(Executor executor, Awaitable<void> work) {
  std::promise<void> promise;
  auto done = promise.get_future();
  // The coroutine must be made to start on its executor, not here.
  asio::co_spawn(executor, std::move(work), [&promise](std::exception_ptr failure) {
    if (failure) promise.set_exception(failure);
    else promise.set_value();
  });
  done.get();
}

void block_on(Awaitable<void> work) {
  asio::io_context context{1};
  std::exception_ptr failure;
  asio::co_spawn(context, std::move(work), [&](std::exception_ptr thrown) {
    failure = thrown;
    context.stop();
  });
  context.run();
  if (failure) std::rethrow_exception(failure);
}

struct Signals::Impl : std::enable_shared_from_this<Impl> {
  Impl(Executor executor, std::function<void(int)> callback)
      : set(executor, SIGINT, SIGTERM, SIGHUP),
        on_signal(std::make_shared<const std::function<void(int)>>(std::move(callback))) {}

  void wait() {
    set.async_wait([self = shared_from_this()](boost::system::error_code error, int number) {
      if (error) return;
      self->tell(number);
      self->wait();
    });
  }
  void tell(int number) {
    std::lock_guard lock(mutex);
    if (auto callback = on_signal) (*callback)(number);
  }

  asio::signal_set set;
  std::recursive_mutex mutex;  // the callback may destroy the Signals that called it
  std::shared_ptr<const std::function<void(int)>> on_signal;
};

Signals::Signals(Executor executor, std::function<void(int)> on_signal)
    : impl_(std::make_shared<Impl>(executor, std::move(on_signal))) {
  asio::post(executor, [impl = impl_] { impl->wait(); });
}

Signals::~Signals() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->on_signal.reset();
  }
  asio::post(impl_->set.get_executor(), [impl = impl_] {
    boost::system::error_code ignored;
    impl->set.cancel(ignored);
  });
}

}  // namespace drover::net
