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
  auto asking = context.local();
  Progress progress(context);
  auto until = context.clock->now().boot + limit;
  while (!process.wait(100ms)) {
    if (context.clock->now().boot > until)
      return fail(Errc::timeout, "it has not ended after " + human_duration(limit), {},
                  "drover ps   shows what is left; --force ends it at once");
    auto api = Api::open(asking);
    if (!api) continue;
    if (auto page = api->get("/instances", net::Query({{"limit", "1000"}})))
      progress.show(list(*page, "items"));
  }
  context.err.write("everything is stopped\n");
  return 0;
}
}  // namespace

Command down_command() {
  auto flags = std::make_shared<DownFlags>();
  Command end{"down",
              "Stop everything that `drover up` runs here, in order, and the process itself. Nothing is left "
              "behind."};
  end.flags = {{"--timeout", "How long to wait (default 2m).", &flags->timeout, "TIME", {}},
               {"--force", "At once, without grace.", &flags->force, "", {}}};
  end.run = [flags](Context& context) { return down(context, *flags); };
  return end;
}

}  // namespace drover::cli
