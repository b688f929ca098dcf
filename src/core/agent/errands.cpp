// Attempts that change no instance: a command, a question, a look. Begun when that is written down, carried
// out by the host, which tells the end.

#include <fmt/format.h>

#include "base/json.hpp"

#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
/// The question as the host needs it. Errc::invalid: it can never be asked here.
Result<AskProbe> question(Step& step, const Assign& order) {
  const Errand& errand = *order.errand;
  AskProbe ask{.run = {InstanceId{order.task.value}, order.attempt},
               .probe = {.timeout = order.timeout.value_or(5s)}};
  ask.stack = order.stack;
  ask.instance_name = order.instance_name;
  ask.service.name = "probe";
  if (errand.check) ask.probe.check = *errand.check;
  if (!errand.instance) return ask;
  Instance* instance = step.find(*errand.instance);
  if (!instance || instance->orphan) return fail(Errc::invalid, "this node does not have the instance");
  if (instance->phase != Phase::running) return fail(Errc::invalid, "the instance does not run");
  Spawn live = live_spawn(*instance);
  ask.run = live.run;
  ask.service = live.service;
  ask.ports = live.ports;
  ask.index = live.index;
  if (errand.check) return ask;
  ask.asked = enum_value<Asked>(errand.asked).value_or(Asked::ready);
  const Probes& probes = live.service.probes;
  const auto& found = ask.asked == Asked::ready  ? probes.ready
                      : ask.asked == Asked::live ? probes.live
                                                 : probes.start;
  if (!found)
    return fail(Errc::invalid, fmt::format("its service has no \"{}\" probe", enum_name(ask.asked)));
  ask.probe = *found;
  return ask;
}
}  // namespace

bool begin_errand(Step& step, const AttemptKey& key, Attempt& attempt) {
  World& world = step.world;
  // An older attempt is being ended: not two at once.
  auto older = world.errands.lower_bound({key.first, 0});
  if (older != world.errands.end() && older->first == key.first) return false;
  step.send(TaskStarted{key.first, key.second});
  const Assign& order = attempt.row.assign;
  if (!order.errand) {
    end_attempt(step, key, TaskMove::attempt_failed, "the assignment does not say what is to be done");
  } else if (order.type == TaskType::exec && !world.settings.exec) {
    end_attempt(step, key, TaskMove::attempt_failed,
                "this node runs no commands: exec = false in its agent's configuration");
  } else if (!world.journal_error.empty()) {
    end_attempt(step, key, TaskMove::refused, "disk full under the agent: " + world.journal_error);
  } else {
    attempt.row.begun = true;
    attempt.stage = Stage::confirming;
    step.write_attempt(attempt);
    attempt.serial = step.confirm();
  }
  return true;
}

void run_errand(Step& step, Attempt& attempt, bool again) {
  const Assign& order = attempt.row.assign;
  AttemptKey key{order.task, order.attempt};
  if (attempt.cancelled) return end_attempt(step, key, TaskMove::cancel_confirmed);
  RunErrand errand{.assign = order, .again = again};
  if (order.type == TaskType::probe) {
    auto ask = question(step, order);
    if (!ask) return end_attempt(step, key, TaskMove::attempt_failed, ask.error().message);
    errand.ask = std::move(*ask);
  }
  step.world.errands.insert(key);
  step.then(std::move(errand));
}

void cancel_errand(Step& step, const AttemptKey& key, Attempt& attempt) {
  if (std::exchange(attempt.cancelled, true)) return;
  if (step.world.errands.contains(key)) step.then(EndErrand{key.first, key.second});
}

void errand_ended(Step& step, const ErrandEnded& event) {
  AttemptKey key{event.task, event.attempt};
  step.world.errands.erase(key);
  Attempt* attempt = step.find(key);
  if (!attempt || attempt->stage != Stage::active) return;
  bool given_up = attempt->cancelled && event.outcome != TaskMove::succeed;
  attempt->result = event.result;
  end_attempt(step, key, given_up ? TaskMove::cancel_confirmed : event.outcome, event.error, event.output);
}

void errand_progress(Step& step, const ErrandProgress& event) {
  Attempt* attempt = step.find(AttemptKey{event.task, event.attempt});
  if (!attempt || attempt->stage != Stage::active || attempt->progress == event.message) return;
  attempt->progress = event.message;
  if (step.world.session.link == Link::up)
    step.send(TaskProgress{event.task, event.attempt, 0, event.message});
}

}  // namespace drover::agent
