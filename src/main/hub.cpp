// drover hub
#include "hub/hub.hpp"

#include "cli/interrupts.hpp"
#include "cli/version.hpp"
#include "main/daemon.hpp"
#include "main/notify.hpp"
#include "runtime/own_log.hpp"

namespace drover::start {

hub::HubOptions hub_options(const cli::HubConfig& config, const std::string& state) {
  hub::HubOptions options;
  options.state = state;
  auto [address, port] = cli::split_listen(config.listen);
  options.listen = {{address, port}};
  options.url = config.url;
  options.names = config.names;
  options.also_hosts = config.also_hosts;
  options.version = cli::version();
  options.revision = cli::revision();
  options.settings.heartbeat = config.heartbeat;
  options.settings.lost_after = config.lost_after;
  options.settings.settle = config.settle;
  options.settings.max_parallel = config.max_parallel;
  options.settings.keep_finished = config.keep_finished;
  options.settings.keep_tasks = config.keep_tasks;
  options.agent_jwt_secret = config.agent_jwt_secret;
  options.settings.keep_events = config.keep_events;
  return options;
}

namespace {
/// What a person needs to know; on stdout, so that it does not drown in the log.
void tell(const cli::Context& context, hub::Hub& hub, net::Executor executor) {
  std::string out =
      "hub        " + hub.url() + "\nUI         http://127.0.0.1:" + std::to_string(hub.port()) + "/\n";
  if (net::wait_for(executor, hub.needs_login_link()))
    if (auto link = net::wait_for(executor, hub.login_link()))
      out += "log in     " + *link + "   (once, within 15 minutes)\n";
  out += "add hosts  drover token create\n";
  context.out.write(out);
}
}  // namespace

Result<int> run_hub(const cli::Context& context, const cli::HubConfig& config, const std::string& state) {
  Log log(*context.clock, 2, "hub", context.err.tty);
  log.set_level(level_of(config.log_level));
  runtime::OwnLog own_log(*context.clock, runtime::own_log_directory(state, "hub"));
  log.also_to(own_log);
  cli::Interrupts interrupts;
  net::IoPool pool(config.threads);
  const Watched watched(pool);
  TRY(auto hub, hub::Hub::open(hub_options(config, state), {pool, *context.clock, log, real_seed(), {}}));
  hub->start();
  log.info("hub started", {{"url", hub->url()}, {"state", state}, {"version", std::string(cli::version())}});
  tell(context, *hub, pool.executor(0));
  watched.ready(hub->url());
  interrupts.wait();
  log.info("hub ends; what runs on the nodes goes on");
  net::wait_for(pool.executor(0), hub->stop());
  return 0;
}

}  // namespace drover::start
