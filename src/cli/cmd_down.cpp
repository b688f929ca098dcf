// down
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/local_process.hpp"
#include "cli/output.hpp"
#include "runtime/paths.hpp"

namespace drover::cli {

namespace {
constexpr Duration force_patience = 15s;  // for its own end; then it is killed

struct DownFlags {
  std::string timeout = "2m";
  bool force = false;
};

/// Nothing answers, but a killed hub may have left its workloads with the keeper.
Result<int> end_left_overs(const Context& context, Duration limit) {
  auto state = context.state_directory();
  bool ended = false;
  for (const auto& agent : {state + "/agent", state}) {
    struct stat info{};
    if (::stat(agent.c_str(), &info) != 0) continue;
    auto run = runtime::default_run_directory(agent, context.variable("XDG_RUNTIME_DIR"));
    TRY(bool found, end_keeper(agent, run, std::min<Duration>(limit, 10s)));
    ended |= found;
  }
  if (!ended)
    return fail(Errc::not_found, "nothing runs here", "nobody listens on " + context.socket_path(),
                "another one: --state DIR");
  context.err.write("what was left is stopped\n");
  return 0;
}

/// Shows what is left until it has ended; false: not within `limit`.
bool wait_for_end(const Context& context, const Process& process, Duration limit) {
  const auto asking = context.local();
  Progress progress(context);
  const auto until = context.clock->now().boot + limit;
  while (!process.wait(100ms)) {
    const auto left = until - context.clock->now().boot;
    if (left <= Duration(0)) return false;
    const auto api = Api::open(asking);
    if (!api) continue;
    const auto page =
        api->at_most(std::min<Duration>(left, 2s)).get("/instances", net::Query({{"limit", "1000"}}));
    if (page) progress.show(list(*page, "items"));
  }
  return true;
}

/// It does not end by itself: it is killed, and the keeper, which does not need it, ends what it ran.
Result<int> end_by_force(const Context& context, const Process& process) {
  context.err.write("it does not end; it is killed\n");
  TRYV(process.signal(SIGKILL));
  if (!process.wait(10s))
    return fail(Errc::timeout, "it was killed and is still there (uninterruptible sleep)");
  auto ended = end_left_overs(context, 1s);
  if (!ended && ended.error().code == Errc::not_found) return 0;  // there was nothing
  return ended;
}

Result<int> down(Context& context, const DownFlags& flags) {
  TRY(auto limit, parse_duration(flags.timeout));
  auto state = context.state_directory();
  auto pid = listening_pid(state + "/hub.sock");
  if (!pid) return end_left_overs(context, limit);
  int written = 0;
  std::ifstream(pid_file(state)) >> written;
  if (written != *pid)
    return fail(
        Errc::conflict,
        "what runs here is a hub of several machines (pid " + std::to_string(*pid) + "), not `drover up`", {},
        "drover stop --all, then end the hub");
  TRY(auto process, Process::open(*pid));
  TRYV(process.signal(SIGTERM));
  if (flags.force) {
    ::usleep(100'000);
    TRYV(process.signal(SIGTERM));
  }
  const bool ended = wait_for_end(context, process, flags.force ? std::min(limit, force_patience) : limit);
  if (!ended && flags.force) return end_by_force(context, process);
  if (!ended)
    return fail(Errc::timeout, "it has not ended after " + human_duration(limit), {},
                "drover ps   shows what is left; --force ends it at once");
  context.err.write("everything is stopped\n");
  return 0;
}
}  // namespace

Command down_command() {
  auto flags = std::make_shared<DownFlags>();
  Command end{"down",
              "Stop everything that `drover up` runs here, in order, and the process itself. Nothing is left "
              "behind."};
  end.flags = {
      {"--timeout", "How long to wait (default 2m).", &flags->timeout, "TIME", {}},
      {"--force", "At once, without grace; killed when it does not end by itself.", &flags->force, "", {}}};
  end.run = [flags](Context& context) { return down(context, *flags); };
  return end;
}

}  // namespace drover::cli
