#pragma once
// What the service manager is told: sd_notify(3), one datagram to NOTIFY_SOCKET for each message.

#include <string>
#include <string_view>

#include "net/async.hpp"
#include "net/io_pool.hpp"

namespace drover {

/// Where NOTIFY_SOCKET is not set, all of it does nothing.
class Notifier {
 public:
  /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment: they are for this process
  /// alone.
  Notifier();
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// "READY=1", "STATUS=…", several in lines. What cannot be sent is dropped: nobody could be told of it.
  void send(std::string_view message) const;
  /// How long the service manager waits for a sign of life; 0: it does not.
  Duration watchdog() const { return watchdog_; }

 private:
  int socket_ = -1;
  Duration watchdog_{0};
};

/// A daemon as its service manager sees it: signs of life that come from all threads of the pool, by turns,
/// so that one that hangs ends them. Ends with STOPPING=1.
class Watched {
 public:
  explicit Watched(net::IoPool& pool);
  ~Watched();
  void ready(const std::string& status) const { notifier_.send("READY=1\nSTATUS=" + status); }
  void tell(const std::string& status) const { notifier_.send("STATUS=" + status); }

 private:
  Notifier notifier_;
  net::IoPool& pool_;
  net::TaskGroup beating_;
};

}  // namespace drover
