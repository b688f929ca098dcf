#include "base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/id.hpp"

namespace drover {
namespace {
using testing::ElementsAre;

TEST(Nearest, FindsTypingErrorsAndNothingFarther) {
  std::vector<std::string> words{"interval", "timeout", "failures", "http", "tcp", "web"};
  EXPECT_EQ(nearest("intervall", words), "interval");
  EXPECT_EQ(nearest("itnerval", words), "interval") << "two letters swapped are one mistake";
  EXPECT_EQ(nearest("timeoot", words), "timeout");
  EXPECT_EQ(nearest("tpc", words), "tcp");
  EXPECT_EQ(nearest("wbe", words), "web");
  EXPECT_EQ(nearest("xyz", words), std::nullopt);
  EXPECT_EQ(nearest("", words), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'i'), words), std::nullopt);
  EXPECT_EQ(nearest("web", std::vector<std::string>{}), std::nullopt);
}

TEST(Text, SplitTrimJoin) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split(",", ','), ElementsAre("", ""));
  EXPECT_THAT(split("", ','), ElementsAre());
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(join(std::vector<std::string>{"a", "b"}, ", "), "a, b");
}

TEST(Size, ReadAndWritten) {
  const std::pair<const char*, std::uint64_t> cases[] = {{"0", 0},
                                                         {"100", 100},
                                                         {"1k", 1024},
                                                         {"1KB", 1024},
                                                         {"2 MiB", 2u << 20},
                                                         {"1.5g", 3u << 29},
                                                         {"20GiB", 20ull << 30},
                                                         {"0.5KiB", 512},
                                                         {"9007199254740993", 9007199254740993ull}};
  for (const auto& [text, bytes] : cases) {
    auto read = parse_size(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, bytes) << text;
  }
  for (const char* bad :
       {"", "x", "-1", "1e3", "1 XB", "1MiB2", "inf", "nan", "99999999999999999999", "9999999TiB", " 1"})
    EXPECT_FALSE(parse_size(bad)) << bad;
  for (std::uint64_t bytes : {0ull, 1ull, 1023ull, 1024ull, 1ull << 62, (1ull << 60) + 1, 3ull << 20})
    EXPECT_EQ(*parse_size(format_size(bytes)), bytes);
  EXPECT_EQ(format_size(512 << 20), "512MiB");
  EXPECT_EQ(human_size(1'500'000'000), "1.4 GiB");
  EXPECT_EQ(human_size(12), "12 B");
}

TEST(Utf8, WhatIsNotValidIsReplaced) {
  EXPECT_EQ(valid_utf8("añ€😀"), "añ€😀");
  EXPECT_EQ(valid_utf8("a\xff"), "a\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xc3"), "\xef\xbf\xbd") << "cut in the middle";
  EXPECT_EQ(valid_utf8("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd") << "overlong";
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") << "surrogate";
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80").size(), 12u) << "past U+10FFFF";
  EXPECT_EQ(valid_utf8(std::string("a\0b", 3)), std::string("a\0b", 3));
}

TEST(Names, AsComposeHasThem) {
  for (const char* good : {"a", "web-1", "9_a", "a-"}) EXPECT_TRUE(is_name(good)) << good;
  for (const char* bad : {"", "-a", "_a", "A", "a.b", "a b", "é"}) EXPECT_FALSE(is_name(bad)) << bad;
  EXPECT_TRUE(is_name(std::string(63, 'a')));
  EXPECT_FALSE(is_name(std::string(64, 'a')));
}

TEST(Crypto, DigestsTokensAndComparison) {
  // BLAKE2b-256 of nothing (RFC 7693's algorithm with 32 bytes of output).
  EXPECT_EQ(blake2b(""), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_NE(blake2b("a", "key"), blake2b("a"));
  std::string token = random_token();
  EXPECT_EQ(token.size(), 43u);
  EXPECT_NE(token, random_token());
  EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "ab"));
}

TEST(Uuid, VersionSevenInOrderOfTime) {
  Rng rng(1);
  WallTime time{std::chrono::sys_days(std::chrono::year(2026) / 11 / 21)};
  Uuid first = make_uuid(time, rng), second = make_uuid(time + 1ms, rng);
  EXPECT_LT(first, second);
  std::string text = to_string(first);
  EXPECT_EQ(text.size(), 36u);
  EXPECT_EQ(text[14], '7');
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
  EXPECT_EQ(parse_uuid(text), first);
  EXPECT_EQ(parse_uuid("01912D68-783E-7A03-8467-5661C1243AD4"),
            parse_uuid("01912d68-783e-7a03-8467-5661c1243ad4"));
  for (const char* bad : {"", "01912d68-783e-7a03-8467-5661c1243ad", "01912d68x783e-7a03-8467-5661c1243ad4",
                          "g1912d68-783e-7a03-8467-5661c1243ad4", "01912d68-783e-7a03-8467-5661c1243ad44"})
    EXPECT_FALSE(parse_uuid(bad)) << bad;
  EXPECT_TRUE(Uuid{}.nil());
  EXPECT_FALSE(first.nil());
}

TEST(Rng, OneSeedOneSequence) {
  Rng a(42), b(42);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
  EXPECT_EQ(a.below(0), 0u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(a.below(7), 7u);
    double unit = a.unit();
    EXPECT_TRUE(unit >= 0 && unit < 1);
  }
  EXPECT_FALSE(a.percent(0));
  EXPECT_TRUE(a.percent(100));
}

}  // namespace
}  // namespace drover
