#include "store/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/text.hpp"

namespace drover::store {

namespace {
std::string holder(int fd) {
  std::array<char, 32> text{};
  auto got = ::pread(fd, text.data(), text.size() - 1, 0);
  return got > 0 ? std::string(trim(std::string_view(text.data(), std::size_t(got)))) : "unknown";
}
}  // namespace

Result<LockFile> LockFile::take(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(from_errno(errno, "cannot open the lock file " + path));
  LockFile lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(from_errno(errno, "cannot lock " + path));
    return fail(Errc::conflict, "the store is in use by process " + holder(fd), path,
                "stop that hub first, or give this one another state directory");
  }
  // A failed write here costs only the pid in somebody's error message.
  auto pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) == 0 && ::pwrite(fd, pid.data(), pid.size(), 0) < 0) return lock;
  return lock;
}

LockFile::~LockFile() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace drover::store
