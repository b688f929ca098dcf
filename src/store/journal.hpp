#pragma once
// AgentJournal: what an agent must not forget, in SQLite: placements, attempts and outcomes, ended jobs.
//
// One connection, used by one thread at a time. Room for further commits is taken when it is opened, so that
// a disk that others fill up does not stop the agent at once.

#include <memory>
#include <span>
#include <string>

#include "core/agent/io.hpp"

namespace drover::store {

class AgentJournal {
 public:
  /// Opens or makes it. unsupported: a newer Drover made it. internal: damaged. exhausted: no room to begin
  /// with.
  static Result<std::unique_ptr<AgentJournal>> open(const std::string& path);
  ~AgentJournal();
  AgentJournal(const AgentJournal&) = delete;
  AgentJournal& operator=(const AgentJournal&) = delete;

  /// Everything; once, at start.
  Result<agent::Journal> load();
  /// All of it durable, or nothing; rows in their order. exhausted: the disk is full.
  Result<void> commit(std::span<const agent::Row> rows);

 private:
  struct Impl;
  explicit AgentJournal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace drover::store
