#pragma once
// What a change of a service does to its running instances: one table for the plan that people see, for the
// digests that decide, and for the agents that carry it out (docs/decisions/0008-what-a-change-does.md).

#include <boost/describe.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/stack.hpp"

namespace drover {

enum class ChangeEffect : std::uint8_t {
  none,     // nothing on a host: the hub alone looks at it
  live,     // the agent takes it over, the process goes on
  restart,  // the process gets it when it starts, so it starts anew
};
BOOST_DESCRIBE_ENUM(ChangeEffect, none, live, restart)

/// One field that two versions of a service have different, smallest part that differs.
struct FieldChange {
  std::string service, path;  // "environment.LEVEL", "logs.budget", "ports[0].published"
  std::string from, to;       // as people write them (256MiB, 10s, info), larger parts as JSON; "": not there
  ChangeEffect effect = ChangeEffect::none;
  bool operator==(const FieldChange&) const = default;
};
BOOST_DESCRIBE_STRUCT(FieldChange, (), (service, path, from, to, effect))

/// In the order of the model. The names of both are alike. Empty: nothing differs.
std::vector<FieldChange> changes_between(const Service& before, const Service& after);

/// All that an instance starts with / all that is taken over live, as canonical text to be hashed.
std::string run_text(const Service& service);
std::string live_text(const Service& service);

/// A service's digest is "RUN.LIVE": the hash of what it starts with, then of what is taken over live.
std::string join_digest(std::string_view run, std::string_view live);
/// The same process serves both: what differs, if anything, is taken over live.
bool same_run(std::string_view digest, std::string_view other);

}  // namespace drover
