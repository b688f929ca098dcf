#include <gtest/gtest.h>

#include "cli/output.hpp"

namespace drover::cli {
namespace {

TEST(Width, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("↺é"), 2u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);             // combining
  EXPECT_EQ(display_width("\x1b[31mred\x1b[0m"), 3u);  // colours need no room
}

TEST(Width, ShortenKeepsWholeCharacters) {
  EXPECT_EQ(shorten("abcdef", 6), "abcdef");
  EXPECT_EQ(shorten("abcdef", 4), "abc…");
  EXPECT_EQ(shorten("日本語", 4), "日…");
  EXPECT_EQ(shorten("abc", 0), "");
}

TEST(Width, BrokenInputDoesNoHarm) {
  std::string broken = "a\xff\xf0\x9f";
  EXPECT_LE(display_width(broken), 4u);
  EXPECT_EQ(printable("a\x1b[2Jb\nc"), "a\\x1b[2Jb ⏎ c");
}

TEST(Table, AlignsAndFits) {
  Terminal terminal;
  terminal.width = 24;
  auto out = print_table({{"NAME"}, {"N", true}, {"NOTE", false, true}},
                         {{{"web-1"}, {"7"}, {"a long note that does not fit"}}, {{"日本"}, {"12"}, {""}}},
                         terminal, {});
  EXPECT_EQ(out, "NAME    N  NOTE\nweb-1   7  a long note …\n日本   12\n");
}

TEST(Table, EmptyColumnsAreLeftOut) {
  EXPECT_EQ(print_table({{"A"}, {"B"}, {"C"}}, {{{"1"}, {""}, {"3"}}}, {}, {}), "A  C\n1  3\n");
}

TEST(Table, TabsForPrograms) {
  TableOptions options;
  options.tabs = true;
  EXPECT_EQ(print_table({{"A"}, {"B"}}, {{{"1"}, {""}}}, {}, options), "A\tB\n1\t\n");
}

TEST(Yaml, ReadsBackAsWritten) {
  auto value = parse_json(R"({"a":[{"b":"yes","c":[]},"x: y"],"d":{},"e":"plain","f":null,"g":""})");
  ASSERT_TRUE(value);
  EXPECT_EQ(to_yaml(*value),
            "a:\n  - b: \"yes\"\n    c: []\n  - \"x: y\"\nd: {}\ne: plain\nf: null\ng: \"\"\n");
}

}  // namespace
}  // namespace drover::cli
