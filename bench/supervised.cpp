// bench_supervised: the programs that every supervisor of bench/supervision.py runs, and the floors beside
// them.
//
//   born FILE               appends "PID MONOTONIC_NS", then waits to be ended
//   keep FILE COUNT         the floor of a restart: spawns `born FILE`, waits on its pidfd, spawns it again,
//   COUNT times many FILE COUNT         the floor of a start: spawns COUNT `born FILE`, one after the other;
//   ends them on SIGTERM write MIB               numbered lines of 100 bytes on stdout, in writes of 64 KiB
//   stamp FILE              the floor of a log: splits stdin into lines and writes each with its time
//   check LINES < LOG       JSON: how many of the numbered lines are there whole, once, and what else
//   tree FILE               a service with a child, a child that ignores SIGTERM, one in a session of its own
//   and one
//                           that was forked twice; appends "WHAT PID" of each

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

extern "C" {  // the header of glibc 2.36 forgets this
#include <sys/pidfd.h>
}

extern char** environ;

namespace {

constexpr std::size_t line_bytes = 100, block_bytes = 64 << 10, number_digits = 12;

unsigned long long now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<unsigned long long>(now.tv_sec) * 1'000'000'000 +
         static_cast<unsigned long long>(now.tv_nsec);
}

void append(const char* path, const char* text, std::size_t size) {
  const int file = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0 || ::write(file, text, size) != ssize_t(size)) std::exit(1);
  ::close(file);
}

[[noreturn]] void wait_for_the_end() {
  while (true) ::pause();
}

[[noreturn]] void born(const char* path) {
  char text[64];
  const int size = std::snprintf(text, sizeof text, "%d %llu\n", int(::getpid()), now_ns());
  append(path, text, std::size_t(size));
  wait_for_the_end();
}

pid_t spawn_born(const char* path) {
  const char* arguments[] = {"/proc/self/exe", "born", path, nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, const_cast<char**>(arguments), environ) != 0)
    std::exit(1);
  return pid;
}

void keep(const char* path, int count) {
  for (int i = 0; i <= count; ++i) {
    const pid_t pid = spawn_born(path);
    const int handle = ::pidfd_open(pid, 0);
    pollfd wanted{handle, POLLIN, 0};
    while (::poll(&wanted, 1, -1) < 0) continue;
    siginfo_t ended{};
    ::waitid(P_PIDFD, id_t(handle), &ended, WEXITED);
    ::close(handle);
  }
}

void many(const char* path, int count) {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  std::vector<pid_t> all;
  for (int i = 0; i < count; ++i) all.push_back(spawn_born(path));
  int number = 0;
  ::sigwait(&wanted, &number);
  for (const pid_t pid : all) ::kill(pid, SIGKILL);
  for (const pid_t pid : all) ::waitpid(pid, nullptr, 0);
}

/// Line `number`, with its newline: twelve digits, then letters that depend on the number.
void put_line(char* at, unsigned long long number) {
  for (std::size_t digit = 0, rest = number; digit < number_digits; ++digit, rest /= 10)
    at[number_digits - 1 - digit] = char('0' + rest % 10);
  std::memset(at + number_digits, 'a' + int(number % 26), line_bytes - number_digits - 1);
  at[line_bytes - 1] = '\n';
}

void write_all(int out, const char* data, std::size_t size) {
  while (size > 0) {
    const auto n = ::write(out, data, size);
    if (n <= 0) std::exit(1);
    data += n;
    size -= std::size_t(n);
  }
}

/// Made beforehand, a hundred blocks at a time: what is measured is the reader, not this.
void write_lines(std::size_t mib) {
  const unsigned long long lines = (mib << 20) / line_bytes;
  constexpr unsigned long long batch = 100 * block_bytes / line_bytes;
  std::vector<char> text(batch * line_bytes);
  for (unsigned long long from = 0; from < lines; from += batch) {
    const auto count = std::min(batch, lines - from);
    for (unsigned long long i = 0; i < count; ++i) put_line(text.data() + i * line_bytes, from + i);
    for (std::size_t at = 0, size = count * line_bytes; at < size; at += block_bytes)
      write_all(1, text.data() + at, std::min(block_bytes, size - at));
  }
}

std::string stamp_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  char text[64];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + size, sizeof text - size, ".%09ldZ ", now.tv_nsec);
  return text;
}

/// Calls `use` with each line without its newline; what a read leaves unfinished is carried over.
template <typename Begin, typename Use>
void each_line(Begin begin, Use use) {
  std::vector<char> buffer(block_bytes);
  std::string carried;
  while (true) {
    const auto n = ::read(0, buffer.data(), buffer.size());
    if (n <= 0) break;
    begin();
    std::string_view rest(buffer.data(), std::size_t(n));
    while (!rest.empty()) {
      const void* newline = std::memchr(rest.data(), '\n', rest.size());
      if (newline == nullptr) break;
      const auto length = std::size_t(static_cast<const char*>(newline) - rest.data());
      if (carried.empty()) {
        use(rest.substr(0, length));
      } else {
        use(std::string_view(carried.append(rest.substr(0, length))));
        carried.clear();
      }
      rest.remove_prefix(length + 1);
    }
    carried.append(rest);
  }
  if (!carried.empty()) use(std::string_view(carried));
}

void stamp(const char* path) {
  const int file = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  std::string now, out;
  each_line(
      [&] {
        if (!out.empty()) write_all(file, out.data(), out.size());
        out.clear();
        now = stamp_now();
      },
      [&](std::string_view line) { out.append(now).append(line).push_back('\n'); });
  write_all(file, out.data(), out.size());
}

/// A stored line ends with one of ours; what comes before it is the time and the like.
void check(std::size_t lines) {
  std::vector<bool> seen(lines);
  std::size_t whole = 0, twice = 0, other = 0;
  char wanted[line_bytes];
  each_line([] {},
            [&](std::string_view line) {
              constexpr std::size_t length = line_bytes - 1;
              if (line.size() < length) return void(++other);
              line.remove_prefix(line.size() - length);
              const auto number =
                  std::strtoull(std::string(line.substr(0, number_digits)).c_str(), nullptr, 10);
              put_line(wanted, number);
              if (number >= lines || line != std::string_view(wanted, length)) return void(++other);
              if (seen[number]) ++twice;
              else ++whole;
              seen[number] = true;
            });
  std::printf("{\"whole\":%zu,\"missing\":%zu,\"twice\":%zu,\"other\":%zu}\n", whole, lines - whole, twice,
              other);
}

void tell(const char* path, const char* what) {
  char text[64];
  append(path, text, std::size_t(std::snprintf(text, sizeof text, "%s %d\n", what, int(::getpid()))));
}

[[noreturn]] void tree(const char* path) {
  if (::fork() == 0) tell(path, "child"), wait_for_the_end();
  if (::fork() == 0) ::signal(SIGTERM, SIG_IGN), tell(path, "ignores"), wait_for_the_end();
  if (::fork() == 0) ::setsid(), tell(path, "session"), wait_for_the_end();
  const pid_t between = ::fork();
  if (between == 0) {
    ::setsid();
    if (::fork() == 0) tell(path, "twice"), wait_for_the_end();
    ::_exit(0);
  }
  ::waitpid(between, nullptr, 0);
  tell(path, "main");
  wait_for_the_end();
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 0;  // there is nothing to measure here by itself
  const std::string_view verb = argv[1];
  const int count = argc > 3 ? std::atoi(argv[3]) : 0;
  if (verb == "born" && argc == 3) born(argv[2]);
  if (verb == "tree" && argc == 3) tree(argv[2]);
  if (verb == "keep" && count > 0) return keep(argv[2], count), 0;
  if (verb == "many" && count > 0) return many(argv[2], count), 0;
  if (verb == "write" && argc == 3) return write_lines(std::strtoul(argv[2], nullptr, 10)), 0;
  if (verb == "stamp" && argc == 3) return stamp(argv[2]), 0;
  if (verb == "check" && argc == 3) return check(std::strtoul(argv[2], nullptr, 10)), 0;
  std::fputs(
      "usage: bench_supervised born|tree|stamp FILE | keep|many FILE COUNT | write MIB | check LINES\n",
      stderr);
  return 2;
}
