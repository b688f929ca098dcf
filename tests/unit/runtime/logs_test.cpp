// Reading logs: parts, tails, times, rotation, torn lines.
#include "runtime/logs.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "keeper/protocol.hpp"
#include "runtime/log_line.hpp"

namespace drover::runtime {

namespace {

class LogsTest : public testing::Test {
 protected:
  LogsTest() {
    char path[] = "/tmp/drover-logs-XXXXXX";
    directory_ = ::mkdtemp(path);
  }
  ~LogsTest() override { std::filesystem::remove_all(directory_); }

  /// Seconds after a fixed moment; writes the index as the keeper does.
  void write(int segment, double second, const std::string& text, const std::string& stream = "stdout",
             char tag = 'F') {
    const auto path = fmt::format("{}/{:06}", directory_, segment);
    const auto offset =
        std::filesystem::exists(path + ".log") ? std::filesystem::file_size(path + ".log") : 0;
    const auto ns = start_ + std::int64_t(second * 1e9);
    if (offset >= next_mark_[segment]) {
      const keeper::IndexRecord mark{offset, ns, 0};
      std::ofstream(path + ".idx", std::ios::app).write(reinterpret_cast<const char*>(&mark), sizeof mark);
      next_mark_[segment] = offset + 4096;
    }
    auto time = format_time(WallTime(Duration(ns / 1000)));
    std::ofstream(path + ".log", std::ios::app) << fmt::format("{} {} {} {}\n", time, stream, tag, text);
  }
  std::vector<std::string> read(LogQuery query) {
    std::vector<std::string> lines;
    auto reader = LogReader::open(directory_, query);
    if (!reader) return {reader.error().message};
    for (auto batch = reader->next(); batch && !(batch->empty() && reader->at_end()); batch = reader->next())
      for (auto& record : *batch) lines.push_back(record.line);
    return lines;
  }
  WallTime at(double second) const {
    return WallTime(Duration((start_ + std::int64_t(second * 1e9)) / 1000));
  }

  std::string directory_;
  std::map<int, std::uint64_t> next_mark_;
  std::int64_t start_ = 1'790'000'000LL * 1'000'000'000;
};

std::vector<std::string> lines(std::initializer_list<std::string> all) { return all; }

}  // namespace

TEST(LogLine, ReadsWhatTheKeeperWrites) {
  const auto part = parse_log_line("2026-11-21T11:20:00.123456789Z stderr P half a line");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->wall_ns % 1'000'000'000, 123456789);
  EXPECT_EQ(part->stream, LogStream::err);
  EXPECT_FALSE(part->complete);
  EXPECT_EQ(part->text, "half a line");
  EXPECT_TRUE(parse_log_line("2026-11-21T11:20:00Z stdout F "));
  for (const char* bad : {"", "x", "2026-11-21T11:20:00Z", "2026-11-21T11:20:00Z stdxxx F a",
                          "2026-13-21T11:20:00.1Z stdout F a", "2026-11-21T11:20:00.1Z stdout X a",
                          "2026-11-21T11:20:00.1 stdout F a"})
    EXPECT_FALSE(parse_log_line(bad)) << bad;
}

TEST_F(LogsTest, AnAbsentLogIsEmpty) { EXPECT_TRUE(read({}).empty()); }

TEST_F(LogsTest, PutsPartsTogetherPerStream) {
  write(1, 0, "one ", "stdout", 'P');
  write(1, 0, "error", "stderr");
  write(1, 0, "line", "stdout");
  EXPECT_EQ(read({}), lines({"error", "one line"}));
}

TEST_F(LogsTest, ShowsAnUnfinishedLineAtTheEnd) {
  write(1, 0, "no end", "stdout", 'P');
  EXPECT_EQ(read({}), lines({"no end"}));
}

TEST_F(LogsTest, CutsALineThatIsTooLong) {
  const std::string part(64 << 10, 'x');
  for (int i = 0; i < 20; ++i) write(1, 0, part, "stdout", 'P');
  write(1, 0, "end");
  write(1, 1, "next");
  const auto all = read({});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_LT(all[0].size(), (1u << 20) + 100);
  EXPECT_TRUE(all[0].ends_with("was cut]"));
}

TEST_F(LogsTest, TailOverSegmentsWithFilters) {
  for (int i = 0; i < 3000; ++i)
    write(1 + i / 1000, i, fmt::format("line {}{}", i, i % 500 == 0 ? " special" : ""),
          i % 2 == 0 ? "stdout" : "stderr");
  EXPECT_EQ(read({.tail = 3}), lines({"line 2997", "line 2998", "line 2999"}));
  EXPECT_EQ(read({.tail = 0}), lines({}));
  EXPECT_EQ(read({.tail = 2, .grep = "special$"}), lines({"line 2000 special", "line 2500 special"}));
  EXPECT_EQ(read({.tail = 2, .stream = LogStream::err}), lines({"line 2997", "line 2999"}));
  EXPECT_EQ(read({.tail = 100, .grep = "special"}).size(), 6u);
  EXPECT_EQ(read({}).size(), 3000u);
}

TEST_F(LogsTest, SinceFindsTheTime) {
  for (int i = 0; i < 3000; ++i) write(1 + i / 1000, i, fmt::format("line {}", i));
  const auto late = read({.since = at(2500)});
  ASSERT_EQ(late.size(), 500u);
  EXPECT_EQ(late.front(), "line 2500");
  EXPECT_EQ(read({.since = at(-5)}).size(), 3000u);
  EXPECT_TRUE(read({.since = at(5000)}).empty());
  EXPECT_EQ(read({.tail = 2, .since = at(2999)}), lines({"line 2999"}));
}

TEST_F(LogsTest, FollowsOverRotationAndDeletion) {
  write(1, 0, "a");
  auto reader = LogReader::open(directory_, {.follow = true});
  ASSERT_TRUE(reader);
  const auto next = [&] {
    std::vector<std::string> all;
    for (auto batch = reader->next(); batch && !(batch->empty() && reader->at_end()); batch = reader->next())
      for (auto& record : *batch) all.push_back(record.line);
    return all;
  };
  EXPECT_EQ(next(), lines({"a"}));
  EXPECT_EQ(next(), lines({}));
  write(1, 1, "b");
  write(2, 2, "c");
  EXPECT_EQ(next(), lines({"b", "c"}));
  write(2, 3, "half", "stdout", 'P');
  EXPECT_EQ(next(), lines({}));
  write(2, 3, "whole");
  write(3, 4, "d");
  std::filesystem::remove(directory_ + "/000001.log");
  EXPECT_EQ(next(), lines({"halfwhole", "d"}));
  std::filesystem::remove(directory_ + "/000003.log");
  write(7, 5, "e");
  EXPECT_EQ(next(),
            lines({"[drover: 3 log files were gone by the budget before they could be read here]", "e"}));
  std::filesystem::remove(directory_ + "/000007.log");
  write(9, 6, "f");
  EXPECT_EQ(next(), lines({"[drover: 1 log file was gone by the budget before it could be read here]", "f"}));
}

TEST_F(LogsTest, EndsWhereTheLogEndedWhenItWasAskedFor) {
  write(1, 0, "one");
  write(2, 1, "two");
  for (bool follow : {false, true}) {
    auto reader = LogReader::open(directory_, {.follow = follow});
    ASSERT_TRUE(reader);
    write(2, 2, "three");
    write(3, 3, "four");
    std::size_t lines = 0;
    for (auto batch = reader->next(); batch && !(batch->empty() && reader->at_end()); batch = reader->next())
      lines += batch->size();
    EXPECT_EQ(lines, follow ? 6u : 2u);
  }
}

TEST_F(LogsTest, ShowsTornLinesAsTheyAre) {
  write(1, 0, "good");
  std::ofstream(directory_ + "/000001.log", std::ios::app) << "2026-11-21T11:2\n";
  write(1, 1, "after");
  EXPECT_EQ(read({}), lines({"good", "2026-11-21T11:2", "after"}));
}

TEST_F(LogsTest, RefusesABadExpression) {
  EXPECT_EQ(LogReader::open(directory_, {.grep = "("}).error().code, Errc::invalid);
}

TEST_F(LogsTest, ARareWordIsLookedForInSteps) {
  {
    std::ofstream log(directory_ + "/000001.log");
    const std::string text(1000, 'x');
    for (int i = 0; i < 12'000; ++i) log << "2026-11-21T11:20:00.1Z stdout F " << text << "\n";
    log << "2026-11-21T11:20:00.2Z stdout F needle\n";
  }
  auto reader = LogReader::open(directory_, {.grep = "needle"});
  ASSERT_TRUE(reader);
  int calls = 0;
  std::size_t found = 0;
  do {
    found += reader->next()->size();
    ++calls;
  } while (!reader->at_end() && calls < 100);
  EXPECT_EQ(found, 1u);
  EXPECT_GE(calls, 3);
  EXPECT_EQ(read({.tail = 5, .grep = "needle"}), lines({"needle"}));
}

TEST_F(LogsTest, MergesByTime) {
  const auto first = directory_;
  write(1, 1, "a1");
  write(1, 3, "a3");
  directory_ = first + "/other";
  next_mark_.clear();
  std::filesystem::create_directory(directory_);
  write(1, 2, "b2");
  write(1, 4, "b4");
  const std::vector<LogSource> sources{{"a", first}, {"b", directory_}};
  directory_ = first;
  const auto merged = [&](LogQuery query) {
    std::vector<std::string> all;
    auto reader = MergedReader::open(sources, query);
    for (auto batch = reader->next(); batch && !(batch->empty() && reader->at_end()); batch = reader->next())
      for (auto& one : *batch) all.push_back(one.record.line);
    return all;
  };
  EXPECT_EQ(merged({}), lines({"a1", "b2", "a3", "b4"}));
  EXPECT_EQ(merged({.tail = 2}), lines({"a3", "b4"}));
}

TEST(LogQueryOptions, AreChecked) {
  const WallTime now(1'790'000'000s);
  const auto query = parse_log_query(
      {{"tail", "5"}, {"since", "10m"}, {"stream", "stderr"}, {"follow", "true"}, {"grep", "x"}}, now);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->tail, 5u);
  EXPECT_EQ(query->since, now - 10min);
  EXPECT_TRUE(query->follow);
  EXPECT_FALSE(parse_log_query({{"tail", "-1"}}, now));
  EXPECT_FALSE(parse_log_query({{"since", "yesterday"}}, now));
  EXPECT_FALSE(parse_log_query({{"stream", "both"}}, now));
  EXPECT_TRUE(parse_log_query({{"tail", "all"}, {"service", "x"}}, now));
}

TEST(LogJson, HasTimeStreamAndValidText) {
  const LogRecord record{1'790'000'000'123'456'789, LogStream::err, "bad \xff byte \"quoted\""};
  EXPECT_EQ(to_json_line(record),
            "{\"time\":\"2026-09-21T14:13:20.123456789Z\",\"stream\":\"stderr\",\"line\":\"bad \xEF\xBF\xBD "
            "byte \\\"quoted\\\"\"}");
}

}  // namespace drover::runtime
