#include "store/store.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/fault.hpp"
#include "base/json.hpp"
#include "store/sqlite.hpp"

namespace drover::store {
namespace {

namespace fs = std::filesystem;

class Dir {
 public:
  Dir() {
    std::string name = fs::temp_directory_path() / "drover-store-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Dir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string file() const { return path_ / "hub.db"; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const WallTime noon{std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 12h};

template <class T>
Id<T> id(std::uint64_t seed) {
  Rng rng(seed);
  return {make_uuid(noon, rng)};
}

std::unique_ptr<HubStore> open(const Dir& dir, std::uint64_t reserve = 1 << 16) {
  auto store = HubStore::open(dir.file(), {.reserve = reserve, .now = noon, .seed = 7});
  if (!store) throw std::runtime_error(store.error().message + ": " + store.error().cause);
  return std::move(*store);
}

Task task(std::uint64_t seed, std::string message = "x") {
  Task it;
  it.id = id<TaskTag>(seed);
  it.stack = "shop";
  it.message = std::move(message);
  it.attempts.push_back({.number = 1, .assigned_at = noon, .ended_at = noon, .output = {"bye \"now\"\n"}});
  it.created_at = noon;
  return it;
}

std::vector<hub::Row> one_of_each() {
  hub::StackRow stack{.name = "shop", .revision = 3, .deployment = id<DeploymentTag>(1), .created_at = noon};
  stack.services["web"] = {.replicas = 4, .run = false, .who = {.actor = "user:anna"}, .at = noon};
  hub::RevisionRow revision{.stack = "shop", .number = 3, .digest = "ab"};
  revision.content.name = "shop";
  revision.content.services.push_back({.name = "web", .spec = ProcessSpec{.command = {"/bin/true", "ü"}}});
  hub::Slot slot{.id = id<InstanceTag>(2), .stack = "shop", .service = "web", .name = "web-1"};
  slot.node = id<NodeTag>(3);
  slot.finished = Observed{.instance = slot.id, .last_exit = Exit{.code = 3, .at = noon}};
  Deployment deployment{.id = id<DeploymentTag>(1), .stack = "shop", .steps = {{.service = "web"}}};
  Operation operation{.id = id<OperationTag>(4), .items = {{.instance = slot.id, .ok = true}}};
  hub::NodeRow node{.node = {.id = id<NodeTag>(3), .name = "pve1"}, .serial = "0a", .key_pin = "sha256/x"};
  node.node.host.resources.quantities["cpu"] = 4;
  hub::JoinToken token{.id = id<TokenTag>(5), .hash = "h", .labels = {{"site", "home"}}, .expires_at = noon};
  hub::User user{.id = id<UserTag>(6), .name = "admin", .password_hash = "$argon2id$…"};
  hub::Credential credential{
      .id = id<TokenTag>(7), .kind = "api", .name = "ci", .hash = "h", .expires_at = noon};
  hub::IdempotencyRow answer{
      .key = "user:anna 1", .status = 202, .body = {{"a", json::array{1, nullptr, 2.5}}}};
  hub::QueueRow queue{.name = "hub", .who = {.actor = "user:anna"}, .at = noon};
  hub::TaskRecord record{1, task(9, "over")};
  record.task.state = TaskState::completed;
  return {stack, revision, slot,       task(8), deployment, operation, node,
          token, user,     credential, answer,  queue,      record};
}

std::string text(const hub::Row& row) {
  return std::visit([](const auto& it) { return to_json_text(it); }, row);
}
std::multiset<std::string> texts(const std::vector<hub::Row>& rows) {
  std::multiset<std::string> out;
  for (const auto& row : rows) out.insert(text(row));
  return out;
}

Batch batch(std::uint64_t number, std::vector<hub::Row> rows) {
  Batch it{.commit = number};
  for (auto& row : rows) it.changes.emplace_back(std::move(row));
  return it;
}

TEST(Store, EveryRowTypeComesBackAsItWent) {
  Dir dir;
  auto rows = one_of_each();
  ASSERT_TRUE(open(dir)->commit(batch(9, rows)));
  auto image = open(dir)->load();
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(texts(image->rows), texts(rows));
  EXPECT_EQ(image->commit, 9u);
  EXPECT_TRUE(image->store);
  EXPECT_EQ(image->digest_key.size(), 64u);
}

TEST(Store, KeepsItsIdentity) {
  Dir dir;
  auto first = open(dir)->load(), second = open(dir)->load();
  EXPECT_EQ(first->store, second->store);
  EXPECT_EQ(first->digest_key, second->digest_key);
}

TEST(Store, ErasesByKeyAndAStackTakesItsRevisionsWithIt) {
  Dir dir;
  auto store = open(dir);
  auto rows = one_of_each();
  hub::RevisionRow other{.stack = "shop-2", .number = 1};
  rows.emplace_back(other);
  ASSERT_TRUE(store->commit(batch(1, rows)));
  Batch erase{.commit = 2};
  for (hub::Erase it :
       {hub::Erase(hub::EraseStack{"shop"}), hub::Erase(hub::EraseSlot{id<InstanceTag>(2)}),
        hub::Erase(hub::EraseRecordsBefore{10}), hub::Erase(hub::EraseQueue{"hub"}),
        hub::Erase(hub::EraseDeployment{id<DeploymentTag>(1)}),
        hub::Erase(hub::EraseOperation{id<OperationTag>(4)}), hub::Erase(hub::EraseNode{id<NodeTag>(3)}),
        hub::Erase(hub::EraseJoinToken{id<TokenTag>(5)}), hub::Erase(hub::EraseUser{id<UserTag>(6)}),
        hub::Erase(hub::EraseCredential{id<TokenTag>(7)}), hub::Erase(hub::EraseIdempotency{"user:anna 1"})})
    erase.changes.emplace_back(it);
  ASSERT_TRUE(store->commit(batch(2, {hub::TaskRecord{2, task(8)}})));  // the end of a live one
  ASSERT_TRUE(store->commit(erase));
  EXPECT_EQ(texts(store->load()->rows), texts({other}));
  Batch last{.commit = 3};
  last.changes.emplace_back(hub::Erase(hub::EraseRevision{"shop-2", 1}));
  ASSERT_TRUE(store->commit(last));
  EXPECT_TRUE(store->load()->rows.empty());
}

TEST(Store, LaterChangesOfABatchWin) {
  Dir dir;
  auto store = open(dir);
  ASSERT_TRUE(store->commit(batch(1, {task(1, "old"), task(1, "new")})));
  ASSERT_EQ(store->load()->rows.size(), 1u);
  EXPECT_EQ(std::get<Task>(store->load()->rows[0]).message, "new");
}

Batch events(std::uint64_t from, std::uint64_t to) {
  Batch it{.commit = to};
  for (auto seq = from; seq <= to; ++seq) {
    it.changes.emplace_back(Event{.seq = seq, .time = noon, .type = "node.lost", .data = {{"n", seq}}});
    it.changes.emplace_back(AuditEntry{.seq = seq, .time = noon, .action = "node.cordon", .target = "pve1"});
  }
  return it;
}

TEST(Store, EventsAreReadFromAnywhereAndForgottenFromTheFront) {
  Dir dir;
  auto store = open(dir);
  ASSERT_TRUE(store->commit(events(1, 20)));
  auto read = store->events_since(5, 10);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 10u);
  EXPECT_EQ(read->front().seq, 6u);
  Batch erase{.commit = 21};
  erase.changes.emplace_back(hub::Erase(hub::EraseEventsBefore{21}));
  ASSERT_TRUE(store->commit(erase));
  store.reset();
  auto image = open(dir)->load();
  EXPECT_EQ(image->event_seq, 20u);  // the numbers go on, also when nothing is left
  EXPECT_EQ(image->first_event, 0u);
}

TEST(Store, OfFinishedTasksTheNewestAreLoadedAndAllAreFound) {
  Dir dir;
  auto store = open(dir);
  Batch all{.commit = 1};
  for (std::uint64_t n = 1; n <= hub::recent_records + 500; ++n) {
    all.changes.emplace_back(hub::Row(task(n)));
    all.changes.emplace_back(hub::Row(hub::TaskRecord{n, task(n)}));
  }
  ASSERT_TRUE(store->commit(all));
  auto image = store->load();
  EXPECT_EQ(image->rows.size(), hub::recent_records);
  EXPECT_EQ(image->first_record, 1u);
  EXPECT_EQ(image->last_record, hub::recent_records + 500u);
  auto page = store->task_records(101, 10);
  ASSERT_EQ(page->size(), 10u);
  EXPECT_EQ(page->front().seq, 100u);
  EXPECT_EQ(page->front().task.id, id<TaskTag>(100));
  EXPECT_TRUE(*store->finished_task(id<TaskTag>(3)));
  EXPECT_FALSE(*store->finished_task(id<TaskTag>(99'999)));
  Batch erase{.commit = 2};
  erase.changes.emplace_back(hub::Erase(hub::EraseRecordsBefore{100}));
  ASSERT_TRUE(store->commit(erase));
  EXPECT_FALSE(*store->finished_task(id<TaskTag>(3)));
  EXPECT_EQ(store->load()->first_record, 100u);
}

/// A store of the first form: its finished tasks become records, in the order of their ends.
TEST(Store, AnOlderFormIsBroughtUpToDate) {
  Dir dir;
  open(dir).reset();
  {
    auto db = Database::open(dir.file(), Access::read_write);
    ASSERT_TRUE(db->execute("DROP TABLE task_records; DROP TABLE queues; PRAGMA user_version=1"));
    auto put = [&](Task it, TaskState state, WallTime end) {
      it.state = state;
      if (is_final(state)) it.finished_at = end;
      auto row = db->prepare("INSERT INTO tasks(key, body) VALUES ($1, $2)");
      auto key = to_string(it.id), body = to_json_text(it);
      (*row)->bind(1, std::string_view(key)).bind(2, std::string_view(body));
      EXPECT_TRUE((*row)->run());
    };
    put(task(1), TaskState::completed, noon + 2s);
    put(task(2), TaskState::failed, noon + 1s);
    put(task(3), TaskState::running, noon);
  }
  auto store = open(dir);
  auto records = store->task_records(0, 10);
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ(records->at(0).task.id, id<TaskTag>(1));
  EXPECT_EQ(records->at(1).task.id, id<TaskTag>(2));
  EXPECT_EQ(store->load()->rows.size(), 3u);
  EXPECT_TRUE(fs::exists(dir.file() + ".before-v2"));
}

TEST(Store, TheAuditLogIsAChainThatShowsWhatWasChanged) {
  Dir dir;
  auto store = open(dir);
  ASSERT_TRUE(store->commit(events(1, 3)));
  ASSERT_TRUE(store->commit(events(4, 6)));
  auto good = store->verify_audit();
  EXPECT_TRUE(good->ok);
  EXPECT_EQ(good->entries, 6u);
  auto newest = store->audit(0, 2), older = store->audit(5, 100);
  EXPECT_EQ(newest->front().seq, 6u);
  EXPECT_EQ(older->front().seq, 4u);
  EXPECT_EQ(older->size(), 4u);
  EXPECT_EQ(newest->at(0).prev_hash, newest->at(1).hash);
  store.reset();
  {
    auto db = Database::open(dir.file(), Access::read_write);
    ASSERT_TRUE(db->execute("UPDATE audit SET body=replace(body, 'pve1', 'pve2') WHERE seq=3"));
  }
  store = open(dir);
  EXPECT_FALSE(store->verify_audit()->ok);
  EXPECT_EQ(store->verify_audit()->first_bad, 3u);
}

TEST(Store, AnEntryCutOutOfTheMiddleIsMissed) {
  Dir dir;
  auto store = open(dir);
  ASSERT_TRUE(store->commit(events(1, 5)));
  auto db = Database::open(dir.file(), Access::read_write);
  ASSERT_TRUE(db->execute("DELETE FROM audit WHERE seq=3"));
  EXPECT_EQ(store->verify_audit()->first_bad, 4u);
}

TEST(Store, AFailedBatchLeavesNothing) {
  Dir dir;
  auto store = open(dir);
  ASSERT_TRUE(store->commit(events(1, 3)));
  auto bad = events(4, 4);
  bad.changes.insert(bad.changes.begin(), hub::Row(task(1)));
  bad.changes.emplace_back(Event{.seq = 2});  // there already
  EXPECT_FALSE(store->commit(bad));
  EXPECT_TRUE(store->load()->rows.empty());
  EXPECT_EQ(store->load()->event_seq, 3u);
  EXPECT_TRUE(store->commit(events(4, 4)));
  EXPECT_TRUE(store->verify_audit()->ok);
}

TEST(Store, ASecondOneIsRefusedByPid) {
  Dir dir;
  auto store = open(dir);
  auto second = HubStore::open(dir.file(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
}

TEST(Store, IsForItsOwnerOnlyAndInWalMode) {
  Dir dir;
  auto store = open(dir);
  EXPECT_EQ(fs::status(dir.file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  auto db = Database::open(dir.file(), Access::read_only);
  EXPECT_EQ(*db->value("PRAGMA journal_mode"), "wal");
  EXPECT_FALSE(db->execute("DELETE FROM tasks"));
}

TEST(Store, ReadersNeverCheckpoint) {
  Dir dir;
  auto store = open(dir);
  ASSERT_TRUE(store->commit(events(1, 50)));
  auto wal = fs::file_size(dir.file() + "-wal");
  ASSERT_GT(wal, 0u);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(store->events_since(0, 100));
  EXPECT_EQ(fs::file_size(dir.file() + "-wal"), wal);
}

TEST(Store, OneOfANewerDroverIsRefused) {
  Dir dir;
  open(dir);
  ASSERT_TRUE(Database::open(dir.file(), Access::read_write)->execute("PRAGMA user_version=99"));
  auto store = HubStore::open(dir.file(), {});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::unsupported);
}

TEST(Store, ADamagedOneIsRefused) {
  Dir dir;
  ASSERT_TRUE(open(dir)->commit(events(1, 200)));
  std::fstream file(dir.file(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(100);
  file << std::string(8000, '\xff');
  file.close();
  auto store = HubStore::open(dir.file(), {});
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().code, Errc::conflict);
}

// ---- kill -9

/// Commits for ever and says after each commit which one it was.
[[noreturn]] void commit_for_ever(const Dir& dir, int out) {
  auto store = open(dir);
  for (std::uint64_t n = 1;; ++n) {
    auto it = events(n, n);
    it.changes.emplace_back(hub::Row(task(n)));
    if (!store->commit(it)) ::_exit(2);
    if (::write(out, &n, sizeof n) != sizeof n) ::_exit(3);
  }
}

TEST(Store, WhatWasCommittedOutlivesAKill) {
  for (int round = 0; round < 12; ++round) {
    Dir dir;
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    pid_t child = ::fork();
    if (child == 0) commit_for_ever(dir, pipe[1]);
    ::close(pipe[1]);
    std::uint64_t n = 0, last = 0;
    for (int i = 0; i < 1 + round * 3 && ::read(pipe[0], &n, sizeof n) == sizeof n; ++i) last = n;
    ::usleep(useconds_t(round * 137));  // into the middle of the next
    ::kill(child, SIGKILL);
    while (::read(pipe[0], &n, sizeof n) == sizeof n) last = n;
    ::waitpid(child, nullptr, 0);
    ::close(pipe[0]);
    auto store = open(dir);
    auto image = store->load();
    ASSERT_TRUE(image);
    EXPECT_GE(image->commit, last);
    EXPECT_LE(image->commit, last + 1);
    EXPECT_EQ(image->event_seq, image->commit);  // whole commits only
    EXPECT_EQ(image->rows.size(), image->commit);
    EXPECT_TRUE(store->verify_audit()->ok);
  }
}

// ---- a full disk

class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& at) : at_(at) {
    mounted_ = ::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=3m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  fs::path at_;
  bool mounted_;
};

TEST(Store, AFullDiskReleasesTheReserveAndLosesNothing) {
  Dir dir;
  SmallDisk disk(dir.path());
  if (!disk.mounted()) GTEST_SKIP() << "because a small disk cannot be mounted here (not root)";
  auto store = open(dir, 512 << 10);
  ASSERT_TRUE(store->has_reserve());
  std::uint64_t n = 0;
  Result<void> done;
  while (done && n < 10'000) {
    ++n;
    done = store->commit(batch(n, {task(n, std::string(4000, 'x'))}));
  }
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::exhausted) << done.error().cause;
  EXPECT_FALSE(store->has_reserve());
  EXPECT_EQ(store->load()->commit, n - 1);
  EXPECT_EQ(store->load()->rows.size(), n - 1);
  ASSERT_TRUE(store->commit(batch(n, {task(n)})));  // the reserve's room
  EXPECT_FALSE(store->take_reserve());
  EXPECT_EQ(store->load()->commit, n);
}

TEST(Store, TheReserveIsTakenAgainWhenThereIsRoom) {
  Dir dir;
  auto store = open(dir);
  auto reserve = dir.file() + ".reserve";
  ASSERT_TRUE(fs::exists(reserve));
  EXPECT_EQ(fs::file_size(reserve), 1u << 16);
  store.reset();
  fs::remove(reserve);
  EXPECT_TRUE(open(dir)->has_reserve());
  EXPECT_TRUE(fs::exists(reserve));
}

}  // namespace
}  // namespace drover::store
