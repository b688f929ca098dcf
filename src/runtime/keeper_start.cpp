#include "runtime/keeper_start.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "runtime/descriptor.hpp"
#include "runtime/files.hpp"
#include "runtime/keeper_scope.hpp"

namespace drover::runtime {

namespace {

constexpr std::uint64_t log_limit = 4u << 20;

std::string log_path(const Paths& paths) { return paths.state + "/keeper.log"; }

Fd open_log(const Paths& paths) {
  const auto path = log_path(paths);
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && std::uint64_t(info.st_size) > log_limit)
    ::rename(path.c_str(), (path + ".1").c_str());
  Fd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  return log ? std::move(log) : Fd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
}

/// The keeper needs no more of our environment than this; its children get their own.
std::vector<std::string> keeper_environment() {
  std::vector<std::string> all;
  for (const char* name : {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "XDG_RUNTIME_DIR"})
    if (const char* value = std::getenv(name)) all.push_back(fmt::format("{}={}", name, value));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

struct SpawnAttributes {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  explicit SpawnAttributes(int log) {
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_init(&actions);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);  // our threads block signals
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, log, 1);
    ::posix_spawn_file_actions_adddup2(&actions, log, 2);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    ::posix_spawn_file_actions_addchdir_np(&actions, "/");
  }
  ~SpawnAttributes() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
};

/// `prefix`: words before the command (keeper_scope.hpp).
Result<pid_t> launch(const std::string& named, const Paths& paths, std::vector<std::string> prefix) {
  std::error_code ignored;
  const auto binary = std::filesystem::absolute(named, ignored).string();  // it starts in /
  const Fd log = open_log(paths);
  const SpawnAttributes attributes(log.get());
  const bool scoped = !prefix.empty();
  auto& arguments = prefix;
  arguments.insert(arguments.end(), {binary, "--state", paths.state, "--run-dir", paths.run + "/keeper"});
  // A user's systemd delegates, but does not mark what it has delegated.
  if (scoped) arguments.insert(arguments.end(), {"--cgroup", "own"});
  if (const char* best = std::getenv("DROVER_KEEPER_LEVEL"))
    arguments.insert(arguments.end(), {"--level", best});  // for tests
  auto environment = keeper_environment();
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, arguments.front().c_str(), &attributes.actions, &attributes.attributes,
                    pointers(arguments).data(), pointers(environment).data());
  if (error != 0) return fail(from_errno(error, "starting " + arguments.front()));
  return pid;
}

bool listening(const Paths& paths) {
  const Fd probe(keeper::connect_socket(paths.state.c_str(), SOCK_NONBLOCK));
  return bool(probe);
}

std::string own_log_end(const Paths& paths) {
  const auto text = read_small_file(log_path(paths), 4096, true);
  const auto end = text.find_last_not_of('\n');
  if (end == std::string::npos) return {};
  const auto begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

}  // namespace

Result<std::string> find_keeper() {
  if (const char* named = std::getenv("DROVER_KEEPER"); named != nullptr && *named != '\0') return named;
  std::error_code ignored;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path().string();
  const std::array<std::string, 4> places{own + "/drover-keeper", own + "/../libexec/drover/drover-keeper",
                                          "/usr/libexec/drover/drover-keeper",
                                          "/usr/local/libexec/drover/drover-keeper"};
  for (const auto& place : places)
    if (::access(place.c_str(), X_OK) == 0) return std::filesystem::path(place).lexically_normal().string();
  return fail(Errc::not_found, "drover-keeper is not installed",
              "looked beside this program (" + own + ") and in /usr/libexec/drover",
              "set DROVER_KEEPER to its path");
}

void reap_guard(std::int64_t* guard_pid) {
  if (*guard_pid > 0 && ::waitpid(pid_t(*guard_pid), nullptr, WNOHANG) == pid_t(*guard_pid)) *guard_pid = 0;
}

namespace {
/// Until somebody listens. The error says what the keeper said.
net::Awaitable<Result<void>> wait_for_keeper(const KeeperOptions& options, std::string binary,
                                             std::int64_t* guard_pid) {
  const auto pid = pid_t(*guard_pid);
  const auto until = std::chrono::steady_clock::now() + options.start;
  while (!listening(options.paths)) {
    int status = 0;
    const bool ended = *guard_pid > 0 && ::waitpid(pid, &status, WNOHANG) == pid;
    if (ended) *guard_pid = 0;
    if (ended && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
      co_return fail(Errc::unavailable, fmt::format("{} ended at once", binary), own_log_end(options.paths));
    if (std::chrono::steady_clock::now() > until)
      co_return fail(Errc::timeout, fmt::format("{} does not answer", binary), own_log_end(options.paths),
                     "see " + log_path(options.paths));
    co_await net::sleep_for(2ms);
  }
  co_return Result<void>();
}
}  // namespace

net::Awaitable<Result<void>> start_keeper(const KeeperOptions& options, std::int64_t* guard_pid, Log& log) {
  reap_guard(guard_pid);
  auto binary = options.binary.empty() ? find_keeper() : Result<std::string>(options.binary);
  if (!binary) co_return fail(std::move(binary).error());
  auto prefix = scope_prefix(options.paths);
  const bool scoped = !prefix.empty();
  CO_TRY(*guard_pid, launch(*binary, options.paths, std::move(prefix)));
  auto started = co_await wait_for_keeper(options, *binary, guard_pid);
  if (!started && scoped && *guard_pid == 0) {
    log.warn("no scope of its own for the keeper: the service manager refuses",
             {{"cause", started.error().cause}});
    CO_TRY(*guard_pid, launch(*binary, options.paths, {}));
    started = co_await wait_for_keeper(options, *binary, guard_pid);
  }
  if (started)
    log.info("keeper started", {{"pid", std::to_string(*guard_pid)}, {"state", options.paths.state}});
  co_return started;
}

}  // namespace drover::runtime
