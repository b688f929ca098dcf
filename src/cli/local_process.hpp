#pragma once
// The hub's process of a state directory on this machine: who is it, and how it is ended.

#include <functional>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/time.hpp"

namespace drover::cli {

/// Where `drover up` writes its pid and the UI's address.
std::string pid_file(const std::string& state);

/// The process that listens on the socket, by the kernel's word. not_found: nobody does. Waits for the end of
/// one that was killed, at most 5 s.
Result<int> listening_pid(const std::string& socket_path);

/// A pidfd: what it names cannot become another process.
class Process {
 public:
  static Result<Process> open(int pid);
  Process(Process&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Process& operator=(Process&&) = delete;
  ~Process();
  Result<void> signal(int number) const;
  /// True: it has ended.
  bool wait(Duration limit) const;
  /// The pidfd, which is the caller's from now on; readable when the process has ended.
  int release() && { return std::exchange(fd_, -1); }

 private:
  explicit Process(int fd) : fd_(fd) {}
  int fd_;
};

/// Ends what a keeper still runs in this agent's state directory, and the keeper. False: there is none.
Result<bool> end_keeper(const std::string& agent_state, const std::string& run_directory, Duration grace);

}  // namespace drover::cli
