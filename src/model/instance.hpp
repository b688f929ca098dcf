#pragma once
// What a person sees of an instance (architecture.md §4), driver-neutral.

#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/ids.hpp"

namespace drover {

enum class InstanceState : std::uint8_t {
  waiting,      // for a place, a dependency, a port: `reason` says what
  configuring,  // filling in, taking ports
  starting,     // spawned, not ready yet
  ready,
  unhealthy,  // was ready, does not answer now
  backoff,    // ended, will be started again at next_try
  restarting,
  stopping,
  stopped,    // on request
  completed,  // a job that ended well
  failed,     // given up: `reason` says why
  stuck,      // killed, but not gone
  lost,       // its node is lost
  unknown,    // cannot be looked at since `since`
};
BOOST_DESCRIBE_ENUM(InstanceState, waiting, configuring, starting, ready, unhealthy, backoff, restarting,
                    stopping, stopped, completed, failed, stuck, lost, unknown)

/// The process or container lives (whatever it answers).
constexpr bool is_alive(InstanceState state) {
  return state == InstanceState::starting || state == InstanceState::ready ||
         state == InstanceState::unhealthy;
}

/// How a main process ended.
struct Exit {
  std::int32_t code = 0;    // exit status; −1 when a signal ended it, or when the status is not known
  std::int32_t signal = 0;  // 0: not by a signal
  bool oom = false;
  bool known = true;  // false: it ended while nobody could look
  WallTime at{};
  bool core = false;  // it left a core dump
  bool operator==(const Exit&) const = default;
};
BOOST_DESCRIBE_STRUCT(Exit, (), (code, signal, oom, known, at, core))
/// "exit 1", "signal 11 (SIGSEGV), core dumped", "out of memory", "ended unseen"
std::string describe(const Exit& exit);
constexpr bool succeeded(const Exit& exit) { return exit.known && exit.signal == 0 && exit.code == 0; }

enum class Health : std::uint8_t { none, unknown, healthy, unhealthy };
BOOST_DESCRIBE_ENUM(Health, none, unknown, healthy, unhealthy)

/// What the agent saw of one placement, as it reports it. Newer replaces older by (incarnation, version).
struct Observed {
  InstanceId instance;
  std::uint64_t epoch = 0;
  std::uint64_t generation = 0;
  std::string digest;
  std::uint64_t incarnation = 0;         // count of starts of this placement
  std::uint64_t version = 0;             // count of changes of this record at its agent
  std::uint64_t restart_generation = 0;  // the last restart order that was carried out
  std::uint64_t reload_generation = 0;   // the last reload order that was carried out, or failed
  bool run = true;                       // desired at the agent: run or stopped
  InstanceState state = InstanceState::waiting;
  Health health = Health::none;
  std::string reason;
  WallTime since{};  // of `state`
  std::optional<std::int64_t> pid;
  std::optional<WallTime> started_at;  // of the incarnation
  std::optional<WallTime> ready_at;
  std::optional<WallTime> reloaded_at;  // this run took its configuration anew
  std::optional<WallTime> next_try;     // backoff
  std::optional<Exit> last_exit;
  std::vector<std::string> last_lines;  // of a failed start or a give-up: at most 20
  std::uint32_t restarts = 0;           // automatic ones of this placement
  std::map<std::string, std::uint16_t> ports;
  std::uint8_t progress = 0;  // 0–100 on long steps
  std::optional<std::uint32_t> eta_s;
  std::vector<std::string> degraded;  // what of its limits and isolation the host does not enforce
};
BOOST_DESCRIBE_STRUCT(Observed, (),
                      (instance, epoch, generation, digest, incarnation, version, restart_generation,
                       reload_generation, run, state, health, reason, since, pid, started_at, ready_at,
                       reloaded_at, next_try, last_exit, last_lines, restarts, ports, progress, eta_s,
                       degraded))

/// Slot names: "web-1" counts from 1; per node "web@pve1".
std::string slot_name(const std::string& service, std::uint32_t index);
std::string node_slot_name(const std::string& service, const std::string& node);

}  // namespace drover
