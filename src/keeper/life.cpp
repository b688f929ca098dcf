// From spawn to empty: the life of one incarnation. Its stop is in stop.cpp.

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

constexpr std::uint64_t crash_grace_ns =
    500 * ms;  // what a crashed main leaves behind has this long after its TERM
constexpr std::uint64_t note_wait_ns =
    1000 * ms;  // how long the guard's note may take after the process was seen to end
constexpr int pipe_bytes = 256 * 1024;

/// A pipe whose writing end is read-write: as long as the service holds it, it is its own reader, and no
/// death of ours can give it SIGPIPE. It belongs to the service's user, so that /proc/self/fd/1 can be opened
/// again.
Outcome<void> make_pipe(const SpawnSpec& spec, Fd& reader, Fd& writer) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return failure(errno, Stage::pipe);
  reader = Fd(ends[0]);
  const Fd plain(ends[1]);
  if (spec.fixed.set_user != 0 && ::fchown(plain.get(), spec.fixed.uid, spec.fixed.gid) != 0 &&
      ::geteuid() == 0)
    return failure(errno, Stage::pipe);
  if (::geteuid() == 0)
    ::fcntl(plain.get(), F_SETPIPE_SZ, pipe_bytes);  // users have a quota of pipe pages: left alone
  char path[40];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", plain.get());
  writer = Fd(::open(path, O_RDWR | O_CLOEXEC));
  if (!writer) return failure(errno, Stage::pipe);
  return {};
}

std::uint64_t inode_of(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 ? info.st_ino : 0;
}

template <std::size_t size>
bool copy_text(char (&to)[size], const std::string& from) {
  if (from.size() >= size) return false;
  std::memcpy(to, from.c_str(), from.size() + 1);
  return true;
}

}  // namespace

Instance& Keeper::enlist(std::unique_ptr<Record> record) {
  auto owned = std::make_unique<Instance>();
  auto& instance = *owned;
  instance.number = next_number_++;
  instance.record = std::move(record);
  by_key_[{instance.data().key, instance.info().incarnation}] = &instance;
  instances_[instance.number] = std::move(owned);
  return instance;
}

void Keeper::fill_record(RecordData& data, const std::string& key, const std::string& token,
                         const SpawnSpec& spec) {
  data.level = std::uint32_t(base_.level);
  copy_text(data.key, key);
  copy_text(data.token, token);
  copy_text(data.log_directory, spec.log_directory);
  data.merge = spec.fixed.merge;
  data.on_full = std::uint16_t(spec.fixed.on_full);
  data.log_budget = spec.fixed.log_budget;
  data.log_segment_size = spec.fixed.log_segment;
}

Outcome<Instance*> Keeper::spawn_instance(const std::string& key, const std::string& token,
                                          const Spawn& request, Parameters parameters) {
  const auto& spec = parameters.spec;
  const auto name = record_name(key, request.incarnation);
  auto record = Record::create(options_.run_dir, name);
  if (!record && record.error().error == EEXIST) {  // not in our table, so it was not readable as a record
    ::unlink((options_.run_dir + "/" + name + ".rec").c_str());
    record = Record::create(options_.run_dir, name);
  }
  if (!record) return std::unexpected(record.error());
  fill_record((*record)->data(), key, token, spec);
  (*record)->data().info.incarnation = request.incarnation;
  (*record)->data().lease_boot_ns = request.lease_boot_ns;
  auto& instance = enlist(std::move(*record));
  instance.correlation = std::move(parameters.correlation);
  auto sockets = take_sockets(instance.data(), parameters);
  const auto started =
      sockets ? start(instance, spec, std::move(*sockets)) : std::unexpected(sockets.error());
  if (!started) {
    report(Severity::warning, "a start failed",
           {{"correlationId", instance.correlation},
            {"instance", key},
            {"incarnation", std::to_string(request.incarnation)},
            {"stage", std::to_string(int(started.error().stage))},
            {"error", error_words(started.error().error)}});
    discard(instance);
    return std::unexpected(started.error());
  }
  ++status_.spawns;
  begin_watching(instance);
  announce(instance, EventKind::started);
  tell_life(Severity::info, "started", instance);
  return &instance;
}

Outcome<void> Keeper::start(Instance& instance, const SpawnSpec& spec, std::vector<int> sockets) {
  auto& data = instance.data();
  auto tree = Tree::create(base_, instance.record->name());
  if (!tree) return std::unexpected(tree.error());
  instance.tree = std::move(*tree);
  if (!copy_text(data.cgroup, instance.tree.path())) return failure(ENAMETOOLONG, Stage::cgroup);
  Fd readers[2], writers[2];
  for (int stream = 0; stream < (data.merge != 0 ? 1 : 2); ++stream) {
    if (auto made = make_pipe(spec, readers[stream], writers[stream]); !made) return made;
    data.pipe_inode[stream] = inode_of(readers[stream].get());
    hold(std::to_string(stream) + ":" + instance.record->name(), readers[stream].get());
  }
  auto& info = instance.info();
  const auto limits = set_limits(base_, instance.tree, instance.record->name(), spec.fixed);
  info.degraded = limits.degraded;
  // Without a place to remember them they could not be removed.
  if (!copy_text(data.limit_directories, limits.directories)) {
    remove_limits(limits.directories);
    return failure(ENAMETOOLONG, Stage::cgroup);
  }
  const Newborn newborn{writers[0].get(), writers[1].get(), std::move(sockets), limits,          data.token,
                        data.child_pid,   info.degraded,    data.spawn_stage,   data.spawn_error};
  auto child = spawn({self_test_.way, options_.open_files}, spec, instance.tree, newborn);
  if (!child) return std::unexpected(child.error());
  info.pid = child->pid;
  info.start_ticks = process_stat(child->pid).start_ticks;
  info.started_boot_ns = boot_ns();
  info.started_wall_ns = wall_ns();
  info.state = State::running;
  instance.pidfd = std::move(child->pidfd);
  hold("p:" + instance.record->name(), instance.pidfd.get());
  instance.tree.set_main(child->pid, data.token);
  make_log(instance, std::move(readers[0]), std::move(readers[1]));
  pump_.add(instance.log.get());
  return {};
}

/// A spawn that failed leaves nothing.
void Keeper::discard(Instance& instance) {
  for (const char* stream : {"0:", "1:"}) drop(stream + instance.record->name());
  if (instance.tree.level() == base_.level) instance.tree.remove();
  remove_limits(instance.data().limit_directories);
  instance.record->unlink();
  by_key_.erase({instance.data().key, instance.info().incarnation});
  instances_.erase(instance.number);
}

void Keeper::make_log(Instance& instance, Fd out, Fd err) {
  auto& data = instance.data();
  auto log = std::make_unique<Log>(*instance.record);
  log->owner = instance.number;
  log->block = OnFull(data.on_full) == OnFull::block;
  log->pipes[0] = std::move(out);
  log->pipes[1] = std::move(err);
  if (data.log_directory[0] != 0)
    log->segments =
        std::make_unique<Segments>(data.log_directory, SegmentLimits{data.log_budget, data.log_segment_size});
  instance.log = std::move(log);
}

void Keeper::adjust(Instance& instance, const Adjust& settings) {
  auto& data = instance.data();
  data.log_budget = settings.log_budget;
  data.log_segment_size = settings.log_segment;
  data.on_full = settings.on_full;
  if (!instance.log) return;
  instance.log->block = OnFull(settings.on_full) == OnFull::block;
  if (instance.log->segments) instance.log->segments->limit({settings.log_budget, settings.log_segment});
}

void Keeper::begin_watching(Instance& instance) {
  if (instance.info().exit == ExitKind::none && instance.pidfd) {
    by_pid_[instance.info().pid] = &instance;
    watch(instance.pidfd.get(), kind_pidfd, instance.number, EPOLLIN);
  }
  if (instance.tree.events() >= 0 && instance.live())
    watch(instance.tree.events(), kind_events, instance.number, EPOLLPRI);
  schedule(instance);
}

/// Main has ended, or so it seems. Its status is ours to take, or the guard's, or the kernel's memory.
void Keeper::main_ended(Instance& instance) {
  if (instance.info().exit != ExitKind::none || settle_exit(instance)) return;
  if (instance.ended_ns != 0) return;
  instance.ended_ns = boot_ns();
  if (instance.pidfd) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, instance.pidfd.get(), nullptr);
  schedule(instance);
}

/// The status of a main that is neither our child nor the guard's (both had died): from the zombie that its
/// parent has not reaped yet, or from what Linux 6.15 keeps behind the pidfd. -1: not known (yet).
int Keeper::status_of_stranger(const Instance& instance) const {
  const auto& info = instance.record->data().info;
  if (!instance.pidfd) return -1;
  const int kept = exit_status_of(instance.pidfd.get());
  if (kept >= 0) return kept;
  const auto stat = process_stat(info.pid);
  const bool zombie = stat.start_ticks == info.start_ticks && stat.state == 'Z';
  return zombie && stat.parent != handoff_.guard_pid && may_inspect(info.pid) ? stat.exit_status : -1;
}

bool Keeper::settle_exit(Instance& instance) {
  auto& info = instance.info();
  siginfo_t seen{};
  rusage usage{};
  ExitNote note{.pid = info.pid, .start_ticks = info.start_ticks, .boot_ns = boot_ns(), .wall_ns = wall_ns()};
  const long fd = instance.pidfd.get();
  if (::syscall(SYS_waitid, P_PIDFD, fd, &seen, WEXITED | WNOHANG | WNOWAIT, &usage) == 0) {
    if (seen.si_pid == 0) return false;
    note.code = seen.si_code;
    note.status = seen.si_status;
    note.user_us = std::uint64_t(usage.ru_utime.tv_sec) * 1'000'000 + std::uint64_t(usage.ru_utime.tv_usec);
    note.system_us = std::uint64_t(usage.ru_stime.tv_sec) * 1'000'000 + std::uint64_t(usage.ru_stime.tv_usec);
    note.max_rss_kib = std::uint64_t(usage.ru_maxrss);
    set_exit(instance,
             note);  // first the record, then the reaping: in between, the guard would inherit the zombie
    ::waitid(P_PIDFD, id_t(fd), &seen, WEXITED | WNOHANG);
    after_main(instance);
    return true;
  }
  const auto known = std::find_if(notes_.begin(), notes_.end(), [&](const ExitNote& each) {
    return each.pid == info.pid && each.start_ticks == info.start_ticks;
  });
  const int status = known == notes_.end() ? status_of_stranger(instance) : -1;
  if (known != notes_.end()) {
    note = *known;
    notes_.erase(known);
  } else if (status >= 0) {
    note.code = WIFEXITED(status) ? CLD_EXITED : WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
    note.status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
  } else if (instance.pidfd && (instance.ended_ns == 0 || boot_ns() < instance.ended_ns + note_wait_ns)) {
    return false;
  }
  set_exit(instance, note);  // code 0: unknown
  after_main(instance);
  return true;
}

void Keeper::set_exit(Instance& instance, const ExitNote& note) {
  auto& info = instance.info();
  by_pid_.erase(info.pid);
  info.oom = oom_killed(instance.tree, instance.data().limit_directories);
  info.core_dumped = note.code == CLD_DUMPED ? 1 : 0;
  info.exit_value = note.status;
  info.exited_boot_ns = note.boot_ns;
  info.exited_wall_ns = note.wall_ns;
  info.user_us = note.user_us;
  info.system_us = note.system_us;
  info.max_rss_kib = note.max_rss_kib;
  info.spawn_error = instance.data().spawn_error;
  info.state = State::exited;
  info.exit = note.code == 0            ? ExitKind::unknown
              : note.code == CLD_EXITED ? ExitKind::code
                                        : ExitKind::signal;
  ++status_.exits;
}

void Keeper::after_main(Instance& instance) {
  auto& data = instance.data();
  if (instance.pidfd) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, instance.pidfd.get(), nullptr);
  instance.pidfd.reset();
  instance.ended_ns = 0;
  // One event where one will do: whoever hears it has work to do on this processor, perhaps.
  const bool none_left = instance.tree.empty();
  if (none_left) emptied(instance);
  else announce(instance, EventKind::exited);
  tell_life(Severity::info, "ended", instance);
  if (none_left) return;
  if (data.leftovers_termed == 0) {
    data.leftovers_termed = 1;
    instance.tree.signal_all(SIGTERM);
    instance.tree.signal_all(SIGCONT);
  }
  if (data.kill_at == 0) data.kill_at = boot_ns() + crash_grace_ns;
  instance.look_every = 5 * ms;
  schedule(instance);
}

/// Something may have become empty.
void Keeper::look(Instance& instance) {
  if (instance.info().state != State::exited) return;  // main itself is still to be reaped
  if (instance.tree.empty()) emptied(instance);
}

void Keeper::emptied(Instance& instance) {
  auto& info = instance.info();
  info.emptied_boot_ns = boot_ns();
  info.emptied_wall_ns = wall_ns();
  info.stuck = 0;
  info.state = State::emptied;
  instance.data().kill_at = 0;
  finish_hook(instance);
  announce(instance, EventKind::emptied);  // whoever waits for it does not wait for the rest
  if (instance.tree.events() >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, instance.tree.events(), nullptr);
  instance.tree.remove();
  remove_limits(instance.data().limit_directories);
  if (instance.log) pump_.finish(instance.log.get(), info.emptied_wall_ns);
  schedule(instance);
  advance_shutdown();
}

void Keeper::forget(Instance& instance) {
  instance.record->unlink();
  by_key_.erase({instance.data().key, instance.info().incarnation});
  instance.forgotten = true;
  if (!instance.log) erase(instance);
}

/// The guard has held its descriptors until now: a word to it is not worth a moment of a restart.
void Keeper::erase(Instance& instance) {
  for (const char* what : {"p:", "0:", "1:"}) drop(what + instance.record->name());
  if (instance.due_ns != 0) due_.erase({instance.due_ns, instance.number});
  instances_.erase(instance.number);
}

void Keeper::announce(Instance& instance, EventKind kind) {
  if (instance.forgotten || !clients_->anyone_wants(event_life)) return;
  clients_->broadcast(event_life, describe(instance, Header{.type = Type::event}, kind));
}

void Keeper::announce_log(Instance& instance, std::uint64_t now) {
  instance.log_dirty = false;
  instance.log_told_ns = now;
  if (instance.log) instance.log->told = false;
  if (instance.forgotten) return;
  clients_->broadcast(event_log, describe(instance, Header{.type = Type::event}, EventKind::log_written));
}

}  // namespace drover::keeper
