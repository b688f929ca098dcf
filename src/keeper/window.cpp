#include "keeper/window.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace drover::keeper {

Window::Window() {
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (auto& kept : kept_) {
    kept = Fd(::fcntl(null.get(), F_DUPFD_CLOEXEC, int(lowest)));
    if (kept) end_ = std::max(end_, unsigned(kept.get()) + 1);
  }
  // Not to be tried with CLOSE_RANGE_UNSHARE here: our log thread would lose the table that it shares with
  // us.
  if (::syscall(SYS_close_range, ~0u, ~0u, 0) != 0) end_ = 0;
}

int Window::place(int fd) {
  if (used_ == places || !kept_[used_]) return errno = EMFILE, -1;
  return ::dup3(fd, kept_[used_++].get(), O_CLOEXEC);
}

/// A pipe that stayed here would never be seen to end.
void Window::clear() {
  if (used_ == 0) return;
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  while (used_ > 0) {
    auto& kept = kept_[--used_];
    if (!null || ::dup3(null.get(), kept.get(), O_CLOEXEC) < 0) kept.reset();
  }
}

}  // namespace drover::keeper
