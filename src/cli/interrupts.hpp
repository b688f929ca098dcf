#pragma once
// Ctrl-C and SIGTERM for programs that stop in an orderly way: counted, and as an event that coroutines wait
// for.

#include <atomic>

#include "net/io_pool.hpp"

namespace drover::cli {

/// One at a time in a process; make it before other threads.
class Interrupts {
 public:
  Interrupts();
  int count() const { return count_; }
  const std::atomic<bool>& once() const { return once_; }
  net::Event& event() { return event_; }
  /// Blocks this thread until the first one.
  void wait();

 private:
  std::atomic<int> count_ = 0;
  std::atomic<bool> once_ = false;
  net::Event event_;
  net::IoPool pool_{1};
  net::Signals signals_;
};

}  // namespace drover::cli
