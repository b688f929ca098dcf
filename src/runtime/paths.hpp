#pragma once
// Where the agent keeps what on its host.
//   STATE/                      agent.db, identity, keeper.sock, lock
//   STATE/instances/<stack>/<instance name>-<last 8 of id>/logs/NNNNNN.log
//   RUN/runs/<id>.<incarnation>.json   what a run was started with (tmpfs: a run does not outlive a boot
//   either) RUN/probes/…                       output of exec probes
//   RUN/notify/<id>                    a socket for sd_notify, and what was said there

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "model/ids.hpp"

namespace drover::runtime {

struct Paths {
  std::string state;  // absolute
  std::string run;    // absolute, on tmpfs where there is one
};

/// RUN for a state directory: below /run/drover (root), $XDG_RUNTIME_DIR/drover or /dev/shm; a name of its
/// own for each state directory. `xdg_runtime_dir` may be empty.
std::string default_run_directory(const std::string& state, std::string_view xdg_runtime_dir);

/// Makes both (0711 both: workloads of other users reach their own directory below) and makes them
/// absolute.
Result<Paths> prepare_directories(Paths paths);

std::string instances_directory(const Paths& paths);
/// The last 8 hexadecimal digits: the random end of a UUIDv7 (its beginning is the time, alike for a whole
/// deployment).
std::string short_id(const InstanceId& id);
std::string instance_directory(const Paths& paths, std::string_view stack, std::string_view instance_name,
                               const InstanceId& id);
std::string log_directory(const Paths& paths, std::string_view stack, std::string_view instance_name,
                          const InstanceId& id);

}  // namespace drover::runtime
