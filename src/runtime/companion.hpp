#pragma once
// A probe that runs beside an instance, as the keeper tells of it. For process_driver.cpp.

#include <map>
#include <string>

#include "keeper/protocol.hpp"
#include "model/instance.hpp"
#include "net/async.hpp"

namespace drover::runtime {

/// The keeper's words in ours.
WallTime wall_of(std::uint64_t ns);
/// nullopt: the main process has not ended.
std::optional<Exit> exit_of(const keeper::InstanceInfo& info);

/// Why the command before a stop did not succeed, for people.
std::string describe_hook(const keeper::InstanceInfo& info);

/// A probe that runs.
struct Companion {
  keeper::InstanceInfo latest;
  net::Event changed;
};

/// One start of a probe; however it ends, nobody is told any more afterwards.
struct CompanionEntry {
  std::map<std::string, Companion*>& all;
  std::string key;
  Companion companion;
  CompanionEntry(std::map<std::string, Companion*>& in, std::string its_key)
      : all(in), key(std::move(its_key)) {
    all[key] = &companion;
  }
  ~CompanionEntry() { all.erase(key); }
  CompanionEntry(const CompanionEntry&) = delete;
  CompanionEntry& operator=(const CompanionEntry&) = delete;

  /// False: not within the limit.
  net::Awaitable<bool> reaches(keeper::State state, Duration limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (companion.latest.state < state) {
      const auto left = std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now());
      companion.changed.reset();
      if (companion.latest.state >= state) break;
      if (left <= 0s || !co_await companion.changed.wait_for(left)) co_return companion.latest.state >= state;
    }
    co_return true;
  }
};

}  // namespace drover::runtime
