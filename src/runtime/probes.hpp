#pragma once
// Asks instances how they are. Every answer comes within the probe's timeout and a little.

#include <map>
#include <memory>

#include "runtime/process_driver.hpp"

namespace drover::runtime {

/// Lives on the driver's executor.
class Prober {
 public:
  explicit Prober(ProcessDriver& driver) : driver_(driver) {}

  /// http (no redirects followed), tcp (a connection), exec (exit status 0), log (a line of this run), notify
  /// (what the program has said), grpc (SERVING), file (exists). With `check_ports` a success counts only if
  /// whoever listens on the run's TCP ports is one of its processes.
  net::Awaitable<agent::ProbeAnswer> ask(agent::AskProbe probe);
  void forget(const InstanceId& instance);

 private:
  using Outcome = Result<std::string>;  // the detail of a success, or why it is none
  struct LogScan;
  net::Awaitable<Outcome> ask_one(const agent::AskProbe& probe);
  net::Awaitable<Outcome> ask_log(LogCheck check, const agent::AskProbe& probe);
  net::Awaitable<Outcome> ask_exec(ExecCheck check, const agent::AskProbe& probe);
  net::Awaitable<Outcome> ask_file(FileCheck check, const agent::AskProbe& probe);
  Outcome ask_notify(const agent::AskProbe& probe) const;
  net::Awaitable<std::string> stolen_port(const agent::AskProbe& probe);

  ProcessDriver& driver_;
  std::map<std::pair<InstanceId, agent::Asked>, std::shared_ptr<LogScan>> scans_;
};

}  // namespace drover::runtime
