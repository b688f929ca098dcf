// The guard: starts the keeper again when it dies, holds duplicates of its descriptors meanwhile, and keeps
// the exit statuses of processes that become its children through a keeper's death. It does nothing else, so
// that it lives.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>

#include "keeper/handoff.hpp"

namespace drover::keeper {

namespace {

constexpr std::size_t notes_kept = 4096;
constexpr std::uint64_t healthy_ns = 1000 * ms;

/// From now on what we report goes to the keeper's log.
void speak_into(int pipe) {
  if (pipe >= 0) ::dup2(pipe, STDERR_FILENO);
}

class Guard {
 public:
  Guard(const Options& options, Handoff handoff) : options_(options), handoff_(std::move(handoff)) {}
  int run();

 private:
  void start_keeper();
  [[noreturn]] void become_keeper(int link);
  void reap();
  void keeper_died(const siginfo_t& info);
  void send_notes();
  void receive_link();
  void become(const std::string& binary);

  Options options_;
  Handoff handoff_;  // "link" in it is our end
  std::deque<ExitNote> unsent_;
  std::uint64_t started_ns_ = 0, start_at_ns_ = 0;
  unsigned failures_ = 0;
  bool leaving_ = false;
};

int Guard::run() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGCHLD, SIGTERM}) sigaddset(&signals, each);
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
  const Fd wakeup(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  yield_to_others(true);
  handoff_.guard_pid = ::getpid();
  speak_into(handoff_.find(own_pipe_name));
  if (handoff_.keeper_pid == 0) start_keeper();
  else {  // we are the guard's next version, the keeper lives; it may not have read all that we sent before
    started_ns_ = boot_ns();
    unsent_.assign(handoff_.notes.begin(), handoff_.notes.end());
  }
  while (true) {
    reap();
    if (leaving_ && handoff_.keeper_pid == 0) return 0;
    const int link = handoff_.find("link");
    pollfd fds[] = {{wakeup.get(), POLLIN, 0}, {link, short(unsent_.empty() ? POLLIN : POLLIN | POLLOUT), 0}};
    const auto now = boot_ns();
    const bool due = handoff_.keeper_pid == 0;
    if (due && now >= start_at_ns_) {
      start_keeper();
      continue;
    }
    ::poll(fds, link >= 0 ? 2 : 1, due ? int((start_at_ns_ - now) / ms) + 1 : -1);
    signalfd_siginfo info{};
    while (::read(wakeup.get(), &info, sizeof info) == ssize_t(sizeof info)) {
      if (info.ssi_signo != SIGTERM) continue;
      leaving_ = true;
      if (link < 0 || !send_link(link, LinkVerb::ended))
        return 0;  // services live on; the next start adopts them
    }
    if (link >= 0 && (fds[1].revents & (POLLIN | POLLHUP)) != 0) receive_link();
    if (link >= 0 && (fds[1].revents & POLLOUT) != 0) send_notes();
  }
}

void Guard::start_keeper() {
  int pair[2];
  started_ns_ = boot_ns();
  start_at_ns_ = started_ns_ + healthy_ns;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return report(Severity::error, "no link to a new keeper", {}, errno);
  handoff_.fds["link"] = Fd(pair[0]);
  Fd theirs(pair[1]);
  ++handoff_.generation;
  unsent_.clear();  // the new keeper gets all of them at birth
  const pid_t pid = ::fork();
  if (pid == 0) become_keeper(theirs.release());
  if (pid < 0) return report(Severity::error, "cannot fork the keeper", {}, errno);
  handoff_.keeper_pid = pid;
  handoff_.take("ready");  // only the first keeper says so
}

void Guard::become_keeper(int link) {
  handoff_.fds["link"] = Fd(link);
  handoff_.keeper_pid = ::getpid();
  yield_to_others(false);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const int error = exec_role("/proc/self/exe", "keeper", options_, handoff_);
  report(Severity::error, "cannot become the keeper", {}, error);
  ::_exit(71);
}

void Guard::reap() {
  for (siginfo_t info{}; ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
       info = {}) {
    ExitNote note;
    note.pid = info.si_pid;
    note.start_ticks =
        process_stat(info.si_pid).start_ticks;  // while it is a zombie, its pid is not used again
    rusage usage{};
    int status = 0;
    if (::wait4(info.si_pid, &status, 0, &usage) != info.si_pid) return;
    if (info.si_pid == handoff_.keeper_pid) {
      keeper_died(info);
      continue;
    }
    note.code = info.si_code;
    note.status = info.si_status;
    note.boot_ns = boot_ns();
    note.wall_ns = wall_ns();
    note.user_us = std::uint64_t(usage.ru_utime.tv_sec) * 1'000'000 + std::uint64_t(usage.ru_utime.tv_usec);
    note.system_us = std::uint64_t(usage.ru_stime.tv_sec) * 1'000'000 + std::uint64_t(usage.ru_stime.tv_usec);
    note.max_rss_kib = std::uint64_t(usage.ru_maxrss);
    // Kept after they were sent: the keeper may die before it has read them. A start time makes a repeat
    // harmless.
    handoff_.notes.push_back(note);
    if (handoff_.notes.size() > 2 * notes_kept)
      handoff_.notes.erase(handoff_.notes.begin(), handoff_.notes.begin() + std::ptrdiff_t(notes_kept));
    unsent_.push_back(note);
    send_notes();
  }
}

void Guard::keeper_died(const siginfo_t& info) {
  handoff_.keeper_pid = 0;
  receive_link();  // its last words: what to hold, or that it leaves
  handoff_.take("link");
  if (leaving_ || (info.si_code == CLD_EXITED && info.si_status == 0)) {
    leaving_ = true;
    return;
  }
  report(Severity::warning, "the keeper died", std::to_string(info.si_status));
  const bool healthy = boot_ns() - started_ns_ >= healthy_ns;
  failures_ = healthy ? 0 : std::min(failures_ + 1, 6u);
  start_at_ns_ = boot_ns() + (failures_ <= 1 ? 0 : (100u << (failures_ - 2)) * ms);  // at most 1.6 s
}

void Guard::send_notes() {
  const int link = handoff_.find("link");
  while (link >= 0 && !unsent_.empty()) {
    LinkMessage message;
    message.verb = LinkVerb::exited;
    message.note = unsent_.front();
    if (!send_packet(link, {reinterpret_cast<const char*>(&message), sizeof message})) return;
    unsent_.pop_front();
  }
}

void Guard::receive_link() {
  const int link = handoff_.find("link");
  std::string buffer;
  std::vector<int> fds;
  while (link >= 0 && receive_packet(link, buffer, fds) == ssize_t(sizeof(LinkMessage))) {
    LinkMessage message;
    std::memcpy(static_cast<void*>(&message), buffer.data(), sizeof message);
    message.name[sizeof message.name - 1] = 0;
    std::vector<Fd> owned;
    for (const int fd : fds) owned.emplace_back(fd);
    fds.clear();
    switch (message.verb) {
      case LinkVerb::hold:
        if (!owned.empty() && message.name == std::string_view(own_pipe_name))
          speak_into(owned.front().get());
        if (!owned.empty()) handoff_.fds[message.name] = std::move(owned.front());
        break;
      case LinkVerb::drop: handoff_.take(message.name); break;
      case LinkVerb::leave: leaving_ = true; break;
      case LinkVerb::reexec: become(message.name); break;
      case LinkVerb::exited:
      case LinkVerb::ended: break;  // ours to send
    }
  }
}

void Guard::become(const std::string& binary) {
  const int error = exec_role(binary, "guard", options_, handoff_);
  report(Severity::error, "the guard could not become the new version", binary, error);
}

}  // namespace

int guard_main(const Options& options, Handoff handoff) { return Guard(options, std::move(handoff)).run(); }

}  // namespace drover::keeper
