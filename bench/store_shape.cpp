// Which form shall tasks, attempts and events have in the store? Several shapes, the real rows, 512-row
// commits, on this disk and on one whose fsync is slow. One JSON line a figure. Decision:
// docs/decisions/0002.
//
// bench_store_shape [DIRECTORY] [SLOW_FSYNC_MS]

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/json.hpp"
#include "model/event.hpp"
#include "model/task.hpp"
#include "store/sqlite.hpp"

namespace {

using namespace drover;
using namespace drover::store;

// ---- a disk whose sync takes longer: the default VFS with a pause in xSync

std::chrono::milliseconds sync_pause{0};
std::uint64_t syncs = 0;
sqlite3_vfs slow_vfs;
int (*real_open)(sqlite3_vfs*, const char*, sqlite3_file*, int, int*);
int (*real_sync)(sqlite3_file*, int);
std::map<const sqlite3_io_methods*, sqlite3_io_methods>
    slow_methods;  // the WAL has other methods than the file

int slow_sync(sqlite3_file* file, int flags) {
  ++syncs;
  std::this_thread::sleep_for(sync_pause);
  return real_sync(file, flags);
}
int slow_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  int code = real_open(vfs, name, file, flags, out);
  if (code != SQLITE_OK || !file->pMethods) return code;
  auto [at, added] = slow_methods.emplace(file->pMethods, *file->pMethods);
  if (added) {
    real_sync = file->pMethods->xSync;
    at->second.xSync = slow_sync;
  }
  file->pMethods = &at->second;
  return code;
}
void use_slow_disk() {
  slow_vfs = *sqlite3_vfs_find(nullptr);
  real_open = slow_vfs.xOpen;
  slow_vfs.xOpen = slow_open;
  slow_vfs.zName = "slow";
  sqlite3_vfs_register(&slow_vfs, 1);
}

// ---- the rows

Task make_task(std::uint64_t n, int stage) {
  Rng rng(n);
  Task task;
  WallTime now{Duration(1'795'000'000'000'000 + std::int64_t(n) * 100)};
  task.id = {make_uuid(now, rng)};
  task.state = stage == 0 ? TaskState::pending : stage == 1 ? TaskState::assigned : TaskState::completed;
  task.stack = "shop";
  task.service = "web";
  task.instance_name = fmt::format("web-{}", n % 1000);
  task.node = {make_uuid(now, rng)};
  task.placement = {{make_uuid(now, rng)}, 1, 3, std::string(64, 'a')};
  task.deployment = DeploymentId{make_uuid(now, rng)};
  task.who = {"user:anna", "cli", std::string(32, '0')};
  task.created_at = now;
  if (stage > 0) task.attempts.push_back({.number = 1, .assigned_at = now});
  if (stage > 1) {
    task.attempts[0].started_at = task.attempts[0].ended_at = now;
    task.attempts[0].outcome = "succeed";
    task.finished_at = now;
    task.progress = 100;
  }
  return task;
}
Event make_event(std::uint64_t seq, const Task& task) {
  return {.seq = seq,
          .time = task.created_at,
          .type = "task.completed",
          .subject = "task " + to_string(task.id),
          .message = "deploy of web-1 completed on pve1",
          .stack = task.stack,
          .service = task.service,
          .instance_name = task.instance_name,
          .node = "pve1",
          .who = task.who};
}

// ---- the shapes

struct Shape {
  std::string name;
  std::string schema;
  bool columns = false;    // typed columns for tasks, and attempts in a table of their own
  bool one_table = false;  // all kinds in one table
  bool state = false;      // one column that changes, with an index
};

const std::vector<Shape> shapes{
    {"json_without_rowid",
     "CREATE TABLE tasks(key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID, STRICT;"},
    {"json_rowid", "CREATE TABLE tasks(key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;"},
    {"one_table",
     "CREATE TABLE rows(kind INTEGER, key TEXT, body TEXT NOT NULL, PRIMARY KEY(kind, key)) "
     "WITHOUT ROWID, STRICT;",
     false, true},
    {"json_state_index",
     "CREATE TABLE tasks(key TEXT PRIMARY KEY, body TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID, "
     "STRICT;"
     "CREATE INDEX tasks_state ON tasks(state);",
     false, false, true},
    {"columns",
     "CREATE TABLE tasks(key TEXT PRIMARY KEY, type TEXT, state TEXT, stack TEXT, service TEXT, instance "
     "TEXT, "
     "node TEXT, slot TEXT, epoch INTEGER, generation INTEGER, digest TEXT, priority INTEGER, deployment "
     "TEXT, "
     "progress INTEGER, message TEXT, actor TEXT, origin TEXT, correlation TEXT, created_at TEXT, "
     "finished_at TEXT) "
     "WITHOUT ROWID, STRICT;"
     "CREATE TABLE attempts(task TEXT, number INTEGER, assigned_at TEXT, started_at TEXT, ended_at TEXT, "
     "outcome TEXT, error TEXT, output TEXT, PRIMARY KEY(task, number)) WITHOUT ROWID, STRICT;",
     true},
};

void must(const Result<void>& done) {
  if (done) return;
  fmt::print(stderr, "{}: {}\n", done.error().message, done.error().cause);
  std::exit(1);
}
Statement& statement(Database& db, std::string_view sql) {
  auto found = db.cached(sql);
  if (!found) must(std::unexpected(found.error()));
  return **found;
}

void put_columns(Database& db, const Task& task) {
  auto& put = statement(
      db,
      "INSERT INTO tasks VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20) "
      "ON CONFLICT(key) DO UPDATE SET state=excluded.state, progress=excluded.progress, "
      "message=excluded.message, finished_at=excluded.finished_at");
  std::vector<std::string> text{to_string(task.id),
                                std::string(enum_name(task.type)),
                                std::string(enum_name(task.state)),
                                task.stack,
                                task.service,
                                task.instance_name,
                                to_string(task.node),
                                to_string(task.placement.instance)};
  for (int i = 0; i < 8; ++i) put.bind(i + 1, std::string_view(text[std::size_t(i)]));
  auto deployment = to_string(*task.deployment), created = format_time(task.created_at);
  put.bind(9, task.placement.epoch).bind(10, task.placement.generation);
  put.bind(11, std::string_view(task.placement.digest)).bind(12, std::int64_t(task.priority));
  put.bind(13, std::string_view(deployment)).bind(14, std::int64_t(task.progress));
  put.bind(15, std::string_view(task.message)).bind(16, std::string_view(task.who.actor));
  put.bind(17, std::string_view(task.who.origin)).bind(18, std::string_view(task.who.correlation));
  put.bind(19, std::string_view(created)).bind(20, std::string_view(created));
  must(put.run());
  for (const auto& attempt : task.attempts) {
    auto& row = statement(db,
                          "INSERT INTO attempts VALUES($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT(task, number) DO "
                          "UPDATE SET started_at=excluded.started_at, ended_at=excluded.ended_at, "
                          "outcome=excluded.outcome");
    row.bind(1, std::string_view(text[0]))
        .bind(2, std::int64_t(attempt.number))
        .bind(3, std::string_view(created));
    row.bind(4, std::string_view(created)).bind(5, std::string_view(created));
    row.bind(6, std::string_view(attempt.outcome)).bind(7, std::string_view(attempt.error));
    must(row.bind(8, std::string_view("[]")).run());
  }
}

void put_json(Database& db, const Shape& shape, const Task& task) {
  std::string_view sql =
      shape.one_table
          ? "INSERT INTO rows(kind, key, body) VALUES (4, $1, $2) ON CONFLICT(kind, key) DO UPDATE SET "
            "body=excluded.body"
      : shape.state
          ? "INSERT INTO tasks(key, body, state) VALUES ($1, $2, $3) ON CONFLICT(key) DO UPDATE SET "
            "body=excluded.body, state=excluded.state"
          : "INSERT INTO tasks(key, body) VALUES ($1, $2) ON CONFLICT(key) DO UPDATE SET "
            "body=excluded.body";
  auto& put = statement(db, sql);
  auto key = to_string(task.id), body = to_json_text(task);
  if (shape.state) put.bind(3, enum_name(task.state));
  must(put.bind(1, std::string_view(key)).bind(2, std::string_view(body)).run());
}

struct Load {
  const Shape& shape;
  bool events;
  std::uint64_t tasks;
  std::size_t rows;  // a commit
};

/// The life of a task is three writes: made, assigned, ended. Returns tasks a second.
double run(Database& db, const Load& load) {
  std::uint64_t event = 0;
  std::size_t in_commit = 0;
  auto begin = std::chrono::steady_clock::now();
  must(db.execute("BEGIN IMMEDIATE"));
  for (std::uint64_t first = 0; first < load.tasks; first += 100) {
    for (int stage = 0; stage < 3; ++stage) {
      for (auto n = first; n < first + 100; ++n) {
        auto task = make_task(n, stage);
        load.shape.columns ? put_columns(db, task) : put_json(db, load.shape, task);
        if (load.events) {
          auto body = to_json_text(make_event(++event, task));
          auto& put = statement(db, "INSERT INTO events(seq, body) VALUES ($1, $2)");
          must(put.bind(1, event).bind(2, std::string_view(body)).run());
        }
        in_commit += load.events ? 2 : 1;
        if (in_commit < load.rows) continue;
        must(db.execute("COMMIT; BEGIN IMMEDIATE"));
        in_commit = 0;
      }
    }
  }
  must(db.execute("COMMIT"));
  return double(load.tasks) / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void measure(const std::string& directory, const Load& load, std::string_view disk) {
  auto path = directory + "/shape.db";
  for (auto* end : {"", "-wal", "-shm"}) ::unlink((path + end).c_str());
  auto db = Database::open(path, Access::read_write);
  if (!db) must(std::unexpected(db.error()));
  must(db->execute(load.shape.schema +
                   "CREATE TABLE events(seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;"));
  syncs = 0;
  double rate = run(*db, load);
  auto size = std::filesystem::file_size(path);
  fmt::print(
      "{{\"name\":\"store_shape\",\"value\":{:.0f},\"unit\":\"tasks/s\",\"shape\":\"{}\",\"events\":{},"
      "\"rows_per_commit\":{},\"disk\":\"{}\",\"syncs\":{},\"bytes_per_task\":{}}}\n",
      rate, load.shape.name, load.events, load.rows, disk, syncs, size / load.tasks);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  std::string directory = count > 1 ? words[1] : ".";
  std::chrono::milliseconds slow(count > 2 ? std::atoi(words[2]) : 10);
  use_slow_disk();
  for (bool events : {false, true})
    for (const auto& shape : shapes) measure(directory, {shape, events, 20'000, 512}, "this");
  for (const auto& shape : shapes) measure(directory, {shape, true, 300, 8}, "this, small commits");
  sync_pause = slow;
  auto name = fmt::format("fsync +{} ms", slow.count());
  for (const auto& shape : shapes) measure(directory, {shape, true, 5'000, 512}, name);
  for (const auto& shape : shapes) measure(directory, {shape, true, 300, 8}, name + ", small commits");
  for (auto* end : {"", "-wal", "-shm"}) ::unlink((directory + "/shape.db" + end).c_str());
}
