#pragma once
// A thin, owning wrapper over SQLite's C interface; used inside store/ only. One connection, one thread.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace drover::store {

/// A prepared statement. Bind, then step() until it says false; reset() before the next use.
class Statement {
 public:
  Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int at, std::string_view text);  // the text must live until the statement is stepped
  Statement& bind(int at, std::int64_t number);
  Statement& bind(int at, std::uint64_t number) { return bind(at, std::int64_t(number)); }
  /// True: there is a row. False: done.
  Result<bool> step();
  /// Runs a statement that gives no rows, and resets it.
  Result<void> run();
  void reset();
  std::string_view text(int column) const;
  std::uint64_t number(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
};

enum class Access { read_write, read_only };

class Database {
 public:
  /// A read-only connection never checkpoints, not even when it is closed (lessons.md, trap 3).
  static Result<Database> open(const std::string& path, Access access);
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) noexcept = default;

  Result<void> execute(const std::string& sql);  // one or several statements without parameters
  Result<std::unique_ptr<Statement>> prepare(std::string_view sql);
  /// The same statement for the same text, prepared once. `sql` must be a literal.
  Result<Statement*> cached(std::string_view sql);
  /// The first column of the first row.
  Result<std::string> value(std::string_view sql);
  sqlite3* handle() const { return db_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  explicit Database(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, Close> db_;
  std::map<std::string_view, std::unique_ptr<Statement>> statements_;  // destroyed before db_
};

/// SQLITE_FULL is exhausted, SQLITE_BUSY unavailable, a damaged file internal.
Error sqlite_error(sqlite3* db, std::string what);

}  // namespace drover::store
