#pragma once
// One process at a time: flock on a file that holds the holder's pid.

#include <string>

#include "base/error.hpp"

namespace drover::store {

class LockFile {
 public:
  /// conflict: held by another process, which is named.
  static Result<LockFile> take(const std::string& path);
  LockFile(LockFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace drover::store
