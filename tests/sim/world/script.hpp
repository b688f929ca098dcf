#pragma once
// The agent of an external node, as a script would be: it polls, does what it gets, and says so until it is
// heard. It may be silent for long, and forgets nothing but what it was told before a death.

#include <map>

#include "model/ids.hpp"

namespace drover::sim {

class World;

class Script {
 public:
  Script(World& world, NodeId node) : world_(world), node_(node) {}
  void start();
  void sleep_long();  // longer than it takes to be lost

 private:
  void poll();
  void work(TaskId task, std::uint32_t attempt);
  void report(TaskId task, std::uint32_t attempt);

  World& world_;
  NodeId node_;
  bool asleep_ = false;
  std::map<TaskId, std::uint32_t> at_work_;  // and the attempt
};

}  // namespace drover::sim
