#include "net/io_pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <future>

namespace drover::net {
namespace {

using namespace std::chrono_literals;

Awaitable<void> hold(Executor other, std::promise<void>& waits) {
  boost::asio::steady_timer held(other, 1h);
  boost::asio::steady_timer mine(co_await boost::asio::this_coro::executor, 1h);
  waits.set_value();
  co_await mine.async_wait(boost::asio::use_awaitable);
}

// Whichever thread is torn down first: what waits may hold something of another one.
TEST(IoPool, EndsUnderCoroutinesThatHoldTimersOfAnotherThread) {
  for (int waiting : {0, 1}) {
    IoPool pool(2);
    std::promise<void> waits;
    boost::asio::co_spawn(pool.executor(std::size_t(waiting)),
                          hold(pool.executor(std::size_t(1 - waiting)), waits), boost::asio::detached);
    ASSERT_EQ(waits.get_future().wait_for(20s), std::future_status::ready);
  }
}

}  // namespace
}  // namespace drover::net
