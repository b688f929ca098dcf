// Our own records in the format of the instances' logs.
#include "runtime/own_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "runtime/log_shape.hpp"

namespace drover::runtime {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class SetClock final : public Clock {
 public:
  Now now() const override { return {BootTime{}, wall}; }
  WallTime wall{1'790'000'000s};
};

class OwnLogTest : public testing::Test {
 protected:
  OwnLogTest() {
    char path[] = "/tmp/drover-own-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  ~OwnLogTest() override { fs::remove_all(root_); }
  std::string directory() const { return own_log_directory(root_, "hub"); }
  std::vector<std::string> lines(LogQuery query = {}) const {
    std::vector<std::string> lines;
    auto reader = LogReader::open(directory(), std::move(query));
    for (auto batch = reader->next(); batch && !(batch->empty() && reader->at_end()); batch = reader->next())
      for (auto& record : *batch) lines.push_back(std::move(record.line));
    return lines;
  }
  std::string root_;
  SetClock clock_;
};

TEST_F(OwnLogTest, RecordsAreReadLikeTheLogOfAnInstance) {
  {
    OwnLog store(clock_, directory());
    Log log(clock_, -1, "hub", false);
    log.also_to(store);
    log.info("the first", {{"correlationId", "abc"}, {"node", ""}});
    store.flush();
    clock_.wall += 10s;
    log.warn("the second");
    log.debug("not wanted");
  }
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("the first"), HasSubstr("the second")));
  EXPECT_THAT(lines({.grep = "abc"}), ElementsAre(HasSubstr("\"correlationId\":\"abc\"")));
  EXPECT_THAT(lines({.since = clock_.wall - 1s}), ElementsAre(HasSubstr("the second")));
  EXPECT_THAT(lines({.level = Level::warn}), ElementsAre(HasSubstr("the second")));
  EXPECT_THAT(lines()[0], testing::Not(HasSubstr("node"))) << "what is empty is left out";
}

TEST_F(OwnLogTest, StaysWithinItsBudget) {
  {
    OwnLog store(clock_, directory(), {.budget = 256 << 10, .segment = 64 << 10});
    for (int i = 0; i < 40; ++i) {
      for (int n = 0; n < 30; ++n) store.take(std::to_string(i) + std::string(1000, 'x'));
      store.flush();
    }
  }
  std::uintmax_t size = 0;
  for (const auto& file : fs::directory_iterator(directory())) size += file.file_size();
  EXPECT_LE(size, 256u << 10);
  EXPECT_THAT(lines().back(), HasSubstr("39x"));
}

TEST_F(OwnLogTest, ADiskThatRefusesHurtsNobodyAndIsSaid) {
  std::ofstream(root_ + "/own") << "in the way";
  OwnLog store(clock_, directory(), {.waiting = 2000});
  for (int i = 0; i < 100; ++i) store.take("record " + std::to_string(i) + std::string(100, '.'));
  store.flush();
  fs::remove(root_ + "/own");
  store.take("later");
  store.flush();
  store.take("and again");
  store.flush();
  const auto all = lines();
  EXPECT_THAT(all.front(), HasSubstr("record 0."));
  EXPECT_LE(all.size(), 25u);
  EXPECT_EQ(std::ranges::count_if(all, [](const auto& l) { return l.contains("records are missing here"); }),
            1)
      << testing::PrintToString(all);
  EXPECT_THAT(all.back(), HasSubstr("and again"));
}

}  // namespace
}  // namespace drover::runtime
