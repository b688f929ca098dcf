#pragma once
// The protocol between the agent and drover-keeper: the packets. protocol_io.hpp packs, sends and receives
// them; spawn_spec.hpp is what the memfd of a spawn holds.
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

#include <cstddef>
#include <cstdint>

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
  hello = 1,    // Hello → welcome (Welcome)
  welcome = 2,  //
  done = 3,     // empty
  spawn = 4,  // Spawn + key, token, correlation (for the keeper's own log, as in stop); fd 0: sealed memfd of
              // SpawnSpec; then Spawn::passed_fds listening sockets → spawned (InstanceInfo)
  spawned = 5,  // also when the instance exists already
  stop = 6,  // Stop + key, correlation; fd 0, with Stop::hook: sealed memfd of SpawnSpec. Unknown or already
             // empty: ok. The answer comes at once, the end as events
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
  sockets = 18,       // empty → done + names of all sockets that are held
  release = 19,       // names of sockets to close. Unknown: ok
  adjust = 20,        // Adjust + key. Unknown or already empty: ok
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
  socket = 17,  // a socket to pass is neither held nor sent, or is none
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
  std::uint32_t passed_fds = 0;      // listening sockets after the memfd, for the names that say so
  std::uint64_t lease_boot_ns = 0;   // room: the keeper kills at this time unless renewed
  std::uint32_t tty = 0;             // room
  std::uint32_t foreign_cgroup = 0;  // room: a cgroup of another manager
  std::uint64_t reserved[4] = {};
};

enum class Mode : std::uint16_t { main = 0, all = 1 };

/// One more signal, so long after the stop began.
struct StopStep {
  std::int32_t signal = 0;
  std::uint32_t after_ms = 0;
};
inline constexpr std::size_t max_steps = 8;

/// The hook if there is one, to its end; then TERM (or `signal`), and the steps when they are due; then the
/// wait for an empty cgroup; the kill at `grace_ms`, wherever it stands. A second stop may only bring the
/// kill forward. What main leaves behind gets TERM once, within the same grace. Survives the agent and the
/// keeper.
struct Stop {
  std::uint64_t incarnation = 0;
  std::int32_t signal = 15;
  Mode mode = Mode::main;
  std::uint16_t reserved = 0;
  std::uint32_t grace_ms = 10'000;
  std::uint32_t reserved2 = 0;
  std::uint32_t hook = 0;   // 1: a command runs in the incarnation's cgroup before the first signal
  std::uint32_t steps = 0;  // so many of `step` count
  StopStep step[max_steps] = {};
};
struct Signal {
  std::uint64_t incarnation = 0;
  std::int32_t signal = 0;
  Mode mode = Mode::main;
  std::uint16_t reserved = 0;
};

/// The log of an incarnation from now on. A segment that is larger already ends with its next record.
struct Adjust {
  std::uint64_t incarnation = 0;
  std::uint64_t log_budget = 0, log_segment = 0;
  std::uint16_t on_full = 0;  // OnFull of spawn_spec.hpp
  std::uint16_t reserved[3] = {};
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
  exited = 2,  // and something of it is left; else only `emptied`, which has the exit too
  emptied = 3,
  log_loss = 4,
  log_written = 5,  // at most every 50 ms per instance
  log_closed = 6,   // after emptied: the last line is in the file
  stuck = 7,        // 5 s after the kill something still lives (uninterruptible sleep)
  hook_ended = 8,   // see InstanceInfo::hook
  log_trouble = 9,  // InstanceInfo::log_failing has changed
};
enum class ExitKind : std::uint16_t {
  none = 0,
  code = 1,
  signal = 2,
  unknown =
      3,  // it died while nobody could see it (both keeper and guard were dead, and Linux is older than 6.15)
};
/// The command before the first signal of a stop.
enum class Hook : std::uint8_t { none = 0, running = 1, succeeded = 2, failed = 3, not_started = 4 };

/// What of a spawn the host could not enforce: the incarnation runs without it.
enum Degraded : std::uint32_t {
  degraded_cpu = 1u << 0,
  degraded_memory = 1u << 1,
  degraded_memory_group = 1u << 2,  // cgroup v1: the OOM killer ends one process of it, not all
  degraded_pids = 1u << 3,
  degraded_io = 1u << 4,
  degraded_rlimits = 1u << 5,  // as far as the keeper's own hard limits allow
  degraded_nice = 1u << 6,
  degraded_oom_score = 1u << 7,
  degraded_groups = 1u << 8,
  degraded_capabilities = 1u << 9,
  degraded_no_new_privileges = 1u << 10,
  degraded_private_tmp = 1u << 11,
  degraded_read_only = 1u << 12,
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
  std::uint64_t emptied_boot_ns = 0, emptied_wall_ns = 0;  // none of its lines in the log is younger
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
  std::uint32_t degraded = 0;  // enum Degraded
  Hook hook = Hook::none;
  std::uint8_t reserved1[3] = {};
  std::int32_t hook_status = 0;  // as wait(2) has it; errno when it was not started
  std::uint32_t reserved3 = 0;
  std::uint64_t reserved2[2] = {};
};

/// Strings: kill level ("cgroup2", "cgroup2-freeze", "freezer", "subreaper", "group"), spawn way ("clone3",
/// "migrate", "fork"), cgroup base, version of the binary, controllers whose limits hold ("cpu memory pids").
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

/// The sparse index beside each segment, NNNNNN.idx: one record for offset 0, then one about every 64 KiB,
/// each at the start of a line. `line`: lines before it.
struct IndexRecord {
  std::uint64_t offset = 0;
  std::int64_t wall_ns = 0;
  std::uint64_t line = 0;
};
static_assert(sizeof(IndexRecord) == 24);

}  // namespace drover::keeper
