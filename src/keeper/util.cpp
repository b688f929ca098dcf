#include "keeper/util.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <sstream>

namespace drover::keeper {

namespace {

std::uint64_t clock_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::uint64_t(time.tv_sec) * 1'000'000'000 + std::uint64_t(time.tv_nsec);
}

std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  while (text.size() < (1u << 20)) {
    const auto n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer, std::size_t(n));
  }
  return text;
}

void append_json(std::string& line, std::string_view name, std::string_view value) {
  line.append(line.ends_with('{') ? "\"" : ",\"").append(name).append("\":\"");
  for (const unsigned char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    line += c < 0x20 || c >= 0x7f ? '?' : char(c);
  }
  line += '"';
}

constexpr unsigned reports_per_second = 1000;

/// Of this second.
struct Reports {
  std::uint64_t second = 0;
  unsigned written = 0, left_out = 0;
} reports;

}  // namespace

std::uint64_t boot_ns() { return clock_ns(CLOCK_BOOTTIME); }
std::uint64_t wall_ns() { return clock_ns(CLOCK_REALTIME); }

std::string read_file(const char* path) { return read_at(AT_FDCWD, path); }

std::string read_at(int directory, const char* name) {
  const Fd fd(::openat(directory, name, O_RDONLY | O_CLOEXEC));
  return fd ? read_all(fd.get()) : std::string();
}

int write_at(int directory, const char* name, std::string_view text) {
  const Fd fd(::openat(directory, name, O_WRONLY | O_CLOEXEC));
  if (!fd) return errno;
  return ::write(fd.get(), text.data(), text.size()) == ssize_t(text.size()) ? 0 : errno;
}

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(directory);
  return names;
}

int make_directories(const std::string& path, mode_t mode) {
  for (std::size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at);
    const std::string part = path.substr(0, at);
    if (at != std::string::npos) ++at;
    if (::mkdir(part.c_str(), mode) == 0 || errno == EEXIST) continue;
    struct stat info{};
    const int error = errno;  // EROFS and EACCES come before EEXIST on some file systems
    if (::stat(part.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return error;
  }
  return 0;
}

const std::string& boot_id() {
  static const std::string known = [] {
    auto id = read_file("/proc/sys/kernel/random/boot_id");
    while (!id.empty() && id.back() == '\n') id.pop_back();
    return id;
  }();
  return known;
}

void yield_to_others(bool yield) {
  const sched_param none{};
  ::sched_setscheduler(0, yield ? SCHED_BATCH : SCHED_OTHER, &none);  // refused: then as before
}

std::uint32_t fnv(std::string_view text) {
  std::uint32_t hash = 2166136261u;
  for (const unsigned char c : text) hash = (hash ^ c) * 16777619u;
  return hash;
}

ProcessStat process_stat(pid_t pid) {
  ProcessStat stat;
  char path[48];
  std::snprintf(path, sizeof path, "/proc/%d/stat", int(pid));
  const std::string text = read_file(path);
  const auto close = text.rfind(')');  // the name may contain anything
  if (close == std::string::npos) return stat;
  // Fields by their numbers in proc(5), where the name is 2: state 3, ppid 4, pgrp 5, session 6, starttime
  // 22, exit_code 52.
  std::istringstream rest(text.substr(close + 1));
  std::string word;
  for (int field = 3; field <= 52 && rest >> word; ++field) {
    const auto value = std::strtoull(word.c_str(), nullptr, 10);
    if (field == 3) stat.state = word[0];
    if (field == 4) stat.parent = pid_t(value);
    if (field == 5) stat.group = pid_t(value);
    if (field == 6) stat.session = pid_t(value);
    if (field == 22) stat.start_ticks = value;
    if (field == 52) stat.exit_status = int(value);
  }
  stat.pid = pid;
  return stat;
}

bool may_inspect(pid_t pid) {
  struct stat info{};
  const auto path = "/proc/" + std::to_string(pid);
  return ::geteuid() == 0 || (::stat(path.c_str(), &info) == 0 && info.st_uid == ::geteuid());
}

int pidfd_open(pid_t pid) { return int(::syscall(SYS_pidfd_open, pid, 0)); }

int pidfd_signal(int pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0 ? 0 : errno;
}

int signal_exactly(pid_t pid, std::uint64_t start_ticks, int signal) {
  const Fd fd(pidfd_open(pid));  // first the fd, then the comparison: afterwards the pid cannot change hands
  if (!fd) return errno;
  if (process_stat(pid).start_ticks != start_ticks) return ESRCH;
  return pidfd_signal(fd.get(), signal);
}

const char* error_words(int error) {
  const char* words = error != 0 ? ::strerrordesc_np(error) : "";
  return words != nullptr ? words : "?";
}

void report(Severity severity, std::string_view message,
            std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (std::exchange(reports.second, std::uint64_t(now.tv_sec)) != std::uint64_t(now.tv_sec))
    reports.written = 0;
  pollfd ready{STDERR_FILENO, POLLOUT, 0};  // a pipe that nobody reads must not hold us up
  if (reports.written >= reports_per_second || ::poll(&ready, 1, 0) != 1) {
    ++reports.left_out;
    return;
  }
  ++reports.written;
  tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  char time[64];
  const auto size = std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(time + size, sizeof time - size, ".%06ldZ", now.tv_nsec / 1000);
  std::string line = "{", context = "{";
  append_json(line, "timestamp", time);
  append_json(line, "level",
              severity == Severity::info      ? "info"
              : severity == Severity::warning ? "warn"
                                              : "error");
  append_json(line, "service", "keeper");
  append_json(line, "message", message);
  append_json(context, "pid", std::to_string(::getpid()));
  for (const auto& [name, value] : fields)
    if (!value.empty()) append_json(name == "correlationId" ? line : context, name, value);
  if (reports.left_out > 0)
    append_json(context, "left_out_before", std::to_string(std::exchange(reports.left_out, 0)));
  line += ",\"context\":" + context + "}}\n";
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;  // nowhere left to say it
}

void report(Severity severity, std::string_view message, std::string_view detail, int error) {
  report(severity, message, {{"detail", detail}, {"error", error_words(error)}});
}

}  // namespace drover::keeper
