#pragma once
// Log lines of several instances, each with a coloured name in front.

#include "cli/api.hpp"

namespace drover::cli {

class LogPrinter {
 public:
  explicit LogPrinter(const Context& context, bool names, bool times, bool plain = false)
      : context_(context), names_(names), times_(times), plain_(plain) {}
  /// One JSON record as the hub sends it. False: the reader is gone.
  bool print(const std::string& record);

 private:
  const Context& context_;
  bool names_, times_, plain_;
  std::size_t width_ = 8;
};

struct LogFlags {
  std::vector<std::string> targets;
  bool follow = false, timestamps = false, no_names = false, plain = false;
  bool structured = false;  // records of product row E8
  std::string since, until, grep, stream, level, node;
  std::optional<std::uint32_t> tail;
  bool own = false;  // of our own programs
};
/// The call for these targets (none: all).
Call log_call(const LogFlags& flags);

/// What our own programs have logged; targets: hub, agent, keeper. From the hub, or, where none answers, from
/// the files of the state directory.
Result<int> show_own_logs(Context& context, const LogFlags& flags);

}  // namespace drover::cli
