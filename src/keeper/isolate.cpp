// What of the host a child may touch: mounts of its own, capabilities.
// mount_namespaces(7), open_tree(2), mount_setattr(2), user_namespaces(7), capabilities(7).

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/syscall.h>

#include <algorithm>

#include "keeper/child.hpp"

namespace drover::keeper {

namespace {

long write_text(const char* path, const char* text, std::size_t size) {
  const long fd = raw_call(SYS_openat, AT_FDCWD, long(path), O_WRONLY | O_CLOEXEC);
  const long done = fd < 0 ? -1 : raw_call(SYS_write, fd, long(text), long(size));
  if (fd >= 0) raw_call(SYS_close, fd);
  return done;
}

/// "ID ID 1": who we are, and nobody else.
bool map_self(const char* file, unsigned long id) {
  char text[32];
  std::size_t at = sizeof text;
  const auto put = [&](unsigned long value) {
    do text[--at] = char('0' + value % 10);
    while ((value /= 10) > 0);
    text[--at] = ' ';
  };
  put(1);
  put(id);
  put(id);
  ++at;  // the first blank
  return write_text(file, text + at, sizeof text - at) == long(sizeof text - at);
}

/// Mounts of our own: as root, or in a user namespace where that is allowed.
bool own_mounts() {
  const auto uid = (unsigned long)(raw_call(SYS_geteuid)), gid = (unsigned long)(raw_call(SYS_getegid));
  if (raw_call(SYS_unshare, CLONE_NEWNS) != 0) {
    if (uid == 0 || raw_call(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    write_text("/proc/self/setgroups", "deny", 4);
    if (!map_self("/proc/self/uid_map", uid) || !map_self("/proc/self/gid_map", gid)) return false;
  }
  return raw_call(SYS_mount, long("none"), long("/"), 0, MS_REC | MS_SLAVE) == 0;
}

bool make_read_only(long fd, const char* path) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  return raw_call(SYS_mount_setattr, fd, long(path), AT_EMPTY_PATH | AT_RECURSIVE, long(&attributes),
                  sizeof attributes) == 0;
}

std::uint32_t lost_with(MountStep::Kind kind) {
  return kind == MountStep::Kind::empty ? degraded_private_tmp : degraded_read_only;
}

bool attach(const MountStep& step) {
  if (step.kind == MountStep::Kind::empty)
    return raw_call(SYS_mount, long("drover"), long(step.path), long("tmpfs"), MS_NOSUID | MS_NODEV,
                    long("mode=1777")) == 0;
  if (step.fd < 0) return false;
  if (step.kind == MountStep::Kind::read_only && !make_read_only(step.fd, "")) return false;
  return raw_call(SYS_move_mount, step.fd, long(""), AT_FDCWD, long(step.path), MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

int last_capability() {
  int last = 63;
  while (last > 0 && raw_call(SYS_prctl, PR_CAPBSET_READ, last) < 0) --last;
  return last;
}

struct Sets {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
};

}  // namespace

void plan_isolation(const SpawnSpec& spec, Plan& plan) {
  using Kind = MountStep::Kind;
  const auto add = [&](Kind kind, const char* path) { plan.mounts.push_back({kind, path, -1}); };
  for (const auto& path : spec.read_only_paths) add(Kind::read_only, path.c_str());
  for (const auto& path : spec.read_write_paths) add(Kind::writable, path.c_str());
  for (const char* path : {"/tmp", "/var/tmp"})
    if (spec.fixed.private_tmp != 0) add(Kind::empty, path);
  if (spec.fixed.read_only != 0) {
    for (const char* path : {"/dev", "/proc"}) add(Kind::writable, path);
    if (spec.fixed.private_tmp == 0) add(Kind::writable, "/tmp");
  }
  std::sort(plan.mounts.begin(), plan.mounts.end(),
            [](const MountStep& a, const MountStep& b) { return std::string_view(a.path) < b.path; });
}

/// Copies of what stays as it is are taken before all becomes read-only, and put on top again: taking the
/// flag away from a tree would also take it from what was read-only in the first place.
void isolate(Plan& plan) {
  if (plan.mounts.empty()) return;
  std::uint32_t lost = 0;
  for (const auto& step : plan.mounts) lost |= lost_with(step.kind);
  if (!own_mounts()) {
    *plan.degraded |= lost;
    return;
  }
  for (auto& step : plan.mounts)
    if (step.kind != MountStep::Kind::empty)
      step.fd = int(raw_call(SYS_open_tree, AT_FDCWD, long(step.path),
                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  if (plan.spec->fixed.read_only != 0 && !make_read_only(AT_FDCWD, "/")) *plan.degraded |= degraded_read_only;
  for (const auto& step : plan.mounts)
    if (!attach(step)) *plan.degraded |= lost_with(step.kind);
}

void limit_capabilities(Plan& plan) {
  const auto& fixed = plan.spec->fixed;
  if (fixed.set_capabilities == 0) return;
  for (int each = last_capability(); each >= 0; --each)
    if ((fixed.capabilities >> each & 1) == 0 && raw_call(SYS_prctl, PR_CAPBSET_READ, each) == 1 &&
        raw_call(SYS_prctl, PR_CAPBSET_DROP, each) != 0 &&
        fixed.no_new_privs == 0)  // with it nothing is gained by exec, whatever the bounding set has
      *plan.degraded |= degraded_capabilities;
  raw_call(SYS_prctl, PR_SET_KEEPCAPS, 1);  // the next step would take them all
}

void keep_capabilities(Plan& plan) {
  const auto& fixed = plan.spec->fixed;
  if (fixed.set_capabilities == 0) return;
  Sets have, want;
  raw_call(SYS_capget, long(&have.header), long(have.data));
  for (int half = 0; half < 2; ++half) {
    const auto asked = std::uint32_t(fixed.capabilities >> (32 * half));
    const auto granted = asked & have.data[half].permitted;
    if (granted != asked) *plan.degraded |= degraded_capabilities;
    want.data[half] = {granted, granted, granted};
  }
  if (raw_call(SYS_capset, long(&want.header), long(want.data)) != 0) *plan.degraded |= degraded_capabilities;
  raw_call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
  for (int each = last_capability(); each >= 0; --each)
    if ((want.data[each / 32].permitted >> (each % 32) & 1) != 0 &&
        raw_call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, each) != 0)
      *plan.degraded |= degraded_capabilities;
}

}  // namespace drover::keeper
