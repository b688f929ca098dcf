#include "runtime/spawn_spec.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/text.hpp"
#include "runtime/notify.hpp"
#include "runtime/spawn_limits.hpp"

namespace drover::runtime {

namespace {

using Why = agent::SpawnFailed::Why;
constexpr const char* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const ProcessSpec& process(const agent::Spawn& spawn) { return std::get<ProcessSpec>(spawn.service.spec); }

std::string service_of(const agent::Spawn& spawn) { return spawn.stack + "/" + spawn.service.name; }

std::unexpected<Refusal> refuse(const agent::Spawn& spawn, std::string reason, Why why = Why::permanent) {
  return std::unexpected(Refusal{spawn.run, why, std::move(reason), 0});
}

Result<std::vector<std::string>> filled(const std::vector<std::string>& words, const Lookup& lookup) {
  std::vector<std::string> out;
  for (const auto& word : words) {
    TRY(auto text, fill(word, lookup));
    out.push_back(std::move(text));
  }
  return out;
}

/// The whole environment: what every program needs, what the file declares, who it is.
Result<std::vector<std::string>> environment_of(const agent::Spawn& spawn, const Account& account,
                                                const Lookup& lookup) {
  const char* path = std::getenv("PATH");
  std::map<std::string, std::string> all{{"PATH", path != nullptr ? path : default_path},
                                         {"HOME", account.home}};
  if (!account.name.empty()) all["USER"] = all["LOGNAME"] = account.name;
  for (const char* name : {"LANG", "TZ"})
    if (const char* value = std::getenv(name)) all[name] = value;
  for (const auto& [name, value] : process(spawn).environment) {
    TRY(all[name], fill(value, lookup));
  }
  all["DROVER_STACK"] = spawn.stack;
  all["DROVER_SERVICE"] = spawn.service.name;
  all["DROVER_INSTANCE_NAME"] = spawn.instance_name;
  all["DROVER_EPOCH"] = std::to_string(spawn.placement.epoch);
  all["DROVER_INCARNATION"] = std::to_string(spawn.run.incarnation);
  all.erase("DROVER_INSTANCE");  // the keeper's: the token
  std::vector<std::string> out;
  for (const auto& [name, value] : all) out.push_back(name + "=" + value);
  return out;
}

std::string value_of(const std::vector<std::string>& environment, std::string_view name) {
  for (const auto& entry : environment)
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  return {};
}

/// "" or why that file cannot be run.
std::string not_runnable(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return errno == ENOENT ? "no such file" : std::strerror(errno);
  if (S_ISDIR(info.st_mode)) return "is a directory";
  if ((info.st_mode & 0111) == 0) return "is not executable";
  return {};
}

/// "" or why the program cannot be found; the keeper would only say ENOENT.
std::string missing_program(const agent::Spawn& spawn, const keeper::SpawnSpec& spec) {
  const auto& program = spec.argv.front();
  if (program.empty()) return fmt::format("the command of {} is empty", service_of(spawn));
  if (program.find('/') != std::string::npos) {
    const auto path = program.front() == '/' ? program : spec.cwd + "/" + program;
    const auto why = not_runnable(path);
    return why.empty() ? why : fmt::format("{}: {} (command of {})", path, why, service_of(spawn));
  }
  const auto path = value_of(spec.env, "PATH");
  std::string found_but;
  for (const auto& directory : split(path, ':')) {
    const auto why = not_runnable((directory.empty() ? "." : directory) + "/" + program);
    if (why.empty()) return {};
    if (why != "no such file" && why != std::strerror(ENOTDIR))
      found_but = directory + "/" + program + " " + why;
  }
  if (!found_but.empty()) return fmt::format("{} (command of {})", found_but, service_of(spawn));
  return fmt::format("{}: not found in PATH {} (command of {})", program, path, service_of(spawn));
}

std::string bad_directory(const agent::Spawn& spawn, const std::string& path) {
  struct stat info{};
  const auto of = fmt::format("(working_dir of {})", service_of(spawn));
  if (::stat(path.c_str(), &info) != 0)
    return errno == ENOENT ? fmt::format("{}: no such directory {}", path, of)
                           : fmt::format("{}: {} {}", path, std::strerror(errno), of);
  if (!S_ISDIR(info.st_mode)) return fmt::format("{}: is not a directory {}", path, of);
  return {};
}

/// The instance's own directory, for a program that names none.
Result<std::string> own_directory(const agent::Spawn& spawn, const Paths& paths) {
  const auto path = instance_directory(paths, spawn.stack, spawn.instance_name, spawn.run.instance);
  const auto stack = instances_directory(paths) + "/" + spawn.stack;
  for (const auto& each : {stack, path})
    if (::mkdir(each.c_str(), each == path ? 0755 : 0711) != 0 && errno != EEXIST)
      return fail(from_errno(errno, each));
  return path;
}

void apply_account(const Account& account, keeper::SpawnSpec& spec) {
  spec.groups = account.groups;
  if (!account.change) return;
  spec.fixed.set_user = 1;
  spec.fixed.uid = account.uid;
  spec.fixed.gid = account.gid;
}

void apply_log(const agent::Spawn& spawn, keeper::SpawnSpec& spec) {
  spec.fixed.on_full = on_full_of(spawn.service.logs);
  spec.fixed.log_budget = spawn.service.logs.budget;
  spec.fixed.log_segment = spawn.service.logs.segment;
}

std::expected<keeper::SpawnSpec, Refusal> build(const agent::Spawn& spawn, const NodeWords& node,
                                                const Paths& paths, const std::vector<std::string>& command) {
  const auto lookup =
      words_of({spawn.run.instance, spawn.stack, spawn.instance_name, spawn.index, spawn.ports}, node);
  const auto of = fmt::format(" (of {})", service_of(spawn));
  const auto account = find_account(process(spawn).user, process(spawn).group, process(spawn).groups);
  if (!account) return refuse(spawn, account.error().message + of);
  keeper::SpawnSpec spec;
  auto environment = environment_of(spawn, *account, lookup);
  if (!environment) return refuse(spawn, environment.error().message + of);
  spec.env = std::move(*environment);
  auto words = filled(command, lookup);
  if (!words) return refuse(spawn, words.error().message + of);
  spec.argv = std::move(*words);
  if (spec.argv.empty()) return refuse(spawn, fmt::format("the command of {} is empty", service_of(spawn)));
  if (process(spawn).working_dir.empty() && account->change) {
    spec.cwd = "/";  // another user may not pass through our state directory
  } else if (process(spawn).working_dir.empty()) {
    auto own = own_directory(spawn, paths);
    if (!own) return refuse(spawn, own.error().message, Why::transient);
    spec.cwd = std::move(*own);
  } else {
    spec.cwd = process(spawn).working_dir;
  }
  if (auto why = bad_directory(spawn, spec.cwd); !why.empty()) return refuse(spawn, std::move(why));
  if (auto why = missing_program(spawn, spec); !why.empty()) return refuse(spawn, std::move(why));
  apply_account(*account, spec);
  apply_log(spawn, spec);
  if (const auto applied = apply_limits(process(spawn), spec); !applied)
    return refuse(spawn, applied.error().message + of);
  return spec;
}

bool permanent(int error) {
  switch (error) {
    case ENOENT:
    case EACCES:
    case EPERM:
    case ENOEXEC:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EINVAL:
    case ELIBBAD:
    case E2BIG: return true;
    default: return false;
  }
}

std::string of_exec(const agent::Spawn& spawn, int error) {
  const auto program = process(spawn).command.empty() ? std::string() : process(spawn).command.front();
  if (error == ENOENT) return fmt::format("{}: its interpreter (#! line or loader) does not exist", program);
  if (error == ENOEXEC)
    return fmt::format("{}: is neither a program of this machine nor a script with #!", program);
  if (error == E2BIG) return fmt::format("{}: arguments and environment are too long", program);
  if (error == EACCES && !process(spawn).user.empty())
    return fmt::format("{}: user {} may not execute it", program, process(spawn).user);
  return fmt::format("{}: {}", program, std::strerror(error));
}

std::string of_stage(const agent::Spawn& spawn, keeper::Stage stage, int error) {
  const auto text = std::string(std::strerror(error));
  const auto& wanted = process(spawn);
  switch (stage) {
    case keeper::Stage::exec: return of_exec(spawn, error);
    case keeper::Stage::cwd:
      return fmt::format("{}: {}{} (working_dir)", wanted.working_dir, text,
                         wanted.user.empty() ? "" : " for user " + wanted.user);
    case keeper::Stage::groups:
    case keeper::Stage::gid:
    case keeper::Stage::uid: return fmt::format("cannot become user {}: {}", wanted.user, text);
    case keeper::Stage::nice: return fmt::format("nice {}: {}", wanted.nice, text);
    case keeper::Stage::rlimit: return "a resource limit cannot be set: " + text;
    case keeper::Stage::socket: return "a listening socket cannot be passed: " + text;
    case keeper::Stage::params: return "the keeper does not take the parameters: " + text;
    case keeper::Stage::record: return "no intent record could be written: " + text;
    case keeper::Stage::cgroup:
    case keeper::Stage::migrate: return "no cgroup could be made: " + text;
    case keeper::Stage::pipe: return "no pipe for its output: " + text;
    case keeper::Stage::clone: return "no process could be made: " + text;
    case keeper::Stage::session:
    case keeper::Stage::stdio:
    case keeper::Stage::no_new_privs:
    case keeper::Stage::none: return "the process could not be set up: " + text;
  }
  return "the process could not be set up: " + text;  // a stage of a newer keeper
}

}  // namespace

Lookup words_of(const InstanceWords& instance, const NodeWords& node) {
  return [instance, node](std::string_view key) -> std::optional<std::string> {
    if (key == "instance.name") return instance.name;
    if (key == "instance.index") return std::to_string(instance.index);
    if (key == "instance.id") return to_string(instance.id);
    if (key == "node.name") return node.name;
    if (key == "node.address") return node.address;
    if (key.starts_with("node.label.")) {
      const auto found = node.labels.find(std::string(key.substr(11)));
      return found == node.labels.end() ? std::nullopt : std::optional(found->second);
    }
    if (key.starts_with("port.")) {
      const auto found = instance.ports.find(std::string(key.substr(5)));
      return found == instance.ports.end() ? std::nullopt : std::optional(std::to_string(found->second));
    }
    return std::nullopt;
  };
}

keeper::OnFull on_full_of(const LogSpec& logs) {
  return logs.on_full == LogFull::block ? keeper::OnFull::block : keeper::OnFull::drop;
}

std::expected<keeper::SpawnSpec, Refusal> spawn_spec(const agent::Spawn& spawn, const NodeWords& node,
                                                     const Paths& paths) {
  auto spec = build(spawn, node, paths, process(spawn).command);
  if (!spec) return spec;
  spec->log_directory = log_directory(paths, spawn.stack, spawn.instance_name, spawn.run.instance);
  for (auto& entry : notify_environment(paths, spawn.run.instance, spawn.service)) {
    const auto name = entry.substr(0, entry.find('=') + 1);
    std::erase_if(spec->env, [&](const std::string& given) { return given.starts_with(name); });
    spec->env.push_back(std::move(entry));
  }
  return spec;
}

std::expected<keeper::SpawnSpec, Refusal> companion_spec(const agent::Spawn& of, const NodeWords& node,
                                                         const Paths& paths, std::vector<std::string> command,
                                                         std::string output) {
  auto spec = build(of, node, paths, command);
  if (!spec) return spec;
  spec->log_directory = std::move(output);
  spec->fixed.merge = 1;
  // A probe is not the service; what runs in the service's cgroup has the service's limits there.
  spec->fixed.memory_max = spec->fixed.cpu_quota_us = 0;
  spec->fixed.pids_max = spec->fixed.io_weight = 0;
  spec->fixed.on_full = keeper::OnFull::drop;
  spec->fixed.log_segment = 64 << 10;
  spec->fixed.log_budget = 128 << 10;
  return spec;
}

Refusal explain(const agent::Spawn& spawn, keeper::Stage stage, int error) {
  return {spawn.run, permanent(error) && stage >= keeper::Stage::rlimit ? Why::permanent : Why::transient,
          fmt::format("{} (of {})", of_stage(spawn, stage, error), service_of(spawn)), 0};
}

}  // namespace drover::runtime
