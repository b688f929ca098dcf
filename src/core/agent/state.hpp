#pragma once
// What the agent core knows, in memory. Changed only within AgentCore::step.

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/agent/io.hpp"
#include "core/agent/restart.hpp"
#include "model/changes.hpp"

namespace drover::agent {

/// A task's attempt: age order is the order of task ids.
using AttemptKey = std::pair<TaskId, std::uint32_t>;

/// The run in hand. Never two: the next Spawn leaves from `none` only.
enum class Phase : std::uint8_t {
  none,      // nothing of it is left
  spawning,  // Spawn is out
  running,   // seen alive
  ending,    // told to stop, or the main process has ended; waits for Emptied
};

/// One probe of the run in hand.
struct ProbeBook {
  bool on = false;
  bool asking = false;
  bool passed = false;  // the last judgement
  bool nudged = false;  // while asking: ask again at once
  bool stale = false;   // what is being asked is not the question any more
  BootTime asked_at{};
  BootTime due{};                   // asking: the answer is overdue; else: when to ask
  Duration gap{0};                  // until the first success: doubles up to the interval
  std::uint32_t oks = 0, bads = 0;  // in a row
  std::string broken;               // it cannot be asked, and why
};

/// How the run in hand has ended for good, applied when it is empty.
struct Ended {
  InstanceState state = InstanceState::failed;
  std::string reason;
  bool retry = false;  // it has given up: one try each Restart::retry_failed
};

struct Instance {
  PlacementRow row;
  Observed seen;
  bool orphan = false;  // a run of ours that no placement asks for; left alone until the hub has it deleted
  std::uint64_t journaled_incarnation = 0;
  bool rewritten = false;  // its row, since an attempt on it began

  Phase phase = Phase::none;
  std::string live_digest;  // of the run in hand
  Service live_service;     // as this run was started, with the settings that it took over since
  std::map<std::string, std::uint16_t> live_ports;
  bool exited = false;           // ending: the main process has ended
  std::string unhealthy;         // ending because of this: counts as a failure
  std::string planned;           // ending because of this, though it works: begins anew at once, not counted
  std::optional<Ended> ended;    // what the end means, unless something else is wanted by then
  std::optional<Run> lines_due;  // LastLines of this run is to come
  bool waits_for_lines = false;  // ending: Emptied is in, but what the end means is told with them
  bool deleting = false;
  bool restart_wanted = false;
  std::optional<std::uint64_t> reload_to;  // a reload is due: the count that it makes true
  bool reload_asked = false;               // and ReloadRun is out

  std::optional<BootTime> spawn_at;  // phase none: not before
  bool waits_for_ours = false;       // for a port that another instance of this node has: woken when it goes
  std::uint32_t spawn_tries = 0;     // in a row that an obstacle was in the way
  std::optional<Run> unforgotten;    // the last run, ended; its record stays at the host until the next one

  RestartBook book;
  bool automatic = false;            // the next start is a restart by policy: it takes a turn of the host's
  bool has_turn = false;             // and has one: spawn_at
  std::optional<BootTime> retry_at;  // it has given up: the next slow try
  std::optional<BootTime> healthy_since;
  std::array<ProbeBook, 3> probes;                 // by Asked
  std::array<std::deque<ProbeResult>, 3> answers;  // the last 10 of each, over runs
  std::optional<BootTime> measure_at, old_at;      // memory_max, max_age
  std::optional<BootTime> look_at;                 // at its ports
  std::array<std::string, 3> troubles;             // by About
  std::optional<BootTime> ready_by;
  bool reloading = false;             // the program says so: not ready until it says READY=1
  std::optional<BootTime> reload_by;  // and not for longer than this

  std::optional<AttemptKey> task;  // begun and not ended

  bool changed = false;  // in this step
  InstanceState reported_state = InstanceState::unknown;
  Health reported_health = Health::unknown;
  std::optional<BootTime> timer;  // as it stands in World::timers

  /// What it shall run needs another process than the one in hand.
  bool other_run() const { return !same_run(live_digest, row.placement.digest); }
  Run run() const { return {row.placement.instance, row.incarnation}; }
  std::string name() const { return row.stack + "/" + row.instance_name; }
};

enum class Stage : std::uint8_t { queued, confirming, active, ended };

struct Attempt {
  AttemptRow row;
  Stage stage = Stage::queued;
  bool stored = false;                 // there is a row of it in the journal
  std::uint64_t serial = 0;            // confirming: which Confirm
  std::optional<PlacementRow> wanted;  // confirming: the placement as it shall be
  std::string progress;                // last message sent
  bool cancelled = false;              // an errand: it shall end
  std::optional<boost::json::object> result;
};

enum class Link : std::uint8_t { down, greeting, up };

struct Session {
  Link link = Link::down;
  std::uint64_t sent = 0, received = 0;  // frame numbers
  Duration heartbeat = 5s, lost_after = 30s;
  BootTime heard{};
  std::optional<BootTime> heartbeat_at, inventory_at, report_at;
};

/// A start or stop asked for on the host, on its way through the hub.
struct LocalWait {
  BootTime deadline{};
};

struct World {
  AgentSettings settings;
  AgentMeta meta;
  bool recovered = false, stopped = false;
  bool welcomed_once = false;  // before, nothing that the journal does not know is touched
  Session session;
  std::map<InstanceId, Instance> instances;
  std::map<AttemptKey, Attempt> attempts;
  std::set<AttemptKey> errands;  // that the host is about
  std::set<Run> leftovers;       // older runs that are still ending
  std::set<InstanceId> needy;  // those that depend on others; one that is gone or needs nothing may be in it
  std::map<std::string, LocalWait> local;
  std::map<std::uint16_t, BootTime> taken_ports;  // of the range, held by strangers; not tried again until
  std::optional<BootTime> restart_turn;  // when the host's next automatic restart may be, if they came evenly
  std::set<std::pair<BootTime, InstanceId>> timers;
  std::set<InstanceId> to_drive;    // changed by another one in this step
  std::set<InstanceId> touched;     // in this step
  std::set<InstanceId> unreported;  // changed since they were last sent
  std::uint64_t serial = 0;
  std::string journal_error;  // not empty: rows cannot be written
  std::optional<BootTime> journal_retry;
  std::uint64_t journal_serial = 0;  // Confirm of the retry under way; 0: none
  std::uint32_t journal_tries = 0;
};

}  // namespace drover::agent
