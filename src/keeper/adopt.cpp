// Taking over what a former keeper left: the records say what there should be, the kernel says what there is.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper/keeper.hpp"

namespace drover::keeper {

namespace {

/// The reading end of a pipe that only a service holds any more: opened again through one of its descriptors.
Fd reopen_pipe(const std::vector<Member>& members, std::uint64_t inode) {
  const std::string wanted = "pipe:[" + std::to_string(inode) + "]";
  for (const auto& member : members) {
    const std::string directory = "/proc/" + std::to_string(member.pid) + "/fd/";
    for (const auto& name : list_directory(directory)) {
      char target[64];
      const auto n = ::readlink((directory + name).c_str(), target, sizeof target);
      if (n < 0 || std::string_view(target, std::size_t(n)) != wanted) continue;
      Fd fd(::open((directory + name).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
      struct stat info{};
      if (fd && ::fstat(fd.get(), &info) == 0 && info.st_ino == inode) return fd;
    }
  }
  return {};
}

}  // namespace

void Keeper::adopt_all() {
  for (const auto& file : list_directory(options_.run_dir)) {
    if (!file.ends_with(".rec")) continue;
    auto record = Record::open(options_.run_dir, file.substr(0, file.size() - 4));
    if (record) {
      adopt(std::move(*record));
      continue;
    }
    report(Severity::warning, "a record was not usable", file, record.error().error);
    // Of another boot, or its keeper died before there was anything in it.
    if (record.error().error == ESTALE || record.error().error == ENODATA)
      ::unlink((options_.run_dir + "/" + file).c_str());
  }
  sweep_cgroups();
}

void Keeper::adopt(std::unique_ptr<Record> record) {
  auto& instance = enlist(std::move(record));
  auto& data = instance.data();
  auto& info = instance.info();
  instance.tree = Tree::open(Level(data.level), data.cgroup);
  if (info.pid == 0) info.pid = data.child_pid;  // the keeper died between the clone and the next line
  if (info.pid == 0 || data.spawn_stage != 0) {  // nothing was started
    instance.tree.kill();
    return discard(instance);
  }
  instance.tree.set_main(info.pid, data.token);
  adopt_sockets(instance);
  if (!resumed_) {
    info.adopted = 1;
    ++status_.adopted;
  }
  bool ended = info.exit != ExitKind::none;
  if (!ended) ended = !adopt_main(instance);
  if (data.closed == 0) {
    adopt_pipes(instance);
    pump_.add(instance.log.get());
  }
  for (const char* what : {"p:", "0:", "1:"})
    handoff_.take(what + instance.record->name());  // of no more use
  if (info.state == State::emptied) {
    instance.tree.remove();
    if (instance.log) pump_.finish(instance.log.get(), info.emptied_wall_ns);
    return;
  }
  begin_watching(instance);
  adopt_hook(instance);
  if (!ended) return;
  if (info.exit == ExitKind::none) settle_exit(instance);
  else after_main(instance);
}

/// True: main runs (or is a zombie that somebody will tell us about) and we hold its pidfd.
bool Keeper::adopt_main(Instance& instance) {
  auto& info = instance.info();
  if (info.start_ticks != 0) instance.pidfd = handoff_.take("p:" + instance.record->name());
  if (instance.pidfd)
    return true;  // held since its birth: even if it was reaped by now, the kernel may tell its status
  Fd pidfd(pidfd_open(info.pid));  // first the fd, then the comparison
  const auto stat = process_stat(info.pid);
  bool same = pidfd && stat.start_ticks != 0 && stat.start_ticks == info.start_ticks;
  if (pidfd && info.start_ticks == 0) {
    for (const auto& member : instance.tree.members())
      if (member.pid == info.pid) same = true, info.start_ticks = member.start_ticks;
  }
  if (!same) return false;
  if (info.state == State::starting) {
    info.state = State::running;
    info.started_boot_ns = boot_ns();
    info.started_wall_ns = wall_ns();
  }
  instance.pidfd = std::move(pidfd);
  hold("p:" + instance.record->name(), instance.pidfd.get());
  return true;
}

void Keeper::adopt_pipes(Instance& instance) {
  Fd ends[2];
  bool gap = false;
  for (int stream = 0; stream < 2; ++stream) {
    const auto inode = instance.data().pipe_inode[stream];
    if (inode == 0) continue;
    const auto name = std::to_string(stream) + ":" + instance.record->name();
    ends[stream] = handoff_.take(name);
    if (ends[stream]) continue;
    ends[stream] = reopen_pipe(instance.tree.members(), inode);
    if (ends[stream]) hold(name, ends[stream].get());
    else gap = true;
  }
  make_log(instance, std::move(ends[0]), std::move(ends[1]));
  instance.log->gap = gap;
}

/// Cgroups of ours without a record: empty ones are removed, the others counted and left alone.
void Keeper::sweep_cgroups() {
  if (!has_cgroup(base_.level)) return;
  for (const auto& name : list_directory(base_.path)) {
    const auto path = base_.path + "/" + name;
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) continue;
    bool known = false;
    for (const auto& [number, instance] : instances_) known = known || path == instance->data().cgroup;
    if (known) continue;
    auto tree = Tree::open(base_.level, path);
    if (tree.empty()) tree.remove();
    else ++status_.strays;
  }
}

}  // namespace drover::keeper
