#pragma once
// A file descriptor that coroutines wait for: the one place of this module that knows Asio.

#include <memory>

#include "net/async.hpp"

namespace drover::runtime {

/// Owns a non-blocking descriptor that epoll takes (socket, pipe, pidfd, inotify). Use it on its executor.
class Descriptor {
 public:
  Descriptor(net::Executor executor, int fd);
  ~Descriptor();
  Descriptor(Descriptor&&) noexcept;
  Descriptor& operator=(Descriptor&&) noexcept;

  int get() const;
  /// Errc::unavailable: close() was called or the descriptor is broken.
  net::Awaitable<Result<void>> readable();
  net::Awaitable<Result<void>> writable();
  /// Waits end with an error.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// An owned plain descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

}  // namespace drover::runtime
