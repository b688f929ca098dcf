// The agent's journal on a real file.
#include "store/journal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "store/sqlite.hpp"

namespace drover::store {

namespace {

template <class T>
T id(std::uint8_t n) {
  T out;
  out.value.bytes[15] = n;
  return out;
}

agent::PlacementRow placement(std::uint8_t n, std::string name) {
  agent::PlacementRow row;
  row.placement.instance = id<InstanceId>(n);
  row.stack = "shop";
  row.instance_name = std::move(name);
  row.service.spec = ProcessSpec{.command = {"true"}};
  row.ports = {{"http", 8080}};
  return row;
}

agent::AttemptRow attempt(std::uint8_t n, bool begun) {
  agent::AttemptRow row;
  row.assign.task = id<TaskId>(n);
  row.begun = begun;
  return row;
}

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    char path[] = "/tmp/drover-journal-XXXXXX";
    directory_ = ::mkdtemp(path);
  }
  ~JournalTest() override { std::filesystem::remove_all(directory_); }
  std::string path() const { return directory_ + "/agent.db"; }
  std::unique_ptr<AgentJournal> open() {
    auto journal = AgentJournal::open(path());
    EXPECT_TRUE(journal) << journal.error().message << " " << journal.error().cause;
    return journal ? std::move(*journal) : nullptr;
  }
  static Result<void> commit(AgentJournal& journal, std::vector<agent::Row> rows) {
    return journal.commit(rows);
  }

  std::string directory_;
};

}  // namespace

TEST_F(JournalTest, KeepsWhatWasCommitted) {
  {
    auto journal = open();
    EXPECT_TRUE(journal->load()->placements.empty());
    ASSERT_TRUE(commit(*journal, {placement(1, "web-1"), placement(2, "web-2"), attempt(7, false),
                                  agent::AgentMeta{.commit_seen = 9, .ticket = "t"}}));
    ASSERT_TRUE(commit(*journal,
                       {placement(1, "web-1b"), attempt(7, true), agent::ErasePlacement{id<InstanceId>(2)}}));
  }
  auto loaded = open()->load();
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->placements.size(), 1u);
  EXPECT_EQ(loaded->placements[0].instance_name, "web-1b");
  EXPECT_EQ(loaded->placements[0].ports.at("http"), 8080);
  ASSERT_EQ(loaded->attempts.size(), 1u);
  EXPECT_TRUE(loaded->attempts[0].begun);
  EXPECT_EQ(loaded->meta.commit_seen, 9u);
}

TEST_F(JournalTest, EraseAllLeavesOnlyWhatComesAfterIt) {
  auto journal = open();
  ASSERT_TRUE(commit(*journal, {placement(1, "a"), attempt(7, false)}));
  ASSERT_TRUE(commit(*journal, {placement(3, "gone"), agent::EraseAll{}, placement(2, "b")}));
  const auto loaded = journal->load();
  ASSERT_EQ(loaded->placements.size(), 1u);
  EXPECT_EQ(loaded->placements[0].instance_name, "b");
  EXPECT_TRUE(loaded->attempts.empty());
}

TEST_F(JournalTest, RefusesTheFileOfANewerVersion) {
  open();
  {
    auto db = Database::open(path(), Access::read_write);
    ASSERT_TRUE(db->execute("PRAGMA user_version=99"));
  }
  const auto journal = AgentJournal::open(path());
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::unsupported);
}

TEST_F(JournalTest, TakesRoomOnceAndKeepsItsSize) {
  auto journal = open();
  const auto size = [&] {
    return std::filesystem::file_size(path()) + std::filesystem::file_size(path() + "-wal");
  };
  const auto before = size();
  EXPECT_GE(before, 2u << 20);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(commit(*journal, {placement(1, "web-" + std::to_string(i))}));
  EXPECT_LE(size(), before + (64 << 10));
}

}  // namespace drover::store
