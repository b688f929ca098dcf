#pragma once
// What an incarnation may use of the host: cgroup2 files in its own directory, or directories of its own in
// the hierarchies of cgroup v1, made only for those controllers that are asked for. Files:
// Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/*.rst of Linux.

#include <string>
#include <string_view>
#include <vector>

#include "keeper/spawn_spec.hpp"
#include "keeper/tree.hpp"

namespace drover::keeper {

/// The child moves itself into a hierarchy of cgroup v1 before exec.
struct Entrance {
  Fd procs;
  std::uint32_t lost = 0;  // Degraded when it may not
};
struct Limits {
  std::vector<Entrance> entrances;
  std::string directories;     // made for it, a line each
  std::uint32_t degraded = 0;  // Degraded
};
/// Sets what can be set; never fails.
Limits set_limits(const Base& base, const Tree& tree, const std::string& name,
                  const SpawnSpec::Fixed& wanted);
/// For a child that joins an incarnation with limits.
Limits entrances_of(std::string_view directories);
/// The directories that set_limits() made. Nobody lives in them any more.
void remove_limits(std::string_view directories);
/// Whether the kernel's OOM killer has ended something of it.
Tri oom_killed(const Tree& tree, std::string_view directories);

}  // namespace drover::keeper
