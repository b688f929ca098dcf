// Closed log files: compressed, read at any moment, kept within the host's budget; reading by the index.
#include "runtime/log_care.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "keeper/protocol.hpp"
#include "runtime/log_segment.hpp"
#include "runtime/logs.hpp"

namespace drover::runtime {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t start_ns = 1'790'000'000LL * 1'000'000'000;
const WallTime far_future(2'000'000'000s);

class LogCareTest : public testing::Test {
 protected:
  LogCareTest() {
    char path[] = "/tmp/drover-care-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  ~LogCareTest() override { fs::remove_all(root_); }

  std::string directory(const std::string& instance) const { return root_ + "/shop/" + instance + "/logs"; }

  /// `lines` lines, one a second, over segments of `each` lines, with an index as the keeper writes it.
  void write(const std::string& instance, int lines, int each) const {
    fs::create_directories(directory(instance));
    for (int i = 0; i < lines; i += each) {
      const auto path = fmt::format("{}/{:06}", directory(instance), i / each + 1);
      std::ofstream log(path + ".log"), index(path + ".idx");
      std::uint64_t offset = 0, next = 0;
      for (int n = i; n < std::min(lines, i + each); ++n) {
        const auto ns = start_ns + n * 1'000'000'000LL;
        if (offset >= next) {
          const keeper::IndexRecord mark{offset, ns, std::uint64_t(n - i)};
          index.write(reinterpret_cast<const char*>(&mark), sizeof mark);
          next = offset + (64 << 10);
        }
        const auto line = fmt::format("{} stdout F line {} {}\n", capture_time({ns, LogStream::out, {}}), n,
                                      n % 7 == 0 ? "ERROR: no luck" : "all is well");
        log << line;
        offset += line.size();
      }
    }
  }
  static std::vector<std::string> rest(LogReader& reader) {
    std::vector<std::string> lines;
    for (auto batch = reader.next(); batch && !(batch->empty() && reader.at_end()); batch = reader.next())
      for (auto& record : *batch) lines.push_back(std::move(record.line));
    return lines;
  }
  std::vector<std::string> read(const std::string& instance, LogQuery query) {
    auto reader = LogReader::open(directory(instance), std::move(query));
    if (!reader) return {reader.error().message};
    auto lines = rest(*reader);
    bytes_read_ = reader->bytes_read();
    return lines;
  }
  LogCareDone care(LogCare wanted = {.budget = 1ull << 40}) const {
    return care_for_logs(root_, wanted, far_future, stop_);
  }
  static WallTime at(int second) {
    return WallTime(std::chrono::microseconds(start_ns / 1000)) + second * 1s;
  }

  std::string root_;
  std::uint64_t bytes_read_ = 0;
  std::atomic<bool> stop_ = false;
};

}  // namespace

TEST_F(LogCareTest, CompressesWhatIsClosedAndReadsTheSame) {
  write("web-1", 30'000, 10'000);
  const auto before = read("web-1", {});
  ASSERT_EQ(before.size(), 30'000u);
  const auto done = care();
  EXPECT_EQ(done.compressed, 2u);
  EXPECT_EQ(done.problem, "");
  EXPECT_FALSE(fs::exists(directory("web-1") + "/000001.log"));
  EXPECT_TRUE(fs::exists(directory("web-1") + "/000003.log")) << "the newest is the keeper's";
  EXPECT_LT(fs::file_size(directory("web-1") + "/000001.log.zst"), 100u << 10);
  EXPECT_EQ(read("web-1", {}), before);
  EXPECT_EQ(read("web-1", {.tail = 12'000}).size(), 10'000u) << "the most that a tail gives";
  EXPECT_EQ(read("web-1", {.tail = 2, .grep = "line 77 "}).size(), 1u);
  EXPECT_EQ(care().compressed, 0u);
}

TEST_F(LogCareTest, TheIndexKeepsReadingShort) {
  write("web-1", 60'000, 20'000);
  for (const bool compressed : {false, true}) {
    if (compressed) {
      ASSERT_EQ(care().compressed, 2u);
    }
    EXPECT_EQ(read("web-1", {}).size(), 60'000u);
    const auto all = bytes_read_;
    EXPECT_EQ(read("web-1", {.since = at(25'000), .until = at(25'009)}).size(), 10u);
    EXPECT_LT(bytes_read_, all / 5);
    EXPECT_EQ(read("web-1", {.since = at(59'990)}).size(), 10u);
    EXPECT_LT(bytes_read_, all / 10);
    EXPECT_EQ(read("web-1", {.tail = 3, .until = at(30'000)}).back(), "line 30000 all is well");
    EXPECT_LT(bytes_read_, all / 5);
    EXPECT_EQ(read("web-1", {.since = at(100), .until = at(120), .grep = "ERROR"}).size(), 3u);
    EXPECT_LT(bytes_read_, all / 5);
    EXPECT_EQ(read("web-1", {.tail = 10}).size(), 10u);
    EXPECT_LT(bytes_read_, all / 10);
  }
}

TEST_F(LogCareTest, AReaderAcrossCompressionSeesEachLineOnce) {
  write("web-1", 9'000, 1'000);
  auto reader = LogReader::open(directory("web-1"), {.follow = true});
  ASSERT_TRUE(reader);
  std::vector<std::string> seen;
  for (auto& record : *reader->next(20'000)) seen.push_back(record.line);
  ASSERT_EQ(care().compressed, 8u);
  for (auto& line : rest(*reader)) seen.push_back(line);
  EXPECT_EQ(seen, read("web-1", {}));
  EXPECT_EQ(seen.size(), 9'000u);
}

TEST_F(LogCareTest, KilledAtAnyMomentNothingIsLost) {
  write("web-1", 3'000, 1'000);
  const auto before = read("web-1", {});
  const auto log = directory("web-1") + "/000001.log";
  fs::copy_file(log, root_ + "/saved");
  std::ofstream(log + ".zst.tmp") << "half of a";  // killed while it wrote
  EXPECT_EQ(read("web-1", {}), before);
  EXPECT_EQ(care().compressed, 2u);
  EXPECT_FALSE(fs::exists(log + ".zst.tmp"));
  fs::copy_file(root_ + "/saved", log);  // killed between the rename and the removal
  EXPECT_EQ(read("web-1", {}), before);
  care();
  EXPECT_FALSE(fs::exists(log));
  EXPECT_EQ(read("web-1", {}), before);
}

TEST_F(LogCareTest, ADamagedFileIsSaidAndTheRestIsRead) {
  write("web-1", 3'000, 1'000);
  care();
  std::fstream file(directory("web-1") + "/000001.log.zst", std::ios::in | std::ios::out);
  file.seekp(50) << "damaged by a disk";
  file.close();
  const auto lines = read("web-1", {});
  EXPECT_EQ(lines.size(), 2'001u);
  EXPECT_EQ(std::ranges::count_if(lines, [](const auto& line) { return line.contains("is damaged"); }), 1);
}

TEST_F(LogCareTest, LeavesAloneWhatIsWantedPlainOrStillWarm) {
  write("web-1", 2'000, 1'000);
  write("db-1", 2'000, 1'000);
  EXPECT_EQ(care({.budget = 1ull << 40, .plain = {directory("web-1")}}).compressed, 1u);
  EXPECT_TRUE(fs::exists(directory("web-1") + "/000001.log"));
  const auto changed = std::chrono::system_clock::now();
  EXPECT_EQ(care_for_logs(root_, {.budget = 1ull << 40, .quiet = 1h},
                          std::chrono::time_point_cast<WallTime::duration>(changed), stop_)
                .compressed,
            0u);
}

TEST_F(LogCareTest, TheHostsBudgetTakesTheOldestOfTheLargest) {
  write("small-1", 2'000, 1'000);
  write("large-1", 9'000, 1'000);
  LogCare wanted{.budget = 1ull << 40, .plain = {directory("small-1"), directory("large-1")}};
  const auto all = care(wanted).bytes;
  wanted.budget = all - all / 4;
  const auto done = care(wanted);
  EXPECT_GE(done.removed, 2u);
  EXPECT_LE(done.bytes, wanted.budget);
  EXPECT_EQ(done.bytes + done.removed_bytes, all);
  EXPECT_EQ(read("small-1", {}).size(), 2'000u);
  EXPECT_EQ(read("large-1", {}).size(), 9'000u - 1'000u * done.removed);
  EXPECT_EQ(read("large-1", {.tail = 1}).front(), "line 8999 all is well");
  wanted.budget = 1;
  care(wanted);
  EXPECT_EQ(read("small-1", {}).size(), 1'000u) << "the newest file always stays";
}

TEST_F(LogCareTest, LevelsFilter) {
  write("web-1", 700, 1'000);
  EXPECT_EQ(read("web-1", {.level = Level::warn}).size(), 100u);
  EXPECT_EQ(read("web-1", {.tail = 2, .level = Level::error}).size(), 2u);
}

}  // namespace drover::runtime
