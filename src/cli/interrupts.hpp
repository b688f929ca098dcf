#pragma once
// Ctrl-C and SIGTERM, and the end of a process that one belongs to, for programs that stop in an orderly way:
// counted, and as an event that coroutines wait for.

#include <atomic>

#include "cli/local_process.hpp"
#include "net/io_pool.hpp"

namespace drover::cli {

/// One at a time in a process; make it before other threads.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  /// The end of this process counts as an interrupt too.
  void also_at_end_of(Process other);
  int count() const { return count_; }
  const std::atomic<bool>& once() const { return once_; }
  net::Event& event() { return event_; }
  /// Blocks this thread until the first one.
  void wait();

 private:
  void count_one();

  std::atomic<int> count_ = 0;
  std::atomic<bool> once_ = false;
  net::Event event_;
  net::IoPool pool_{1};
  net::TaskGroup watching_;
  net::Signals signals_;
};

}  // namespace drover::cli
