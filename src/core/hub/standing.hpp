#pragma once
// How the instances of a stack stand, counted: which says after a report about one of them whether others, or
// a deployment, may now go on. Only a hint about when to compare the whole stack; what is done is decided by
// looking at the instances themselves.

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace drover::hub {

enum class Fact : std::uint8_t {
  settled,    // as it shall be
  moving,     // something is on its way by itself
  started,    // the three conditions of dependants
  ready,      //
  completed,  //
  down,       // does not hold up the stop of what it depends on
};
inline constexpr std::size_t fact_count = 6;
using Standing = std::bitset<fact_count>;

struct StandCount {
  std::uint32_t slots = 0;
  std::array<std::uint32_t, fact_count> of{};

  void add(const Standing& standing) {
    ++slots;
    for (std::size_t i = 0; i < fact_count; ++i) of[i] += standing[i] ? 1 : 0;
  }
  void take(const Standing& standing) {
    --slots;
    for (std::size_t i = 0; i < fact_count; ++i) of[i] -= standing[i] ? 1 : 0;
  }
  bool all(Fact fact) const { return of[std::size_t(fact)] == slots; }
  bool none(Fact fact) const { return of[std::size_t(fact)] == 0; }
};

/// Of one stack, as it was compared last.
struct Standings {
  StandCount whole;
  std::map<std::string, StandCount> services;
  std::set<std::string> needed, needing;  // services that others depend on; that depend on others
  std::set<std::string> queuing;          // services of which instances wait for their turn
};

}  // namespace drover::hub
