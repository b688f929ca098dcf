#pragma once
// Log lines of several instances, each with a coloured name in front.

#include "cli/api.hpp"

namespace drover::cli {

class LogPrinter {
 public:
  explicit LogPrinter(const Context& context, bool names, bool times)
      : context_(context), names_(names), times_(times) {}
  /// One JSON record as the hub sends it. False: the reader is gone.
  bool print(const std::string& record);

 private:
  const Context& context_;
  bool names_, times_;
  std::size_t width_ = 8;
};

struct LogFlags {
  std::vector<std::string> targets;
  bool follow = false, timestamps = false, no_names = false;
  std::string since, grep, stream, node;
  std::optional<std::uint32_t> tail;
};
/// The call for one target ("": all).
Call log_call(const LogFlags& flags, const std::string& target);

}  // namespace drover::cli
