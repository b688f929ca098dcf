#include "client.hpp"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace drover::keeper::testing {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

Seen Answer::seen() const {
  auto all = texts();
  all.resize(4);
  return {as<InstanceInfo>(), all[0], all[1], all[2], all[3]};
}

Client::Client(const std::string& state) {
  const auto until = Clock::now() + 5s;
  while (fd_ < 0 && Clock::now() < until) {
    fd_ = connect_socket(state.c_str());
    if (fd_ < 0) std::this_thread::sleep_for(10ms);
  }
  EXPECT_GE(fd_, 0) << "no keeper in " << state;
  if (fd_ < 0) return;
  const auto request = send(Type::hello, [](Header header) { return Packet(header, Hello{}); });
  welcome = answer_to(request).as<Welcome>();
  EXPECT_EQ(welcome.version, version);
}

Client::~Client() {
  if (fd_ >= 0) ::close(fd_);
}

std::uint32_t Client::send(Type type, const std::function<Packet(Header)>& make,
                           const std::vector<int>& fds) {
  const auto packet = make(Header{.type = type, .request = ++last_});
  if (fd_ >= 0) send_packet(fd_, packet.bytes(), fds);
  return last_;
}

std::optional<Answer> Client::receive(milliseconds limit) {
  if (fd_ < 0) return std::nullopt;
  pollfd ready{fd_, POLLIN, 0};
  if (::poll(&ready, 1, int(std::max<long>(limit.count(), 0))) != 1) return std::nullopt;
  Answer answer;
  std::vector<int> fds;
  if (receive_packet(fd_, answer.bytes, fds) <= 0) {
    ::close(fd_);
    fd_ = -1;
    return std::nullopt;
  }
  for (const int fd : fds) ::close(fd);
  answer.header = Parsed(answer.bytes).header;
  return answer;
}

Answer Client::answer_to(std::uint32_t request, std::vector<Answer>* parts) {
  const auto until = Clock::now() + 15s;
  while (Clock::now() < until && fd_ >= 0) {
    auto answer = receive(std::chrono::duration_cast<milliseconds>(until - Clock::now()));
    if (!answer) continue;
    if (answer->header.type == Type::event) events.push_back(answer->seen());
    else if (answer->header.request == request && answer->header.type == Type::instance && parts != nullptr)
      parts->push_back(*answer);
    else if (answer->header.request == request) return *answer;
  }
  ADD_FAILURE() << "no answer from the keeper";
  return {Header{.status = Status::internal}, {}};
}

Answer Client::spawn(const std::string& key, std::uint64_t incarnation, const SpawnSpec& spec,
                     const std::vector<int>& sockets) {
  return answer_to(send_spawn(key, incarnation, spec, sockets));
}

bool Client::try_spawn(const std::string& key, std::uint64_t incarnation, const SpawnSpec& spec) {
  const auto request = send_spawn(key, incarnation, spec);
  while (const auto answer = receive(5s))
    if (answer->header.request == request) return answer->header.status == Status::ok;
  return false;
}

std::uint32_t Client::send_spawn(const std::string& key, std::uint64_t incarnation, const SpawnSpec& spec,
                                 const std::vector<int>& sockets) {
  const int memfd = sealed_memfd("spawn", encode(spec));
  std::vector<int> fds{memfd};
  fds.insert(fds.end(), sockets.begin(), sockets.end());
  const auto request = send(
      Type::spawn,
      [&](Header header) {
        Packet packet(header, Spawn{.incarnation = incarnation, .passed_fds = std::uint32_t(sockets.size())});
        packet.text(key).text("token-" + std::to_string(::getpid()) + "-" + key + "-" +
                              std::to_string(incarnation));
        packet.text(correlation);
        return packet;
      },
      fds);
  ::close(memfd);
  return request;
}

Status Client::stop(const std::string& key, std::uint64_t incarnation, std::uint32_t grace_ms, Mode mode) {
  const Stop stop{.incarnation = incarnation, .mode = mode, .grace_ms = grace_ms};
  return answer_to(send(Type::stop, [&](Header header) { return Packet(header, stop).text(key); }))
      .header.status;
}

Status Client::stop(const std::string& key, const Stop& order, const std::optional<SpawnSpec>& hook) {
  std::vector<int> fds;
  Stop with = order;
  with.hook = hook ? 1 : 0;
  if (hook) fds.push_back(sealed_memfd("hook", encode(*hook)));
  const auto request = send(Type::stop, [&](Header header) { return Packet(header, with).text(key); }, fds);
  for (const int fd : fds) ::close(fd);
  return answer_to(request).header.status;
}

std::vector<std::string> Client::sockets() {
  return answer_to(send(Type::sockets, [](Header header) { return Packet(header); })).texts();
}

Status Client::release(const std::string& name) {
  return answer_to(send(Type::release, [&](Header header) { return Packet(header).text(name); }))
      .header.status;
}

Status Client::kill(const std::string& key, std::uint64_t incarnation) {
  const Target target{incarnation};
  return answer_to(send(Type::kill, [&](Header header) { return Packet(header, target).text(key); }))
      .header.status;
}

Status Client::signal(const std::string& key, std::uint64_t incarnation, int number, Mode mode) {
  const Signal signal{.incarnation = incarnation, .signal = number, .mode = mode};
  return answer_to(send(Type::signal, [&](Header header) { return Packet(header, signal).text(key); }))
      .header.status;
}

Status Client::forget(const std::string& key, std::uint64_t incarnation) {
  const Target target{incarnation};
  return answer_to(send(Type::forget, [&](Header header) { return Packet(header, target).text(key); }))
      .header.status;
}

Status Client::reexec(const std::string& path) {
  return answer_to(send(Type::reexec, [&](Header header) { return Packet(header).text(path); }))
      .header.status;
}

Status Client::shutdown(std::uint32_t grace_ms, const std::vector<std::string>& order, bool exit) {
  const Shutdown shutdown{.grace_ms = grace_ms, .exit = std::uint16_t(exit ? 1 : 0)};
  return answer_to(send(Type::shutdown,
                        [&](Header header) {
                          Packet packet(header, shutdown);
                          for (const auto& key : order) packet.text(key);
                          return packet;
                        }))
      .header.status;
}

std::vector<Seen> Client::list() {
  std::vector<Answer> parts;
  answer_to(send(Type::list, [](Header header) { return Packet(header); }), &parts);
  std::vector<Seen> all;
  for (const auto& part : parts) all.push_back(part.seen());
  return all;
}

std::optional<Seen> Client::find(const std::string& key, std::uint64_t incarnation) {
  for (auto& seen : list())
    if (seen.key == key && seen.info.incarnation == incarnation) return seen;
  return std::nullopt;
}

Answer Client::status() {
  return answer_to(send(Type::status, [](Header header) { return Packet(header); }));
}

Status Client::subscribe(std::uint32_t mask) {
  const Subscribe subscribe{.mask = mask};
  return answer_to(send(Type::subscribe, [&](Header header) { return Packet(header, subscribe); }))
      .header.status;
}

std::optional<Seen> Client::wait_event(EventKind kind, const std::string& key, milliseconds limit) {
  const auto until = Clock::now() + limit;
  while (true) {
    for (auto at = events.begin(); at != events.end(); ++at) {
      if (at->info.event != kind || at->key != key) continue;
      auto found = *at;
      events.erase(at);
      return found;
    }
    if (Clock::now() >= until || fd_ < 0) return std::nullopt;
    auto answer = receive(std::chrono::duration_cast<milliseconds>(until - Clock::now()));
    if (answer && answer->header.type == Type::event) events.push_back(answer->seen());
  }
}

Seen Client::wait(const std::string& key, std::uint64_t incarnation,
                  const std::function<bool(const Seen&)>& fits, milliseconds limit) {
  Seen last;
  const bool found = eventually(
      [&] {
        const auto seen = find(key, incarnation);
        if (seen) last = *seen;
        return seen && fits(*seen);
      },
      limit);
  EXPECT_TRUE(found) << key << " did not get there; state " << int(last.info.state);
  return last;
}

Seen Client::wait_state(const std::string& key, std::uint64_t incarnation, State state, milliseconds limit) {
  return wait(key, incarnation, [&](const Seen& seen) { return seen.info.state >= state; }, limit);
}

bool Client::at_end(milliseconds limit) {
  const auto until = Clock::now() + limit;
  while (fd_ >= 0 && Clock::now() < until) {
    const auto answer = receive(100ms);
    if (answer && answer->header.type == Type::event) events.push_back(answer->seen());
  }
  return fd_ < 0;
}

// ---- the keeper under test ----

std::string KeeperTest::binary() {
  const char* directory = std::getenv("DROVER_BIN");
  return fs::absolute(std::string(directory != nullptr ? directory : "build/dev/bin") + "/drover-keeper");
}

void KeeperTest::SetUp() {
  char root[] = "/tmp/drover-keeper-test-XXXXXX", run[] = "/dev/shm/drover-keeper-test-XXXXXX";
  ASSERT_NE(::mkdtemp(root), nullptr);
  root_ = root;
  const char* made = ::mkdtemp(run);
  run_ = made != nullptr ? run : root_ + "/run";
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that a test can see and reap what two dead keepers leave
}

void KeeperTest::start(std::vector<std::string> flags) {
  flags_ = std::move(flags);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  ::fcntl(ready[0], F_SETFD, FD_CLOEXEC);
  std::vector<std::string> words = {
      binary(), "--state", state(), "--run-dir", run_, "--ready-fd", std::to_string(ready[1])};
  words.insert(words.end(), flags_.begin(), flags_.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  child_ = ::fork();
  if (child_ == 0) {
    const int log = ::open((root_ + "/keeper.err").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(log, 2);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ready[1]);
  pollfd waiting{ready[0], POLLIN, 0};
  char byte = 0;
  ASSERT_EQ(::poll(&waiting, 1, 10'000), 1) << "the keeper does not become ready";
  const auto got = ::read(ready[0], &byte, 1);
  ::close(ready[0]);
  ASSERT_EQ(got, 1) << "the keeper ended: " << slurp(root_ + "/keeper.err");
}

void KeeperTest::TearDown() {
  if (child_ != 0) {
    const pid_t guard = guard_pid(), keeper = keeper_pid();
    bool ended = false;
    if (alive(guard) || alive(keeper)) {
      Client client(state());
      ended = client.connected() && client.shutdown(200) == Status::ok && client.at_end(10s);
    }
    ended = ended && eventually([&] { return !alive(guard) && !alive(keeper); }, 5s);
    EXPECT_TRUE(ended || (!alive(guard) && !alive(keeper))) << slurp(root_ + "/keeper.err");
    for (const pid_t pid : {guard, keeper})
      if (!ended && alive(pid)) ::kill(pid, SIGKILL);
  }
  while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
  if (HasFailure()) std::fprintf(stderr, "%s\n", slurp(root_ + "/keeper.err").c_str());
  fs::remove_all(root_);
  fs::remove_all(run_);
}

pid_t KeeperTest::pid_of(const std::string& who) const {
  std::istringstream words(slurp(state() + "/keeper.lock"));
  std::string name;
  pid_t pid = 0;
  while (words >> name >> pid)
    if (name == who) return pid;
  return 0;
}

void KeeperTest::kill_hard(pid_t pid) {
  ASSERT_GT(pid, 1);
  const pid_t keeper = keeper_pid();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    return keeper_pid() != keeper && alive(keeper_pid());
  })) << slurp(root_ + "/keeper.err");
}

SpawnSpec KeeperTest::shell(const std::string& script) {
  SpawnSpec spec;
  spec.argv = {"/bin/sh", "-c", script};
  spec.env = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  return spec;
}

SpawnSpec KeeperTest::shell_with_log(const std::string& script, const std::string& log) {
  auto spec = shell(script);
  spec.log_directory = log_directory(log);
  return spec;
}

// ---- looking at things ----

std::vector<LogLine> read_log(const std::string& directory) {
  std::vector<fs::path> segments;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.path().extension() == ".log") segments.push_back(entry.path());
  std::sort(segments.begin(), segments.end());
  std::vector<LogLine> lines;
  std::map<std::string, std::string> unfinished;
  for (const auto& segment : segments) {
    std::ifstream file(segment, std::ios::binary);
    for (std::string record; std::getline(file, record);) {
      const bool form = record.size() >= 40 && record[29] == 'Z' && record[30] == ' ' && record[37] == ' ' &&
                        (record[38] == 'F' || record[38] == 'P') && record[39] == ' ';
      if (!form) {
        ADD_FAILURE() << "malformed record in " << segment << ": " << record.substr(0, 100);
        return lines;
      }
      const auto stream = record.substr(31, 6);
      auto& text = unfinished[stream];
      text += record.substr(40);
      if (record[38] == 'P') continue;
      lines.push_back({record.substr(0, 30), stream, std::move(text)});
      text.clear();
    }
  }
  return lines;
}

bool contains(const std::vector<LogLine>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(), [&](const LogLine& line) { return line.text == text; });
}

std::uint64_t directory_size(const std::string& directory) {
  std::uint64_t size = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    std::error_code gone;
    const auto one = entry.file_size(gone);
    if (!gone) size += one;
  }
  return size;
}

bool alive(pid_t pid) {
  if (pid <= 1) return false;
  const auto stat = slurp("/proc/" + std::to_string(pid) + "/stat");
  const auto close = stat.rfind(')');
  return close != std::string::npos && stat[close + 2] != 'Z' && stat[close + 2] != 'X';
}

std::map<std::string, std::vector<pid_t>> by_token() {
  std::map<std::string, std::vector<pid_t>> found;
  const std::string name = "DROVER_INSTANCE=";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0 || !alive(pid)) continue;
    const auto environment = slurp(entry.path().string() + "/environ");
    const auto at = environment.find(name);
    if (at == std::string::npos) continue;
    found[environment.c_str() + at + name.size()].push_back(pid);
  }
  return found;
}

std::vector<pid_t> with_token(const std::string& token) { return by_token()[token]; }

bool eventually(const std::function<bool()>& fits, milliseconds limit) {
  const auto until = Clock::now() + limit;
  while (Clock::now() < until) {
    if (fits()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return fits();
}

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream all;
  all << file.rdbuf();  // a process may end while its file is read: then what there is
  return std::move(all).str();
}

std::uint64_t wakeups(pid_t pid) {
  std::uint64_t total = 0;
  std::error_code error;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    std::istringstream lines(slurp(task.path().string() + "/status"));
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("voluntary_ctxt_switches:")) total += std::stoull(line.substr(24));
  }
  return total;
}

}  // namespace drover::keeper::testing
