// up down
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "cli/attend.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/interrupts.hpp"
#include "cli/local_process.hpp"
#include "cli/output.hpp"
#include "cli/stack_file.hpp"

namespace drover::cli {

namespace {
struct UpFlags {
  std::string file, timeout = "5m", listen, exit_with;
  std::uint32_t die_with = 0;  // 0: not given
  bool detach = false, no_logs = false, bare = false;
};

Result<UpConfig> load_up_config(const Context& context, const UpFlags& flags) {
  UpConfig out;
  std::vector<ConfigFlag> hub_flags;
  if (!flags.listen.empty()) hub_flags.push_back({"listen", flags.listen, "--listen"});
  auto given = [](const std::vector<ConfigEntry>& entries) {
    for (const auto& entry : entries)
      if (entry.key == "listen") return entry.origin != ConfigOrigin::built_in;
    return false;
  };
  TRY(auto hub, load_config<HubConfig>(sources_for(context, "hub", {}, hub_flags)));
  TRY(auto agent, load_config<AgentConfig>(sources_for(context, "agent", {}, {})));
  return UpConfig{hub.config, agent.config, given(hub.entries), given(agent.entries), int(flags.die_with)};
}

// ---- the stack goes to the hub

/// Applies; where the process has just begun, also starts what its end had stopped (a stop by hand in a
/// running one stays). The deployment to wait for; empty: none.
Result<std::string> bring_up(const Api& api, const StackFile& file, bool fresh) {
  Call call{"PUT", path_of({"stacks", file.stack.name})};
  call.body = file.document;
  TRY(auto answer, api.send(call));
  auto deployment = text(answer.body, "deployment");
  if (!fresh) return deployment;
  TRY(auto page,
      api.get("/instances", net::Query({{"filter", "stack:" + file.stack.name}, {"limit", "1000"}})));
  bool stopped = std::ranges::any_of(list(page, "items"),
                                     [](const json::value& i) { return text(i, "desired") == "stop"; });
  if (stopped) TRYV(api.send({"POST", path_of({"stacks", file.stack.name, "start"})}));
  return truth(answer.body, "changed") ? deployment : std::string();
}

bool settled(const json::value& instance) {
  auto state = text(instance, "state");
  return state == "ready" || state == "completed" ||
         (state == "stopped" && text(instance, "desired") == "stop");
}

Error failed_instance(const json::value& instance, const std::string& name) {
  Error error{Errc::internal, name + " has failed", text(instance, "reason"), "drover logs " + name, {}};
  Problem problem{name, 0, 0, "failed: " + text(instance, "last_exit"), {}, {}};
  for (const auto& line : list(instance, "last_lines"))
    if (line.is_string()) problem.message += "\n" + std::string(line.get_string());
  error.problems.push_back(std::move(problem));
  return error;
}

/// For a stack that had been stopped: until all instances are well. There is no deployment to wait for.
Result<int> wait_until_well(const Context& context, const Api& hub, const std::string& stack, Duration limit,
                            StopFlag stop, Progress& progress) {
  const Api api = hub.at_most(limit);
  auto until = context.clock->now().boot + limit;
  for (;;) {
    TRY(auto page, api.get("/instances", net::Query({{"filter", "stack:" + stack}, {"limit", "1000"}})));
    const auto& instances = list(page, "items");
    progress.show(instances);
    bool well = true;
    for (const auto& instance : instances) {
      well &= settled(instance);
      if (text(instance, "state") == "failed")
        return fail(failed_instance(instance, stack + "/" + text(instance, "name")));
    }
    if (well) return 0;
    if (stop && *stop) return 130;
    if (context.clock->now().boot > until)
      return fail(Errc::timeout, stack + " is not ready after " + human_duration(limit), {},
                  "drover why " + stack);
    sleep_a_little();
  }
}

Result<int> apply_and_wait(const Context& context, const Api& api, const StackFile& file,
                           const UpFlags& flags, StopFlag stop, bool fresh) {
  TRY(auto limit, parse_duration(flags.timeout));
  TRY(auto deployment, bring_up(api, file, fresh));
  Progress progress(context);
  if (!deployment.empty()) {
    TRY(int status, follow_deployment(context, api, {deployment, file.stack.name, limit, stop, &progress}));
    if (status != 0) return status;
  }
  return wait_until_well(context, api, file.stack.name, limit, stop, progress);
}

// ---- in this process

Result<std::unique_ptr<LocalHub>> start_local(const Context& context, const Programs& programs,
                                              const UpConfig& config) {
  auto state = context.state_directory();
  TRY(auto local, programs.up(context, config, state));
  auto ui = local->ui();
  std::ofstream(pid_file(state)) << ::getpid() << "\n" << ui << "\n";
  context.err.write("UI: " + ui + "\n");
  return local;
}

/// Before anything is started: who is gone already cannot be waited for.
Result<void> live_no_longer_than(int pid, Interrupts& interrupts) {
  if (pid == 0) return {};
  TRY(auto process, Process::open(pid));
  interrupts.also_at_end_of(std::move(process));
  return {};
}

Result<int> serve_attached(const Context& context, const Programs& programs, const StackFile& file,
                           const UpFlags& flags, const UpConfig& config) {
  Interrupts interrupts;
  TRYV(live_no_longer_than(config.die_with, interrupts));
  auto began = context.clock->now().wall;
  const bool fresh = ended_in_order(context.state_directory());
  TRY(auto local, start_local(context, programs, config));
  auto asking = context.local();
  TRY(auto api, Api::open(asking));
  local->tell("starting " + file.stack.name);
  auto status = apply_and_wait(asking, api, file, flags, &interrupts.once(), fresh);
  if (!status) print_error(context, status.error());
  local->tell(file.stack.name + (status ? " is there" : ": " + status.error().message));
  std::optional<int> essential;
  if (interrupts.count() == 0)
    essential = attend(asking, api, {file.stack.name, began, !flags.no_logs, flags.exit_with}, interrupts);
  if (essential) context.err.write(flags.exit_with + " has ended\n");
  TRYV(end_local(asking, api, *local, config, interrupts));
  if (essential) return *essential;
  return status || status.error().code == Errc::timeout ? 0 : 1;
}

/// Behind, or without a stack: until SIGTERM.
Result<int> serve(const Context& context, const Programs& programs, const UpConfig& config) {
  Interrupts interrupts;
  TRYV(live_no_longer_than(config.die_with, interrupts));
  TRY(auto local, start_local(context, programs, config));
  auto asking = context.local();
  TRY(auto api, Api::open(asking));
  interrupts.wait();
  return end_local(asking, api, *local, config, interrupts);
}

// ---- as a client of the process behind

std::string last_lines_of(const std::string& path) {
  std::ifstream in(path);
  std::string line, kept;
  std::vector<std::string> lines;
  while (std::getline(in, line)) {
    lines.push_back(line);
    if (lines.size() > 8) lines.erase(lines.begin());
  }
  return join(lines, "\n");
}

/// What the process behind said before it ended; with its exit status.
Error ended_at_once(int status, const std::string& log) {
  Error error{Errc::internal, "it ended at once", {}, "the whole log: " + log, {}};
  for (auto code : {Errc::conflict, Errc::denied, Errc::invalid, Errc::not_found, Errc::unavailable})
    if (WIFEXITED(status) && WEXITSTATUS(status) == exit_status(code)) error.code = code;
  error.problems.push_back({"its last words", 0, 0, "\n" + last_lines_of(log), {}, {}});
  return error;
}

Result<void> wait_for_socket(const Context& context, int child, const std::string& log) {
  auto until = context.clock->now().boot + 30s;
  while (context.clock->now().boot < until) {
    int written = 0;  // the pid file comes last: then everything is there
    std::ifstream(pid_file(context.state_directory())) >> written;
    if (written == child) return {};
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child) return fail(ended_at_once(status, log));
    ::usleep(5'000);
  }
  return fail(Errc::timeout, "it did not answer within 30 s", {}, "its log: " + log);
}

[[noreturn]] void become_daemon(const Context& context, const Programs& programs, const UpConfig& config,
                                const std::string& log) {
  ::setsid();
  int in = ::open("/dev/null", O_RDONLY),
      out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  Context quiet = context;
  quiet.out = open_terminal(1, "never");
  quiet.err = open_terminal(2, "never");
  auto status = serve(quiet, programs, config);
  if (!status) print_error(quiet, status.error());
  std::fflush(nullptr);
  ::_exit(status ? *status : exit_status(status.error().code));
}

Result<void> start_behind(const Context& context, const Programs& programs, const UpConfig& config) {
  std::error_code error;
  auto state = context.state_directory();
  std::filesystem::create_directories(state, error);
  if (error)
    return fail(Errc::denied, "cannot make " + state, error.message(), "another directory: --state DIR");
  std::filesystem::permissions(state, std::filesystem::perms::owner_all, error);
  auto log = state + "/up.log";
  int child = ::fork();  // no thread has been started yet
  if (child < 0) return fail(from_errno(errno, "cannot go behind"));
  if (child == 0) become_daemon(context, programs, config, log);
  return wait_for_socket(context, child, log);
}

Result<int> up_as_client(const Context& context, const StackFile& file, const UpFlags& flags, bool fresh) {
  auto asking = context.local();
  TRY(auto api, Api::open(asking));
  if (flags.detach) return apply_and_wait(asking, api, file, flags, nullptr, fresh);
  Interrupts interrupts;
  auto began = context.clock->now().wall;
  TRY(int status, apply_and_wait(asking, api, file, flags, &interrupts.once(), fresh));
  if (interrupts.count() == 0 && !flags.no_logs)
    attend(asking, api, {file.stack.name, began, true, {}}, interrupts);
  context.err.write("\ndetached; it runs on. To end it: drover down\n");
  return status;
}

Result<void> check_flags(const Context& context, const UpFlags& flags, bool running) {
  if (flags.bare && !flags.file.empty())
    return fail(Errc::invalid, "--bare is without a stack file", {}, "leave one of the two away");
  if (!flags.exit_with.empty() && (flags.detach || running))
    return fail(Errc::invalid, "--exit-with is for the process that runs the stack itself", {},
                "leave -d away, or end what runs: drover down --state " + context.state_directory());
  if (flags.die_with > INT32_MAX) return fail(Errc::invalid, "--die-with: not a process id");
  if (flags.die_with != 0 && running)
    return fail(Errc::conflict, "it runs already; whom it ends with is said when it begins", {},
                "drover down --state " + context.state_directory());
  return {};
}

Result<void> go_behind(const Context& context, const Programs& programs, const UpConfig& config) {
  TRYV(start_behind(context, programs, config));
  int ignored = 0;
  std::string ui;
  std::ifstream(pid_file(context.state_directory())) >> ignored >> ui;
  context.err.write("UI: " + ui + "\n");
  return {};
}

/// Hub and agent alone; stacks come over the API.
Result<int> up_bare(const Context& context, const Programs& programs, const UpFlags& flags, bool running) {
  if (running) {
    context.err.write("it runs already\n");
    return 0;
  }
  TRY(auto config, load_up_config(context, flags));
  if (!flags.detach) return serve(context, programs, config);
  TRYV(go_behind(context, programs, config));
  return 0;
}

Result<int> up(Context& context, const Programs& programs, const UpFlags& flags) {
  bool running = listening_pid(context.socket_path()).has_value();
  TRYV(check_flags(context, flags, running));
  if (flags.bare) return up_bare(context, programs, flags, running);
  TRY(auto file, read_stack_file(context, flags.file));  // a wrong file starts nothing
  if (!flags.exit_with.empty() &&
      std::ranges::find(file.stack.services, flags.exit_with, &Service::name) == file.stack.services.end())
    return fail(Errc::invalid, "--exit-with: " + file.stack.name + " has no service " + flags.exit_with);
  TRY(auto config, load_up_config(context, flags));
  if (running) {
    context.err.write("it runs already; the file is applied to it\n");
    return up_as_client(context, file, flags, false);
  }
  if (!flags.detach) return serve_attached(context, programs, file, flags, config);
  const bool fresh = ended_in_order(context.state_directory());
  TRYV(go_behind(context, programs, config));
  return up_as_client(context, file, flags, fresh);
}

}  // namespace

std::vector<Command> up_commands(const Programs& programs) {
  auto flags = std::make_shared<UpFlags>();
  Command start{
      "up", "Run a stack on this machine: hub and agent in one process. Ctrl-C stops everything in order."};
  start.examples = {"drover up shop.yaml",
                    "drover up -d shop.yaml      # behind; returns when all is ready or has failed",
                    "drover up --state /tmp/a a.yaml"};
  start.arguments = {{"FILE", "Stack file; -: stdin; without: drover.yaml or compose.yaml here.",
                      &flags->file, false, "file"}};
  start.flags = {
      {"-d,--detach", "Go behind when all is ready or has failed.", &flags->detach, "", {}},
      {"--timeout", "How long to wait until all is ready (default 5m).", &flags->timeout, "TIME", {}},
      {"--listen",
       "Where UI and API listen (default 127.0.0.1:3079, or a free port).",
       &flags->listen,
       "ADDRESS:PORT",
       {}},
      {"--no-logs", "Do not show the programs' logs.", &flags->no_logs, "", {}},
      {"--exit-with",
       "End everything in order when this service has ended, with its exit status.",
       &flags->exit_with,
       "SERVICE",
       {}},
      {"--bare", "Without a stack: hub and agent alone; stacks come over the API.", &flags->bare, "", {}},
      {"--die-with",
       "End, everything in order, when this process has ended, however it did.",
       &flags->die_with,
       "PID",
       {}}};
  start.run = [flags, &programs](Context& context) { return up(context, programs, *flags); };

  return {start, down_command()};
}

}  // namespace drover::cli
