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

/// `published`: the port, or the base of `plus`; 0 means "auto": a free port from the host's range.
struct Port {
  std::string name;              // {{port.NAME}}
  std::uint16_t published = 0;   // 0: auto
  std::string plus;              // "" or "instance.index": published + index
  std::string protocol = "tcp";  // tcp | udp
  bool operator==(const Port&) const = default;
};
BOOST_DESCRIBE_STRUCT(Port, (), (name, published, plus, protocol))

struct HttpCheck {
  static constexpr const char* kind = "http";
  std::string url;                    // with placeholders
  std::vector<std::uint16_t> status;  // empty: 200–399
  bool operator==(const HttpCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(HttpCheck, (), (url, status))
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
using Check = std::variant<HttpCheck, TcpCheck, ExecCheck>;

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

/// delay(n) = min(backoff_max, backoff·2^(n−1)) ± 20 %; host.md "Restart formula".
struct Restart {
  RestartPolicy policy = RestartPolicy::on_failure;
  Duration backoff = 200ms;
  Duration backoff_max = 30s;
  std::uint32_t give_up = 10;  // automatic restarts within give_up_within; then `failed`. 0: never
  Duration give_up_within = 600s;
  bool operator==(const Restart&) const = default;
};
BOOST_DESCRIBE_STRUCT(Restart, (), (policy, backoff, backoff_max, give_up, give_up_within))

struct Stop {
  std::string signal = "SIGTERM";  // a name that the host knows
  Duration grace = 10s;            // then everything of it is killed
  bool operator==(const Stop&) const = default;
};
BOOST_DESCRIBE_STRUCT(Stop, (), (signal, grace))

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

enum class PlaceStrategy : std::uint8_t { spread, manual };
BOOST_DESCRIBE_ENUM(PlaceStrategy, spread, manual)

/// `constraints`: all must hold: "label.site == home", "label.gpu", "node.name != nas", "host.arch ==
/// x86_64".
struct Place {
  PlaceStrategy strategy = PlaceStrategy::spread;
  std::vector<std::string> nodes;  // manual: by name; slot i goes to nodes[i % size]
  std::vector<std::string> constraints;
  bool operator==(const Place&) const = default;
};
BOOST_DESCRIBE_STRUCT(Place, (), (strategy, nodes, constraints))

/// How a change rolls out over the instances of a service (stop-first).
struct Update {
  std::uint32_t batch = 1;      // at most so many instances of the service are changed at once
  Duration healthy_for = 0s;    // ready for so long before the next batch
  Duration no_progress = 600s;  // a deployment without any progress for so long has failed
  bool operator==(const Update&) const = default;
};
BOOST_DESCRIBE_STRUCT(Update, (), (batch, healthy_for, no_progress))

enum class LogFull : std::uint8_t { block, drop };
BOOST_DESCRIBE_ENUM(LogFull, block, drop)
struct LogSpec {
  std::uint64_t budget = 256ull << 20;  // bytes an instance
  std::uint64_t segment = 16ull << 20;  // bytes a file
  LogFull on_full = LogFull::block;
  bool operator==(const LogSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(LogSpec, (), (budget, segment, on_full))

/// Runs a program of the host.
struct ProcessSpec {
  static constexpr const char* kind = "process";
  std::vector<std::string> command;                // not empty; placeholders allowed
  std::string working_dir;                         // absolute
  std::map<std::string, std::string> environment;  // declared variables only; placeholders allowed
  std::string user;                                // name or number; empty: the agent's own
  std::string group;
  std::uint32_t umask = 022;
  std::int32_t nice = 0;
  bool operator==(const ProcessSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(ProcessSpec, (), (command, working_dir, environment, user, group, umask, nice))

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
  std::vector<Dependency> depends_on;
  Scale scale;
  Place place;
  Update update;
  LogSpec logs;
  std::map<std::string, std::string> labels;
  bool operator==(const Service&) const = default;
};
BOOST_DESCRIBE_STRUCT(Service, (),
                      (name, kind, spec, ports, probes, restart, stop, depends_on, scale, place, update, logs,
                       labels))

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

/// One "label.site == home": `key`, `==` or `!=` or none (the key exists), `value`.
struct Constraint {
  enum class Test : std::uint8_t { exists, equal, not_equal };
  std::string key;  // label.X, host.X, node.name
  Test test = Test::exists;
  std::string value;
};
Result<Constraint> parse_constraint(std::string_view text);

}  // namespace drover
