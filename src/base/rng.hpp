#pragma once
// Chance is a parameter: backoff jitter, ids, the simulator's faults. Not for secrets (those come from
// libsodium).

#include <cstdint>

namespace drover {

/// splitmix64 (Steele, Lea, Flood 2014): one seed, one sequence, on every machine.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// 0 … limit-1; 0 when limit is 0.
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : next() % limit; }
  /// 0 ≤ x < 1
  double unit() { return double(next() >> 11) * 0x1.0p-53; }
  bool percent(unsigned chance) { return below(100) < chance; }

 private:
  std::uint64_t state_;
};

/// Seed from the kernel (getrandom). For main only.
std::uint64_t real_seed();

}  // namespace drover
