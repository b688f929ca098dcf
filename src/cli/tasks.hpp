#pragma once
// What the task commands share.

#include "cli/command.hpp"
#include "cli/context.hpp"

namespace drover::cli {

/// exec probe collect
std::vector<Command> task_add_commands();
/// "shop/web-1", or what is to be done where it is of no instance.
std::string task_subject(const json::value& task);

}  // namespace drover::cli
