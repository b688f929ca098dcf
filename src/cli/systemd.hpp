#pragma once
// What is asked of systemd: by its own program, systemctl, which reaches it even where there is no D-Bus.

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace drover::cli {

struct Systemctl {
  bool user = false;  // the user's systemd
  /// Its output, stderr too. An exit status other than 0 is an error with that output; a deadline ends it.
  Result<std::string> run(std::vector<std::string> words, Duration limit = 10s) const;
};

/// This process was asked to end because its unit is restarted, not stopped. False where it is no unit's;
/// true as well when systemd does not say: what runs is not stopped by mistake.
bool is_being_restarted();
/// This process is a unit's, and the machine (or the user's systemd) goes down.
bool is_going_down();

/// From `systemctl list-jobs --plain --no-legend`: "restart", "stop", … or "".
std::string job_of(const std::string& jobs, const std::string& unit);

}  // namespace drover::cli
