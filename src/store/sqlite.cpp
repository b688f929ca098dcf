#include "store/sqlite.hpp"

#include <sqlite3.h>

namespace drover::store {

Error sqlite_error(sqlite3* db, std::string what) {
  int code = sqlite3_errcode(db);
  Error error{Errc::internal, std::move(what), sqlite3_errmsg(db), {}, {}};
  if (code == SQLITE_FULL) {
    error.code = Errc::exhausted;
    error.hint = "make room on the disk that holds the hub's state directory";
  } else if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    error.code = Errc::unavailable;
  } else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
    error.hint = "the store's file is damaged; restore it from a backup or a snapshot beside it";
  } else if (code == SQLITE_PERM || code == SQLITE_READONLY || code == SQLITE_CANTOPEN) {
    error.code = Errc::denied;
  }
  return error;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int at, std::string_view text) {
  sqlite3_bind_text(statement_, at, text.data(), int(text.size()), SQLITE_STATIC);
  return *this;
}
Statement& Statement::bind(int at, std::int64_t number) {
  sqlite3_bind_int64(statement_, at, number);
  return *this;
}

Result<bool> Statement::step() {
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(sqlite_error(db_, "the store cannot be read or written"));
}

Result<void> Statement::run() {
  auto stepped = step();
  Error error = stepped ? Error{} : std::move(stepped).error();
  reset();
  if (!stepped) return fail(std::move(error));
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

std::string_view Statement::text(int column) const {
  auto* bytes = sqlite3_column_text(statement_, column);
  if (!bytes) return {};
  return {reinterpret_cast<const char*>(bytes), std::size_t(sqlite3_column_bytes(statement_, column))};
}
std::uint64_t Statement::number(int column) const {
  return std::uint64_t(sqlite3_column_int64(statement_, column));
}
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

void Database::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

namespace {
Result<void> configure(Database& db, Access access) {
  sqlite3_busy_timeout(db.handle(), 5000);
  TRYV(db.execute("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"));
  if (access == Access::read_only) {
    sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    return db.execute("PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON;");
  }
  return db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000;");
}
}  // namespace

Result<Database> Database::open(const std::string& path, Access access) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database db(raw);
  if (code != SQLITE_OK) return fail(sqlite_error(raw, "cannot open the store " + path));
  sqlite3_extended_result_codes(raw, 0);
  TRYV(configure(db, access));
  return db;
}

Result<void> Database::execute(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return fail(sqlite_error(db_.get(), "the store cannot be changed"));
}

Result<std::unique_ptr<Statement>> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db_.get(), sql.data(), int(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return fail(sqlite_error(db_.get(), "the store does not understand a statement"));
  return std::make_unique<Statement>(db_.get(), statement);
}

Result<Statement*> Database::cached(std::string_view sql) {
  if (auto found = statements_.find(sql); found != statements_.end()) return found->second.get();
  TRY(auto statement, prepare(sql));
  return statements_.emplace(sql, std::move(statement)).first->second.get();
}

Result<std::string> Database::value(std::string_view sql) {
  TRY(auto statement, prepare(sql));
  TRY(bool row, statement->step());
  return row ? std::string(statement->text(0)) : std::string();
}

}  // namespace drover::store
