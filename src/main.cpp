// Builds the programs for the CLI; everything real (clock, chance, signals) is made here.
#include <csignal>

#include "cli/commands.hpp"
#include "main/init.hpp"
#include "main/programs.hpp"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of write(2), not our end
  drover::be_init_of_container();
  drover::RealClock clock;
  auto programs = drover::make_programs(clock);
  return drover::cli::run(argc, argv, programs, clock);
}
