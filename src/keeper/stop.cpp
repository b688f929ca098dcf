// From the stop to the kill: the command before the first signal, the signals, the deadline; and the end of
// all.

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/keeper.hpp"

namespace drover::keeper {

namespace {

constexpr std::uint64_t kill_again_ns = 1000 * ms;
constexpr std::uint64_t stuck_ns = 5000 * ms;
constexpr std::uint64_t log_event_ns = 50 * ms;

/// Another writing end of a pipe whose reading end the log has. -1: it is not that pipe any more.
Fd writer_of(int reader, std::uint64_t inode) {
  char path[40];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", reader);
  Fd writer(::open(path, O_RDWR | O_CLOEXEC));
  struct stat info{};
  return writer && ::fstat(writer.get(), &info) == 0 && info.st_ino == inode ? std::move(writer) : Fd();
}

/// As wait(2) has it.
int status_in(const ExitNote& note) {
  return note.code == CLD_EXITED ? W_EXITCODE(note.status, 0) : note.status;
}

}  // namespace

/// What the guard saw.
void Keeper::hook_noted(Instance& instance, const ExitNote& note) { hook_ended(instance, status_in(note)); }

void Keeper::stop(Instance& instance, const Stop& request, const SpawnSpec* hook) {
  auto& data = instance.data();
  auto& info = instance.info();
  if (!instance.live()) return;
  const auto now = boot_ns();
  const auto kill_at = now + std::uint64_t(request.grace_ms) * ms;
  if (data.kill_at == 0 || kill_at < data.kill_at) data.kill_at = kill_at;
  const bool first = info.stopping == 0, other = data.stop_signal != request.signal;
  data.stop_signal = request.signal;
  if (first) {
    tell_life(Severity::info, "told to stop", instance);
    info.stopping = 1;
    data.stop_mode = std::uint8_t(request.mode);
    data.step_count = std::min(request.steps, std::uint32_t(max_steps));
    for (std::uint32_t i = 0; i < data.step_count; ++i)
      data.steps[i] = {request.step[i].signal, 0, now + std::uint64_t(request.step[i].after_ms) * ms};
    if (hook == nullptr || info.state == State::exited || !start_hook(instance, *hook))
      first_signal(instance);
  } else if (other && info.hook != Hook::running) {
    first_signal(instance);
  }
  if (request.grace_ms == 0) kill(instance);
  schedule(instance);
}

void Keeper::first_signal(Instance& instance) {
  instance.data().signalled = 1;
  send_signal(instance, instance.data().stop_signal);
}

void Keeper::send_signal(Instance& instance, int signal) {
  auto& data = instance.data();
  if (Mode(data.stop_mode) == Mode::all) {
    data.leftovers_termed = 1;
    instance.tree.signal_all(signal);
    instance.tree.signal_all(SIGCONT);
  } else if (instance.pidfd) {
    pidfd_signal(instance.pidfd.get(), signal);
    pidfd_signal(instance.pidfd.get(), SIGCONT);  // what is stopped could not end
  }
}

/// False: there is no hook to wait for.
bool Keeper::start_hook(Instance& instance, const SpawnSpec& spec) {
  auto& data = instance.data();
  auto& info = instance.info();
  const auto& log = instance.log;
  Fd out = log ? writer_of(log->pipes[0].get(), data.pipe_inode[0]) : Fd();
  if (!out) out = Fd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const auto limits = entrances_of(data.limit_directories);
  std::uint32_t degraded = 0;
  std::uint16_t stage = 0;
  std::int32_t error = 0;
  const Newborn newborn{out.get(), -1, {}, limits, data.token, data.hook_pid, degraded, stage, error};
  auto child = spawn({self_test_.way, options_.open_files}, spec, instance.tree, newborn);
  if (!child) {
    data.hook_pid = 0;
    info.hook = Hook::not_started;
    info.hook_status = child.error().error;
    announce(instance, EventKind::hook_ended);
    return false;
  }
  info.hook = Hook::running;
  data.hook_ticks = process_stat(child->pid).start_ticks;
  watch_hook(instance, std::move(child->pidfd));
  return true;
}

void Keeper::watch_hook(Instance& instance, Fd pidfd) {
  instance.hook = std::move(pidfd);
  by_pid_[instance.data().hook_pid] = &instance;
  watch(instance.hook.get(), kind_hook, instance.number, EPOLLIN);
}

/// After the death of a keeper: the hook runs, or its end was not seen.
void Keeper::adopt_hook(Instance& instance) {
  auto& data = instance.data();
  if (!instance.live() || instance.info().stopping == 0 || data.signalled != 0) return;
  if (instance.info().hook != Hook::running) return first_signal(instance);
  Fd pidfd(pidfd_open(data.hook_pid));  // first the fd, then the comparison
  if (pidfd && process_stat(data.hook_pid).start_ticks == data.hook_ticks)
    return watch_hook(instance, std::move(pidfd));
  int status = -1;
  for (const auto& note : notes_)
    if (note.pid == data.hook_pid && note.start_ticks == data.hook_ticks) status = status_in(note);
  hook_ended(instance, status);
}

/// It has ended, or is about to: its status is ours, or what Linux 6.15 keeps behind the pidfd, or not known.
void Keeper::settle_hook(Instance& instance) {
  siginfo_t seen{};
  const long fd = instance.hook.get();
  if (::waitid(P_PIDFD, id_t(fd), &seen, WEXITED | WNOHANG) != 0) {  // the child of a keeper that died
    const int status = exit_status_of(int(fd));
    // Not reaped by the guard yet: asked again at once, until Linux knows, or the guard says it.
    if (status >= 0 || !link_) hook_ended(instance, status);
    return;
  }
  if (seen.si_pid == 0) return;
  hook_ended(instance, seen.si_code == CLD_EXITED ? W_EXITCODE(seen.si_status, 0) : seen.si_status);
}

void Keeper::hook_ended(Instance& instance, int status) {
  auto& info = instance.info();
  forget_hook(instance);
  info.hook = status == 0 ? Hook::succeeded : Hook::failed;
  info.hook_status = status;
  announce(instance, EventKind::hook_ended);
  first_signal(instance);
  schedule(instance);
}

/// Nothing is left of the incarnation, the hook included.
void Keeper::finish_hook(Instance& instance) {
  if (instance.hook) settle_hook(instance);
  if (instance.info().hook == Hook::running) hook_ended(instance, -1);
}

void Keeper::forget_hook(Instance& instance) {
  if (instance.data().hook_pid == 0) return;
  by_pid_.erase(instance.data().hook_pid);
  instance.data().hook_pid = 0;
  if (instance.hook) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, instance.hook.get(), nullptr);
  instance.hook.reset();
}

/// The further signals of a stop that are due. None overtakes the hook.
void Keeper::next_signals(Instance& instance, std::uint64_t now) {
  auto& data = instance.data();
  while (data.signalled != 0 && data.next_step < data.step_count && now >= data.steps[data.next_step].at)
    send_signal(instance, data.steps[data.next_step++].signal);
}

void Keeper::kill(Instance& instance) {
  auto& data = instance.data();
  const auto now = boot_ns();
  if (data.killed_at == 0) {
    data.killed_at = now;
    tell_life(Severity::warning, "killed", instance);
  }
  instance.info().killed = 1;
  data.kill_at = now + kill_again_ns;
  instance.look_every = 5 * ms;
  if (instance.pidfd) pidfd_signal(instance.pidfd.get(), SIGKILL);
  if (instance.hook) pidfd_signal(instance.hook.get(), SIGKILL);
  instance.tree.kill();
  if (now > data.killed_at + stuck_ns && instance.info().stuck == 0) {
    instance.info().stuck = 1;
    announce(instance, EventKind::stuck);
    tell_life(Severity::error, "killed, and still there", instance);
  }
  schedule(instance);
}

void Keeper::tick(Instance& instance, std::uint64_t now) {
  if (instance.ended_ns != 0) settle_exit(instance);
  if (instance.look_ns != 0 && now >= instance.look_ns) {
    instance.look_every = std::min(instance.look_every * 3 / 2, 200 * ms);
    look(instance);
  }
  if (instance.live()) next_signals(instance, now);
  if (instance.live() && instance.data().kill_at != 0 && now >= instance.data().kill_at) kill(instance);
  if (instance.log_dirty && now >= instance.log_told_ns + log_event_ns) announce_log(instance, now);
  schedule(instance);
}

/// When the loop must come back to this one; never, for one that simply runs.
void Keeper::schedule(Instance& instance) {
  auto due = ~std::uint64_t(0);
  const auto now = boot_ns();
  instance.look_ns = 0;
  if (instance.live()) {
    const auto& data = instance.data();
    if (data.kill_at != 0) due = data.kill_at;
    if (data.signalled != 0 && data.next_step < data.step_count)
      due = std::min(due, data.steps[data.next_step].at);
    if (instance.ended_ns != 0) due = std::min(due, now + 5 * ms);
    if (instance.info().state == State::exited && !notifies(instance.tree.level())) {
      instance.look_every = std::max(instance.look_every, 5 * ms);
      instance.look_ns = now + instance.look_every;
      due = std::min(due, instance.look_ns);
    }
  }
  if (instance.log_dirty) due = std::min(due, instance.log_told_ns + log_event_ns);
  if (due == ~std::uint64_t(0)) due = 0;
  if (due == instance.due_ns) return;
  if (instance.due_ns != 0) due_.erase({instance.due_ns, instance.number});
  if (due != 0) due_.insert({due, instance.number});
  instance.due_ns = due;
  arm();
}

void Keeper::advance_shutdown() {
  if (!shutdown_.active) return;
  const Stop request{.grace_ms = shutdown_.grace_ms};
  while (!shutdown_.order.empty()) {
    bool waiting = false;
    for (auto& [key, instance] : by_key_) {
      if (key.first != shutdown_.order.front() || !instance->live()) continue;
      waiting = true;
      if (instance->info().stopping == 0) stop(*instance, request, nullptr);
    }
    if (waiting) return;
    shutdown_.order.pop_front();
  }
  bool live = false, open = false;
  for (auto& [number, instance] : instances_) {
    if (instance->live()) {  // what is being stopped already: at the latest by our deadline
      Stop sooner = request;
      if (instance->info().stopping != 0) sooner.signal = instance->data().stop_signal;
      stop(*instance, sooner, nullptr);
    }
    live = live || instance->live();
    open = open || instance->log != nullptr;
  }
  if (live || !shutdown_.exit) return;
  if (shutdown_.empty_ns == 0) shutdown_.empty_ns = boot_ns();
  // A full or hung disk must not keep us: the lines that still wait are lost then.
  if (!open || boot_ns() > shutdown_.empty_ns + 2000 * ms) ending_ = true;
  arm();
}

}  // namespace drover::keeper
