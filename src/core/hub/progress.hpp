#pragma once
// How far a deployment or an operation is, read off its instances.

#include <optional>
#include <set>
#include <string>

#include "core/hub/step.hpp"

namespace drover::hub {

struct Progress {
  bool all_satisfied = true;
  bool in_motion = false;
  std::set<std::string> open;  // services that are not as they shall be
  std::string failed;          // the first instance that has failed for good, and why
  std::string waiting;         // the first thing that is waited for
  std::optional<BootTime>
      proven;  // when the last of those that are ready will have stayed so for long enough
  std::uint32_t canaries = 0, good_canaries = 0;  // wanted; that have proven themselves
};

void look(const HubState& state, const SlotEntry& entry, Progress& progress);
/// Ready, and to stay so for a while.
void look_for_proof(const Step& step, const SlotEntry& entry, Progress& progress);
/// Of the services that the deployment changes. What they need counts too while they are not there yet; a
/// service beside them may be as it likes.
Progress progress_of(Step& step, StackEntry& stack, const Deployment& deployment);

}  // namespace drover::hub
