#include "agent/log_care.hpp"

#include "runtime/own_log.hpp"

namespace drover::agent {

LogCareLoop::LogCareLoop(Parts parts, const AgentOptions& options)
    : parts_(std::move(parts)),
      options_(options),
      group_(parts_.executor, [this](std::string_view, std::string_view what) {
        parts_.log.error("the care for log files failed", {{"error", std::string(what)}});
      }) {}

void LogCareLoop::start() { group_.spawn(run(), "log care"); }

net::Awaitable<void> LogCareLoop::stop() {
  stopping_ = true;
  group_.cancel();
  co_await group_.join();
}

runtime::LogCare LogCareLoop::wanted() const {
  runtime::LogCare care;
  care.budget = options_.log_budget;
  for (const auto program : runtime::node_programs)
    care.also.push_back(runtime::own_log_directory(parts_.paths.state, program));
  for (const auto& seen : parts_.core.core().instances()) {
    const auto& placement = *seen.placement;
    if (placement.service.logs.compress == LogCompress::none)
      care.plain.insert(runtime::log_directory(parts_.paths, placement.stack, placement.instance_name,
                                               placement.placement.instance));
  }
  return care;
}

net::Awaitable<void> LogCareLoop::run() {
  co_await net::run_on(idle_.executor(0), [] { runtime::make_thread_idle(); });
  for (;;) {
    co_await net::sleep_for(options_.log_care_every);
    const auto care = wanted();
    runtime::LogCareDone done;
    co_await net::run_on(idle_.executor(0), [&] {
      done = runtime::care_for_logs(runtime::instances_directory(parts_.paths), care, parts_.clock.now().wall,
                                    stopping_);
    });
    report(done);
  }
}

void LogCareLoop::report(const runtime::LogCareDone& done) {
  if (done.removed > 0)
    parts_.log.warn("old logs were removed: over the host's budget (log_budget)",
                    {{"files", std::to_string(done.removed)}, {"bytes", std::to_string(done.removed_bytes)}});
  if (!done.problem.empty() && done.problem != problem_)
    parts_.log.warn("log files cannot be looked after", {{"error", done.problem}});
  problem_ = done.problem;
}

}  // namespace drover::agent
