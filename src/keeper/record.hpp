#pragma once
// The intent record of one incarnation: a file in the run directory (tmpfs), mapped shared. It is the truth
// about the incarnation: written before the clone, changed in place, so a kill -9 of the keeper at any moment
// loses nothing that was known. It also holds the unfinished last line of each stream, which no file has yet.

#include <atomic>
#include <memory>
#include <string>

#include "keeper/util.hpp"

namespace drover::keeper {

inline constexpr std::uint32_t record_magic = 0x32434552;  // "REC2": raised when the layout changes
inline constexpr std::size_t record_page = 4096;

/// What the log thread was doing; read after a kill.
enum class InFlight : std::uint32_t {
  nothing = 0,  // all that was read is in a file or in the carry
  taken = 1,    // bytes were taken from a pipe; the carry is still the one before them
  formed = 2,   // the carry is the one after them; they may be in the file, in part, or not
};

inline constexpr std::size_t max_passed = 4;         // sockets of one incarnation
inline constexpr std::size_t max_socket_name = 120;  // with its NUL

/// A signal of a stop that is still to be sent.
struct DueStep {
  std::int32_t signal;
  std::uint32_t reserved;
  std::uint64_t at;  // boot time
};
struct PassedRecord {
  std::uint64_t inode;  // 0: none
  char name[max_socket_name];
};

/// Layout is append-only. `info` is written by the main thread only, the atomics by the log thread only.
struct RecordData {
  std::uint32_t magic;
  std::uint32_t level;  // Level at spawn
  char boot_id[40];
  char key[max_key + 1];
  char token[max_token + 1];
  char cgroup[512];
  char log_directory[1024];
  InstanceInfo info;
  std::int32_t child_pid;                // set by the kernel inside clone, before the child runs
  std::uint16_t spawn_stage, reserved0;  // set by the child when it could not exec
  std::int32_t spawn_error;
  std::uint64_t pipe_inode[2];  // stdout, stderr; 0: none
  std::uint64_t kill_at;        // boot time; 0: no kill is due
  std::uint64_t killed_at;
  std::int32_t stop_signal;
  std::uint8_t leftovers_termed, merge, reserved1[2];
  std::uint16_t on_full, reserved2;
  std::uint64_t log_budget, log_segment_size;
  std::uint64_t lease_boot_ns;  // room
  // Of the log thread:
  std::atomic<std::uint32_t> in_flight;  // see InFlight
  std::atomic<std::uint32_t> carry[2];   // bytes of the unfinished line
  std::atomic<std::uint32_t> failing, closed;
  std::atomic<std::int32_t> log_error;
  std::atomic<std::uint64_t> segment, offset, lines, bytes, lost_lines, lost_bytes;
  std::atomic<std::uint64_t> waiting_lines,
      waiting_bytes;  // in the keeper's memory because the disk refuses them
  // Of the main thread again:
  char limit_directories[640];  // in the hierarchies of cgroup v1, a line each
  DueStep steps[max_steps];     // from next_step on
  std::uint32_t step_count, next_step;
  std::uint64_t hook_ticks;  // start time of the command before the first signal
  std::int32_t hook_pid;     // 0: none runs
  std::uint8_t stop_mode;    // Mode
  std::uint8_t signalled;    // the first signal of the stop has been sent
  std::uint8_t reserved3[2];
  PassedRecord passed[max_passed];
};
static_assert(sizeof(RecordData) <= record_page);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Owns the mapping, not the file: unlink() removes that.
class Record {
 public:
  /// Makes the file and its first page, all zero but magic and boot id.
  static Outcome<std::unique_ptr<Record>> create(const std::string& directory, const std::string& name);
  /// Maps an existing one. EINVAL: of another layout; ENODATA: never filled; ESTALE: of another boot.
  static Outcome<std::unique_ptr<Record>> open(const std::string& directory, const std::string& name);
  ~Record();
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  RecordData& data() { return *data_; }
  const RecordData& data() const { return *data_; }
  const std::string& name() const { return name_; }
  /// The unfinished line of stream 0 or 1. Log thread only.
  char* carry(int stream) {
    return reinterpret_cast<char*>(data_) + record_page + std::size_t(stream) * max_log_line;
  }
  /// False: the run directory is full; the caller must not touch those bytes of the carry.
  bool reserve_carry(int stream, std::size_t bytes);
  void unlink();

 private:
  Record(std::string path, std::string name, Fd fd, RecordData* data);
  std::string path_, name_;
  Fd fd_;
  RecordData* data_;
  std::size_t reserved_[2] = {0, 0};
};

/// Key and incarnation as one file name: "web!api-1.17". "" when the key is not allowed.
std::string record_name(std::string_view key, std::uint64_t incarnation);

}  // namespace drover::keeper
