#pragma once
// What every part of the keeper uses: an owned fd, two clocks, small files, /proc, one-line JSON log on
// stderr.

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keeper/spawn_spec.hpp"

namespace drover::keeper {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

/// Why something did not work: errno, and for a spawn the stage.
struct Failure {
  int error = 0;
  Stage stage = Stage::none;
};
template <class T>
using Outcome = std::expected<T, Failure>;
inline std::unexpected<Failure> failure(int error, Stage stage = Stage::none) {
  return std::unexpected(Failure{error, stage});
}

inline constexpr std::uint64_t ms = 1'000'000;  // nanoseconds
std::uint64_t boot_ns();
std::uint64_t wall_ns();

std::string read_file(const char* path);                               // "" when unreadable; at most 1 MiB
std::string read_at(int directory, const char* name);                  // the same, relative
int write_at(int directory, const char* name, std::string_view text);  // 0 or errno; the file must exist
std::vector<std::string> list_directory(const std::string& path);      // names without . and ..
int make_directories(const std::string& path, mode_t mode);            // mkdir -p; 0 or errno
const std::string& boot_id();
/// The calling thread, when woken, does not interrupt what runs (sched(7), SCHED_BATCH). Inherited by
/// children.
void yield_to_others(bool yield);
std::uint32_t fnv(std::string_view text);

struct ProcessStat {
  pid_t pid = 0, parent = 0, group = 0, session = 0;
  char state = 0;
  std::uint64_t start_ticks = 0;
  int exit_status = 0;  // of a zombie, as wait(2) has it; 0 when we may not know
};
/// start_ticks 0: there is no such process.
ProcessStat process_stat(pid_t pid);
/// Whether /proc tells us a zombie's exit status: root, or its owner.
bool may_inspect(pid_t pid);
int pidfd_open(pid_t pid);  // close-on-exec; -1 and errno
int pidfd_signal(int pidfd, int signal);
/// Signals the process that has this pid now and had it, with this start time, before. ESRCH: it is gone.
int signal_exactly(pid_t pid, std::uint64_t start_ticks, int signal);

const char* error_words(int error);  // "" for 0

enum class Severity { info, warning, error };
/// One record of product row E8 on stderr. Never blocks for long, never fails; a thousand a second at most.
/// "correlationId" stands beside the context, what is empty nowhere. Main thread only.
void report(Severity severity, std::string_view message,
            std::initializer_list<std::pair<std::string_view, std::string_view>> fields);
void report(Severity severity, std::string_view message, std::string_view detail = {}, int error = 0);

}  // namespace drover::keeper
