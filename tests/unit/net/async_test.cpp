#include <gtest/gtest.h>

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "net/async.hpp"
#include "net/io_pool.hpp"

namespace drover::net {
namespace {

Awaitable<void> set_when_left(bool* left) {
  struct Mark {
    bool* flag;
    ~Mark() { *flag = true; }
  } mark{left};
  co_await sleep_for(1h);
}

Awaitable<Result<int>> answer_after(Duration delay, int value) {
  co_await sleep_for(delay);
  co_return value;
}

Awaitable<Result<int>> endless(bool* left) {
  co_await set_when_left(left);
  co_return 1;
}

Awaitable<void> throw_soon(Duration delay) {
  co_await sleep_for(delay);
  throw std::runtime_error("broken");
}

Awaitable<void> count_up(std::atomic<int>* count) {
  ++*count;
  co_return;
}

TEST(Within, ReturnsTheResultWhenInTime) {
  auto result = block_on(within(5s, answer_after(1ms, 7)));
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 7);
}

TEST(Within, CancelsAndJoinsWhenLate) {
  bool left = false;
  auto result = block_on(within(20ms, endless(&left), "waiting"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
  EXPECT_EQ(result.error().message, "waiting took longer than 20 ms");
  EXPECT_TRUE(left);  // joined: its frame was left before we came back
}

Awaitable<Result<int>> nested() { co_return co_await within(10s, answer_after(1h, 1), "inner"); }

TEST(Within, OuterDeadlineReachesInnerWaits) {
  auto result = block_on(within(20ms, nested(), "outer"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "outer took longer than 20 ms");
}

Awaitable<Result<int>> fails_itself() {
  co_await sleep_for(1ms);
  co_return fail(Errc::conflict, "no");
}

Awaitable<Result<int>> throws_itself() {
  co_await throw_soon(1ms);
  co_return 1;
}

TEST(Within, PassesErrorsAndExceptionsOn) {
  EXPECT_EQ(block_on(within(5s, fails_itself())).error().code, Errc::conflict);
  EXPECT_THROW(block_on(within(5s, throws_itself())), std::runtime_error);
}

TEST(FirstOf, TellsWhichAndCancelsTheOther) {
  bool left = false;
  EXPECT_EQ(block_on(first_of(sleep_for(1ms), set_when_left(&left))), 0);
  EXPECT_TRUE(left);
  EXPECT_EQ(block_on(first_of(sleep_for(1h), sleep_for(1ms))), 1);
  EXPECT_THROW(block_on(first_of(sleep_for(1h), throw_soon(1ms))), std::runtime_error);
}

Awaitable<void> use_group(bool* left) {
  TaskGroup group(co_await current_executor(), {});
  group.spawn(set_when_left(left));
  group.spawn(set_when_left(left));
  co_await sleep_for(5ms);
  EXPECT_EQ(group.size(), 2u);
  group.cancel();
  co_await group.join();
  EXPECT_EQ(group.size(), 0u);
  group.spawn(set_when_left(left));  // refused after cancel
  EXPECT_EQ(group.size(), 0u);
}

TEST(TaskGroup, CancelsAndJoins) {
  bool left = false;
  block_on(use_group(&left));
  EXPECT_TRUE(left);
}

Awaitable<void> report_exceptions(std::string* told) {
  TaskGroup group(co_await current_executor(), [told](std::string_view task, std::string_view what) {
    *told += std::string(task) + ": " + std::string(what);
  });
  group.spawn(throw_soon(1ms), "worker");
  group.spawn(sleep_for(1ms), "fine");
  co_await group.join();
}

TEST(TaskGroup, ReportsExceptionsOnce) {
  std::string told;
  block_on(report_exceptions(&told));
  EXPECT_EQ(told, "worker: broken");
}

Awaitable<void> join_group(TaskGroup* group) { co_await group->join(); }

Awaitable<void> cancel_joiner(bool* left) {
  TaskGroup group(co_await current_executor(), {});
  group.spawn(set_when_left(left));
  co_await first_of(join_group(&group), sleep_for(10ms));
  EXPECT_EQ(group.size(), 0u);  // the cancelled joiner has cancelled and joined
}

TEST(TaskGroup, CancelledJoinerCancelsTheGroup) {
  bool left = false;
  block_on(cancel_joiner(&left));
  EXPECT_TRUE(left);
}

TEST(TaskGroup, SpawnAndCancelFromOtherThreads) {
  IoPool pool(2);
  TaskGroup group(pool.executor(0), {});
  std::atomic<int> count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) group.spawn(count_up(&count));
    });
  for (auto& thread : threads) thread.join();
  bool left = false;
  group.spawn(set_when_left(&left));
  wait_for(pool.executor(1), [](TaskGroup* all) -> Awaitable<void> {
    while (all->size() > 1) co_await sleep_for(1ms);
    co_await run_on(all->executor(),
                    [] {});  // the last one has started now: its start was posted before this
    co_await run_on(all->executor(), [] {});
    all->cancel();
    co_await all->join();
  }(&group));
  EXPECT_EQ(count, 2000);
  EXPECT_TRUE(left);
}

TEST(TaskGroupDeathTest, DestroyedWithTasksAborts) {
  EXPECT_DEATH(block_on([]() -> Awaitable<void> {
                 TaskGroup group(co_await current_executor(), {});
                 group.spawn(sleep_for(1h));
               }()),
               "join it first");
}

Awaitable<void> produce(Mailbox<int>* box, int count) {
  for (int i = 1; i <= count; ++i)
    if (!co_await box->push(i)) co_return;
  box->close();
}

Awaitable<void> consume(Mailbox<int>* box, long* sum, std::size_t* most) {
  while (auto value = co_await box->pop()) {
    *sum += *value;
    *most = std::max(*most, box->size());
  }
}

TEST(Mailbox, BoundedAcrossThreadsAndLosesNothing) {
  IoPool pool(2);
  Mailbox<int> box(8);
  TaskGroup producer(pool.executor(0), {});
  producer.spawn(produce(&box, 20'000));
  long sum = 0;
  std::size_t most = 0;
  wait_for(pool.executor(1), consume(&box, &sum, &most));
  wait_for(pool.executor(1), join_group(&producer));
  EXPECT_EQ(sum, 20'000L * 20'001 / 2);
  EXPECT_LE(most, 8u);
}

TEST(Mailbox, FullAndClosedRefuse) {
  Mailbox<std::string> box(1);
  std::string kept = "second";
  EXPECT_TRUE(box.try_push("first"));
  EXPECT_FALSE(box.try_push(kept));
  EXPECT_EQ(kept, "second");
  box.close();
  EXPECT_EQ(box.try_pop(), "first");
  EXPECT_FALSE(box.try_push(kept));
  EXPECT_FALSE(block_on(box.pop()));
}

TEST(Event, WaitsAcrossThreadsAndTimesOut) {
  Event event;
  EXPECT_FALSE(block_on(event.wait_for(10ms)));
  std::thread setter([&] {
    std::this_thread::sleep_for(10ms);
    event.set();
  });
  EXPECT_TRUE(block_on(event.wait_for(10s)));
  setter.join();
  EXPECT_TRUE(event.is_set());
  event.reset();
  EXPECT_FALSE(event.is_set());
}

Awaitable<void> run_elsewhere(Executor other, std::thread::id* there, bool* back) {
  auto here = std::this_thread::get_id();
  co_await run_on(other, [there] { *there = std::this_thread::get_id(); });
  *back = here == std::this_thread::get_id();
}

TEST(RunOn, GoesThereAndComesBack) {
  IoPool pool(2);
  std::thread::id there;
  bool back = false;
  wait_for(pool.executor(0), run_elsewhere(pool.executor(1), &there, &back));
  EXPECT_NE(there, std::this_thread::get_id());
  EXPECT_TRUE(back);
}

Awaitable<Result<int>> slow_elsewhere(Executor other, bool* ended) {
  co_await run_on(other, [ended] {
    std::this_thread::sleep_for(100ms);
    *ended = true;
  });
  co_await sleep_for(1h);  // the cancellation that came meanwhile is not lost
  co_return 1;
}

TEST(RunOn, IsNotLeftWhileTheFunctionRuns) {
  IoPool pool(2);
  bool ended = false;
  auto result = wait_for(pool.executor(0), within(10ms, slow_elsewhere(pool.executor(1), &ended)));
  EXPECT_FALSE(result);
  EXPECT_TRUE(ended);
}

Awaitable<void> until(Event& event) { co_await event.wait(); }

// As a program that waits for a signal: who is woken may be gone before set() returns, with all its timers.
TEST(EventTest, WakesAThreadThatEndsAtOnce) {
  for (int i = 0; i < 300; ++i) {
    Event event;
    std::thread other([&] { event.set(); });
    block_on(until(event));
    other.join();
  }
}

TEST(SignalsTest, CallsBackOnTheExecutor) {
  IoPool pool(1);
  Event got;
  Signals signals(pool.executor(0), [&](int number) {
    if (number == SIGTERM) got.set();
  });
  wait_for(pool.executor(0), sleep_for(5ms));
  ::kill(::getpid(), SIGTERM);
  EXPECT_TRUE(wait_for(pool.executor(0), got.wait_for(5s)));
}

}  // namespace
}  // namespace drover::net
