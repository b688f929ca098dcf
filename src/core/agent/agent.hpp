#pragma once
// AgentCore: the brain of one host, without hands. Owns what runs here: starts, probes, restarts by policy,
// carries out the hub's tasks, and goes on while the hub is away.
//
// Pure: single-threaded, no I/O, no clock; every call is step(). Owned by the agent's shell (src/agent) or
// the simulator. Promises:
//  - an attempt is carried out at most once; its outcome is kept until the hub has recorded it
//  - with an empty journal nothing is touched before the hub's first answer
//  - a lower epoch of an instance is refused; an event of an older incarnation changes nothing
//  - never two runs of one instance: the next Spawn comes after Emptied of the one before

#include <memory>

#include "base/rng.hpp"
#include "core/agent/io.hpp"

namespace drover::agent {

class AgentCore {
 public:
  AgentCore(AgentSettings settings, Journal journal);
  ~AgentCore();
  AgentCore(const AgentCore&) = delete;
  AgentCore& operator=(const AgentCore&) = delete;

  /// The only way in.
  Effects step(Now now, Rng& rng, const Event& event);

  /// For the local API and tests: every placement with its record, in the order of instance names.
  struct Seen {
    const PlacementRow* placement;
    const Observed* observed;
  };
  std::vector<Seen> instances() const;
  /// Of the probes that its service has; empty: none, or no such instance.
  std::vector<ProbeHistory> probes(InstanceId id) const;
  bool connected() const;  // welcomed by the hub

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace drover::agent
