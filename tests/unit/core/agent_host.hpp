#pragma once
// A scripted host for the agent core: virtual time, a journal in memory, processes that do what the test
// says. Nothing sleeps; what goes out is kept in the order in which it came.

#include <gtest/gtest.h>

#include <deque>

#include "base/json.hpp"
#include "base/text.hpp"
#include "core/agent/agent.hpp"
#include "model/changes.hpp"

namespace drover::agent::test {

inline Uuid number(std::uint64_t n) {
  Uuid id;
  for (int i = 0; i < 8; ++i) id.bytes[std::size_t(15 - i)] = std::uint8_t(n >> (8 * i));
  return id;
}
inline InstanceId instance_id(std::uint64_t n) { return {number(n)}; }
inline TaskId task_id(std::uint64_t n) { return {number(1'000 + n)}; }
inline Exit exit_code(int code) { return Exit{.code = code}; }

inline Service program(std::string name = "web") {
  Service service;
  service.name = std::move(name);
  service.spec = ProcessSpec{.command = {"/bin/true"}, .working_dir = "/"};
  return service;
}
inline Service job(std::string name = "migrate") {
  Service service = program(std::move(name));
  service.kind = ServiceKind::job;
  service.restart.policy = RestartPolicy::no;
  return service;
}
inline std::string digest_of(const Service& service) {
  return join_digest(blake2b(run_text(service)), blake2b(live_text(service)));
}
inline Probe probe(Duration interval = 1s) {
  return Probe{.check = TcpCheck{"127.0.0.1:1"}, .interval = interval, .timeout = 1s, .failures = 3};
}
inline Port port(std::string name, std::uint16_t published, std::string plus = "") {
  return Port{std::move(name), published, std::move(plus), "tcp"};
}

/// Rows as the journal holds them after its commits.
class Disk {
 public:
  void apply(const std::vector<Row>& rows);
  Journal journal() const;
  std::map<InstanceId, PlacementRow> placements;
  std::map<std::pair<TaskId, std::uint32_t>, AttemptRow> attempts;
  AgentMeta meta;
  std::uint64_t commits = 0;
};

class Host {
 public:
  explicit Host(std::uint64_t seed = 1);

  // ---- what the test sets
  bool runs = true;     // Spawn is answered by Spawned at once
  bool stops = true;    // StopRun is answered by Exited and Emptied at once
  bool answers = true;  // AskProbe is answered at once, by `well`
  bool well = true;
  bool unrunnable = false;      // the answers say that it could not be asked
  std::uint64_t memory = 0;     // Measure is answered with it; 0: not at all
  bool reloads_at_once = true;  // ReloadRun is answered at once, with this
  std::string reload_fault;
  bool disk_full = false;
  bool hub_alive = true;  // heartbeats are answered
  Rng rng;
  Now now{BootTime(1'000'000s), WallTime(1'700'000'000s)};
  AgentSettings settings;
  Disk disk;
  std::optional<AgentCore> core;

  // ---- what has come out
  std::vector<Spawn> spawns;
  std::vector<StopRun> stop_orders;
  std::vector<AdjustRun> adjusted;
  std::vector<ReloadRun> reloads;
  std::vector<ForgetRun> forgotten;
  std::vector<RemoveFiles> removed;
  std::vector<AskProbe> asked;
  std::vector<WatchFiles> watches;
  std::vector<RunErrand> errands;
  std::vector<EndErrand> ended_errands;
  std::string port_trouble;  // the answer to LookAtPorts
  std::vector<Envelope> sent;
  std::vector<Answer> local_answers;
  std::vector<std::string> closed;
  std::vector<Note> notes;
  std::string trace;  // one line an effect

  // ---- doing
  void start(std::vector<Found> found = {});  // a new agent process with the journal as it is
  void give(const Event& event);
  void pass(Duration time);  // ticks on the way, whenever the core asked for it
  void connect(std::uint64_t leader = 1);
  void from_hub(Frame frame, std::uint64_t leader = 1);
  /// Assign for instance n with that service; the task's number is counted up.
  Assign order(TaskType type, std::uint64_t instance, Service service = program());
  std::uint64_t give_task(TaskType type, std::uint64_t instance, Service service = program());
  void exit(const Run& run, int code, std::vector<std::string> lines = {});  // Exited and Emptied

  // ---- looking
  const Observed& seen(std::uint64_t instance) const;
  bool has(std::uint64_t instance) const;
  InstanceState state(std::uint64_t instance) const { return seen(instance).state; }
  Run run(std::uint64_t instance) const { return {instance_id(instance), seen(instance).incarnation}; }
  std::vector<TaskEnded> ended(std::uint64_t task) const;
  /// The outcome of a task, "" while open; the last one when it was sent more than once.
  std::string outcome(std::uint64_t task) const;
  std::string error(std::uint64_t task) const;
  template <class T>
  std::vector<T> frames() const {
    std::vector<T> out;
    for (const Envelope& envelope : sent)
      if (const T* frame = std::get_if<T>(&envelope.frame)) out.push_back(*frame);
    return out;
  }
  std::uint64_t epoch = 1, generation = 1, restarts = 0, reload_count = 0;
  bool run_flag = true;
  std::uint8_t priority = 5;

 private:
  void carry_out(const Effect& effect);
  void drain();
  std::deque<Event> queue_;
  bool draining_ = false;
  std::optional<BootTime> wake_;
  std::uint64_t hub_n_ = 0, leader_ = 1, tasks_ = 0, pids_ = 100;
};

}  // namespace drover::agent::test
