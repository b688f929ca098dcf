#include "cli/systemd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <sstream>

#include "base/text.hpp"
#include "cli/local_process.hpp"
#include "runtime/keeper_scope.hpp"

extern char** environ;

namespace drover::cli {

namespace {

constexpr std::size_t largest = 1 << 20;

struct Started {
  int pid = 0, output = -1;
};

Result<Started> start(const std::vector<std::string>& words) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(from_errno(errno, "cannot make a pipe"));
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  for (const int target : {STDOUT_FILENO, STDERR_FILENO})
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], target);
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (auto& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  Started out;
  const int wrong = ::posix_spawnp(&out.pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  out.output = ends[0];
  if (wrong == 0) return out;
  ::close(ends[0]);
  return fail(from_errno(wrong, "cannot start " + words[0]));
}

/// False: not at its end by then.
bool read_all(int fd, std::chrono::steady_clock::time_point until, std::string& out) {
  char buffer[4096];
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd waiting{fd, POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&waiting, 1, int(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const auto count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    if (out.size() < largest) out.append(buffer, std::size_t(count));
  }
}

}  // namespace

Result<std::string> Systemctl::run(std::vector<std::string> words, Duration limit) const {
  std::vector<std::string> command{"systemctl", "--no-pager", "--no-ask-password"};
  if (user) command.push_back("--user");
  command.insert(command.end(), words.begin(), words.end());
  TRY(const auto started, start(command));
  std::string out;
  const bool whole = read_all(started.output, std::chrono::steady_clock::now() + limit, out);
  ::close(started.output);
  if (!whole)
    if (auto process = Process::open(started.pid)) (void)process->signal(SIGKILL);
  int status = 0;
  while (::waitpid(started.pid, &status, 0) < 0 && errno == EINTR) {
  }
  const auto said = join(command, " ");
  if (!whole) return fail(Errc::timeout, said + " has not ended within " + human_duration(limit));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return out;
  return fail(Errc::internal, said + " has failed", std::string(trim(out)));
}

std::string job_of(const std::string& jobs, const std::string& unit) {
  std::istringstream lines(jobs);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, name, type;
    if (words >> number >> name >> type && name == unit) return type;
  }
  return {};
}

bool is_being_restarted() {
  const auto unit = runtime::own_service_unit();
  if (!unit) return false;
  const auto jobs = Systemctl{unit->user}.run({"list-jobs", "--plain", "--no-legend", "--full"});
  return !jobs || job_of(*jobs, unit->name) == "restart";
}

bool is_going_down() {
  const auto unit = runtime::own_service_unit();
  if (!unit) return false;
  // It ends with a status of its own, with the word as its output.
  const auto state = Systemctl{unit->user}.run({"is-system-running"});
  return !state && state.error().cause == "stopping";
}

}  // namespace drover::cli
