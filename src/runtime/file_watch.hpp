#pragma once
// Restart.watch: files and directories whose change restarts a run. By inotify(7); a burst of changes is one.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "core/agent/io.hpp"
#include "net/async.hpp"

namespace drover::runtime {

/// Limits of one run's watches; what is beyond them is told as Trouble.
struct WatchLimits {
  std::size_t directories = 4096;
  std::size_t depth = 16;
  Duration quiet = 200ms;  // without further change, then it is told
  Duration longest = 2s;   // however steadily it goes on
};

/// Lives on `executor`; directories are walked on `files`. Below a directory .git, node_modules, __pycache__
/// and editors' temporary files are left out.
class FileWatch {
 public:
  struct Parts {
    net::Executor executor, files;
    std::function<void(agent::Event)> on_event;  // FilesChanged, Trouble
    WatchLimits limits;
  };
  FileWatch(Parts parts, Log& log);
  ~FileWatch();

  /// Replaces what was watched for this run; no paths: nothing any more.
  void set(agent::WatchFiles order);
  net::Awaitable<void> close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace drover::runtime
