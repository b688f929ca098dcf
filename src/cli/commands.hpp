#pragma once
// One function for each command; one file for each group.

#include "cli/command.hpp"
#include "cli/programs.hpp"

namespace drover::cli {

std::vector<Command> up_commands(const Programs& programs);  // up down
Command down_command();
std::vector<Command> daemon_commands(const Programs& programs);  // hub agent config
std::vector<Command> stack_commands();                           // apply plan rm scale rollback stack
Command import_command();
Command service_command();
std::vector<Command> run_commands();  // start stop restart
std::vector<Command> see_commands();  // ps status why
std::vector<Command> log_commands();  // logs events
Command node_command(const Programs& programs);
Command drain_command();  // of `node`
Command port_command();
Command task_command();
Command deployment_command();
std::vector<Command> access_commands();                        // token user
std::vector<Command> tool_commands(const GlobalFlags& flags);  // doctor version schema api

/// The whole tree but `completion` and `help`, which need it.
Command root_command(const Programs& programs, const GlobalFlags& flags);

/// Parses, runs, prints errors; the exit status.
int run(int argc, char** argv, const Programs& programs, const Clock& clock);

}  // namespace drover::cli
