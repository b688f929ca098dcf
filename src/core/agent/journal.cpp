// When rows cannot be written: instances go on, restarts go on, nothing new is taken, all is written again
// later.

#include <algorithm>

#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
constexpr Duration retry_first = 1s, retry_longest = 30s;
}

void journal_failed(Step& step, const std::string& reason) {
  World& world = step.world;
  if (world.journal_error.empty())
    step.note("error", "The journal cannot be written: " + reason +
                           ". What runs goes on; new tasks are refused until it can be written again.");
  world.journal_error = reason.empty() ? "the journal cannot be written" : reason;
  world.journal_serial = 0;
  auto exponent = std::min<std::uint32_t>(world.journal_tries, 5);
  Duration delay = std::min<Duration>(retry_first * (1 << exponent), retry_longest);
  world.journal_retry = step.now.boot + jitter(delay, 0.2, step.rng);
  std::vector<AttemptKey> waiting;
  for (const auto& [key, attempt] : world.attempts)
    if (attempt.stage == Stage::confirming) waiting.push_back(key);
  for (const AttemptKey& key : waiting)
    end_attempt(step, key, TaskMove::refused, "disk full under the agent: " + world.journal_error);
}

void journal_retry(Step& step) {
  World& world = step.world;
  step.write(EraseAll{});
  step.write(world.meta);
  for (auto& [id, instance] : world.instances)
    if (!instance.orphan) step.write_placement(instance);
  for (auto& [key, attempt] : world.attempts) step.write_attempt(attempt);
  world.journal_serial = step.confirm();
  world.journal_tries += 1;
  world.journal_retry = step.now.boot + retry_longest;
}

}  // namespace drover::agent
