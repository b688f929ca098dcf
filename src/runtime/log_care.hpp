#pragma once
// The agent's care for log files that are closed: compresses them, and keeps all logs of the host within one
// budget. The keeper alone writes logs, and keeps each instance within its own budget.

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace drover::runtime {

struct LogCare {
  std::uint64_t budget = 0;       // bytes on disk of all directories; 0: default_log_budget()
  Duration quiet = 10s;           // a file that was written to later than this is left alone
  std::set<std::string> plain;    // directories whose files are not compressed
  std::vector<std::string> also;  // further log directories, beside those below the root
};
struct LogCareDone {
  std::uint64_t compressed = 0;                  // files
  std::uint64_t removed = 0, removed_bytes = 0;  // files, over the budget
  std::uint64_t bytes = 0;                       // on disk afterwards
  std::string problem;                           // the first one
};

/// 2 GiB, or a tenth of the disk that holds `directory` when that is less.
std::uint64_t default_log_budget(const std::string& directory);

/// One pass over ROOT/<stack>/<instance>/logs and `also`. The newest file of a directory is never touched.
/// Over the budget the oldest closed file of the largest directory goes, again and again. Ends early when
/// `stop` becomes true. Blocks for as long as disk and compression take.
LogCareDone care_for_logs(const std::string& root, const LogCare& care, WallTime now,
                          const std::atomic<bool>& stop);

/// This thread gets the CPU and the disk only when nobody else wants them.
void make_thread_idle();

}  // namespace drover::runtime
