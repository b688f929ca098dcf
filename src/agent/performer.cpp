#include "agent/performer.hpp"

#include "runtime/run_ports.hpp"

namespace drover::agent {

namespace {
constexpr Duration keeper_retry = 200ms;
}

Performer::Performer(net::Executor executor, runtime::ProcessDriver& driver, Log& log,
                     std::function<void(Event)> feed)
    : driver_(driver),
      log_(log),
      feed_(std::move(feed)),
      prober_(driver),
      watch_({executor, driver.files(), feed_, {}}, log),
      tasks_(executor, [&log](std::string_view task, std::string_view what) {
        log.error("an effect failed", {{"task", std::string(task)}, {"error", std::string(what)}});
        broken("an effect of the agent threw", __FILE__, __LINE__);
      }) {}

net::Awaitable<void> Performer::close() {
  tasks_.cancel();
  co_await tasks_.join();
  co_await watch_.close();
}

void Performer::perform(Measure effect) { tasks_.spawn(measure(effect.run), "measure"); }
void Performer::perform(LookAtPorts effect) { tasks_.spawn(look(std::move(effect)), "ports"); }
/// Beside the instance's lane: a stop does not wait for a command that hangs.
void Performer::perform(ReloadRun effect) { tasks_.spawn(reload(std::move(effect)), "reload"); }
void Performer::perform(AskProbe effect) { tasks_.spawn(probe(std::move(effect)), "probe"); }

void Performer::queue(InstanceId instance, Work work) {
  auto& lane = lanes_[instance];
  lane.push_back(std::move(work));
  if (lane.size() == 1) tasks_.spawn(run_lane(instance), "instance");
}

net::Awaitable<void> Performer::run_lane(InstanceId instance) {
  for (;;) {
    auto& lane = lanes_[instance];
    if (lane.empty()) break;
    co_await carry_out(lane.front());  // stays in the queue meanwhile: this lane is busy
    lanes_[instance].pop_front();
  }
  lanes_.erase(instance);
}

net::Awaitable<void> Performer::carry_out(Work work) {
  if (auto* spawn = std::get_if<Spawn>(&work)) return start(std::move(*spawn));
  if (auto* order = std::get_if<StopRun>(&work)) return stop(std::move(*order));
  if (auto* settings = std::get_if<AdjustRun>(&work)) return adjust(std::move(*settings));
  if (auto* gone = std::get_if<ForgetRun>(&work)) return forget(*gone);
  return remove(std::move(std::get<RemoveFiles>(work)));
}

net::Awaitable<void> Performer::start(Spawn spawn) {
  const auto name = spawn.stack + "/" + spawn.instance_name;
  auto started = co_await driver_.start(std::move(spawn));
  if (!started) log_.warn("cannot start", {{"instance", name}, {"reason", started.error().reason}});
  if (started) feed_(*started);
  else feed_(std::move(started).error());
}

net::Awaitable<void> Performer::stop(StopRun order) {
  // An order to stop is never given up: without a keeper it waits for the next one.
  for (bool told = false;; told = true) {
    const auto given = co_await driver_.stop(order);
    if (given) co_return;
    if (!told)
      log_.warn("cannot stop yet",
                {{"instance", to_string(order.run.instance)}, {"error", given.error().message}});
    co_await net::sleep_for(keeper_retry);
  }
}

net::Awaitable<void> Performer::adjust(AdjustRun order) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto taken = co_await driver_.adjust(order);
    if (taken || taken.error().code != Errc::unavailable) break;
    co_await net::sleep_for(keeper_retry);
  }
  // An agent that starts tells the keeper again, and so does the next start of the instance.
}

net::Awaitable<void> Performer::reload(ReloadRun order) {
  Reloaded answer{order.run, {}};
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto told = co_await driver_.reload(order);
    answer.fault = told ? std::string() : told.error().message;
    if (told || told.error().code != Errc::unavailable) break;
    co_await net::sleep_for(keeper_retry);
  }
  feed_(std::move(answer));
}

net::Awaitable<void> Performer::forget(ForgetRun order) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (co_await driver_.forget(order)) co_return;
    co_await net::sleep_for(keeper_retry);
  }
  // The record stays with the keeper; the next start finds it and forgets it then.
}

net::Awaitable<void> Performer::remove(RemoveFiles what) {
  const auto name = what.stack + "/" + what.instance_name;
  prober_.forget(what.instance);
  if (const auto removed = co_await driver_.remove_files(std::move(what)); !removed)
    log_.warn("cannot remove the files of a deleted instance",
              {{"instance", name}, {"error", removed.error().message}});
}

net::Awaitable<void> Performer::probe(AskProbe what) { feed_(co_await prober_.ask(std::move(what))); }

net::Awaitable<void> Performer::measure(Run run) {
  const auto stats = co_await driver_.stats(run);
  if (stats && stats->memory_bytes) feed_(Measured{run, *stats->memory_bytes});
}

net::Awaitable<void> Performer::look(LookAtPorts what) {
  const auto facts = driver_.facts(what.run);
  if (!facts) co_return;
  std::string trouble;
  co_await net::run_on(driver_.files(), [&] {
    trouble = runtime::port_trouble(what.service, what.ports, {facts->cgroup, facts->pid});
  });
  feed_(Trouble{what.run, About::ports, std::move(trouble)});
}

}  // namespace drover::agent
