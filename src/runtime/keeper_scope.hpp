#pragma once
// Under systemd the keeper lives in a transient scope of its own, with what it runs: the unit of the daemon
// can be stopped, started and upgraded while services live on. (systemd 252 cannot start a delegated unit
// anew in whose cgroup something lives.)

#include <optional>
#include <string>
#include <vector>

#include "runtime/paths.hpp"

namespace drover::runtime {

/// systemd is the first process of this machine.
bool systemd_runs();

/// The unit that this process runs in.
struct OwnUnit {
  std::string name;   // "drover-shop.service"
  bool user = false;  // of the user's systemd, not of the machine's
};
/// `cgroups`: the text of /proc/PID/cgroup. nullopt: not in a .service (a session, a scope, no systemd).
std::optional<OwnUnit> service_unit_in(const std::string& cgroups);
std::optional<OwnUnit> own_service_unit();

/// Words to put before a command, so that it runs in a scope of its own and keeps its pid. Empty: there is no
/// systemd that would do it for this user, and the command stays where its parent is.
std::vector<std::string> scope_prefix(const Paths& paths);

}  // namespace drover::runtime
