#pragma once
// The log of one of our own programs in the format of the instances' logs: segments of CRI lines with an
// index, within a budget, for the same readers. (The keeper writes its own, keeper/own_log.cpp.)

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "net/io_pool.hpp"
#include "runtime/logs.hpp"

namespace drover::runtime {

/// STATE/own/PROGRAM, program: hub, agent, keeper. Hub and agent have a STATE of their own each; the keeper's
/// is the agent's.
std::string own_log_directory(const std::string& state, std::string_view program);

/// Whose logs a node has.
inline constexpr std::array<std::string_view, 2> node_programs{"agent", "keeper"};

struct OwnLogLimits {
  std::uint64_t budget = 32u << 20, segment = 4u << 20;  // bytes on disk
  std::uint64_t waiting = 256u << 10;                    // bytes in memory, on their way to the disk
};

/// One writer for each directory. take() never waits: a thread of its own writes. While the disk is full or
/// slow the newest records are lost beyond `waiting`, and counted: the log says so when it can be written
/// again. Nothing here logs.
class OwnLog final : public RecordSink {
 public:
  OwnLog(const Clock& clock, std::string directory, OwnLogLimits limits = {});
  /// Writes what waits, if the disk takes it.
  ~OwnLog() override;
  void take(std::string line) override;
  void flush() override;  // at most 2 s

 private:
  struct Writer;
  void write();
  const Clock& clock_;
  std::uint64_t most_;
  std::atomic<std::uint64_t> waiting_ = 0;  // bytes
  std::atomic<std::uint64_t> lost_ = 0;     // records, not yet said in the file
  std::atomic<bool> trying_ = false;        // to write, though nothing new could be taken
  std::unique_ptr<Writer> writer_;          // of the thread
  net::IoPool thread_{1};
};

}  // namespace drover::runtime
