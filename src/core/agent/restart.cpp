#include "core/agent/restart.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover::agent {

Duration jitter(Duration value, double share, Rng& rng) {
  return Duration(std::int64_t(double(value.count()) * (1.0 - share + 2.0 * share * rng.unit())));
}

std::string give_up_text(const Restart& spec) {
  return fmt::format("{} restarts in {}", spec.give_up, format_duration(spec.give_up_within));
}

std::optional<Duration> next_delay(const Restart& spec, RestartBook& book, BootTime now, Duration healthy,
                                   Rng& rng) {
  while (!book.recent.empty() && book.recent.front() + spec.give_up_within <= now) book.recent.pop_front();
  if (spec.give_up > 0 && book.recent.size() >= spec.give_up) return std::nullopt;

  Duration stable = std::max<Duration>(30s, 2 * book.last_delay);
  auto proven = std::min<std::int64_t>(healthy / stable, 31);
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
