#pragma once
// The protocol between the agent and drover-keeper, and the few helpers that both ends need.
//
// Transport: AF_UNIX SOCK_SEQPACKET, `STATE/keeper.sock`, mode 0600; the keeper accepts peers with its own
// uid, or root. One packet = Header, a fixed struct (Header::fixed bytes of it), then strings (each u32
// length + bytes). Everything is append-only: a receiver takes min(sent, known) bytes of the fixed struct,
// leaves the rest zero, and ignores strings that it does not know. Integers are of the host (the two ends
// share a machine). Flags and reserved fields that a receiver does not know must be zero, otherwise the
// answer is Status::unsupported.
//
// Order: the client sends `hello` first and is answered `welcome`. Every other request is answered by exactly
// one packet with the same Header::request: `done` (status only), `spawned`, or `status_reply`; `list` sends
// any number of `instance` packets before its `done`. `event` packets have request 0 and come only after
// `subscribe`; a client that subscribes first and then lists misses nothing. A client that does not read is
// disconnected when 8 MiB wait for it.
//
// Times: *_boot_ns is CLOCK_BOOTTIME, *_wall_ns is CLOCK_REALTIME, both in nanoseconds, 0 when it has not
// happened.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace drover::keeper {

inline constexpr std::uint32_t magic = 0x314b5244;  // "DRK1"
inline constexpr std::uint16_t version = 1;  // the keeper serves this one and, later, the two before it
inline constexpr std::size_t max_packet = 64 * 1024;
inline constexpr std::size_t max_key = 128;    // instance key: [A-Za-z0-9._@:/-], not starting with . or /
inline constexpr std::size_t max_token = 128;  // becomes DROVER_INSTANCE in the environment
inline constexpr std::size_t max_params = 16u << 20;    // size of the memfd of a spawn
inline constexpr std::size_t max_log_line = 64 * 1024;  // longer lines are written as P parts
inline constexpr const char* socket_name = "keeper.sock";
inline constexpr const char* lock_name =
    "keeper.lock";  // "guard PID\nkeeper PID\n", flock'ed while either lives

enum class Type : std::uint16_t {
  hello = 1,      // Hello → welcome (Welcome)
  welcome = 2,    //
  done = 3,       // empty
  spawn = 4,      // Spawn + key, token; fd 0: sealed memfd of SpawnSpec → spawned (InstanceInfo)
  spawned = 5,    // also when the instance exists already
  stop = 6,       // Stop + key. Unknown or already empty: ok. The answer comes at once, the end as events
  signal = 7,     // Signal + key
  kill = 8,       // Target + key: cgroup.kill now
  forget = 9,     // Target + key: the exit is recorded elsewhere; conflict while it is not empty; unknown: ok
  list = 10,      // empty → instance (InstanceInfo)*, done
  instance = 11,  //
  subscribe = 12,  // Subscribe
  event = 13,      // InstanceInfo with its `event` set
  reexec =
      14,  // empty + path of the new binary. Answered done(ok) after the check, before the exec; EOF follows
  shutdown = 15,      // Shutdown + keys in stop order (each waits for the one before); the rest then at once
  status = 16,        // empty → status_reply (StatusInfo + kill level name, cgroup base, binary version)
  status_reply = 17,  //
};

enum class Status : std::uint16_t {
  ok = 0,
  invalid = 1,      // malformed packet or parameters
  version = 2,      // no common protocol version, or no hello
  unsupported = 3,  // a field of a newer version is set
  not_found = 4,
  conflict = 5,      // a former incarnation is not empty, or an older incarnation than one known
  spawn_failed = 6,  // Header::stage and Header::error say where and why; nothing is left behind
  denied = 7,
  unavailable = 8,  // shutting down, or re-execution was not possible now
  internal = 9,
};

/// Where a spawn failed; `error` is the errno.
enum class Stage : std::uint16_t {
  none = 0,
  params = 1,  // the memfd is unreadable, not sealed or malformed
  record = 2,  // the intent record in the run directory
  cgroup = 3,
  pipe = 4,
  clone = 5,
  migrate = 6,
  session = 7,
  stdio = 8,
  rlimit = 9,
  nice = 10,
  groups = 11,
  gid = 12,
  uid = 13,
  no_new_privs = 14,
  cwd = 15,
  exec = 16,
};

struct Header {
  std::uint32_t magic = keeper::magic;
  Type type = Type::done;
  Status status = Status::ok;
  std::uint32_t request = 0;  // chosen by the client, not 0
  Stage stage = Stage::none;
  std::uint16_t strings = 0;  // how many follow the fixed struct
  std::int32_t error = 0;     // errno, where one is known
  std::uint32_t fixed = 0;    // bytes of the fixed struct
  std::uint32_t reserved[2] = {};
};
static_assert(sizeof(Header) == 32);

struct Hello {
  std::uint16_t min_version = version;
  std::uint16_t max_version = version;
  std::uint32_t reserved = 0;
};
struct Welcome {
  std::uint16_t version = 0;  // the one in force
  std::uint16_t reserved = 0;
  std::int32_t keeper_pid = 0;
  std::int32_t guard_pid = 0;
  std::uint32_t generation = 0;  // how many keepers this guard has started: rises after a crash
};

struct Target {
  std::uint64_t incarnation = 0;
};

/// Idempotent: the same key and incarnation answers `spawned` with what is there, whatever its state.
struct Spawn {
  std::uint64_t incarnation = 0;
  std::uint32_t flags = 0;           // none yet
  std::uint32_t passed_fds = 0;      // room: listening sockets and credentials after the memfd
  std::uint64_t lease_boot_ns = 0;   // room: the keeper kills at this time unless renewed
  std::uint32_t tty = 0;             // room
  std::uint32_t foreign_cgroup = 0;  // room: a cgroup of another manager
  std::uint64_t reserved[4] = {};
};

enum class Mode : std::uint16_t { main = 0, all = 1 };

/// TERM (or `signal`) at 0, then the wait for an empty cgroup, then the kill at `grace_ms`. A second stop may
/// only bring the kill forward. What main leaves behind gets TERM once, within the same grace. Survives the
/// agent and the keeper.
struct Stop {
  std::uint64_t incarnation = 0;
  std::int32_t signal = 15;
  Mode mode = Mode::main;
  std::uint16_t reserved = 0;
  std::uint32_t grace_ms = 10'000;
  std::uint32_t reserved2 = 0;
};
struct Signal {
  std::uint64_t incarnation = 0;
  std::int32_t signal = 0;
  Mode mode = Mode::main;
  std::uint16_t reserved = 0;
};

enum EventMask : std::uint32_t { event_life = 1, event_log = 2 };
struct Subscribe {
  std::uint32_t mask = event_life;
  std::uint32_t reserved = 0;
};

struct Shutdown {
  std::uint32_t grace_ms = 10'000;  // for each instance
  std::uint16_t exit = 1;           // 1: keeper and guard end when all is empty
  std::uint16_t reserved = 0;
};

enum class State : std::uint16_t {
  starting = 0,  // recorded, exec not yet seen to succeed
  running = 1,
  exited = 2,   // main has ended, the cgroup is not empty yet
  emptied = 3,  // nothing is left; stays listed until `forget`
};
enum class EventKind : std::uint16_t {
  none = 0,
  started = 1,
  exited = 2,
  emptied = 3,
  log_loss = 4,
  log_written = 5,  // at most every 50 ms per instance
  log_closed = 6,   // after emptied: the last line is in the file
  stuck = 7,        // 5 s after the kill something still lives (uninterruptible sleep)
};
enum class ExitKind : std::uint16_t {
  none = 0,
  code = 1,
  signal = 2,
  unknown =
      3,  // it died while nobody could see it (both keeper and guard were dead, and Linux is older than 6.15)
};
enum class Tri : std::uint8_t { no = 0, yes = 1, unknown = 2 };

/// All that the keeper knows about one incarnation. Strings: key, token, cgroup path ("" without one), log
/// directory.
struct InstanceInfo {
  std::uint64_t incarnation = 0;
  EventKind event = EventKind::none;
  State state = State::starting;
  std::int32_t pid = 0;           // of main; may have been reused once state ≥ exited
  std::uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat
  ExitKind exit = ExitKind::none;
  Tri oom = Tri::unknown;  // the cgroup counted an OOM kill
  std::uint8_t core_dumped = 0;
  std::int32_t exit_value = 0;  // exit code, or signal number
  std::uint8_t stopping = 0;    // a stop was asked for
  std::uint8_t killed = 0;      // the kill was needed (deadline or request)
  std::uint8_t stuck = 0;
  std::uint8_t adopted = 0;  // taken over from a keeper that died
  std::int32_t spawn_error = 0;
  std::uint64_t started_boot_ns = 0, started_wall_ns = 0;
  std::uint64_t exited_boot_ns = 0, exited_wall_ns = 0;
  std::uint64_t emptied_boot_ns = 0, emptied_wall_ns = 0;
  std::uint64_t user_us = 0, system_us = 0;  // rusage of main and what it waited for; 0 when unknown
  std::uint64_t max_rss_kib = 0;
  std::uint64_t log_segment = 0;               // number of the segment being written: NNNNNN.log
  std::uint64_t log_offset = 0;                // bytes in it
  std::uint64_t log_lines = 0, log_bytes = 0;  // of this incarnation: records written, bytes of output read
  std::uint64_t lost_lines = 0, lost_bytes = 0;
  std::uint8_t log_failing =
      0;  // the last write failed (errno below); lines wait in memory, or the pipe does
  std::uint8_t log_closed = 0;
  std::uint16_t reserved = 0;
  std::int32_t log_error = 0;
  std::uint64_t reserved2[4] = {};
};

/// Strings: kill level ("cgroup2", "cgroup2-freeze", "freezer", "subreaper", "group"), spawn way ("clone3",
/// "migrate", "fork"), cgroup base, version of the binary.
struct StatusInfo {
  std::int32_t keeper_pid = 0;
  std::int32_t guard_pid = 0;
  std::uint32_t generation = 0;
  std::uint32_t instances = 0;    // listed
  std::uint32_t live = 0;         // not empty
  std::uint32_t strays = 0;       // populated cgroups below ours without a record
  std::uint32_t selftest_ok = 0;  // 1: a child cloned into a fresh cgroup lived
  std::int32_t selftest_errno = 0;
  std::uint32_t pidfd_exit_info =
      0;  // 1: exit status of processes that are not our children is known (Linux 6.15)
  std::uint32_t clients = 0;
  std::uint64_t spawns = 0, exits = 0, adopted = 0, reaped_orphans = 0;
  std::uint64_t started_boot_ns = 0;
  std::uint64_t reserved[8] = {};
};

// ---- packing
// --------------------------------------------------------------------------------------------------------

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

// ---- parameters of a spawn, in a sealed memfd
// -----------------------------------------------------------------------

struct Rlimit {
  std::uint32_t resource = 0;  // RLIMIT_…
  std::uint32_t reserved = 0;
  std::uint64_t soft = 0, hard = 0;
};

enum class OnFull : std::uint16_t {
  drop =
      0,  // the service never waits: 256 KiB are kept in memory, then the oldest lines are lost and counted
  block = 1,  // nothing is lost: the service waits in write(2) while the log cannot be written
};

struct SpawnSpec {
  struct Fixed {
    std::uint32_t argc = 0, envc = 0, groups = 0, rlimits = 0;
    std::uint32_t uid = 0, gid = 0;
    std::uint8_t set_user =
        0;  // 1: groups, gid and uid below are applied (the keeper must be root, or be them)
    std::uint8_t no_new_privs = 0;
    std::uint8_t merge = 0;  // 1: stdout and stderr share a pipe; the log says stdout
    std::uint8_t set_nice = 0;
    std::int32_t nice = 0;
    std::uint32_t umask = 022;
    OnFull on_full = OnFull::drop;
    std::uint16_t reserved = 0;
    std::uint64_t log_budget = 256u << 20;  // bytes in the log directory, oldest segments go first
    std::uint64_t log_segment = 16u << 20;  // bytes per segment, at least 64 KiB
    std::uint64_t reserved2[8] = {};
  } fixed;
  std::vector<std::string> argv;  // argv[0] without a slash is looked up in the PATH of `env`
  std::vector<std::string> env;   // "NAME=value"; the whole environment, besides DROVER_INSTANCE
  std::string cwd = "/";          // absolute; entered as the user
  std::string log_directory;      // absolute, made if missing (0750); empty: output is read and thrown away
  std::vector<std::uint32_t> groups;
  std::vector<Rlimit> rlimits;
};

inline std::string encode(const SpawnSpec& spec) {
  auto fixed = spec.fixed;
  fixed.argc = std::uint32_t(spec.argv.size());
  fixed.envc = std::uint32_t(spec.env.size());
  fixed.groups = std::uint32_t(spec.groups.size());
  fixed.rlimits = std::uint32_t(spec.rlimits.size());
  Packet packet(Header{.type = Type::spawn}, fixed);
  packet.text(spec.cwd).text(spec.log_directory);
  packet.text(
      {reinterpret_cast<const char*>(spec.groups.data()), spec.groups.size() * sizeof(std::uint32_t)});
  packet.text({reinterpret_cast<const char*>(spec.rlimits.data()), spec.rlimits.size() * sizeof(Rlimit)});
  std::string bytes = packet.bytes();
  const auto append = [&](const std::string& value) {  // not counted in Header::strings, which has 16 bits
    const auto size = std::uint32_t(value.size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(value);
  };
  for (const auto& value : spec.argv) append(value);
  for (const auto& value : spec.env) append(value);
  return bytes;
}

/// False: malformed.
inline bool decode(std::string_view bytes, SpawnSpec& spec) {
  const Parsed parsed(bytes);
  if (!parsed.ok || parsed.header.strings < 4) return false;
  spec.fixed = parsed.as<SpawnSpec::Fixed>();
  TextReader reader(parsed.tail);
  spec.cwd = reader.next();
  spec.log_directory = reader.next();
  const auto groups = reader.next();
  const auto rlimits = reader.next();
  for (std::uint16_t i = 4; i < parsed.header.strings; ++i) reader.next();
  if (groups.size() != spec.fixed.groups * sizeof(std::uint32_t)) return false;
  if (rlimits.size() != spec.fixed.rlimits * sizeof(Rlimit)) return false;
  if (spec.fixed.argc > bytes.size() / 4 || spec.fixed.envc > bytes.size() / 4) return false;
  spec.groups.resize(spec.fixed.groups);
  if (!groups.empty()) std::memcpy(spec.groups.data(), groups.data(), groups.size());
  spec.rlimits.resize(spec.fixed.rlimits);
  if (!rlimits.empty()) std::memcpy(static_cast<void*>(spec.rlimits.data()), rlimits.data(), rlimits.size());
  spec.argv.clear();
  spec.env.clear();
  for (std::uint32_t i = 0; i < spec.fixed.argc && reader.ok(); ++i) spec.argv.emplace_back(reader.next());
  for (std::uint32_t i = 0; i < spec.fixed.envc && reader.ok(); ++i) spec.env.emplace_back(reader.next());
  return reader.ok();
}

// ---- the sparse index beside each segment: NNNNNN.idx
// ---------------------------------------------------------------

/// One record for offset 0, then one about every 64 KiB, each at the start of a line. `line`: lines before
/// it.
struct IndexRecord {
  std::uint64_t offset = 0;
  std::int64_t wall_ns = 0;
  std::uint64_t line = 0;
};
static_assert(sizeof(IndexRecord) == 24);

// ---- sockets and memfds
// ---------------------------------------------------------------------------------------------

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
