// What this machine can do at best, measured bare: the floor beside our own figures. One JSON line a figure.
//
// bench_floors [spawn COUNT | respawn COUNT | fsync COUNT DIRECTORY | pipe MIB LINE_BYTES DIRECTORY] without:
// all

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

extern char** environ;

namespace {

using Steady = std::chrono::steady_clock;

double milliseconds_since(Steady::time_point from) {
  return std::chrono::duration<double, std::milli>(Steady::now() - from).count();
}

void figure(const std::string& name, double value, const char* unit, const std::string& conditions) {
  fmt::print(R"({{"name":"floor.{}","value":{:.3f},"unit":"{}","conditions":"{}"}})"
             "\n",
             name, value, unit, conditions);
  std::fflush(stdout);
}

double at(std::vector<double> sorted, double part) {
  std::ranges::sort(sorted);
  return sorted[std::min(sorted.size() - 1, std::size_t(double(sorted.size()) * part))];
}

/// A program that lives until it is killed; it has been exec'ed when this returns (posix_spawn is a vfork).
pid_t spawn_sleeper() {
  const char* arguments[] = {"sleep", "1000", nullptr};
  pid_t pid = 0;
  if (::posix_spawnp(&pid, "sleep", nullptr, nullptr, const_cast<char**>(arguments), environ) != 0)
    std::exit(1);
  return pid;
}

void end(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

void spawn(int count) {
  std::vector<pid_t> all;
  auto began = Steady::now();
  for (int i = 0; i < count; ++i) all.push_back(spawn_sleeper());
  double took = milliseconds_since(began);
  for (pid_t pid : all) end(pid);
  figure(fmt::format("spawn.{}", count), took, "ms", "posix_spawn of sleep, one after the other");
}

void respawn(int count) {
  std::vector<double> all;
  pid_t pid = spawn_sleeper();
  for (int i = 0; i < count; ++i) {
    auto began = Steady::now();
    end(pid);
    pid = spawn_sleeper();
    all.push_back(milliseconds_since(began));
  }
  end(pid);
  figure("respawn.p50", at(all, 0.5), "ms", fmt::format("kill -9, waitpid, posix_spawn; {} times", count));
  figure("respawn.p99", at(all, 0.99), "ms", fmt::format("kill -9, waitpid, posix_spawn; {} times", count));
}

void fsync_loop(int count, const std::string& directory) {
  const std::string path = directory + "/floor-fsync", block(4096, 'x');
  int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) std::exit(1);
  std::vector<double> all;
  for (int i = 0; i < count; ++i) {
    auto began = Steady::now();
    if (::write(file, block.data(), block.size()) < 0 || ::fdatasync(file) != 0) std::exit(1);
    all.push_back(milliseconds_since(began));
  }
  ::close(file);
  ::unlink(path.c_str());
  figure("fsync.p50", at(all, 0.5), "ms", fmt::format("append 4 KiB and fdatasync, {} times", count));
  figure("fsync.p99", at(all, 0.99), "ms", fmt::format("append 4 KiB and fdatasync, {} times", count));
}

/// Writes `total` bytes as lines into a pipe, a write a line, as an unbuffered program does.
[[noreturn]] void write_lines(int out, std::size_t total, std::size_t length) {
  std::string line(length - 1, 'x');
  line += '\n';
  for (std::size_t sent = 0; sent < total; sent += length)
    if (::write(out, line.data(), line.size()) != ssize_t(line.size())) _exit(1);
  _exit(0);
}

void pipe_copy(std::size_t mib, std::size_t length, const std::string& directory) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::exit(1);
  const std::string path = directory + "/floor-pipe";
  int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  auto began = Steady::now();
  pid_t child = ::fork();
  if (child == 0) write_lines(ends[1], mib << 20, length);
  ::close(ends[1]);
  std::vector<char> buffer(64 << 10);
  for (;;) {
    ssize_t got = ::read(ends[0], buffer.data(), buffer.size());
    if (got <= 0) break;
    if (::write(file, buffer.data(), std::size_t(got)) != got) std::exit(1);
  }
  double took = milliseconds_since(began);
  ::waitpid(child, nullptr, 0);
  ::close(file);
  ::unlink(path.c_str());
  figure(fmt::format("pipe.{}", length), double(mib) * 1000 / took, "MiB/s",
         fmt::format("{} MiB in lines of {} bytes, one write each, pipe to file", mib, length));
}

std::string temporary() {
  const char* given = std::getenv("TMPDIR");
  return given ? given : "/tmp";
}
}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  auto number = [&](std::size_t i) { return std::max(1, std::atoi(words.at(i).c_str())); };
  if (words.empty()) {
    for (int count : {10, 100, 1000}) spawn(count);
    respawn(100);
    fsync_loop(200, temporary());
    for (std::size_t length : {100, 1000}) pipe_copy(128, length, temporary());
  } else if (words.size() == 2 && words[0] == "spawn") {
    spawn(number(1));
  } else if (words.size() == 2 && words[0] == "respawn") {
    respawn(number(1));
  } else if (words.size() == 3 && words[0] == "fsync") {
    fsync_loop(number(1), words[2]);
  } else if (words.size() == 4 && words[0] == "pipe") {
    pipe_copy(std::size_t(number(1)), std::size_t(number(2)), words[3]);
  } else {
    fmt::print(stderr, "usage: bench_floors [spawn N | respawn N | fsync N DIR | pipe MIB LINE DIR]\n");
    return 2;
  }
  return 0;
}
