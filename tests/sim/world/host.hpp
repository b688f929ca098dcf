#pragma once
// A simulated host: its processes, which outlive the agent, and its agent, which may die at any time.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/agent/agent.hpp"

namespace drover::sim {

class World;

/// What the keeper would hold of one run. The service's first command word says how it behaves:
/// serve: runs until stopped; job: ends well after a while; crash: ends badly soon; missing: never starts.
struct SimRun {
  agent::Spawn spawn;
  std::int64_t pid = 0;
  WallTime started{};
  BootTime ready_at{};
  bool alive = true, empty = false, stopping = false;
  std::optional<Exit> exit;
};

/// A command, or a question, that the keeper holds for a task.
struct SimErrand {
  bool ended = false;
  bool well = true;
  std::uint64_t for_life = 0;  // of the agent that waits for its end
};

class Host {
 public:
  Host(World& world, std::size_t index, NodeId uid, std::string name);

  void start_agent();
  void crash_agent();
  void reboot();
  void kill_some_process();
  void fill_disk(bool full) { disk_full_ = full; }
  void reinstall(NodeId uid);  // an empty state directory under a new identity

  void deliver(const agent::Event& event);
  bool up() const { return core_ != nullptr; }
  const agent::AgentCore* core() const { return core_.get(); }
  NodeId uid() const { return uid_; }
  const std::string& name() const { return name_; }
  std::size_t index() const { return index_; }
  const std::map<InstanceId, SimRun>& runs() const { return runs_; }

 private:
  void carry_out(agent::Effects effects);
  void commit(const std::vector<agent::Row>& rows);
  void perform(const agent::Effect& effect);
  void spawn(const agent::Spawn& effect);
  void stop(const agent::StopRun& effect);
  void probe(const agent::AskProbe& effect);
  void end(InstanceId instance, std::uint64_t incarnation, Exit exit);
  /// An event for the agent process that lives now, later; a dead one never hears it.
  void later(Duration delay, agent::Event event);
  void check_ports();
  void errand(const agent::RunErrand& effect);
  void end_errand(std::pair<TaskId, std::uint32_t> key, bool well);
  void tell_errand(std::pair<TaskId, std::uint32_t> key);

  World& world_;
  std::size_t index_;
  NodeId uid_;
  std::string name_;
  std::unique_ptr<agent::AgentCore> core_;
  std::uint64_t life_ = 0, wake_ = 0;
  bool disk_full_ = false;
  std::int64_t next_pid_ = 1000;
  std::map<InstanceId, SimRun> runs_;
  std::set<agent::Run> ever_spawned_;
  std::map<std::pair<TaskId, std::uint32_t>, SimErrand> errands_;
  // the journal on this host's disk
  agent::AgentMeta meta_;
  std::map<InstanceId, agent::PlacementRow> placements_;
  std::map<std::pair<TaskId, std::uint32_t>, agent::AttemptRow> attempts_;
};

}  // namespace drover::sim
