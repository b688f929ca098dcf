#pragma once
// The Prometheus text format (version 0.0.4), written by hand: about what there is here, no more.

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace drover::agent {

/// Families in the order in which they were begun; samples of one family lie together.
class Exposition {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;
  /// Begins a family. type: counter, gauge.
  Exposition& family(std::string_view name, std::string_view type, std::string_view help);
  Exposition& sample(const Labels& labels, double value);
  const std::string& text() const { return text_; }

 private:
  std::string text_, name_;
};

/// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, process_start_time_seconds: of
/// this one.
void add_process_metrics(Exposition& out);

}  // namespace drover::agent
