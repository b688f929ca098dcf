#pragma once
// The long-running programs, built from hub and agent. Only main sees both.

#include "cli/programs.hpp"

namespace drover {
cli::Programs make_programs(const Clock& clock);
}
