#pragma once
// The simulator: a real hub core and real agent cores, a virtual clock, simulated disks, hosts and network.
// One seed is one history; the same seed gives the same trace. Invariants (testing.md) are checked all along.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/hub/hub.hpp"
#include "disk.hpp"
#include "host.hpp"

namespace drover::sim {

/// Chances in percent: of a frame to be lost, sent twice, or to overtake; others per second of virtual time.
struct Chaos {
  unsigned lose = 0, duplicate = 0, reorder = 0;
  unsigned cut = 0, partition = 0;
  unsigned crash_agent = 0, crash_hub = 0, reboot = 0, kill_process = 0, disk_full = 0;
  unsigned crash_edges = 0;  // at a commit's edge, of hub or agent, per thousand commits
  unsigned commands = 50;
};

class Script;

class World {
 public:
  explicit World(std::uint64_t seed, std::size_t nodes = 3);
  ~World();

  void chaos(Duration length, Chaos chaos);
  /// No more faults; everything comes back; runs until nothing moves or `length` has passed.
  void heal(Duration length);
  void run(Duration length);  // as things are
  void apply(const Stack& stack);
  void command(hub::Command command);

  const std::string& broken() const { return broken_; }  // the first broken promise
  std::string processes() const;                         // what runs, where, with which content
  std::string desired() const;                           // what should
  std::string unsettled() const;  // open tasks and live deployments; "" when all is quiet
  std::uint64_t trace_digest() const { return trace_; }
  const hub::HubState& hub_state() const { return hub_->state(); }
  Host& host(std::size_t index) { return *hosts_[index]; }
  /// Processes of that name that live and answer.
  std::size_t serving(const std::string& instance_name) const;
  void end_deployments();  // resumes what is paused, promotes what can be
  bool hub_is_up() const { return hub_ != nullptr; }
  std::size_t serving_all(const std::string& service) const;  // of all its instances
  void crash_hub();

  // for Host
  Now now() const { return now_; }
  Rng& rng() { return rng_; }
  bool chaotic() const { return chaotic_; }
  void at(BootTime when, std::function<void()> what);
  void in_order(std::size_t host, Duration delay, std::function<void()> what);
  bool crash_edge();
  void breaks(std::string what);
  void executes(const Assign& order, const std::string& host);  // a command begins
  void trace(const std::string& line);
  void to_hub(std::size_t host, const Envelope& envelope);
  void cut(std::size_t host);
  void connect_later(std::size_t host);
  void agent_died(std::size_t host);
  // for Script
  void call(hub::Command command, std::function<void(const Result<hub::Answer>&)> then);
  const hub::HubState* hub_now() const { return hub_ ? &hub_->state() : nullptr; }

 private:
  struct Link {
    hub::SessionId session = 0;  // 0: none
    std::uint64_t hub_seen = 0, agent_seen = 0;
    BootTime to_hub_free{}, to_agent_free{};
  };
  struct Entry {
    BootTime at;
    std::uint64_t seq;
    std::function<void()> what;
    bool operator>(const Entry& o) const { return std::tie(at, seq) > std::tie(o.at, o.seq); }
  };

  void step_hub(const hub::In& in);
  void commit_hub();
  void release(const hub::Effects& effects);
  void start_hub();
  void connect(std::size_t host);
  void to_agent(hub::SessionId session, const Envelope& envelope);
  void travel(std::size_t host, bool up, const Envelope& envelope);
  void arrive(std::size_t host, hub::SessionId session, bool up, const Envelope& envelope);
  void check_promises();
  void check_assignment(const Assign& assign);
  void misfortune(const Chaos& chaos);
  void some_command();
  void some_task();
  Stack some_stack();
  void start_first(Service& service);
  void with_canary(Service& service);
  void with_place(Service& service);
  void some_deployment_command();
  void check_capacity();
  void answered(const hub::Reply& reply);
  bool held_up(InstanceId id) const;
  bool excused(const std::string& stack, const hub::SlotEntry& held) const;

  Rng rng_;
  Now now_;
  std::uint64_t seq_ = 0;
  std::vector<Entry> queue_;  // heap
  Chaos chaos_;
  bool chaotic_ = false;
  std::string broken_;
  std::uint64_t trace_ = 14695981039346656037ULL;

  Disk disk_;
  std::unique_ptr<hub::HubCore> hub_;
  std::uint64_t hub_life_ = 0, hub_wake_ = 0;
  std::deque<hub::Effects> waiting_;
  bool committing_ = false;
  hub::SessionId next_session_ = 0;
  hub::CallId next_call_ = 0;
  std::map<hub::CallId, hub::Command> calls_;
  std::map<hub::CallId, std::function<void(const Result<hub::Answer>&)>> answers_;
  std::map<std::string, std::uint64_t> promised_;  // stack → revision that was answered
  std::vector<OperationId> promised_operations_;
  std::map<TaskId, std::uint32_t> executed_;  // commands: how often each has begun
  std::set<TaskId> promised_tasks_;           // that were answered
  std::unique_ptr<Script> script_;            // the agent of the external node

  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<Link> links_;
  std::vector<bool> partitioned_;
  std::vector<BootTime> host_free_;
};

}  // namespace drover::sim
