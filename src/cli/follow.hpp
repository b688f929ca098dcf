#pragma once
// Waiting for what was asked for: deployments and operations, with progress on a terminal.

#include <atomic>

#include "cli/api.hpp"

namespace drover::cli {

struct WaitFlags {
  bool wait = false, no_wait = false;
  std::string timeout = "5m";
};
std::vector<Flag> wait_flags(WaitFlags& flags);
/// Default: on a terminal.
bool shall_wait(const Context& context, const WaitFlags& flags);

/// Instances with state and time: repainted on a terminal, one line a change elsewhere. Of more than
/// `most_lines` only how many are in which state.
class Progress {
 public:
  explicit Progress(const Context& context) : context_(context) {}
  void show(const json::array& instances);

 private:
  static constexpr std::size_t most_lines = 40;
  std::vector<std::string> summary(const json::array& instances) const;
  void show_lines(const std::vector<std::string>& lines);
  std::string line(const json::value& instance, std::size_t name_width) const;
  const Context& context_;
  std::size_t painted_ = 0;                    // lines on the terminal
  std::map<std::string, std::string> former_;  // what was said of each
  std::string summary_;                        // or of all
};

/// The pause between two looks.
void sleep_a_little();

/// Ctrl-C during a wait: only the waiting ends. Null: not watched.
using StopFlag = const std::atomic<bool>*;

struct Following {
  std::string deployment, stack;
  Duration limit = 300s;
  StopFlag stop = nullptr;
  Progress* progress = nullptr;  // null: one of its own
};
/// The exit status: 0 succeeded, 1 failed, 5 superseded, 6 timed out, 130 interrupted.
Result<int> follow_deployment(const Context& context, const Api& api, const Following& what);
/// 8: some items failed.
Result<int> follow_operation(const Context& context, const Api& api, const std::string& id, Duration limit);

/// After a change: prints what was started, waits when that is wanted. `body`: {"deployment": id} or an
/// operation.
Result<int> after_change(const Context& context, const Api& api, const Answer& answer,
                         const std::string& stack, const WaitFlags& flags);

}  // namespace drover::cli
