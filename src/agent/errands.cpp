#include "agent/errands.hpp"

#include <fmt/format.h>

#include "agent/views.hpp"
#include "base/json.hpp"

namespace drover::agent {

namespace {
constexpr std::size_t kept_lines = 50, longest_line = 2'000, most_instances = 200;
constexpr int keeper_tries = 30;

std::string text_of(const Error& error) {
  return error.cause.empty() ? error.message : error.message + ": " + error.cause;
}

std::string key_of(TaskId task, std::uint32_t attempt) {
  return fmt::format("exec.{}.{}", to_string(task), attempt);
}

ErrandEnded end_of(const Assign& order, TaskMove outcome, std::string error = {}) {
  return {order.task, order.attempt, outcome, std::move(error), {}, {}};
}

/// A program that nobody has placed: what it is started with, in the words of one that is.
Spawn as_service(const Assign& order) {
  Spawn spawn{.run = {InstanceId{order.task.value}, order.attempt},
              .stack = "task",
              .instance_name = to_string(order.task)};
  const Errand& errand = *order.errand;
  spawn.service.name = "exec";
  spawn.service.spec = ProcessSpec{.command = errand.command,
                                   .working_dir = errand.working_dir.empty() ? "/" : errand.working_dir,
                                   .environment = errand.environment,
                                   .user = errand.user};
  return spawn;
}

ErrandEnded end_of(const Assign& order, const runtime::Ran& ran) {
  ErrandEnded end = end_of(order, TaskMove::succeed);
  for (const auto& line : ran.lines) end.output.push_back(valid_utf8(line.substr(0, longest_line)));
  json::object result;
  if (ran.exit.known && ran.exit.signal == 0) result["exit_code"] = ran.exit.code;
  if (ran.exit.signal != 0) result["signal"] = ran.exit.signal;
  end.result = std::move(result);
  if (ran.ended) end.error = "ended because that was asked for";
  else if (ran.timed_out)
    end.error = fmt::format("not done within {}", human_duration(order.timeout.value_or(0s)));
  else if (!ran.exit.known) end.error = "how it ended was not seen";
  else if (!succeeded(ran.exit)) end.error = describe(ran.exit);
  if (!end.error.empty()) end.outcome = TaskMove::attempt_failed;
  if (!ran.exit.known && !ran.ended && !ran.timed_out) end.outcome = TaskMove::attempt_lost;
  return end;
}
}  // namespace

Errands::Errands(Parts parts)
    : parts_(std::move(parts)),
      prober_(parts_.driver),
      tasks_(parts_.executor, [&log = parts_.log](std::string_view task, std::string_view what) {
        log.error("a task of the hub failed", {{"task", std::string(task)}, {"error", std::string(what)}});
        broken("an errand of the agent threw", __FILE__, __LINE__);
      }) {}

net::Awaitable<void> Errands::close() {
  tasks_.cancel();
  co_await tasks_.join();
}

std::set<std::string> Errands::keys_of(const std::vector<AttemptRow>& attempts) {
  std::set<std::string> keys;
  for (const AttemptRow& row : attempts)
    if (row.assign.type == TaskType::exec && row.begun && !row.outcome)
      keys.insert(key_of(row.assign.task, row.assign.attempt));
  return keys;
}

void Errands::perform(RunErrand errand) { tasks_.spawn(carry_out(std::move(errand)), "errand"); }

void Errands::perform(const EndErrand& order) {
  parts_.driver.end_command(key_of(order.task, order.attempt));
}

net::Awaitable<void> Errands::carry_out(RunErrand errand) {
  switch (errand.assign.type) {
    case TaskType::exec: parts_.feed(co_await exec(std::move(errand))); break;
    case TaskType::probe: parts_.feed(co_await probe(std::move(errand))); break;
    case TaskType::collect: parts_.feed(co_await collect(std::move(errand))); break;
    case TaskType::deploy:
    case TaskType::delete_:
    case TaskType::stop:
    case TaskType::start:
    case TaskType::restart:
    case TaskType::update:
    case TaskType::reload: break;  // not an errand
  }
}

net::Awaitable<ErrandEnded> Errands::exec(RunErrand errand) {
  const Assign& order = errand.assign;
  runtime::CompanionOrder command{.key = key_of(order.task, order.attempt),
                                  .of = as_service(order),
                                  .node = {},
                                  .command = order.errand->command,
                                  .timeout = order.timeout,
                                  .lines = kept_lines};
  command.on_progress = [this, task = order.task, attempt = order.attempt](std::string line) {
    parts_.feed(ErrandProgress{task, attempt, valid_utf8(line.substr(0, 200))});
  };
  auto ran = co_await parts_.driver.run_command(command, errand.again);
  std::string why = ran ? "" : text_of(ran.error());
  // With the keeper away nobody knows whether it has begun: it is looked for until there is one again.
  for (int tries = 0; !ran && ran.error().code == Errc::unavailable && tries < keeper_tries; ++tries) {
    if (tries > 0) co_await net::sleep_for(1s);
    ran = co_await parts_.driver.run_command(command, true);
  }
  if (ran) co_return end_of(order, *ran);
  if (errand.again && ran.error().code == Errc::not_found)
    co_return end_of(order, TaskMove::attempt_lost,
                     "the agent ended in the middle, and nothing is left of the command");
  if (ran.error().code == Errc::not_found)
    co_return end_of(order, TaskMove::refused, std::move(why));  // not begun
  const bool unknown = ran.error().code == Errc::unavailable;
  co_return end_of(order, unknown ? TaskMove::attempt_lost : TaskMove::attempt_failed, std::move(why));
}

net::Awaitable<ErrandEnded> Errands::probe(RunErrand errand) {
  const auto began = parts_.clock.now().boot;
  const auto timeout = errand.ask->probe.timeout;
  const auto answer = co_await prober_.ask(std::move(*errand.ask));
  ErrandEnded end = end_of(errand.assign, TaskMove::succeed);
  end.result = json::object{{"ok", answer.ok},
                            {"detail", valid_utf8(answer.detail)},
                            {"took_ms", (parts_.clock.now().boot - began) / 1ms},
                            {"timeout_ms", timeout / 1ms}};
  if (answer.unrunnable) {
    end.outcome = TaskMove::attempt_failed;
    end.error = answer.detail;
  }
  end.output = {valid_utf8(answer.detail)};
  co_return end;
}

/// One instance, as its agent sees it, with its probes' last answers and what it uses.
net::Awaitable<json::object> Errands::look_at(AgentCore::Seen seen) {
  const InstanceId id = seen.placement->placement.instance;
  const Run run{id, seen.placement->incarnation};
  json::object out;
  for (const auto& view : instance_views(parts_.core()))
    if (view.id == id) out = to_json(view).get_object();
  out["probes"] = to_json(parts_.core().probes(id));
  const auto stats = co_await parts_.driver.stats(run);
  if (!stats) co_return out;
  json::object usage;
  if (stats->cpu_seconds) usage["cpu_seconds"] = *stats->cpu_seconds;
  if (stats->memory_bytes) usage["memory_bytes"] = *stats->memory_bytes;
  if (stats->processes) usage["processes"] = *stats->processes;
  out["usage"] = std::move(usage);
  co_return out;
}

net::Awaitable<ErrandEnded> Errands::collect(RunErrand errand) {
  const Errand& what = *errand.assign.errand;
  ErrandEnded end = end_of(errand.assign, TaskMove::succeed);
  const auto all = parts_.core().instances();
  if (what.instance) {
    const auto found = std::ranges::find(all, *what.instance,
                                         [](const auto& it) { return it.placement->placement.instance; });
    if (found == all.end())
      co_return end_of(errand.assign, TaskMove::attempt_failed, "this node does not have the instance");
    end.result = json::object{{"instance", co_await look_at(*found)}};
    co_return end;
  }
  json::object result = parts_.about();
  json::array instances;
  for (const auto& view : instance_views(parts_.core()))
    if (instances.size() < most_instances) instances.push_back(to_json(view));
  result["instance_count"] = all.size();
  result["instances"] = std::move(instances);
  if (const auto keeper = co_await parts_.driver.keeper().status())
    result["keeper"] = json::object{{"version", keeper->version},
                                    {"level", keeper->level},
                                    {"spawn_way", keeper->spawn_way},
                                    {"cgroup_base", keeper->cgroup_base},
                                    {"controllers", keeper->controllers}};
  end.result = std::move(result);
  co_return end;
}

}  // namespace drover::agent
