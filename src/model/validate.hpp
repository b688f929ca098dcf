#pragma once
// The parts of validate(), for this module only: each looks at one side of a service.

#include <string>
#include <string_view>
#include <vector>

#include "model/stack.hpp"

namespace drover::detail {

/// Collects problems at paths like services.api.ports[0]; the first 200, which nobody reads to the end.
class Problems {
 public:
  explicit Problems(std::vector<Problem>& out) : out_(out) {}
  void add(std::string path, std::string message, std::string hint = {}) {
    if (!full()) out_.push_back({std::move(path), 0, 0, std::move(message), std::move(hint), {}});
  }

  bool full() const { return out_.size() >= 200; }

 private:
  std::vector<Problem>& out_;
};

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

struct Range {
  Duration low, high;
};
void check_duration(Duration value, Range range, const std::string& at, Problems& problems);
void check_command(const std::vector<std::string>& command, const std::string& at, Problems& problems);

/// How it is asked and when it is started again: validate_probes.cpp.
void check_probes(const Service& service, const std::string& at, Problems& problems);
void check_restart(const Service& service, const std::string& at, Problems& problems);
/// What it may use and touch, how it is stopped, the sockets that it gets: validate_limits.cpp.
void check_limits(const ProcessSpec& spec, const std::string& at, Problems& problems);
void check_isolation(const ProcessSpec& spec, const std::string& at, Problems& problems);
void check_stop(const Stop& stop, const std::string& at, Problems& problems);
void check_reload(const Service& service, const std::string& at, Problems& problems);
void check_passed(const Service& service, const std::string& at, Problems& problems);
/// Names, dependencies, cycles, ports of one service against another's.
void check_between(const Stack& stack, Problems& problems);
/// Numbers and words of one service. `at`: services.NAME
void check_service(const Service& service, const std::string& at, Problems& problems);
/// {{…}} in every text where they are filled in.
void check_placeholders(const Service& service, const std::string& at, Problems& problems);

}  // namespace drover::detail
