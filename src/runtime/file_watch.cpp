#include "runtime/file_watch.hpp"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/descriptor.hpp"
#include "runtime/files.hpp"

namespace drover::runtime {

namespace {
constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                  IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;

bool left_out(std::string_view name) {
  return name == ".git" || name == "node_modules" || name == "__pycache__" || name.ends_with('~') ||
         name.ends_with(".swp") || name.ends_with(".swx") || name.ends_with(".pyc") ||
         name.starts_with(".#") || name == "4913";  // vim's test whether it may write
}

bool is_directory(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

struct Watched {
  std::string path;
  std::string only;  // a file's name: nothing else in this directory counts
  std::size_t depth = 0;
};

/// The inotify descriptor of one run and what it stands for. On one thread at a time.
class Tree {
 public:
  Tree(int fd, const WatchLimits& limits) : fd_(fd), limits_(limits) {}

  std::string trouble;  // the first one

  void add_root(const std::string& path) {
    if (is_directory(path)) return add(path, "", 0);
    const auto slash = path.rfind('/');
    // A file is seen through its directory: editors replace files instead of writing them.
    add(slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1), 0);
  }
  /// What has changed, "" if nothing that counts.
  std::string take(const inotify_event& event, std::string_view name) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) return "more files than can be told";
    const auto range = by_watch_.equal_range(event.wd);
    std::string changed;
    std::vector<Watched> fresh;
    for (auto it = range.first; it != range.second; ++it) {
      const Watched& at = it->second;
      const bool self = (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
      if (!self && (left_out(name) || (!at.only.empty() && at.only != name))) continue;
      if ((event.mask & IN_IGNORED) != 0) continue;
      changed = self ? at.path : fmt::format("{}/{}", at.path, name);
      const bool made = (event.mask & IN_ISDIR) != 0 && (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
      if (made && at.only.empty()) fresh.push_back({changed, "", at.depth + 1});
    }
    for (const auto& one : fresh) add(one.path, "", one.depth);
    return changed;
  }

 private:
  void add(const std::string& path, const std::string& only, std::size_t depth) {
    if (depth > limits_.depth)
      return complain(fmt::format("{} is more than {} directories deep", path, limits_.depth));
    if (by_watch_.size() >= limits_.directories)
      return complain(fmt::format("there are more than {} directories to watch", limits_.directories));
    const int wd = ::inotify_add_watch(fd_, path.c_str(), changes);
    if (wd < 0) return complain(why_not(path, errno));
    by_watch_.emplace(wd, Watched{path, only, depth});
    if (!only.empty()) return;
    for (const auto& name : list_directory(path))
      if (const auto below = path + "/" + name; !left_out(name) && is_directory(below))
        add(below, "", depth + 1);
  }
  void complain(std::string what) {
    if (trouble.empty()) trouble = std::move(what);
  }
  static std::string why_not(const std::string& path, int error) {
    if (error == ENOSPC)
      return fmt::format("the user's limit of watches is reached (fs.inotify.max_user_watches is {})",
                         std::atoi(read_small_file("/proc/sys/fs/inotify/max_user_watches", 32).c_str()));
    return fmt::format("{}: {}", path, std::strerror(error));
  }

  int fd_;
  const WatchLimits& limits_;
  std::multimap<int, Watched> by_watch_;
};

std::string read_changes(int fd, Tree& tree) {
  alignas(inotify_event) std::array<char, 16 << 10> buffer;
  std::string first;
  for (ssize_t size = 0; (size = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    for (std::size_t at = 0; at + sizeof(inotify_event) <= std::size_t(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const std::string name(buffer.data() + at + sizeof event);  // ends at its first NUL
      at += sizeof event + event.len;
      auto changed = tree.take(event, event.len > 0 ? std::string_view(name) : std::string_view());
      if (first.empty()) first = std::move(changed);
    }
  }
  return first;
}
}  // namespace

struct FileWatch::Impl {
  Impl(Parts its_parts, Log& log)
      : parts(std::move(its_parts)), tasks(parts.executor, [&log](std::string_view, std::string_view what) {
          log.error("watching files failed", {{"error", std::string(what)}});
        }) {}

  Parts parts;
  net::TaskGroup tasks;
  std::map<agent::Run, std::shared_ptr<Descriptor>> open;

  net::Awaitable<void> follow(agent::WatchFiles order, std::shared_ptr<Descriptor> inotify) {
    Tree tree(inotify->get(), parts.limits);
    co_await net::run_on(parts.files, [&] {
      for (const auto& path : order.paths) tree.add_root(path);
    });
    bool complained = false;
    for (;;) {
      if (!tree.trouble.empty() && !std::exchange(complained, true))
        parts.on_event(agent::Trouble{order.run, agent::About::watch,
                                      "not all is watched for changes: " + tree.trouble});
      if (!co_await inotify->readable()) co_return;
      std::string first;
      const auto until = std::chrono::steady_clock::now() + parts.limits.longest;
      for (bool more = true; more && std::chrono::steady_clock::now() < until;) {
        std::string changed;
        co_await net::run_on(parts.files, [&] { changed = read_changes(inotify->get(), tree); });
        if (first.empty()) first = std::move(changed);
        more = (co_await net::within(parts.limits.quiet, inotify->readable(), "quiet")).has_value();
      }
      if (!open.contains(order.run)) co_return;
      if (!first.empty()) parts.on_event(agent::FilesChanged{order.run, std::move(first)});
    }
  }
};

FileWatch::FileWatch(Parts parts, Log& log) : impl_(std::make_shared<Impl>(std::move(parts), log)) {}
FileWatch::~FileWatch() = default;

void FileWatch::set(agent::WatchFiles order) {
  if (const auto old = impl_->open.find(order.run); old != impl_->open.end()) {
    old->second->close();
    impl_->open.erase(old);
  }
  if (order.paths.empty()) return;
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0)
    return impl_->parts.on_event(
        agent::Trouble{order.run, agent::About::watch,
                       fmt::format("nothing is watched for changes: {} (fs.inotify.max_user_instances)",
                                   std::strerror(errno))});
  auto inotify = std::make_shared<Descriptor>(impl_->parts.executor, fd);
  impl_->open.emplace(order.run, inotify);
  impl_->tasks.spawn(impl_->follow(std::move(order), std::move(inotify)), "watch");
}

net::Awaitable<void> FileWatch::close() {
  impl_->tasks.cancel();
  co_await impl_->tasks.join();
}

}  // namespace drover::runtime
