#include "base/time.hpp"

#include <gtest/gtest.h>

namespace drover {
namespace {

TEST(Durations, Read) {
  const std::pair<const char*, Duration> cases[] = {{"0", 0s},      {"0s", 0s},
                                                    {"10", 10s},    {"1.5", 1500ms},
                                                    {"10s", 10s},   {"500ms", 500ms},
                                                    {"7us", 7us},   {"7µs", 7us},
                                                    {"1m30s", 90s}, {"1.5h", 90min},
                                                    {"2h", 2h},     {"5d", 120h},
                                                    {"1w", 168h},   {"1h1m1s1ms1us", 3661001001us},
                                                    {".5s", 500ms}, {"100y", 876'000h}};
  for (const auto& [text, value] : cases) {
    auto read = parse_duration(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, value) << text;
  }
  for (const char* bad : {"", " ", "s", "-1s", "1 s", "1s ", "1x", "1m30", "1e3s", "inf", "nan", "infs",
                          "101y", "1s.", "1S", "0x1s", "1..2s", "99999999999999999999999999h"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Durations, WrittenExactly) {
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(1500ms), "1s500ms");
  EXPECT_EQ(format_duration(-90s), "-1m30s");
  for (std::int64_t micros :
       {1LL, 999LL, 1'000'001LL, 86'399'999'999LL, 86'400'000'001LL, 3'153'599'999'999'999LL})
    EXPECT_EQ(*parse_duration(format_duration(Duration(micros))), Duration(micros)) << micros;
}

TEST(Durations, ForPeople) {
  EXPECT_EQ(human_duration(42ms), "42 ms");
  EXPECT_EQ(human_duration(90s), "1m 30s");
  EXPECT_EQ(human_duration(2min), "2m");
  EXPECT_EQ(human_duration(76h), "3d 4h");
}

TEST(Times, ReadAndWritten) {
  for (const char* text : {"2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123456Z", "1970-01-01T00:00:00Z",
                           "2024-02-29T23:59:59.000001Z", "1969-12-31T23:59:59.500000Z"}) {
    auto read = parse_time(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(format_time(*read), text);
  }
  EXPECT_EQ(*parse_time("2026-11-21T10:00:00.5Z"), *parse_time("2026-11-21T10:00:00.500000000Z"));
  for (const char* bad :
       {"", "2026-11-21", "2026-11-21T10:00:00", "2026-11-21T10:00:00+01:00", "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T10:60:00Z", "2026-11-21T10:00:00.Z",
        "2026-11-21T10:00:00.1x3Z", "2026x11x21T10y00y00Z", "-026-11-21T10:00:00Z", "2026--1-21T10:00:00Z",
        "2026-11-21T10:00:0-Z", "2026-11-21T10:00:00xZ"})
    EXPECT_FALSE(parse_time(bad)) << bad;
}

}  // namespace
}  // namespace drover
