#include "core/agent/restart.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/signals.hpp"

namespace drover::agent {

Duration jitter(Duration value, double share, Rng& rng) {
  return Duration(std::int64_t(double(value.count()) * (1.0 - share + 2.0 * share * rng.unit())));
}

Verdict judge_exit(const Restart& spec, const Exit& exit) {
  if (!exit.known) return Verdict::failure;
  auto within = [](const auto& all, const auto& one) { return std::ranges::find(all, one) != all.end(); };
  if (exit.signal != 0)
    return within(spec.fatal_signals, signal_name(exit.signal)) ? Verdict::fatal : Verdict::failure;
  if (within(spec.success, exit.code)) return Verdict::success;
  return within(spec.fatal, exit.code) ? Verdict::fatal : Verdict::failure;
}

std::optional<BootTime> take_turn(std::optional<BootTime>& next, std::uint32_t per_second, BootTime now) {
  if (per_second == 0) return std::nullopt;
  // A bucket of one second's worth, kept as the time at which it would be full again (GCRA).
  Duration gap = Duration(1s) / per_second, room = gap * (per_second - 1);
  BootTime mine = std::max(next.value_or(now), now);
  next = mine + gap;
  return mine - room > now ? std::optional(mine - room) : std::nullopt;
}

std::string give_up_text(const Restart& spec) {
  return fmt::format("{} restarts in {}", spec.give_up, format_duration(spec.give_up_within));
}

std::optional<Duration> next_delay(const Restart& spec, RestartBook& book, BootTime now, Duration healthy,
                                   Rng& rng) {
  Duration stable = std::max<Duration>(30s, 2 * book.last_delay);
  auto proven = std::min<std::int64_t>(healthy / stable, 31);
  if (book.on_trial && proven == 0) return std::nullopt;
  if (book.on_trial) book = {};
  while (!book.recent.empty() && book.recent.front() + spec.give_up_within <= now) book.recent.pop_front();
  if (spec.give_up > 0 && book.recent.size() >= spec.give_up) return std::nullopt;

  book.n = (book.n >> proven) + 1;
  Duration delay = spec.backoff_max;
  if (book.n <= 20 && spec.backoff.count() <= (spec.backoff_max.count() >> (book.n - 1)))
    delay = spec.backoff * (1 << (book.n - 1));
  delay = proven > 0 ? Duration(0) : jitter(delay, 0.2, rng);
  book.last_delay = delay;
  if (spec.give_up > 0) book.recent.push_back(now);
  return delay;
}

}  // namespace drover::agent
