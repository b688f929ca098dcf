#include "keeper/keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace drover::keeper {

Keeper::Keeper(const Options& options, Handoff handoff, bool resumed)
    : options_(options), handoff_(std::move(handoff)), resumed_(resumed) {}

int keeper_main(const Options& options, Handoff handoff, bool resumed) {
  return Keeper(options, std::move(handoff), resumed).run();
}

int Keeper::run() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_NAME, "drover-keeper");
  if (!prepare_loop()) {
    report(Severity::error, "the keeper cannot start", {}, errno);
    return 71;
  }
  status_.started_boot_ns = boot_ns();
  notes_ = std::move(handoff_.notes);
  handoff_.notes.clear();
  Level level = Level::cgroup2;
  Way way = Way::clone3;
  parse_level(options_.level, level);
  parse_way(options_.way, way);
  char id[16];
  std::snprintf(id, sizeof id, "%08x", fnv(options_.state));
  base_ = find_base({options_.cgroup, options_.run_dir, id, std::uint32_t(level)});
  self_test_ = self_test(base_, way);
  exit_info_ = exit_status_supported();
  for (auto& [name, fd] : handoff_.fds)
    if (name.starts_with("s:")) sockets_[name.substr(2)] = std::move(fd);
  open_own_log();
  adopt_all();
  if (resumed_) renew_guard();
  const Fd ready = handoff_.take("ready");
  if (ready && ::write(ready.get(), "\n", 1) != 1) report(Severity::warning, "nobody waits for the start");
  epoll_event events[64];
  while (!ending_) {
    const int n = ::epoll_wait(epoll_.get(), events, 64, -1);
    for (int i = 0; i < n && !ending_; ++i) dispatch(events[i].data.u64, events[i].events);
  }
  leave();
  return 0;
}

bool Keeper::prepare_loop() {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGCHLD, SIGTERM}) sigaddset(&set, each);
  ::sigprocmask(SIG_SETMASK, &set, nullptr);
  epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  timer_ = Fd(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  lock_ = handoff_.take("lock");
  listen_ = handoff_.take("listen");
  link_ = handoff_.take("link");
  if (!epoll_ || !signals_ || !timer_ || !listen_ || !pump_.start()) return false;
  clients_ =
      std::make_unique<Clients>(epoll_.get(), kind_client, [this](Request& request) { handle(request); });
  watch(signals_.get(), kind_signal, 0, EPOLLIN);
  watch(timer_.get(), kind_timer, 0, EPOLLIN);
  watch(listen_.get(), kind_listen, 0, EPOLLIN);
  watch(pump_.news().readable(), kind_news, 0, EPOLLIN);
  if (link_) watch(link_.get(), kind_link, 0, EPOLLIN);
  const std::string pids =
      "guard " + std::to_string(handoff_.guard_pid) + "\nkeeper " + std::to_string(::getpid()) + "\n";
  if (lock_ && (::ftruncate(lock_.get(), 0) != 0 || ::pwrite(lock_.get(), pids.data(), pids.size(), 0) < 0))
    report(Severity::warning, "the lock file could not be written", {}, errno);
  return true;
}

void Keeper::watch(int fd, std::uint64_t kind, std::uint32_t number, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.u64 = kind | number}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0 && errno != EEXIST)
    report(Severity::error, "cannot watch a descriptor", {}, errno);
}

void Keeper::dispatch(std::uint64_t tag, std::uint32_t events) {
  const auto number = std::uint32_t(tag);
  const auto found = instances_.find(number);
  switch (Kind(tag & ~0xffffffffull)) {
    case kind_signal: return signals();
    case kind_listen: return clients_->accept_from(listen_.get());
    case kind_link:
      if ((events & EPOLLOUT) != 0) send_to_guard();
      return link_ready();
    case kind_news: return log_news();
    case kind_timer: return timers();
    case kind_client:
      clients_->ready(int(number), events);
      return pump_.want_written(clients_->anyone_wants(event_log));
    case kind_pidfd:
      if (found != instances_.end()) main_ended(*found->second);
      return;
    case kind_hook:
      if (found != instances_.end() && found->second->hook) settle_hook(*found->second);
      return;
    case kind_events:
      if (found == instances_.end()) return;
      found->second->tree.empty();  // reading it is what ends the event
      return look(*found->second);
  }
}

void Keeper::signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == ssize_t(sizeof info))
    if (info.ssi_signo == SIGTERM) ending_ = true;  // the services stay; the next keeper adopts them
  reap_children();
}

/// Main processes first by their pidfd; then whatever else became our child because its parent died.
void Keeper::reap_children() {
  bool orphans = false;
  for (siginfo_t info{}; ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
       info = {}) {
    const auto known = by_pid_.find(info.si_pid);
    if (known != by_pid_.end()) {
      auto& instance = *known->second;
      const bool hook = info.si_pid == instance.data().hook_pid;
      if (hook) settle_hook(instance);
      if (hook || settle_exit(instance)) continue;
    }
    ::waitid(P_PID, id_t(info.si_pid), &info, WEXITED | WNOHANG);
    ++status_.reaped_orphans;
    orphans = true;
  }
  if (!orphans) return;
  for (auto& [number, instance] : instances_)
    if (instance->look_ns != 0) look(*instance);
}

void Keeper::link_ready() {
  std::string buffer;
  std::vector<int> fds;
  while (true) {
    const auto n = receive_packet(link_.get(), buffer, fds);
    if (n < 0 && errno == EAGAIN) return;
    if (n != ssize_t(sizeof(LinkMessage))) return guard_died();
    LinkMessage message;
    std::memcpy(static_cast<void*>(&message), buffer.data(), sizeof message);
    if (message.verb == LinkVerb::ended) {
      ending_ = true;
      return;
    }
    if (message.verb != LinkVerb::exited) continue;
    const auto found = by_pid_.find(message.note.pid);
    if (found == by_pid_.end() || found->second->info().start_ticks != message.note.start_ticks) {
      if (found != by_pid_.end() && found->second->data().hook_ticks == message.note.start_ticks)
        hook_noted(*found->second, message.note);
      for (auto& [number, instance] : instances_)
        if (instance->look_ns != 0) look(*instance);
      continue;
    }
    notes_.push_back(message.note);
    settle_exit(*found->second);
  }
}

void Keeper::arm() {
  auto at = due_.empty() ? 0 : due_.begin()->first;
  if (shutdown_.empty_ns != 0)
    at = at == 0 ? shutdown_.empty_ns + 2001 * ms : std::min(at, shutdown_.empty_ns + 2001 * ms);
  const itimerspec when{{0, 0}, {time_t(at / 1'000'000'000), long(at % 1'000'000'000)}};
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void Keeper::timers() {
  std::uint64_t count = 0;
  if (::read(timer_.get(), &count, sizeof count) < 0) return;
  const auto now = boot_ns();
  std::vector<std::uint32_t> numbers;
  for (const auto& [at, number] : due_) {
    if (at > now) break;
    numbers.push_back(number);
  }
  for (const auto number : numbers)
    if (const auto found = instances_.find(number); found != instances_.end()) tick(*found->second, now);
  if (shutdown_.empty_ns != 0) advance_shutdown();
  arm();
}

void Keeper::log_news() {
  for (const auto& message : pump_.news().take()) {
    const auto found = instances_.find(message.owner);
    if (found == instances_.end()) continue;
    auto& instance = *found->second;
    if (message.news == LogNews::loss) announce(instance, EventKind::log_loss);
    if (message.news == LogNews::trouble) announce(instance, EventKind::log_trouble);
    if (message.news == LogNews::written) {
      instance.log_dirty = true;
      const auto now = boot_ns();
      if (now >= instance.log_told_ns + 50 * ms) announce_log(instance, now);
      schedule(instance);
    }
    if (message.news != LogNews::closed) continue;
    instance.log.reset();
    instance.log_dirty = false;
    schedule(instance);
    announce(instance, EventKind::log_closed);
    if (instance.forgotten) erase(instance);
    advance_shutdown();
  }
}

void Keeper::hold(const std::string& name, int fd) {
  if (!link_ || (for_guard_.empty() && send_link(link_.get(), LinkVerb::hold, name, fd))) return;
  queue_for_guard({LinkVerb::hold, name, Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3))});
}

void Keeper::drop(const std::string& name) {
  if (!link_ || (for_guard_.empty() && send_link(link_.get(), LinkVerb::drop, name))) return;
  const auto unsent = std::find_if(for_guard_.begin(), for_guard_.end(),
                                   [&](const ForGuard& each) { return each.name == name; });
  if (unsent != for_guard_.end() && unsent->verb == LinkVerb::hold) for_guard_.erase(unsent);
  else queue_for_guard({LinkVerb::drop, name, {}});
}

/// A guard that is stopped or slow is not waited for. What waits is bounded by what it holds and what lives.
void Keeper::queue_for_guard(ForGuard what) {
  for_guard_.push_back(std::move(what));
  if (for_guard_.size() == 1) watch_link(EPOLLIN | EPOLLOUT);
}

void Keeper::send_to_guard() {
  while (!for_guard_.empty()) {
    const auto& next = for_guard_.front();
    if (!send_link(link_.get(), next.verb, next.name, next.fd.get())) {
      if (errno == EAGAIN) return;
      report(Severity::warning, "the guard cannot be told", next.name, errno);
    }
    for_guard_.pop_front();
  }
  watch_link(EPOLLIN);
}

void Keeper::watch_link(std::uint32_t events) {
  epoll_event event{.events = events, .data = {.u64 = kind_link}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, link_.get(), &event);
}

Handoff Keeper::make_handoff() {
  Handoff handoff;
  handoff.guard_pid = handoff_.guard_pid;
  handoff.keeper_pid = ::getpid();
  handoff.generation = handoff_.generation;
  handoff.notes = notes_;
  handoff.fds["lock"] = Fd(::fcntl(lock_.get(), F_DUPFD_CLOEXEC, 3));
  handoff.fds["listen"] = Fd(::fcntl(listen_.get(), F_DUPFD_CLOEXEC, 3));
  for (const auto& [name, socket] : sockets_)
    handoff.fds["s:" + name] = Fd(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 3));
  if (own_log_) handoff.fds[own_pipe_name] = Fd(::fcntl(own_log_->pipes[0].get(), F_DUPFD_CLOEXEC, 3));
  for (auto& [number, instance] : instances_) {
    const auto& name = instance->record->name();
    if (instance->pidfd) handoff.fds["p:" + name] = Fd(::fcntl(instance->pidfd.get(), F_DUPFD_CLOEXEC, 3));
    if (!instance->log) continue;
    for (int stream = 0; stream < 2; ++stream)
      if (instance->log->pipes[stream])
        handoff.fds[std::to_string(stream) + ":" + name] =
            Fd(::fcntl(instance->log->pipes[stream].get(), F_DUPFD_CLOEXEC, 3));
  }
  return handoff;
}

/// The log thread ends between two batches; then all that matters is in records, files and pipes.
bool Keeper::quiesce() {
  if (!pump_.stop(2000)) {
    report(Severity::error, "the log thread does not stop: is the disk hung?");
    return false;
  }
  log_news();
  return true;
}

void Keeper::resume_log_thread() {
  if (!pump_.start()) {
    report(Severity::error, "the log thread cannot start again", {}, errno);
    ::_exit(71);  // the guard's next keeper has a better chance
  }
  watch(pump_.news().readable(), kind_news, 0, EPOLLIN);
  const auto add = [this](Log& log) {
    log.watched[0] = log.watched[1] = log.failing = false;
    pump_.add(&log);
  };
  if (own_log_) add(*own_log_);
  for (auto& [number, instance] : instances_) {
    if (!instance->log) continue;
    add(*instance->log);
    if (!instance->live()) pump_.finish(instance->log.get(), instance->info().emptied_wall_ns);
  }
}

/// The guard cannot be replaced from below: our services' parent is us, and after our death it must be
/// somebody who keeps their statuses. So we become the guard, and start a keeper that adopts.
void Keeper::guard_died() {
  report(Severity::warning, "the guard died; this process takes its place");
  link_.reset();
  for_guard_.clear();  // we take its place with all that we have
  if (!quiesce()) ::_exit(71);
  clients_->close_all();
  auto handoff = make_handoff();
  handoff.guard_pid = handoff.keeper_pid = 0;
  const int error = exec_role("/proc/self/exe", "guard", options_, handoff);
  report(Severity::error, "cannot become the guard; going on without one", {}, error);
  handoff_.guard_pid = 0;
  resume_log_thread();
}

/// Whether `path` runs here and reads our handoff. At most two seconds.
bool Keeper::check_binary(const std::string& path) {
  const auto format = std::to_string(handoff_format);
  const char* const arguments[] = {path.c_str(), "--handoff-check", format.c_str(), nullptr};
  const pid_t pid = ::fork();
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(path.c_str(), const_cast<char* const*>(arguments));
    ::_exit(127);
  }
  const Fd pidfd(pid > 0 ? pidfd_open(pid) : -1);
  if (!pidfd) return false;
  pollfd ended{pidfd.get(), POLLIN, 0};
  if (::poll(&ended, 1, 2000) != 1) pidfd_signal(pidfd.get(), SIGKILL);
  siginfo_t info{};
  return ::waitid(P_PIDFD, id_t(pidfd.get()), &info, WEXITED) == 0 && info.si_code == CLD_EXITED &&
         info.si_status == handoff_understood;
}

void Keeper::reexec(const std::string& path) {
  if (!quiesce()) return;
  clients_->close_all();
  pollfd guard{link_.get(), POLLOUT, 0};  // what it has not taken yet does not come along
  while (link_ && !for_guard_.empty() && ::poll(&guard, 1, 2000) == 1 && (guard.revents & POLLHUP) == 0)
    send_to_guard();
  auto handoff = make_handoff();
  if (link_) handoff.fds["link"] = Fd(::fcntl(link_.get(), F_DUPFD_CLOEXEC, 3));
  const int error = exec_role(path, "resume", options_, handoff);
  report(Severity::error, "the keeper could not become the new version", path, error);
  resume_log_thread();
}

/// Only now: a new binary that falls over while it takes over leaves the former guard, and that one starts
/// the former keeper again.
void Keeper::renew_guard() {
  char path[sizeof(LinkMessage::name)];
  const auto n = ::readlink("/proc/self/exe", path, sizeof path);
  if (!link_ || n <= 0) return;
  queue_for_guard({LinkVerb::reexec, {path, std::size_t(n)}, {}});
  send_to_guard();
}

void Keeper::leave() {
  clients_->close_all();
  if (own_log_) pump_.finish(own_log_.get(), 0);
  pump_.stop(2000);
  remove(base_);  // refused while a service lives in it
  if (link_) send_link(link_.get(), LinkVerb::leave);
}

}  // namespace drover::keeper
