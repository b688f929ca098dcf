#pragma once
// What a person wants to run. Filled by spec/ from a stack file; the same words as the file has.
// Plain values: no I/O, no clock. Every default here is the documented default.

#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace drover {

enum class ServiceKind : std::uint8_t { service, job };
BOOST_DESCRIBE_ENUM(ServiceKind, service, job)

/// How a program gets a socket that the keeper holds for it: it listens on over restarts and reloads.
enum class PortPass : std::uint8_t {
  no,          // the program binds the port itself
  listen_fds,  // systemd's protocol: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES, from fd 3 on (sd_listen_fds(3))
  nginx,       // nginx's own: NGINX="3;4;"
};
BOOST_DESCRIBE_ENUM(PortPass, no, listen_fds, nginx)

/// `published`: the port, or the base of `plus`; 0 means "auto": a free port from the host's range.
struct Port {
  std::string name;              // {{port.NAME}}
  std::uint16_t published = 0;   // 0: auto
  std::string plus;              // "" or "instance.index": published + index
  std::string protocol = "tcp";  // tcp | udp
  PortPass pass = PortPass::no;  // tcp only
  bool operator==(const Port&) const = default;
};
BOOST_DESCRIBE_STRUCT(Port, (), (name, published, plus, protocol, pass))

struct HttpCheck {
  static constexpr const char* kind = "http";
  std::string url;                             // with placeholders
  std::vector<std::uint16_t> status;           // empty: 200–399
  std::map<std::string, std::string> headers;  // sent with the request
  std::string body;                            // RE2: must be found in the first 64 KiB; empty: any
  std::string socket;                          // path of a Unix socket to ask instead of the URL's host
  bool operator==(const HttpCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(HttpCheck, (), (url, status, headers, body, socket))
struct TcpCheck {
  static constexpr const char* kind = "tcp";
  std::string address;  // host:port, with placeholders
  bool operator==(const TcpCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(TcpCheck, (), (address))
struct ExecCheck {
  static constexpr const char* kind = "exec";
  std::vector<std::string> command;  // exit status 0 is success
  bool operator==(const ExecCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(ExecCheck, (), (command))
/// A line of this run's log. Says that something has happened, so it is no check of `live`.
struct LogCheck {
  static constexpr const char* kind = "log";
  std::string pattern;  // RE2, found anywhere in a line
  bool operator==(const LogCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(LogCheck, (), (pattern))
/// The program tells by itself, as sd_notify(3) has it: READY=1 for `start` and `ready`; for `live` a
/// WATCHDOG=1 within each interval.
struct NotifyCheck {
  static constexpr const char* kind = "notify";
  bool operator==(const NotifyCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(NotifyCheck, (), ())
/// grpc.health.v1.Health/Check over cleartext HTTP/2.
struct GrpcCheck {
  static constexpr const char* kind = "grpc";
  std::string address;  // host:port, with placeholders
  std::string service;  // empty: the server as a whole
  bool operator==(const GrpcCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(GrpcCheck, (), (address, service))
struct FileCheck {
  static constexpr const char* kind = "file";
  std::string path;  // exists; absolute, with placeholders
  bool operator==(const FileCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(FileCheck, (), (path))
using Check = std::variant<HttpCheck, TcpCheck, ExecCheck, LogCheck, NotifyCheck, GrpcCheck, FileCheck>;

/// What to ask, how often, and how many answers count.
struct Probe {
  Check check;
  Duration interval = 10s;      // 10ms … 1h
  Duration timeout = 5s;        // ≤ 10m
  std::uint32_t failures = 3;   // in a row until it counts as failed
  std::uint32_t successes = 1;  // in a row until it counts as passed
  bool operator==(const Probe&) const = default;
};
BOOST_DESCRIBE_STRUCT(Probe, (), (check, interval, timeout, failures, successes))

struct Probes {
  std::optional<Probe> start;    // until its first success, `live` does not count
  std::optional<Probe> ready;    // routing and dependants; never restarts
  std::optional<Probe> live;     // restarts
  Duration start_timeout = 60s;  // not ready for the first time within this: a failed start
  bool operator==(const Probes&) const = default;
};
BOOST_DESCRIBE_STRUCT(Probes, (), (start, ready, live, start_timeout))

enum class RestartPolicy : std::uint8_t { no, always, on_failure, unless_stopped };
BOOST_DESCRIBE_ENUM(RestartPolicy, no, always, on_failure, unless_stopped)

/// What a failed `live` probe does.
enum class OnUnhealthy : std::uint8_t { restart, alert };
BOOST_DESCRIBE_ENUM(OnUnhealthy, restart, alert)

/// delay(n) = min(backoff_max, backoff·2^(n−1)) ± 20 %.
struct Restart {
  RestartPolicy policy = RestartPolicy::on_failure;
  Duration backoff = 200ms;
  Duration backoff_max = 30s;
  std::uint32_t give_up = 10;  // automatic restarts within give_up_within; then `failed`. 0: never
  Duration give_up_within = 600s;
  Duration retry_failed = 300s;             // one try each, after it gave up; 0: none. Services only
  std::vector<std::int32_t> success = {0};  // exit codes that are no failure
  std::vector<std::int32_t> fatal = {78, 126,
                                     127};  // exit codes after which it is not tried again (EX_CONFIG)
  std::vector<std::string> fatal_signals;   // the same for signals
  OnUnhealthy on_unhealthy = OnUnhealthy::restart;
  std::uint64_t memory_max = 0;    // bytes of working set above which it is restarted; 0: none
  Duration max_age = 0s;           // it is restarted after so long; 0: never
  std::vector<std::string> watch;  // absolute files and directories: a change restarts it
  bool dependants = false;         // those that depend on it are restarted after it
  bool operator==(const Restart&) const = default;
};
BOOST_DESCRIBE_STRUCT(Restart, (),
                      (policy, backoff, backoff_max, give_up, give_up_within, retry_failed, success, fatal,
                       fatal_signals, on_unhealthy, memory_max, max_age, watch, dependants))

/// Who gets the stop signals: the main process (what it leaves behind gets SIGTERM), or each of its
/// processes.
enum class StopTarget : std::uint8_t { main, all };
BOOST_DESCRIBE_ENUM(StopTarget, main, all)

struct StopStep {
  std::string signal;
  Duration after{0};  // since the stop began
  bool operator==(const StopStep&) const = default;
};
BOOST_DESCRIBE_STRUCT(StopStep, (), (signal, after))

struct Stop {
  std::string signal = "SIGTERM";   // a name that the host knows
  Duration grace = 10s;             // then everything of it is killed; `before` and `then` are within it
  std::vector<std::string> before;  // a command that runs before the first signal
  std::vector<StopStep> then;       // more signals, rising in time
  StopTarget target = StopTarget::main;
  bool operator==(const Stop&) const = default;
};
BOOST_DESCRIBE_STRUCT(Stop, (), (signal, grace, before, then, target))

/// How a running instance takes a new configuration without ending: a signal to its main process, or a
/// command beside it, or neither (then a reload replaces it: start-first, or by a restart).
struct Reload {
  std::string signal;                // a name that the host knows
  std::vector<std::string> command;  // runs as the instance's user; exit status 0: it has been reloaded
  bool empty() const { return signal.empty() && command.empty(); }
  bool operator==(const Reload&) const = default;
};
BOOST_DESCRIBE_STRUCT(Reload, (), (signal, command))

enum class Condition : std::uint8_t { started, ready, completed };
BOOST_DESCRIBE_ENUM(Condition, started, ready, completed)

struct Dependency {
  std::string service;  // of the same stack
  Condition condition = Condition::started;
  bool operator==(const Dependency&) const = default;
};
BOOST_DESCRIBE_STRUCT(Dependency, (), (service, condition))

enum class ScaleKind : std::uint8_t { count, per_node };
BOOST_DESCRIBE_ENUM(ScaleKind, count, per_node)
struct Scale {
  ScaleKind kind = ScaleKind::count;
  std::uint32_t count = 1;  // 0 … 10,000; kind count only
  bool operator==(const Scale&) const = default;
};
BOOST_DESCRIBE_STRUCT(Scale, (), (kind, count))

/// spread: where the fewest of it are. binpack: where the least is left that still is enough.
enum class PlaceStrategy : std::uint8_t { spread, manual, binpack };
BOOST_DESCRIBE_ENUM(PlaceStrategy, spread, manual, binpack)

/// Constraints: all must hold: "label.site == home", "label.gpu", "node.name != nas", "host.arch == x86_64",
/// "resource.memory >= 16GiB".
struct Place {
  PlaceStrategy strategy = PlaceStrategy::spread;
  std::vector<std::string> nodes;  // manual: by name; slot i goes to nodes[i % size]
  std::vector<std::string> constraints;
  std::vector<std::string> prefer =
      {};                          // constraints that need not hold: nodes where more of them do come first
  std::string spread_over = {};    // "" or a key as in constraints: evenly over its values, then over nodes
  std::uint32_t max_per_node = 0;  // of this service's instances; 0: any number
  bool operator==(const Place&) const = default;
};
BOOST_DESCRIBE_STRUCT(Place, (), (strategy, nodes, constraints, prefer, spread_over, max_per_node))

enum class UpdateOrder : std::uint8_t {
  stop_first,
  start_first,  // the new one is ready before the old one ends; its fixed ports must be passed sockets
};
BOOST_DESCRIBE_ENUM(UpdateOrder, stop_first, start_first)

/// What a failed deployment does.
enum class UpdateFailure : std::uint8_t {
  keep,      // what is there stays
  rollback,  // the stack goes back to the newest revision that succeeded
};
BOOST_DESCRIBE_ENUM(UpdateFailure, keep, rollback)

/// How a change rolls out over the instances of a service.
struct Update {
  UpdateOrder order = UpdateOrder::stop_first;
  std::uint32_t batch = 1;      // at most so many instances of the service are changed at once
  Duration healthy_for = 0s;    // ready for so long before the next batch, or before the old one ends
  Duration no_progress = 600s;  // a deployment without any progress for so long has failed
  UpdateFailure on_failure = UpdateFailure::keep;  // of a deployment that fails for this service
  std::uint32_t canary = 0;  // so many of the new one beside the old ones first; the rest when it is promoted
  bool auto_promote = false;  // promoted as soon as all canaries have been ready for healthy_for
  bool operator==(const Update&) const = default;
};
BOOST_DESCRIBE_STRUCT(Update, (), (order, batch, healthy_for, no_progress, on_failure, canary, auto_promote))

enum class LogFull : std::uint8_t { block, drop };
BOOST_DESCRIBE_ENUM(LogFull, block, drop)
enum class LogCompress : std::uint8_t { zstd, none };
BOOST_DESCRIBE_ENUM(LogCompress, zstd, none)
struct LogSpec {
  std::uint64_t budget = 256ull << 20;  // bytes an instance
  std::uint64_t segment = 16ull << 20;  // bytes a file
  LogFull on_full = LogFull::block;
  LogCompress compress = LogCompress::zstd;  // of closed files
  bool operator==(const LogSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(LogSpec, (), (budget, segment, on_full, compress))

/// setrlimit(2); UINT64_MAX: unlimited.
struct Rlimit {
  std::uint64_t soft = 0, hard = 0;
  bool operator==(const Rlimit&) const = default;
};
BOOST_DESCRIBE_STRUCT(Rlimit, (), (soft, hard))

/// How much of the host it may use. Absent: as much as there is. What the host cannot enforce is named in
/// the instance's status, and it runs nevertheless.
struct Limits {
  std::optional<double> cpus;              // > 0: cores' worth of time (cpu.max)
  std::optional<std::uint64_t> memory;     // bytes (memory.max); above it the OOM killer ends all of it
  std::optional<std::uint32_t> pids;       // processes and threads (pids.max)
  std::optional<std::uint32_t> io_weight;  // 1 … 10,000 (io.weight)
  std::map<std::string, Rlimit> rlimits;   // "nofile", "core", … : the names of ulimits in Compose
  std::optional<std::int32_t> oom_score;   // −1,000 … 1,000 (oom_score_adj)
  bool operator==(const Limits&) const = default;
};
BOOST_DESCRIBE_STRUCT(Limits, (), (cpus, memory, pids, io_weight, rlimits, oom_score))

/// What of the host it may touch.
struct Isolation {
  std::optional<std::vector<std::string>>
      capabilities;  // exactly these ("CAP_NET_BIND_SERVICE"); absent: as is
  bool no_new_privileges = false;
  bool private_tmp = false;                   // an empty /tmp and /var/tmp of its own
  bool read_only = false;                     // the whole file system but read_write_paths, /dev, /proc, /tmp
  std::vector<std::string> read_only_paths;   // absolute
  std::vector<std::string> read_write_paths;  // absolute; exceptions from the two above
  bool operator==(const Isolation&) const = default;
};
BOOST_DESCRIBE_STRUCT(Isolation, (),
                      (capabilities, no_new_privileges, private_tmp, read_only, read_only_paths,
                       read_write_paths))

/// Runs a program of the host.
struct ProcessSpec {
  static constexpr const char* kind = "process";
  std::vector<std::string> command;                // not empty; placeholders allowed
  std::string working_dir;                         // absolute
  std::map<std::string, std::string> environment;  // declared variables only; placeholders allowed
  std::string user;                                // name or number; empty: the agent's own
  std::string group;
  std::vector<std::string> groups;  // more groups, beside the user's own
  std::uint32_t umask = 022;
  std::int32_t nice = 0;
  Limits limits;
  Isolation isolation;
  bool operator==(const ProcessSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(ProcessSpec, (),
                      (command, working_dir, environment, user, group, groups, umask, nice, limits,
                       isolation))

/// One alternative a driver. Later: ContainerSpec, UnitSpec.
using Spec = std::variant<ProcessSpec>;

struct Service {
  std::string name;
  ServiceKind kind = ServiceKind::service;
  Spec spec;
  std::vector<Port> ports;
  Probes probes;
  Restart restart;
  Stop stop;
  Reload reload;
  std::vector<Dependency> depends_on;
  Scale scale;
  Place place;
  std::map<std::string, double> reserve;  // of a node's resources, by name; of a named set: how many of it
  Update update;
  LogSpec logs;
  std::map<std::string, std::string> labels;
  bool operator==(const Service&) const = default;
};
BOOST_DESCRIBE_STRUCT(Service, (),
                      (name, kind, spec, ports, probes, restart, stop, reload, depends_on, scale, place,
                       reserve, update, logs, labels))

struct Stack {
  std::string name;
  std::vector<Service> services;  // in the order of the file; names are unique
  bool operator==(const Stack&) const = default;
};
BOOST_DESCRIBE_STRUCT(Stack, (), (name, services))

const Service* find_service(const Stack& stack, std::string_view name);

/// Rules that hold between fields, whatever the spelling: names, ranges, unknown or cyclic dependencies, two
/// fixed ports alike, constraints that cannot be read. Paths as in the file (services.api.ports[0]). Empty:
/// valid.
std::vector<Problem> validate(const Stack& stack);

/// Services so that each comes after all that it depends on. The stack is valid (no cycles).
std::vector<const Service*> in_order(const Stack& stack);

/// One "label.site == home": `key`, a comparison and `value`; or the key alone: it exists.
/// The last four compare numbers and sizes (16GiB); what is no number does not hold.
struct Constraint {
  enum class Test : std::uint8_t { exists, equal, not_equal, at_least, at_most, more, less };
  std::string key;  // label.X, host.X, resource.X, node.name
  Test test = Test::exists;
  std::string value;
};
bool is_constraint_key(std::string_view key);
/// "label.site == home"
std::string print_constraint(const Constraint& constraint);
/// `value` is what the node has there; nullopt: it has nothing.
bool holds(const Constraint& constraint, const std::optional<std::string>& value);
Result<Constraint> parse_constraint(std::string_view text);

}  // namespace drover
