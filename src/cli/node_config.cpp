#include "cli/node_config.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>

#include "base/json.hpp"
#include "cli/local_process.hpp"

extern char** environ;

namespace drover::cli {

namespace {
constexpr std::size_t largest = 4 << 20;
constexpr int answer_fd = 3;

// CommonJS, or a module; what it exports may be a function. The answer goes to a descriptor of its own, since
// a configuration may print.
constexpr const char* script = R"js(
const fs = require('fs'), path = require('path'), url = require('url');
const file = process.argv[1];
const answer = (value) => { fs.writeFileSync(3, JSON.stringify(value)); process.exit(0); };
const load = async () => {
  if (file.endsWith('.mjs')) return import(url.pathToFileURL(file).href);
  try { return require(file); } catch (error) {
    if (error.code !== 'ERR_REQUIRE_ESM' && !/Cannot use import|Unexpected token 'export'/.test(error.message)) throw error;
    return import(url.pathToFileURL(file).href);
  }
};
load().then(async (loaded) => {
  let value = loaded && loaded.apps === undefined && loaded.default !== undefined ? loaded.default : loaded;
  if (typeof value === 'function') value = await value();
  answer({ value: value === undefined ? null : value });
}).catch((error) => {
  const text = String(error && error.stack || error);
  const at = text.indexOf(file);
  const line = at < 0 ? null : /^:(\d+)/.exec(text.slice(at + file.length));
  const name = error && error.name ? error.name + ': ' : '';
  answer({ error: name + (error && error.message || error), line: line ? Number(line[1]) : 0 });
});
)js";

class Pipe {
 public:
  Pipe() { made_ = ::pipe2(ends_, O_CLOEXEC) == 0; }
  Pipe(const Pipe&) = delete;
  ~Pipe() {
    close_write();
    if (made_) ::close(ends_[0]);
  }
  void close_write() {
    if (made_ && ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  bool made() const { return made_; }
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }

 private:
  int ends_[2] = {-1, -1};
  bool made_ = false;
};

std::unexpected<Error> no_node() {
  return fail(Errc::not_found, "there is no node on this machine, which has to run the file", {},
              "apt-get install nodejs; or where there is node: node -p "
              "'JSON.stringify(require(\"./ecosystem.config.js\"))' > ecosystem.json");
}

Result<int> spawn_node(const std::string& path, const Pipe& pipe) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, pipe.write_end(), answer_fd);
  auto directory = std::filesystem::path(path).parent_path().string();
  ::posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  std::string program = "node", flag = "-e", text = script, end = "--", file = path;
  char* arguments[] = {program.data(), flag.data(), text.data(), end.data(), file.data(), nullptr};
  int pid = 0;
  int wrong = ::posix_spawnp(&pid, "node", &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (wrong == ENOENT) return no_node();
  if (wrong != 0) return fail(from_errno(wrong, "cannot start node"));
  return pid;
}

Result<std::string> read_answer(int fd, Duration limit) {
  auto end = std::chrono::steady_clock::now() + limit;
  std::string out;
  char buffer[65536];
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waiting{fd, POLLIN, 0};
    int ready = left.count() > 0 ? ::poll(&waiting, 1, int(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0)
      return fail(Errc::timeout, "node has not read the file within " + human_duration(limit), {},
                  "the file may wait for something: export a plain object");
    auto count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return out;
    out.append(buffer, std::size_t(count));
    if (out.size() > largest) return fail(Errc::exhausted, "what the file exports is larger than 4 MiB");
  }
}

Result<std::string> value_of(const std::string& path, const std::string& answer) {
  auto parsed = answer.empty() ? fail(Errc::invalid, "") : parse_json(answer);
  if (!parsed || !parsed->is_object())
    return fail(Errc::invalid, path + ": node ended without saying what it exports", {},
                "run it by hand: node " + path);
  const json::object& object = parsed->get_object();
  if (const json::value* value = object.if_contains("value")) return pretty_json(*value);
  Error error{Errc::invalid, path + " cannot be run by node", {}, {}, {}};
  const json::value* line = object.if_contains("line");
  const json::value* why = object.if_contains("error");
  std::string message = why != nullptr && why->is_string() ? std::string(why->get_string()) : "unknown";
  std::uint32_t number = line != nullptr && line->is_int64() ? std::uint32_t(line->get_int64()) : 0;
  error.problems.push_back({"", number, number > 0 ? 1u : 0u, std::move(message), {}, path});
  return fail(std::move(error));
}
}  // namespace

Result<std::string> run_node_config(const std::string& path, Duration limit) {
  Pipe pipe;
  if (!pipe.made()) return fail(from_errno(errno, "cannot make a pipe"));
  TRY(int pid, spawn_node(path, pipe));
  pipe.close_write();
  auto process = Process::open(pid);
  auto answer = read_answer(pipe.read_end(), limit);
  // It may have closed the pipe and hang all the same.
  if (process && (!answer || !process->wait(1s))) (void)process->signal(SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!answer) return answer;
  if (answer->empty() && WIFEXITED(status) && WEXITSTATUS(status) == 127) return no_node();
  return value_of(path, *answer);
}

}  // namespace drover::cli
