// A new revision whose differences need no new process (model/changes.hpp).

#include <algorithm>

#include "core/agent/step.hpp"

namespace drover::agent {

void take_settings(Step& step, Instance& instance) {
  if (instance.live_digest == instance.row.placement.digest || instance.other_run()) return;
  instance.live_digest = instance.row.placement.digest;
  const bool other_upkeep = instance.live_service.restart != instance.row.service.restart;
  if (other_upkeep) end_upkeep(step, instance);  // of what it was
  const Service before = std::exchange(instance.live_service, instance.row.service);
  const auto& started = instance.seen.started_at;
  Duration age = started ? std::max<Duration>(step.now.wall - *started, Duration(0)) : Duration(0);
  if (other_upkeep) begin_upkeep(step, instance, age);
  if (before.probes != instance.row.service.probes) renew_probes(step, instance, age);
  step.then(AdjustRun{instance.run(), instance.row.service.logs});
  step.mark(instance);
}

}  // namespace drover::agent
