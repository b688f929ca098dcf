// Why a run that works is replaced: its memory, its age, a file that changed, what it depends on.

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
Instance* running(Step& step, const Run& run) {
  Instance* instance = step.find(run.instance);
  bool same = instance && instance->phase == Phase::running && instance->run() == run;
  return same && !instance->orphan ? instance : nullptr;
}

/// At once and not counted: nothing has failed.
void replace(Step& step, Instance& instance, std::string why) {
  if (instance.restart_wanted || !wants_run(instance)) return;
  instance.restart_wanted = true;
  instance.planned = std::move(why);
  step.note("info", fmt::format("{} is restarted: {}", instance.name(), instance.planned),
            instance.row.placement.instance);
  step.world.to_drive.insert(instance.row.placement.instance);
}

void plan_measure(Step& step, Instance& instance) {
  if (instance.row.service.restart.memory_max > 0)
    instance.measure_at = step.now.boot + jitter(step.world.settings.measure_every, 0.1, step.rng);
}
}  // namespace

void begin_upkeep(Step& step, Instance& instance, Duration age) {
  if (instance.orphan) return;
  const Restart& spec = instance.row.service.restart;
  instance.watch_trouble.clear();
  plan_measure(step, instance);
  if (spec.max_age > Duration(0))
    instance.old_at =
        step.now.boot + std::max<Duration>(jitter(spec.max_age, 0.1, step.rng) - age, Duration(0));
  if (!spec.watch.empty()) step.then(WatchFiles{instance.run(), spec.watch});
}

void end_upkeep(Step& step, Instance& instance) {
  instance.measure_at.reset();
  instance.old_at.reset();
  if (!instance.orphan && !instance.live_service.restart.watch.empty())
    step.then(WatchFiles{instance.run(), {}});
}

void upkeep_due(Step& step, Instance& instance) {
  if (instance.measure_at && *instance.measure_at <= step.now.boot) {
    plan_measure(step, instance);
    step.then(Measure{instance.run()});
  }
  if (instance.old_at && *instance.old_at <= step.now.boot) {
    instance.old_at.reset();
    replace(step, instance,
            fmt::format("it has run for its max_age of {}",
                        format_duration(instance.row.service.restart.max_age)));
  }
}

std::optional<BootTime> upkeep_timer(const Instance& instance) {
  if (!instance.measure_at) return instance.old_at;
  return instance.old_at ? std::min(*instance.measure_at, *instance.old_at) : instance.measure_at;
}

void measured(Step& step, const Measured& event) {
  Instance* instance = running(step, event.run);
  if (!instance) return;
  const std::uint64_t limit = instance->row.service.restart.memory_max;
  if (limit == 0 || event.memory_bytes <= limit || !instance->unhealthy.empty()) return;
  instance->unhealthy = fmt::format("its memory of {} is above memory_max {}",
                                    format_size(event.memory_bytes), format_size(limit));
  drive(step, event.run.instance);
}

void files_changed(Step& step, const FilesChanged& event) {
  if (Instance* instance = running(step, event.run)) replace(step, *instance, event.path + " has changed");
}

void watch_trouble(Step& step, const WatchTrouble& event) {
  Instance* instance = running(step, event.run);
  if (!instance) return;
  instance->watch_trouble = event.reason;
  step.note("warn", fmt::format("{}: {}", instance->name(), event.reason), event.run.instance);
  if (instance->seen.state == InstanceState::ready)
    step.show(*instance, InstanceState::ready, remark(*instance));
}

void dependants_of(Step& step, const Instance& instance) {
  const PlacementRow& row = instance.row;
  const bool again = row.incarnation > 1 && instance.seen.started_at;
  for (auto& [id, other] : step.world.instances) {
    if (other.orphan || other.row.stack != row.stack) continue;
    auto depends = [&](const Dependency& one) { return one.service == row.service.name; };
    if (std::ranges::none_of(other.row.service.depends_on, depends)) continue;
    if (other.phase == Phase::none && other.retry_at) {
      other.retry_at = step.now.boot;  // what it may have failed for is there again
      step.world.to_drive.insert(id);
    }
    bool older = other.phase == Phase::running && other.seen.started_at && again &&
                 *other.seen.started_at < *instance.seen.started_at;
    if (older && row.service.restart.dependants)
      replace(step, other, fmt::format("{} has been restarted", instance.name()));
  }
}

}  // namespace drover::agent
