#pragma once
// HubStore: what the hub keeps, in SQLite. See README.md for the form of the file.
//
// One read-write connection, used by one thread (the hub's commit thread), alone writes and checkpoints.
// events_since(), audit() and verify_audit() open a read-only connection of their own and may be called from
// any thread. A second process is refused by a lock file.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "core/hub/rows.hpp"

namespace drover::store {

struct StoreOptions {
  std::uint64_t reserve = 8ull << 20;  // bytes set aside for a full disk; 0: none
  WallTime now{};                      // for the id of a new store
  std::uint64_t seed = 0;              // likewise
};

/// What one commit makes durable: the changes of one or many steps, in their order.
struct Batch {
  std::vector<hub::Change> changes;
  std::uint64_t commit = 0;  // the number of the last step in it
};

struct AuditCheck {
  bool ok = true;
  std::uint64_t entries = 0;
  std::optional<std::uint64_t> first_bad;  // seq of the first entry that does not fit
};
BOOST_DESCRIBE_STRUCT(AuditCheck, (), (ok, entries, first_bad))

class HubStore {
 public:
  /// Opens or makes the store at `path` (its directory must exist). conflict: another process has it open, by
  /// pid. unsupported: a newer Drover made it. internal: damaged.
  static Result<std::unique_ptr<HubStore>> open(std::string path, StoreOptions options);
  ~HubStore();
  HubStore(const HubStore&) = delete;
  HubStore& operator=(const HubStore&) = delete;

  /// Everything; once, at start.
  Result<hub::Image> load();
  /// All of it durable, or nothing. exhausted: the disk is full; nothing was written and the reserve has been
  /// released, so the same batch may be tried again. Any other error: end the process and read the truth.
  Result<void> commit(const Batch& batch);
  /// False after the reserve was released: the disk is nearly full, refuse what is not needed. Any thread.
  bool has_reserve() const { return reserve_held_; }
  /// Takes the reserve again if there is room for it twice over. True: it is held. Commit thread.
  bool take_reserve();

  // ---- history; any thread
  /// Events with a number above `seq`, oldest first.
  Result<std::vector<Event>> events_since(std::uint64_t seq, std::uint32_t limit) const;
  /// Entries with a number below `before` (0: the newest), newest first.
  Result<std::vector<AuditEntry>> audit(std::uint64_t before, std::uint32_t limit) const;
  /// Tasks that are over, the newest end first: those with a number below `before` (0: the newest).
  Result<std::vector<hub::TaskRecord>> task_records(std::uint64_t before, std::uint32_t limit) const;
  /// nullopt: it is not over, or not kept any more.
  Result<std::optional<Task>> finished_task(TaskId id) const;
  /// Recomputes the whole chain.
  Result<AuditCheck> verify_audit() const;

 private:
  struct Writer;
  HubStore(std::string path, StoreOptions options, std::unique_ptr<Writer> writer);
  std::string path_;
  StoreOptions options_;
  std::unique_ptr<Writer> writer_;
  std::atomic<bool> reserve_held_ = false;
};

/// hash of an entry: SHA-256 over its canonical JSON, in which `prev_hash` is the hash of the one before and
/// `hash` is empty.
std::string audit_hash(const AuditEntry& entry);

}  // namespace drover::store
