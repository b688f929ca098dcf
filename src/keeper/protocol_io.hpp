#pragma once
// Packing, sending and receiving the packets of protocol.hpp, for both ends.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "keeper/protocol.hpp"

namespace drover::keeper {

/// Builds one packet. Packet(header, fixed).text(...).bytes()
class Packet {
 public:
  explicit Packet(Header header) : Packet(header, nullptr, 0) {}
  template <class Fixed>
    requires std::is_trivially_copyable_v<Fixed>
  Packet(Header header, const Fixed& fixed) : Packet(header, &fixed, sizeof fixed) {}

  Packet& text(std::string_view value) {
    const auto size = std::uint32_t(value.size());
    bytes_.append(reinterpret_cast<const char*>(&size), sizeof size).append(value);
    std::uint16_t count = 0;
    std::memcpy(&count, bytes_.data() + offsetof(Header, strings), sizeof count);
    ++count;
    std::memcpy(bytes_.data() + offsetof(Header, strings), &count, sizeof count);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Packet(Header header, const void* fixed, std::size_t size) {
    header.fixed = std::uint32_t(size);
    header.strings = 0;
    bytes_.assign(reinterpret_cast<const char*>(&header), sizeof header);
    if (size > 0) bytes_.append(static_cast<const char*>(fixed), size);
  }
  std::string bytes_;
};

/// Reads strings that follow one another; after a malformed one everything is empty and ok() is false.
class TextReader {
 public:
  explicit TextReader(std::string_view bytes) : rest_(bytes) {}
  std::string_view next() {
    std::uint32_t size = 0;
    if (rest_.size() < sizeof size) return failed();
    std::memcpy(&size, rest_.data(), sizeof size);
    rest_.remove_prefix(sizeof size);
    if (rest_.size() < size) return failed();
    const auto value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view failed() {
    ok_ = false;
    rest_ = {};
    return {};
  }
  std::string_view rest_;
  bool ok_ = true;
};

/// A packet taken apart. `bytes` must outlive it.
struct Parsed {
  Header header;
  std::string_view fixed;
  std::string_view tail;
  bool ok = false;

  explicit Parsed(std::string_view bytes) {
    if (bytes.size() < sizeof header) return;
    std::memcpy(&header, bytes.data(), sizeof header);
    bytes.remove_prefix(sizeof header);
    if (header.magic != keeper::magic || header.fixed > bytes.size()) return;
    fixed = bytes.substr(0, header.fixed);
    tail = bytes.substr(header.fixed);
    ok = true;
  }
  template <class Fixed>
    requires std::is_trivially_copyable_v<Fixed>
  Fixed as() const {
    Fixed value{};
    if (!fixed.empty())
      std::memcpy(static_cast<void*>(&value), fixed.data(), std::min(fixed.size(), sizeof value));
    return value;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    TextReader reader(tail);
    for (std::uint16_t i = 0; i < header.strings && reader.ok(); ++i) all.emplace_back(reader.next());
    all.resize(header.strings);
    return all;
  }
};

/// -1 and errno on failure. The caller owns the fd.
inline int sealed_memfd(const char* name, std::string_view bytes) {
  const int fd = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -1;
  std::size_t written = 0;
  while (written < bytes.size()) {
    const auto n = ::write(fd, bytes.data() + written, bytes.size() - written);
    if (n <= 0) return ::close(fd), -1;
    written += std::size_t(n);
  }
  if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return ::close(fd), -1;
  return fd;
}

/// The address of the keeper of a state directory, for any length of path: through the directory's fd.
/// `directory_fd` must stay open until after bind or connect.
inline sockaddr_un socket_address(int directory_fd) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory_fd, socket_name);
  return address;
}

/// A connected, close-on-exec socket, or -1 and errno (ENOENT, ECONNREFUSED: no keeper). Does not block for
/// long: a keeper that is being replaced keeps its backlog. `extra`: SOCK_NONBLOCK or 0.
inline int connect_socket(const char* state_directory, int extra = 0) {
  const int directory = ::open(state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return -1;
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | extra, 0);
  if (fd < 0) return ::close(directory), -1;
  const auto address = socket_address(directory);
  const int rc = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::close(directory);
  if (rc == 0) return fd;
  ::close(fd);
  errno = error;
  return -1;
}

inline constexpr std::size_t max_fds = 16;  // in one packet

/// False and errno: not sent (EAGAIN on a non-blocking socket whose peer does not read). The fds stay the
/// caller's.
inline bool send_packet(int socket, std::string_view bytes, std::span<const int> fds = {}) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(max_fds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    if (fds.size() > max_fds) return errno = E2BIG, false;
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    auto* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
  }
  ssize_t n = 0;
  do n = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n == ssize_t(bytes.size());
}

/// Bytes received (0: the peer is gone), or -1 and errno. `buffer` is resized to the packet. Received fds are
/// appended to `fds` (close-on-exec; the caller owns them).
inline ssize_t receive_packet(int socket, std::string& buffer, std::vector<int>& fds) {
  buffer.resize(max_packet);
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(max_fds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t n = 0;
  do n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  const int error = errno;
  buffer.resize(n > 0 ? std::size_t(n) : 0);
  if (n < 0) return errno = error, n;
  for (auto* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const auto at = fds.size();
    fds.resize(at + count);
    std::memcpy(fds.data() + at, CMSG_DATA(head), count * sizeof(int));
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return errno = EMSGSIZE, -1;
  return n;
}

}  // namespace drover::keeper
