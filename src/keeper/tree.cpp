#include "keeper/tree.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <unordered_map>
#include <unordered_set>

namespace drover::keeper {

namespace {

void collect_pids(const std::string& path, std::vector<pid_t>& pids, int depth = 0) {
  const auto text = read_file((path + "/cgroup.procs").c_str());
  for (const char *at = text.data(), *end = at + text.size(); at < end;) {
    pid_t pid = 0;
    const auto [next, error] = std::from_chars(at, end, pid);
    if (error == std::errc() && pid > 0) pids.push_back(pid);
    at = next + 1;
  }
  if (depth >= 16) return;
  for (const auto& name : list_directory(path)) {
    const auto below = path + "/" + name;
    struct stat info{};
    if (::stat(below.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) collect_pids(below, pids, depth + 1);
  }
}

void remove_below(const std::string& path, int depth = 0) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT || depth >= 16) return;
  for (const auto& name : list_directory(path)) {
    const auto below = path + "/" + name;
    struct stat info{};
    if (::stat(below.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) remove_below(below, depth + 1);
  }
  ::rmdir(path.c_str());
}

/// All processes of the machine (or container) that live. A zombie is nobody's member.
std::unordered_map<pid_t, ProcessStat> living() {
  std::unordered_map<pid_t, ProcessStat> all;
  for (const auto& name : list_directory("/proc")) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    const auto stat = process_stat(pid);
    if (stat.start_ticks != 0 && stat.state != 'Z' && stat.state != 'X') all.emplace(pid, stat);
  }
  return all;
}

bool carries_token(pid_t pid, const std::string& token) {
  const auto environment = read_file(("/proc/" + std::to_string(pid) + "/environ").c_str());
  const std::string wanted = "DROVER_INSTANCE=" + token;
  for (std::size_t at = 0; at < environment.size();) {
    const auto end = std::min(environment.find('\0', at), environment.size());
    if (std::string_view(environment).substr(at, end - at) == wanted) return true;
    at = end + 1;
  }
  return false;
}

/// Descendants of main; members of its session or group (their numbers stay taken while anyone is left); and,
/// for those that left all of that, whoever was born with our token. Who drops even that cannot be found at
/// this level.
std::vector<Member> kin(pid_t main, const std::string& token) {
  const auto all = living();
  std::unordered_set<pid_t> found;
  const pid_t self = ::getpid(), guard = ::getppid();
  for (const auto& [pid, stat] : all) {
    if (pid == self || pid == guard) continue;
    const bool near = pid == main || stat.group == main || stat.session == main;
    if (near || (!token.empty() && carries_token(pid, token))) found.insert(pid);
  }
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& [pid, stat] : all)
      if (!found.contains(pid) && found.contains(stat.parent)) grew = found.insert(pid).second;
  }
  std::vector<Member> members;
  for (const auto pid : found) members.push_back({pid, all.at(pid).start_ticks});
  return members;
}

}  // namespace

Outcome<Tree> Tree::create(const Base& base, const std::string& name) {
  if (!has_cgroup(base.level)) return open(base.level, {});
  const std::string path = base.path + "/" + name;
  if (::mkdir(path.c_str(), 0755) != 0) {
    if (errno != EEXIST) return failure(errno, Stage::cgroup);
    // Left by a keeper that died before its spawn. Never reuse it: it may have been killed once.
    remove_below(path);
    if (::mkdir(path.c_str(), 0755) != 0) return failure(errno, Stage::cgroup);
  }
  Tree tree = open(base.level, path);
  if (!tree.directory_) return failure(errno, Stage::cgroup);
  return tree;
}

Tree Tree::open(Level level, const std::string& path) {
  Tree tree;
  tree.level_ = level;
  tree.path_ = path;
  if (!has_cgroup(level)) return tree;
  tree.directory_ = Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (tree.directory_ && notifies(level))
    tree.events_ = Fd(::openat(tree.directory_.get(), "cgroup.events", O_RDONLY | O_CLOEXEC));
  return tree;
}

bool Tree::empty() const {
  switch (level_) {
    case Level::cgroup2:
    case Level::cgroup2_freeze: {
      char text[256];
      const auto n = events_ ? ::pread(events_.get(), text, sizeof text - 1, 0) : -1;
      if (n < 0) return true;  // ENODEV: the cgroup is gone, which needs it to be empty
      text[n] = 0;
      return std::string_view(text).find("populated 0") != std::string_view::npos;
    }
    case Level::freezer:
    case Level::subreaper: return members().empty();
    case Level::group: return main_ <= 0 || (::kill(-main_, 0) != 0 && errno == ESRCH);
  }
  std::unreachable();
}

std::vector<Member> Tree::members() const {
  if (level_ == Level::subreaper) return kin(main_, token_);
  std::vector<Member> members;
  if (level_ == Level::group) {
    const auto stat = process_stat(main_);
    if (stat.start_ticks != 0 && stat.state != 'Z') members.push_back({main_, stat.start_ticks});
    return members;
  }
  std::vector<pid_t> pids;
  collect_pids(path_, pids);
  for (const auto pid : pids) {
    const auto stat = process_stat(pid);
    if (stat.start_ticks != 0 && stat.state != 'Z' && stat.state != 'X')
      members.push_back({pid, stat.start_ticks});
  }
  return members;
}

void Tree::signal_all(int signal) const {
  if (level_ == Level::group) {
    ::kill(-main_, signal);
    return;
  }
  // Children that are born meanwhile are seen in the next round; the bound stops a fork bomb from holding us
  // here.
  std::unordered_set<pid_t> done;
  for (int round = 0; round < 5; ++round) {
    bool fresh = false;
    for (const auto& member : members()) {
      if (!done.insert(member.pid).second) continue;
      fresh = signal_exactly(member.pid, member.start_ticks, signal) == 0 || fresh;
    }
    if (!fresh) return;
  }
}

void Tree::kill() const {
  switch (level_) {
    case Level::cgroup2:
      if (write_at(directory_.get(), "cgroup.kill", "1") == 0) return;
      return kill_by_freezing("cgroup.freeze", "1", "0");
    case Level::cgroup2_freeze: return kill_by_freezing("cgroup.freeze", "1", "0");
    case Level::freezer: return kill_by_freezing("freezer.state", "FROZEN", "THAWED");
    case Level::subreaper: return kill_by_walking();
    case Level::group: ::kill(-main_, SIGKILL); return;
  }
}

void Tree::kill_by_freezing(const char* file, const char* freeze, const char* thaw) const {
  write_at(directory_.get(), file, freeze);  // nobody forks while we send
  for (const auto& member : members()) signal_exactly(member.pid, member.start_ticks, SIGKILL);
  write_at(directory_.get(), file, thaw);
}

void Tree::kill_by_walking() const {
  for (int round = 0, quiet = 0; round < 20 && quiet < 2; ++round) {
    const auto found = members();
    quiet = found.empty() ? quiet + 1 : 0;
    for (const auto& member : found) signal_exactly(member.pid, member.start_ticks, SIGSTOP);
    for (const auto& member : found) signal_exactly(member.pid, member.start_ticks, SIGKILL);
  }
}

void Tree::remove() {
  events_.reset();
  directory_.reset();
  if (!path_.empty()) remove_below(path_);
}

}  // namespace drover::keeper
