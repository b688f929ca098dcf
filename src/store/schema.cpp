#include "store/schema.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace drover::store {

namespace {

// The shape was measured: docs/decisions/0002-stored-shape.md. Never edit a migration; add one.
constexpr std::string_view first = R"(
CREATE TABLE stacks      (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE revisions   (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE slots       (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE tasks       (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE deployments (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE operations  (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE nodes       (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE join_tokens (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE users       (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE credentials (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE idempotency (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE events      (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE audit       (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE identity    (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE position    (id INTEGER PRIMARY KEY CHECK (id = 1), commits INTEGER NOT NULL,
                          event_seq INTEGER NOT NULL, audit_seq INTEGER NOT NULL,
                          audit_hash TEXT NOT NULL) STRICT;
INSERT INTO position VALUES (1, 0, 0, 0, '');
)";

// Tasks that are over lie apart, in the order of their ends: at start only live ones are read.
constexpr std::string_view task_records = R"(
CREATE TABLE task_records (seq INTEGER PRIMARY KEY, key TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX task_records_key ON task_records(key);
INSERT INTO task_records(key, body)
  SELECT key, body FROM tasks WHERE body->>'state' IN ('completed', 'failed', 'cancelled')
  ORDER BY body->>'finished_at';
DELETE FROM tasks WHERE body->>'state' IN ('completed', 'failed', 'cancelled');
CREATE TABLE queues (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;
)";

constexpr std::array migrations{first, task_records};

/// A copy of the file as it was, so that the former program can be put back.
Result<void> snapshot(Database& db, const std::string& path, std::uint64_t version) {
  auto copy = fmt::format("{}.before-v{}", path, version + 1);
  ::unlink(copy.c_str());
  TRY(auto statement, db.prepare("VACUUM INTO $1"));
  statement->bind(1, std::string_view(copy));
  TRYV(statement->run());
  if (::chmod(copy.c_str(), 0600) != 0) return fail(from_errno(errno, "cannot protect " + copy));
  return {};
}

Result<void> apply(Database& db, std::size_t version) {
  TRYV(db.execute("BEGIN IMMEDIATE"));
  auto sql = fmt::format("{}; PRAGMA user_version={};", migrations[version], version + 1);
  auto done = db.execute(sql);
  if (done) done = db.execute("COMMIT");
  if (done) return {};
  Error error = done.error();
  (void)db.execute("ROLLBACK");  // the first error is the one that matters
  return fail(std::move(error));
}

}  // namespace

Result<void> migrate(Database& db, const std::string& path) {
  TRY(auto text, db.value("PRAGMA user_version"));
  std::size_t version = std::stoul(text);
  if (version > migrations.size())
    return fail(Errc::unsupported, "the store was made by a newer version of Drover",
                fmt::format("its form is {}, this program knows {}", version, migrations.size()),
                fmt::format("use the newer program, or put the snapshot {}.before-v{} back", path, version));
  if (version > 0 && version < migrations.size()) TRYV(snapshot(db, path, version));
  for (; version < migrations.size(); ++version) TRYV(apply(db, version));
  return {};
}

std::string revision_key(const std::string& stack, std::uint64_t number) {
  return fmt::format("{} {:010}", stack, number);
}

}  // namespace drover::store
