#pragma once
// What a run was started with: RUN/runs/<id>.<incarnation>.json. The keeper keeps what the process is; this
// is what the core needs besides, to adopt it. On tmpfs, written before the spawn, gone when the run is
// forgotten.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/agent/io.hpp"
#include "runtime/paths.hpp"

namespace drover::runtime {

struct RunRecord {
  InstanceId instance;
  std::uint64_t incarnation = 0, epoch = 0;
  std::string digest, stack, service, instance_name;
  std::map<std::string, std::uint16_t> ports;
  bool operator==(const RunRecord&) const = default;
};
BOOST_DESCRIBE_STRUCT(RunRecord, (),
                      (instance, incarnation, epoch, digest, stack, service, instance_name, ports))

Result<void> write_run_record(const Paths& paths, const RunRecord& record);
/// A log probe that has found its line need not find it again: the line may have gone by the log's budget.
void write_match(const Paths& paths, const agent::Run& run, const std::string& line);
std::optional<std::string> read_match(const Paths& paths, const agent::Run& run);
void remove_run_record(const Paths& paths, const agent::Run& run);
/// All that can be read.
std::map<agent::Run, RunRecord> read_run_records(const Paths& paths);

}  // namespace drover::runtime
