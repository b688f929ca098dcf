#pragma once
// Messages from one thread to another. Unbounded, because with two bounded queues each side can wait for the
// other; the lock is held for a push or a swap and never over a system call that can wait.

#include <sys/eventfd.h>

#include <mutex>
#include <utility>
#include <vector>

#include "keeper/util.hpp"

namespace drover::keeper {

template <class Message>
class Mailbox {
 public:
  bool open() {
    event_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return bool(event_);
  }
  int readable() const { return event_.get(); }  // for epoll
  void push(const Message& message) {
    bool first = false;
    {
      const std::lock_guard hold(lock_);
      first = messages_.empty();
      messages_.push_back(message);
    }
    const std::uint64_t one = 1;
    if (first && ::write(event_.get(), &one, sizeof one) < 0) return;  // EAGAIN: it is readable already
  }
  std::vector<Message> take() {
    std::uint64_t count = 0;
    if (::read(event_.get(), &count, sizeof count) < 0) count = 0;
    std::vector<Message> all;
    const std::lock_guard hold(lock_);
    std::swap(all, messages_);
    return all;
  }

 private:
  Fd event_;
  std::mutex lock_;
  std::vector<Message> messages_;
};

}  // namespace drover::keeper
