#pragma once
// What an agent is told from outside. Every duration may be set down for tests.

#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "model/node.hpp"

namespace drover::agent {

struct AgentOptions {
  std::string state;                                  // directory; made if missing
  std::string run;                                    // empty: runtime::default_run_directory()
  std::string name;                                   // of the node; empty: as joined, else the host's name
  std::string version = "0.1.0";                      // of this program
  std::string keeper;                                 // drover-keeper; empty: found beside this program
  std::string listen = "127.0.0.1";                   // the local API
  std::uint16_t port = 3080;                          // 0: any free one
  std::uint16_t port_low = 20000, port_high = 29999;  // for `auto`
  std::uint32_t max_parallel = 64;
  Resources resources;           // declared by the operator; beside what is found, or instead of it
  bool exec = true;              // commands of tasks are run
  std::uint64_t log_budget = 0;  // bytes of all logs on disk; 0: runtime::default_log_budget()
  Duration log_care_every = 30s;
  Duration inventory_every = 60s;
  Duration report_delay = 200ms;
  std::uint32_t restarts_per_second = 20;  // automatic ones; 0: no limit
  Duration measure_every = 5s;             // memory, where there is a memory_max
  Duration reconnect = 500ms;              // ceiling of the first pause; doubles
  Duration reconnect_max = 30s;
  Duration connect = 20s;  // for one attempt
};

}  // namespace drover::agent
