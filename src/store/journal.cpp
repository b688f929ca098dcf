#include "store/journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/fault.hpp"
#include "base/json.hpp"
#include "store/sqlite.hpp"
#include "store/writer.hpp"

namespace drover::store {

namespace {

constexpr std::int64_t format = 1;
constexpr std::int64_t room = 1 << 20;  // bytes in the file and in its log that are taken beforehand

std::string attempt_key(const TaskId& task, std::uint32_t attempt) {
  return fmt::format("{} {}", to_string(task), attempt);
}

struct RowWriter {
  Database& db;
  Result<void> put(std::string_view sql, const std::string& key, const std::string& body) const {
    TRY(auto* statement, db.cached(sql));
    return statement->bind(1, std::string_view(key)).bind(2, std::string_view(body)).run();
  }
  Result<void> erase(std::string_view sql, const std::string& key) const {
    TRY(auto* statement, db.cached(sql));
    return statement->bind(1, std::string_view(key)).run();
  }
  Result<void> operator()(const agent::PlacementRow& row) const {
    return put(
        "INSERT INTO placements(key, body) VALUES ($1, $2) ON CONFLICT(key) DO UPDATE SET body=excluded.body",
        to_string(row.placement.instance), to_json_text(row));
  }
  Result<void> operator()(const agent::AttemptRow& row) const {
    return put(
        "INSERT INTO attempts(key, body) VALUES ($1, $2) ON CONFLICT(key) DO UPDATE SET body=excluded.body",
        attempt_key(row.assign.task, row.assign.attempt), to_json_text(row));
  }
  Result<void> operator()(const agent::AgentMeta& row) const {
    return put(
        "INSERT INTO meta(key, body) VALUES ($1, $2) ON CONFLICT(key) DO UPDATE SET body=excluded.body",
        "agent", to_json_text(row));
  }
  Result<void> operator()(const agent::ErasePlacement& row) const {
    return erase("DELETE FROM placements WHERE key=$1", to_string(row.instance));
  }
  Result<void> operator()(const agent::EraseAttempt& row) const {
    return erase("DELETE FROM attempts WHERE key=$1", attempt_key(row.task, row.attempt));
  }
  Result<void> operator()(const agent::EraseAll&) const {
    return db.execute("DELETE FROM placements; DELETE FROM attempts; DELETE FROM meta;");
  }
};

Result<void> make_tables(Database& db, const std::string& path) {
  TRY(const auto version, db.value("PRAGMA user_version"));
  if (version == std::to_string(format)) return {};
  if (version != "0")
    return fail(Errc::unsupported, fmt::format("the journal {} was made by a newer Drover", path), {},
                "install that version again");
  return db.execute(
      fmt::format("BEGIN IMMEDIATE;"
                  "CREATE TABLE placements(key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;"
                  "CREATE TABLE attempts(key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;"
                  "CREATE TABLE meta(key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;"
                  "CREATE TABLE room(body BLOB) STRICT;"
                  "PRAGMA user_version={}; COMMIT;",
                  format));
}

/// Pages that are written and freed again stay ours, in the file and in its log: later commits go there.
Result<void> take_room(Database& db) {
  // The log is reused from its start after a checkpoint, which must come before it outgrows what was taken.
  TRYV(db.execute("PRAGMA wal_autocheckpoint=64;"));
  return db.execute(
      fmt::format("BEGIN IMMEDIATE; INSERT INTO room(body) VALUES (zeroblob({})); COMMIT;"
                  "DELETE FROM room; PRAGMA wal_checkpoint(RESTART);",
                  room));
}

}  // namespace

struct AgentJournal::Impl {
  Database db;
};

AgentJournal::AgentJournal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AgentJournal::~AgentJournal() = default;

Result<std::unique_ptr<AgentJournal>> AgentJournal::open(const std::string& path) {
  const auto mask = ::umask(0077);
  auto opened = Database::open(path, Access::read_write);
  ::umask(mask);
  TRY(auto db, std::move(opened));
  TRY(const auto verdict, db.value("PRAGMA quick_check(1)"));
  if (verdict != "ok")
    return fail(Errc::internal, fmt::format("the journal {} is damaged", path), verdict,
                "move it away: the agent then asks the hub what shall run, and touches nothing before");
  TRYV(make_tables(db, path));
  // Less room is no reason not to start: what is written fails or does not when it is written.
  [[maybe_unused]] const auto taken = take_room(db);
  return std::unique_ptr<AgentJournal>(new AgentJournal(std::make_unique<Impl>(Impl{std::move(db)})));
}

Result<agent::Journal> AgentJournal::load() {
  agent::Journal journal;
  TRY(auto placements, impl_->db.prepare("SELECT body FROM placements"));
  TRY(journal.placements, read_all<agent::PlacementRow>(*placements));
  TRY(auto attempts, impl_->db.prepare("SELECT body FROM attempts"));
  TRY(journal.attempts, read_all<agent::AttemptRow>(*attempts));
  TRY(auto meta, impl_->db.prepare("SELECT body FROM meta WHERE key='agent'"));
  TRY(auto all, read_all<agent::AgentMeta>(*meta));
  if (!all.empty()) journal.meta = std::move(all.front());
  return journal;
}

Result<void> AgentJournal::commit(std::span<const agent::Row> rows) {
  if (fault::at("journal.commit")) return fail(Errc::exhausted, "injected: the disk is full");
  TRYV(impl_->db.execute("BEGIN IMMEDIATE"));
  const auto write = [&]() -> Result<void> {
    for (const auto& row : rows) TRYV(std::visit(RowWriter{impl_->db}, row));
    return impl_->db.execute("COMMIT");
  };
  auto written = write();
  if (!written) [[maybe_unused]]
    auto undone = impl_->db.execute("ROLLBACK");
  return written;
}

}  // namespace drover::store
