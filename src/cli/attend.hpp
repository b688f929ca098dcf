#pragma once
// What an attached `drover up` does while all runs: show the logs, wait for its end. And that end.

#include <memory>
#include <optional>

#include "cli/api.hpp"
#include "cli/interrupts.hpp"
#include "cli/programs.hpp"

namespace drover::cli {

struct Attending {
  std::string stack;
  WallTime from{};  // logs since then
  bool logs = true;
  std::string essential;  // a service: its end ends the waiting; "": none
};
/// Until the first interrupt, or until all instances of the essential service have completed, failed or been
/// stopped: then its exit status (128 + number for a signal; 1 when it is not known).
std::optional<int> attend(const Context& context, const Api& api, const Attending& what,
                          Interrupts& interrupts);

/// Everything is stopped, dependants first; then hub, agent and keeper end. Where the service manager only
/// starts this process anew, nothing is stopped. The exit status.
Result<int> end_local(const Context& context, const Api& api, LocalHub& local, const UpConfig& config,
                      const Interrupts& interrupts);

/// Whether the last end in this state directory was by end_local() (or there was none): what it stopped shall
/// run again. Otherwise a stop by hand stays.
bool ended_in_order(const std::string& state);

}  // namespace drover::cli
