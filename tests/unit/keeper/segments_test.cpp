#include "keeper/segments.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace drover::keeper {

namespace fs = std::filesystem;

class SegmentsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/drover-segments-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    root_ = path;
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string slurp(const std::string& name) {
    std::ifstream file(root_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string root_;
};

TEST_F(SegmentsTest, NamesAreNumbers) {
  EXPECT_EQ(segment_number("000001.log"), 1u);
  EXPECT_EQ(segment_number("1234567.log"), 1234567u);
  EXPECT_EQ(segment_number("000012.log.zst"), 12u);
  EXPECT_EQ(segment_number("000012.idx"), 12u);
  for (const char* other : {"1.log", "000001.txt", "00000x.log", "log", "", "000001", "000001.log.tmp"})
    EXPECT_EQ(segment_number(other), 0u) << other;
}

TEST_F(SegmentsTest, AppendsAcrossWriters) {
  for (int i = 0; i < 3; ++i) {
    Segments segments(root_ + "/a/b", {});
    EXPECT_EQ(segments.append("line\n", {{0, 7, 0}}, 1), 5u);
    EXPECT_EQ(segments.number(), 1u);
  }
  EXPECT_EQ(slurp("a/b/000001.log"), "line\nline\nline\n");
  EXPECT_EQ(slurp("a/b/000001.idx").size(), sizeof(IndexRecord));
}

TEST_F(SegmentsTest, ATornRecordIsCutOff) {
  {
    Segments segments(root_, {});
    segments.append("whole\n", {{0, 7, 0}}, 1);
  }
  std::ofstream(root_ + "/000001.log", std::ios::app) << "2026-11-21T1";
  std::ofstream(root_ + "/000001.idx", std::ios::app) << "torn";
  Segments segments(root_, {});
  segments.append("next\n", {{0, 8, 0}}, 1);
  EXPECT_EQ(slurp("000001.log"), "whole\nnext\n");
  EXPECT_EQ(slurp("000001.idx").size(), sizeof(IndexRecord));
}

TEST_F(SegmentsTest, AfterACompressedSegmentANewOneBegins) {
  std::ofstream(root_ + "/000003.log.zst") << "zstd";
  std::ofstream(root_ + "/000003.idx") << "";
  Segments segments(root_, {});
  segments.append("x\n", {}, 1);
  EXPECT_EQ(segments.number(), 4u);
}

TEST_F(SegmentsTest, RotatesAndKeepsTheBudget) {
  constexpr std::uint64_t segment = 64 * 1024, budget = 4 * segment;
  Segments segments(root_, {.budget = budget, .segment = segment});
  const std::string record = std::string(999, 'r') + "\n";
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(segments.append(record, {{0, i, 0}}, 1), record.size());
    std::uint64_t total = 0;
    for (const auto& entry : fs::directory_iterator(root_)) total += entry.file_size();
    ASSERT_LE(total, budget);
  }
  EXPECT_GT(segments.number(), 25u);
  EXPECT_FALSE(fs::exists(root_ + "/000001.log"));
  EXPECT_FALSE(fs::exists(root_ + "/000001.idx"));
}

TEST_F(SegmentsTest, AHugeBatchIsCutAtRecords) {
  constexpr std::uint64_t segment = 64 * 1024;
  Segments segments(root_, {.budget = 100 * segment, .segment = segment});
  std::string batch;
  for (int i = 0; i < 100'000; ++i) batch += std::to_string(i) + "\n";
  ASSERT_EQ(segments.append(batch, {{0, 1, 0}}, 100'000), batch.size());
  std::string all;
  for (std::uint64_t i = 1; i <= segments.number(); ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "%06llu.log", static_cast<unsigned long long>(i));
    EXPECT_LE(slurp(name).size(), segment);
    EXPECT_EQ(slurp(name).back(), '\n');
    all += slurp(name);
  }
  EXPECT_EQ(all, batch);
}

TEST_F(SegmentsTest, AnUnusableDirectoryIsAnErrorNotAnEnd) {
  std::ofstream(root_ + "/file") << "x";
  Segments segments(root_ + "/file/logs", {});
  EXPECT_EQ(segments.append("x\n", {}, 1), 0u);
  EXPECT_EQ(segments.error(), ENOTDIR);
}

}  // namespace drover::keeper
