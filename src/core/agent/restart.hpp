#pragma once
// The restart formula (docs: guide/restarts.md), pure: how long to wait before the next start, and when to
// give up.
//   delay(n) = min(backoff_max, backoff·2^(n−1)) ± 20 %
// n falls only by proven health: `stable = max(30 s, 2·last delay)` of it halves n, as does each further
// `stable`; the first restart after such a run is immediate.

#include <deque>
#include <optional>
#include <string>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/instance.hpp"
#include "model/stack.hpp"

namespace drover::agent {

/// What is remembered of one placement's automatic restarts. A change by a person makes a new one.
struct RestartBook {
  std::uint32_t n = 0;
  Duration last_delay{0};
  std::deque<BootTime> recent;  // automatic restarts within give_up_within
  bool on_trial = false;        // it had given up, and this is one try: the next end gives up again
};

/// nullopt: give up. Otherwise how long to wait; the book counts one restart more.
std::optional<Duration> next_delay(const Restart& spec, RestartBook& book, BootTime now, Duration healthy,
                                   Rng& rng);

enum class Verdict : std::uint8_t { success, failure, fatal };
/// What an end by itself means, by the lists of exit codes and signals.
Verdict judge_exit(const Restart& spec, const Exit& exit);

/// A turn among all automatic restarts of the host: at most `per_second` in a second, evenly once the first
/// second's worth is used up. nullopt: now; otherwise when. `next` is the bucket.
std::optional<BootTime> take_turn(std::optional<BootTime>& next, std::uint32_t per_second, BootTime now);

/// "10 restarts in 10m"
std::string give_up_text(const Restart& spec);

/// value · U(1 − share, 1 + share)
Duration jitter(Duration value, double share, Rng& rng);

}  // namespace drover::agent
