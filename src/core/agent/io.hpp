#pragma once
// The agent core's world: what comes in, what goes out. The shell (src/agent) turns effects into deeds on the
// host and deeds' results into events; the simulator does the same with a simulated host.
//
// Order: the shell commits `rows` first (one commit for all effects that are waiting), then carries out
// everything else of those effects, in order. When the commit failed it still carries `then` out, without
// its Confirms, and gives the core JournalFailed: what must not happen before it is written down waits for
// its Confirm.

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/frames.hpp"

namespace drover::agent {

/// One start of one placement. Ordered: an event of an older run than the current one changes nothing.
struct Run {
  InstanceId instance;
  std::uint64_t incarnation = 0;
  auto operator<=>(const Run&) const = default;
};

// ---- rows: what the agent's journal keeps (architecture §7: placements, outcomes, ended jobs)
// ------------------

/// A placement as it shall be on this node. Also the record of an ended job (`finished`).
struct PlacementRow {
  Placement placement;
  std::string stack, instance_name;
  std::uint32_t index = 0;
  Service service;
  bool run = true;
  std::uint64_t restart_generation = 0, reload_generation = 0;
  std::uint64_t incarnation = 0;               // at least so many starts have been; the keeper may know more
  std::map<std::string, std::uint16_t> ports;  // given out; kept over restarts
  std::optional<Observed> finished;            // completed or failed for good: survives a reboot
};
BOOST_DESCRIBE_STRUCT(PlacementRow, (),
                      (placement, stack, instance_name, index, service, run, restart_generation,
                       reload_generation, incarnation, ports, finished))

/// An attempt that has begun (outcome absent) or has ended and is not yet recorded by the hub.
struct AttemptRow {
  Assign assign;
  bool begun = false;
  std::uint64_t incarnation = 0;  // of the instance when it began: a restart is done when a higher one runs
  std::optional<TaskEnded> outcome;
};
BOOST_DESCRIBE_STRUCT(AttemptRow, (), (assign, begun, incarnation, outcome))

struct AgentMeta {
  std::optional<StoreId> store;  // the hub store we serve
  std::uint64_t commit_seen = 0;
  std::string ticket;
  std::uint64_t leader_epoch = 0;
};
BOOST_DESCRIBE_STRUCT(AgentMeta, (), (store, commit_seen, ticket, leader_epoch))

struct ErasePlacement {
  InstanceId instance;
};
struct EraseAttempt {
  TaskId task;
  std::uint32_t attempt = 0;
};
/// Everything that the journal held is dropped; the rows after this one are all there is. Written in one
/// commit after a failed one, since nobody knows which rows were lost.
struct EraseAll {};
using Row = std::variant<PlacementRow, AttemptRow, AgentMeta, ErasePlacement, EraseAttempt, EraseAll>;

/// Everything that the journal held at start.
struct Journal {
  AgentMeta meta;
  std::vector<PlacementRow> placements;
  std::vector<AttemptRow> attempts;
};

// ---- events
// --------------------------------------------------------------------------------------------------

/// What the host still has of a run when the agent starts (from the keeper).
struct Found {
  Run run;
  std::string digest;  // as given with Spawn
  bool alive = false;  // the main process lives
  bool empty = false;  // nothing of it is left
  std::optional<std::int64_t> pid;
  std::optional<WallTime> started_at;
  std::optional<Exit> exit;                    // main has ended
  std::map<std::string, std::uint16_t> ports;  // as given with Spawn
  std::vector<std::string> degraded;           // as told by Spawned
};

/// First event after construction. Nothing is touched before it.
struct Recovered {
  std::vector<Found> found;
};

struct LinkUp {
  std::string session;
};  // a fresh session: send Hello
struct LinkDown {
  std::string reason;
};
struct FrameIn {
  Envelope envelope;
};  // checked by protocol/ (order, duplicates)

struct Spawned {
  Run run;
  std::int64_t pid = 0;
  WallTime started_at{};
  std::vector<std::string> degraded;  // what of its limits and isolation is not in force, for people
};
/// A start that never became a process.
struct SpawnFailed {
  enum class Why { port_busy, permanent, transient };  // permanent: ENOENT, EACCES, bad user: no loop
  Run run;
  Why why = Why::transient;
  std::string reason;      // for people: who holds the port, which file is missing
  std::uint16_t port = 0;  // port_busy
};
struct Exited {
  Run run;
  Exit exit;
  std::vector<std::string> last_lines;
  bool more = false;  // they are not there yet: LastLines follows, soon, and perhaps after Emptied
};  // the main process ended
struct LastLines {
  Run run;
  std::vector<std::string> lines;
};
struct Emptied {
  Run run;
};  // nothing of it is left
struct Stuck {
  Run run;
  std::string reason;
};  // killed, but not gone
/// The command before the first signal of a stop did not succeed. The stop goes on.
struct HookFailed {
  Run run;
  std::string reason;
};
enum class Asked : std::uint8_t { start, ready, live };
BOOST_DESCRIBE_ENUM(Asked, start, ready, live)
struct ProbeAnswer {
  Run run;
  Asked asked = Asked::ready;
  bool ok = false;
  std::string detail;
  bool unrunnable =
      false;  // it could not even be asked: a mistake in the configuration, says nothing of the run
};
/// The program has spoken by itself (sd_notify): probes of that kind are asked at once.
struct Notified {
  Run run;
  std::optional<Duration> extend;  // it wants at least so much more time to become ready
  std::string fault;               // not empty: it asks to be taken for unhealthy, and why
  bool reloading = false;          // it takes its configuration anew, and will say when it is ready again
};
/// The answer to ReloadRun.
struct Reloaded {
  Run run;
  std::string fault;  // "": the signal is sent, or the command has succeeded
};
struct Measured {
  Run run;
  std::uint64_t memory_bytes = 0;  // working set
};  // the answer to Measure; none when it cannot be known
struct FilesChanged {
  Run run;
  std::string path;
};
/// What a person should know of a run that goes on.
enum class About : std::uint8_t {
  log,    // it cannot be written
  ports,  // the answer to LookAtPorts
  watch,  // not all that was asked for is watched
};
struct Trouble {
  Run run;
  About about = About::watch;
  std::string reason;  // empty: it is well (again)
};
/// The answer to RunErrand: succeed, attempt_failed, or attempt_lost where the outcome is not known.
struct ErrandEnded {
  TaskId task;
  std::uint32_t attempt = 0;
  TaskMove outcome = TaskMove::succeed;
  std::string error;
  std::vector<std::string> output;
  std::optional<boost::json::object> result;
};
/// Something was heard of it: it goes on.
struct ErrandProgress {
  TaskId task;
  std::uint32_t attempt = 0;
  std::string message;
};
struct LocalCommand {              // from the agent's own API; answered by Answer
  std::string id, action, target;  // start | stop | restart, "stack/service" or "stack/instance"
  Who who;
};
struct JournalFailed {
  std::string reason;
};  // disk full: the rows of that commit are NOT durable and were dropped. Its `then` is carried out, but
    // every Confirm in it is dropped too. The core writes all that it holds again, later
struct Durable {
  std::uint64_t serial = 0;
};  // the answer to Confirm
struct Stopping {
  std::string reason;
};  // this agent process is going to end: say goodbye; instances go on
struct Tick {};

using Event =
    std::variant<Recovered, LinkUp, LinkDown, FrameIn, Spawned, SpawnFailed, Exited, LastLines, Emptied,
                 Stuck, HookFailed, ProbeAnswer, Notified, Reloaded, Measured, FilesChanged, Trouble,
                 ErrandEnded, ErrandProgress, LocalCommand, JournalFailed, Durable, Stopping, Tick>;

// ---- effects
// -------------------------------------------------------------------------------------------------

struct Spawn {
  Run run;
  Placement placement;
  std::string stack, instance_name;
  std::uint32_t index = 0;
  Service service;
  std::map<std::string, std::uint16_t> ports;
  std::string correlation = {};  // of the task that wants it; empty: our own doing
};
/// Answered by Exited and Emptied; HookFailed may come before.
struct StopRun {
  Run run;
  Stop stop;
  std::optional<Spawn>
      of;  // as it was started, for the command before the first signal; absent: there is none
  std::string correlation = {};
};
/// New settings for a run that goes on, of those that the host keeps for it. Not answered.
struct AdjustRun {
  Run run;
  LogSpec logs;
};
/// The run shall take its configuration anew, and go on. Answered by Reloaded. May be carried out twice when
/// the agent dies in between.
struct ReloadRun {
  Run run;
  Reload how;
  Spawn of;  // as it was started, for a command
};
struct ForgetRun {
  Run run;
  bool last =
      false;  // nothing of its slot follows: its passed sockets are closed, unless another run has them
};  // its end has been taken in: the keeper may drop its record
struct RemoveFiles {
  InstanceId instance;
  std::string stack, instance_name;
};  // a deleted instance: its logs and directory
struct AskProbe {
  Run run;
  Asked asked = Asked::ready;
  Probe probe;
  std::string stack, instance_name;
  std::map<std::string, std::uint16_t> ports;
  Service service;
  std::uint32_t index = 0;
  bool check_ports = false;  // a success counts only if its ports are its own: before the first one
};
struct Measure {
  Run run;
};
/// A command, a question or a look: what Assign::errand says. Answered by ErrandEnded, once.
struct RunErrand {
  Assign assign;
  bool again = false;           // begun by an earlier life of this agent: a command is not begun again
  std::optional<AskProbe> ask;  // type probe
};
/// Its whole tree is ended; ErrandEnded follows.
struct EndErrand {
  TaskId task;
  std::uint32_t attempt = 0;
};
/// From now on FilesChanged is told for these; empty: not any more.
struct WatchFiles {
  Run run;
  std::vector<std::string> paths;
};
/// Does the run listen on its declared TCP ports? Answered by Trouble.
struct LookAtPorts {
  Run run;
  Service service;
  std::map<std::string, std::uint16_t> ports;
};
/// Give the event Durable{serial} when the rows of this step are committed; nothing if that failed.
struct Confirm {
  std::uint64_t serial = 0;
};
struct Send {
  Envelope envelope;
};
struct CloseLink {
  std::string reason;
};  // give the session up and dial again
struct Answer {
  std::string id;
  Result<std::string> result;
};
struct ServeStream {
  OpenStream open;
};
struct Note {
  std::string level, message;
  InstanceId instance;
  TaskId task = {};
  std::string correlation = {};
};  // for the agent's own log

using Effect =
    std::variant<Spawn, StopRun, AdjustRun, ReloadRun, ForgetRun, RemoveFiles, AskProbe, Measure, WatchFiles,
                 LookAtPorts, RunErrand, EndErrand, Confirm, Send, CloseLink, Answer, ServeStream, Note>;

struct Effects {
  std::vector<Row> rows;  // durable before anything of `then`
  std::vector<Effect> then;
  std::optional<BootTime> wake;  // call step(Tick) no later than this; replaces the former one
};

struct AgentSettings {
  NodeId uid;
  std::string name;
  std::string boot;  // random, per process
  HostFacts host;
  std::uint16_t port_low = 20000, port_high = 29999;  // the range for `auto`
  std::uint32_t max_parallel = 64;                    // tasks at once
  Duration inventory_every = 60s;
  Duration report_delay = 200ms;           // figures and repeated changes are coalesced for so long
  std::uint32_t restarts_per_second = 20;  // automatic ones, of all instances together; 0: no limit
  Duration measure_every = 5s;             // the memory of those that have a memory_max
  bool exec = true;                        // commands of tasks are run
};

// ---- what is kept for people
// ---------------------------------------------------------------------------------

struct ProbeResult {
  WallTime at{};
  Duration took{0};
  bool ok = false;
  bool unrunnable = false;
  std::string detail;
  std::uint64_t incarnation = 0;
};
BOOST_DESCRIBE_STRUCT(ProbeResult, (), (at, took, ok, unrunnable, detail, incarnation))
/// One probe of an instance, with its last 10 answers, the newest last.
struct ProbeHistory {
  Asked probe = Asked::ready;
  std::string kind;     // http, tcp, exec, …
  bool passed = false;  // the last judgement
  std::vector<ProbeResult> results;
};
BOOST_DESCRIBE_STRUCT(ProbeHistory, (), (probe, kind, passed, results))
/// Asked for when someone looks: too much to be part of every report.
struct ProbesView {
  std::vector<ProbeHistory> items;
};
BOOST_DESCRIBE_STRUCT(ProbesView, (), (items))

}  // namespace drover::agent
