#pragma once
// The keeper: one epoll loop on the main thread, the log thread beside it. Sleeps until something happens.
// keeper.cpp: loop, guard link, ends of the process. life.cpp: from spawn to empty. requests.cpp: the
// protocol. stop.cpp: stop, kill, shutdown. passing.cpp: sockets for the children. adopt.cpp: taking over
// from a keeper that is gone. own_log.cpp: what is reported.

#include <deque>
#include <set>
#include <unordered_map>

#include "keeper/clients.hpp"
#include "keeper/handoff.hpp"
#include "keeper/pump.hpp"
#include "keeper/spawn.hpp"

namespace drover::keeper {

struct Instance {
  std::uint32_t number = 0;  // in this keeper's life
  std::unique_ptr<Record> record;
  Tree tree;
  Fd pidfd;
  Fd hook;  // pidfd of the command before the first signal of a stop, while it runs
  std::unique_ptr<Log> log;
  std::uint64_t due_ns = 0;   // as it stands in Keeper::due_; 0: not there
  std::uint64_t look_ns = 0;  // next look at what does not announce itself
  std::uint64_t look_every = 0;
  std::uint64_t ended_ns = 0;     // main was seen to end, its status is not known yet
  std::uint64_t log_told_ns = 0;  // last log_written event
  bool log_dirty = false;
  bool forgotten = false;   // erased once the log thread has let go of it
  std::string correlation;  // of who started it, or told it to stop; for our own log, not kept over our death

  RecordData& data() { return record->data(); }
  InstanceInfo& info() { return record->data().info; }
  bool live() const { return record->data().info.state != State::emptied; }
};

/// What came with a spawn.
struct Parameters {
  SpawnSpec spec;
  std::vector<Fd> sockets;  // for those names that say `sent`
  std::string correlation;
};

class Keeper {
 public:
  Keeper(const Options& options, Handoff handoff, bool resumed);
  int run();

 private:
  // keeper.cpp
  bool prepare_loop();
  void watch(int fd, std::uint64_t kind, std::uint32_t number, std::uint32_t events);
  void dispatch(std::uint64_t tag, std::uint32_t events);
  void signals();
  void reap_children();
  void link_ready();
  /// What the guard could not take yet.
  struct ForGuard {
    LinkVerb verb = LinkVerb::hold;
    std::string name;
    Fd fd;
  };
  void queue_for_guard(ForGuard what);
  void send_to_guard();
  void watch_link(std::uint32_t events);
  void timers();
  void arm();
  void log_news();
  void guard_died();
  void leave();
  bool check_binary(const std::string& path);
  void reexec(const std::string& path);
  void renew_guard();
  Handoff make_handoff();
  bool quiesce();
  void resume_log_thread();
  void hold(const std::string& name, int fd);
  void drop(const std::string& name);

  // life.cpp
  Outcome<Instance*> spawn_instance(const std::string& key, const std::string& token, const Spawn& request,
                                    Parameters parameters);
  Outcome<void> start(Instance& instance, const SpawnSpec& spec, std::vector<int> sockets);
  void discard(Instance& instance);
  void fill_record(RecordData& data, const std::string& key, const std::string& token, const SpawnSpec& spec);
  Instance& enlist(std::unique_ptr<Record> record);
  void make_log(Instance& instance, Fd out, Fd err);
  void adjust(Instance& instance, const Adjust& settings);
  void begin_watching(Instance& instance);
  void main_ended(Instance& instance);
  int status_of_stranger(const Instance& instance) const;
  bool settle_exit(Instance& instance);
  void set_exit(Instance& instance, const ExitNote& note);
  void after_main(Instance& instance);
  void look(Instance& instance);
  void emptied(Instance& instance);
  void forget(Instance& instance);
  void erase(Instance& instance);
  void announce(Instance& instance, EventKind kind);
  void announce_log(Instance& instance, std::uint64_t now);

  // stop.cpp
  void stop(Instance& instance, const Stop& request, const SpawnSpec* hook);
  void first_signal(Instance& instance);
  void send_signal(Instance& instance, int signal);
  void next_signals(Instance& instance, std::uint64_t now);
  bool start_hook(Instance& instance, const SpawnSpec& spec);
  void watch_hook(Instance& instance, Fd pidfd);
  void adopt_hook(Instance& instance);
  void settle_hook(Instance& instance);
  void hook_ended(Instance& instance, int status);
  void hook_noted(Instance& instance, const ExitNote& note);
  void finish_hook(Instance& instance);
  void forget_hook(Instance& instance);
  void kill(Instance& instance);
  void tick(Instance& instance, std::uint64_t now);
  void schedule(Instance& instance);
  void advance_shutdown();

  // passing.cpp
  Outcome<std::vector<int>> take_sockets(RecordData& data, Parameters& parameters);
  void adopt_sockets(Instance& instance);
  void on_sockets(Request& request);
  void on_release(Request& request);

  // own_log.cpp
  void open_own_log();
  void tell_life(Severity severity, std::string_view message, Instance& instance);

  // requests.cpp
  void handle(Request& request);
  void greet(Request& request);
  void on_spawn(Request& request);
  void on_target(Request& request);
  void on_stop(Request& request, Instance* instance);
  void on_list(Request& request);
  void on_reexec(Request& request);
  void on_shutdown(Request& request);
  void on_status(Request& request);
  void done(const Request& request, Status status, int error = 0, Stage stage = Stage::none);
  Packet describe(Instance& instance, Header header, EventKind kind);
  Instance* find(const std::string& key, std::uint64_t incarnation);

  // adopt.cpp
  void adopt_all();
  void adopt(std::unique_ptr<Record> record);
  bool adopt_main(Instance& instance);
  void adopt_pipes(Instance& instance);
  void sweep_cgroups();

  Options options_;
  Handoff handoff_;
  bool resumed_;
  Base base_;
  SelfTest self_test_;
  bool exit_info_ = false;
  Fd epoll_, signals_, timer_, lock_, listen_, link_;
  Pump pump_;
  std::unique_ptr<Clients> clients_;
  std::uint32_t next_number_ = 1;
  std::unordered_map<std::uint32_t, std::unique_ptr<Instance>> instances_;
  std::map<std::pair<std::string, std::uint64_t>, Instance*> by_key_;
  std::unordered_map<pid_t, Instance*> by_pid_;  // main processes and hooks that have not ended
  std::map<std::string, Fd> sockets_;            // that are passed to children, by name
  std::set<std::pair<std::uint64_t, std::uint32_t>> due_;
  std::deque<ForGuard> for_guard_;
  std::vector<ExitNote> notes_;  // from the guard, for processes whose end we have not seen yet
  StatusInfo status_;
  struct {
    bool active = false, exit = false;
    std::deque<std::string> order;
    std::uint32_t grace_ms = 0;
    std::uint64_t empty_ns = 0;  // since when nothing lives
  } shutdown_;
  bool ending_ = false;
  std::unique_ptr<Record> own_record_;
  std::unique_ptr<Log> own_log_;  // null: our reports stay where our stderr is
};

/// Kinds of what epoll watches, in the high half of its data.
enum Kind : std::uint64_t {
  kind_signal = 1ull << 32,
  kind_listen = 2ull << 32,
  kind_link = 3ull << 32,
  kind_news = 4ull << 32,
  kind_timer = 5ull << 32,
  kind_client = 6ull << 32,
  kind_pidfd = 7ull << 32,
  kind_events = 8ull << 32,
  kind_hook = 9ull << 32,
};

}  // namespace drover::keeper
