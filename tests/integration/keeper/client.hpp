#pragma once
// A synchronous client of the keeper's protocol, and a keeper of its own for each test.

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "keeper/spawn_spec.hpp"

namespace drover::keeper::testing {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// An InstanceInfo with its strings.
struct Seen {
  InstanceInfo info;
  std::string key, token, cgroup, log_directory;
};
struct Answer {
  Header header;
  std::string bytes;
  template <class Fixed>
  Fixed as() const {
    return Parsed(bytes).as<Fixed>();
  }
  std::vector<std::string> texts() const { return Parsed(bytes).texts(); }
  Seen seen() const;
};

class Client {
 public:
  explicit Client(const std::string& state);  // greets; fails the test when that does not work within 5 s
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return fd_ >= 0; }
  Answer spawn(const std::string& key, std::uint64_t incarnation, const SpawnSpec& spec,
               const std::vector<int>& sockets = {});
  bool try_spawn(const std::string& key, std::uint64_t incarnation,
                 const SpawnSpec& spec);  // the keeper may die
  Status stop(const std::string& key, std::uint64_t incarnation, std::uint32_t grace_ms,
              Mode mode = Mode::main);
  Status stop(const std::string& key, const Stop& order, const std::optional<SpawnSpec>& hook = {});
  std::vector<std::string> sockets();
  Status release(const std::string& name);
  Status kill(const std::string& key, std::uint64_t incarnation);
  Status signal(const std::string& key, std::uint64_t incarnation, int number, Mode mode = Mode::main);
  Status forget(const std::string& key, std::uint64_t incarnation);
  Status reexec(const std::string& path);
  Status shutdown(std::uint32_t grace_ms, const std::vector<std::string>& order = {}, bool exit = true);
  std::vector<Seen> list();
  std::optional<Seen> find(const std::string& key, std::uint64_t incarnation);
  Answer status();
  Status subscribe(std::uint32_t mask = event_life);
  /// The next event of this kind for this key; others before it are kept in `events`.
  std::optional<Seen> wait_event(EventKind kind, const std::string& key, milliseconds limit = 10s);
  /// Asks until the instance fits. Fails the test at the limit.
  Seen wait(const std::string& key, std::uint64_t incarnation, const std::function<bool(const Seen&)>& fits,
            milliseconds limit = 10s);
  Seen wait_state(const std::string& key, std::uint64_t incarnation, State state, milliseconds limit = 10s);
  bool at_end(milliseconds limit = 5s);  // the keeper closed the connection
  Welcome welcome{};
  std::string correlation;   // sent with each spawn
  std::vector<Seen> events;  // seen and not yet asked for, in order

 private:
  std::uint32_t send_spawn(const std::string& key, std::uint64_t incarnation, const SpawnSpec& spec,
                           const std::vector<int>& sockets = {});
  std::uint32_t send(Type type, const std::function<Packet(Header)>& make, const std::vector<int>& fds = {});
  std::optional<Answer> receive(milliseconds limit);
  Answer answer_to(std::uint32_t request, std::vector<Answer>* parts = nullptr);
  int fd_ = -1;
  std::uint32_t last_ = 0;
};

/// One keeper in temporary directories; ended, with all that it started, when the test ends.
class KeeperTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  /// Starts a keeper and waits until it is ready.
  void start(std::vector<std::string> flags = {});
  static std::string binary();
  static SpawnSpec shell(const std::string& script);
  SpawnSpec shell_with_log(const std::string& script, const std::string& log = "log");
  std::string log_directory(const std::string& log = "log") const { return root_ + "/" + log; }
  pid_t keeper_pid() const { return pid_of("keeper"); }
  pid_t guard_pid() const { return pid_of("guard"); }
  /// Kills this one, waits until a new keeper answers.
  void kill_hard(pid_t pid);
  std::string state() const { return root_ + "/state"; }
  std::string run_dir() const { return run_; }

  std::string root_, run_;
  std::vector<std::string> flags_;
  pid_t child_ = 0;  // the guard that we started

 private:
  pid_t pid_of(const std::string& who) const;
};

struct LogLine {
  std::string time, stream, text;
};
/// The complete lines of all segments in order, parts joined. A malformed record fails the test.
std::vector<LogLine> read_log(const std::string& directory);
bool contains(const std::vector<LogLine>& lines, const std::string& text);
std::uint64_t directory_size(const std::string& directory);

bool alive(pid_t pid);                                    // zombies are not
std::map<std::string, std::vector<pid_t>> by_token();     // all living processes that carry one
std::vector<pid_t> with_token(const std::string& token);  // living processes whose environment carries it
bool eventually(const std::function<bool()>& fits, milliseconds limit = 10s);
std::string slurp(const std::string& path);
/// Voluntary context switches of all threads of a process.
std::uint64_t wakeups(pid_t pid);

}  // namespace drover::keeper::testing
