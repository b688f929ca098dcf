// A run takes its configuration anew without ending: by a signal or by a command.

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
/// It counts as carried out, well or not: nothing is tried twice for one order.
void carried_out(Step& step, Instance& instance, const std::string& fault) {
  instance.row.reload_generation = std::max(instance.row.reload_generation, *instance.reload_to);
  drop_reload(instance);
  step.write_placement(instance);
  step.mark(instance);
  if (!fault.empty() && instance.task) end_attempt(step, *instance.task, TaskMove::attempt_failed, fault);
}
}  // namespace

void drop_reload(Instance& instance) {
  instance.reload_to.reset();
  instance.reload_asked = false;
}

void reload_due(Step& step, Instance& instance) {
  if (!instance.reload_to || instance.reload_asked) return;
  if (instance.phase == Phase::none) return carried_out(step, instance, "");  // it reads all when it starts
  // One that has not been ready yet may not listen to the signal, and would die of it.
  if (instance.phase != Phase::running || !instance.seen.ready_at) return;
  const Reload& how = instance.row.service.reload;
  if (how.empty()) {
    instance.restart_wanted = true;
    return;
  }
  instance.reload_asked = true;
  step.then(ReloadRun{instance.run(), how, live_spawn(instance)});
}

void reloaded(Step& step, const Reloaded& event) {
  Instance* instance = step.find(event.run.instance);
  if (!instance || instance->run() != event.run || !instance->reload_asked) return;
  if (event.fault.empty()) instance->seen.reloaded_at = step.now.wall;
  step.note(event.fault.empty() ? "info" : "warn",
            event.fault.empty()
                ? fmt::format("{} has been told to reload", instance->name())
                : fmt::format("{} could not be told to reload: {}", instance->name(), event.fault),
            event.run.instance);
  carried_out(step, *instance, event.fault);
  drive(step, event.run.instance);
}

void says_reloading(Step& step, Instance& instance, bool reloading) {
  if (instance.reloading == reloading) return;
  instance.reloading = reloading;
  instance.reload_by.reset();
  const Duration limit = instance.row.service.probes.start_timeout;
  if (reloading && limit > Duration(0)) instance.reload_by = step.now.boot + limit;
  if (instance.seen.ready_at) judge_probes(step, instance);
}

void reload_overdue(Step& step, Instance& instance) {
  if (!instance.reload_by || *instance.reload_by > step.now.boot || !instance.unhealthy.empty()) return;
  instance.reload_by.reset();
  instance.unhealthy = fmt::format("it has not been ready again within {} of its reload",
                                   format_duration(instance.row.service.probes.start_timeout));
}

}  // namespace drover::agent
