#include "store/writer.hpp"

#include <array>

#include "store/schema.hpp"

namespace drover::store {

namespace {

// The texts are made once per type and live for ever: Database::cached() keeps views of them.
template <class T>
const std::string& upsert_sql() {
  static const std::string sql =
      "INSERT INTO " + std::string(table<T>) +
      "(key, body) VALUES ($1, $2) ON CONFLICT(key) DO UPDATE SET body=excluded.body";
  return sql;
}
template <class T>
const std::string& erase_sql() {
  static const std::string sql = "DELETE FROM " + std::string(table<T>) + " WHERE key=$1";
  return sql;
}

class BatchWriter {
 public:
  BatchWriter(Database& db, Position position) : db_(db), position_(std::move(position)) {}

  Result<void> operator()(const hub::Row& row) {
    return std::visit([&](const auto& item) { return put(item); }, row);
  }
  Result<void> operator()(const hub::Erase& erase) {
    return std::visit([&](const auto& item) { return drop(item); }, erase);
  }
  Result<void> operator()(const Event& event) {
    TRY(auto* insert, db_.cached("INSERT INTO events(seq, body) VALUES ($1, $2)"));
    auto body = to_json_text(event);
    TRYV(insert->bind(1, event.seq).bind(2, std::string_view(body)).run());
    position_.event_seq = event.seq;
    return {};
  }
  Result<void> operator()(const AuditEntry& entry) {
    AuditEntry chained = entry;
    chained.prev_hash = position_.audit_hash;
    chained.hash = audit_hash(chained);
    TRY(auto* insert, db_.cached("INSERT INTO audit(seq, hash, body) VALUES ($1, $2, $3)"));
    auto body = to_json_text(chained);
    insert->bind(1, entry.seq).bind(2, std::string_view(chained.hash)).bind(3, std::string_view(body));
    TRYV(insert->run());
    position_.audit_seq = entry.seq;
    position_.audit_hash = chained.hash;
    return {};
  }
  Result<Position> finish(std::uint64_t commit) {
    position_.commit = commit;
    TRY(auto* update,
        db_.cached("UPDATE position SET commits=$1, event_seq=$2, audit_seq=$3, audit_hash=$4"));
    update->bind(1, commit).bind(2, position_.event_seq).bind(3, position_.audit_seq);
    update->bind(4, std::string_view(position_.audit_hash));
    TRYV(update->run());
    return position_;
  }

 private:
  template <class T>
  Result<void> put(const T& row) {
    TRY(auto* upsert, db_.cached(upsert_sql<T>()));
    auto key = key_of(row);
    auto body = to_json_text(row);
    return upsert->bind(1, std::string_view(key)).bind(2, std::string_view(body)).run();
  }
  /// In the place of its row among the live ones.
  Result<void> put(const hub::TaskRecord& row) {
    auto key = to_string(row.task.id);
    TRYV(erase<Task>(key));
    TRY(auto* insert, db_.cached("INSERT INTO task_records(seq, key, body) VALUES ($1, $2, $3)"));
    auto body = to_json_text(row.task);
    return insert->bind(1, row.seq).bind(2, std::string_view(key)).bind(3, std::string_view(body)).run();
  }
  template <class T>
  Result<void> erase(std::string_view key) {
    TRY(auto* statement, db_.cached(erase_sql<T>()));
    return statement->bind(1, key).run();
  }
  Result<void> drop(const hub::EraseStack& it) {
    TRYV(erase<hub::StackRow>(it.name));
    TRY(auto* revisions, db_.cached("DELETE FROM revisions WHERE key > $1 AND key < $2"));
    auto from = it.name + " ", to = it.name + "!";  // '!' follows ' ', and no name holds either
    return revisions->bind(1, std::string_view(from)).bind(2, std::string_view(to)).run();
  }
  Result<void> drop(const hub::EraseRevision& it) {
    return erase<hub::RevisionRow>(revision_key(it.stack, it.number));
  }
  Result<void> drop(const hub::EraseSlot& it) { return erase<hub::Slot>(to_string(it.id)); }
  Result<void> drop(const hub::EraseDeployment& it) { return erase<Deployment>(to_string(it.id)); }
  Result<void> drop(const hub::EraseOperation& it) { return erase<Operation>(to_string(it.id)); }
  Result<void> drop(const hub::EraseNode& it) { return erase<hub::NodeRow>(to_string(it.id)); }
  Result<void> drop(const hub::EraseJoinToken& it) { return erase<hub::JoinToken>(to_string(it.id)); }
  Result<void> drop(const hub::EraseUser& it) { return erase<hub::User>(to_string(it.id)); }
  Result<void> drop(const hub::EraseCredential& it) { return erase<hub::Credential>(to_string(it.id)); }
  Result<void> drop(const hub::EraseIdempotency& it) { return erase<hub::IdempotencyRow>(it.key); }
  Result<void> drop(const hub::EraseEventsBefore& it) {
    TRY(auto* statement, db_.cached("DELETE FROM events WHERE seq < $1"));
    return statement->bind(1, it.seq).run();
  }
  Result<void> drop(const hub::EraseQueue& it) { return erase<hub::QueueRow>(it.name); }
  Result<void> drop(const hub::EraseRecordsBefore& it) {
    TRY(auto* statement, db_.cached("DELETE FROM task_records WHERE seq < $1"));
    return statement->bind(1, it.seq).run();
  }

  Database& db_;
  Position position_;
};

Result<Position> write_all(Database& db, const Position& from, const Batch& batch) {
  BatchWriter writer(db, from);
  for (const auto& change : batch.changes) TRYV(std::visit(writer, change));
  TRY(auto to, writer.finish(batch.commit));
  TRYV(db.execute("COMMIT"));
  return to;
}

template <class T>
Result<void> read_table(Database& db, std::vector<hub::Row>& rows) {
  TRY(auto query, db.prepare("SELECT body FROM " + std::string(table<T>) + " ORDER BY key"));
  TRY(auto items, read_all<T>(*query));
  for (auto& item : items) rows.emplace_back(std::move(item));
  return {};
}

/// Only the newest of them.
template <>
Result<void> read_table<hub::TaskRecord>(Database& db, std::vector<hub::Row>& rows) {
  TRY(auto query, db.prepare("SELECT seq, body FROM task_records ORDER BY seq DESC LIMIT $1"));
  query->bind(1, std::uint64_t(hub::recent_records));
  for (;;) {
    TRY(bool more, query->step());
    if (!more) return {};
    TRY(auto task, from_json_text<Task>(query->text(1), Unknown::ignore));
    rows.emplace_back(hub::TaskRecord{query->number(0), std::move(task)});
  }
}

template <class... T>
Result<void> read_tables(Database& db, std::vector<hub::Row>& rows, std::type_identity<std::variant<T...>>) {
  Result<void> done;
  ((done = done ? read_table<T>(db, rows) : std::move(done)), ...);
  return done;
}

}  // namespace

Result<void> write_batch(Database& db, Position& position, const Batch& batch) {
  TRYV(db.execute("BEGIN IMMEDIATE"));
  auto written = write_all(db, position, batch);
  if (!written) {
    Error error = std::move(written).error();
    (void)db.execute("ROLLBACK");  // fails where SQLite has rolled back by itself
    return fail(std::move(error));
  }
  position = std::move(*written);
  return {};
}

Result<Position> read_position(Database& db) {
  TRY(auto query, db.prepare("SELECT commits, event_seq, audit_seq, audit_hash FROM position"));
  TRY(bool row, query->step());
  if (!row) return fail(Errc::internal, "the store is damaged: its position is missing");
  return Position{query->number(0), query->number(1), query->number(2), std::string(query->text(3))};
}

Result<hub::Image> read_image(Database& db, const Position& position) {
  hub::Image image;
  TRY(auto id, db.value("SELECT value FROM identity WHERE name='store_id'"));
  auto store = parse_uuid(id);
  if (!store) return fail(Errc::internal, "the store is damaged: its id is missing");
  image.store = StoreId{*store};
  TRY(image.digest_key, db.value("SELECT value FROM identity WHERE name='digest_key'"));
  TRY(auto first, db.value("SELECT min(seq) FROM events"));
  image.first_event = first.empty() ? 0 : std::stoull(first);
  TRY(auto oldest, db.value("SELECT min(seq) FROM task_records"));
  TRY(auto newest, db.value("SELECT max(seq) FROM task_records"));
  image.first_record = oldest.empty() ? 0 : std::stoull(oldest);
  image.last_record = newest.empty() ? 0 : std::stoull(newest);
  image.commit = position.commit;
  image.event_seq = position.event_seq;
  image.audit_seq = position.audit_seq;
  image.audit_hash = position.audit_hash;
  TRYV(read_tables(db, image.rows, std::type_identity<hub::Row>{}));
  return image;
}

}  // namespace drover::store
