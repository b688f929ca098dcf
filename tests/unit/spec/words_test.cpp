#include "spec/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drover::spec {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

TEST(SplitWords, LikeAShellWithoutOne) {
  EXPECT_THAT(*split_words("a  b\tc\n"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(*split_words(R"(sh -c 'a "b" $c' "d 'e' \"f\" \n")"),
              ElementsAre("sh", "-c", "a \"b\" $c", "d 'e' \"f\" \\n"));
  EXPECT_THAT(*split_words(R"(a\ b c\\d '' "")"), ElementsAre("a b", "c\\d", "", ""));
  EXPECT_THAT(*split_words("pre'fix'\"ed\""), ElementsAre("prefixed"));
  EXPECT_THAT(*split_words("a \\\n b"), ElementsAre("a", "b"));
  EXPECT_THAT(*split_words(""), ElementsAre());
  EXPECT_FALSE(split_words("'a"));
  EXPECT_FALSE(split_words("\"a\\\""));
}

struct Case {
  std::string from, to;
};

TEST(Interpolate, EveryFormOfCompose) {
  Variables variables{{"V", "v"}, {"EMPTY", ""}, {"_x1", "y"}, {"DOLLAR", "$V ${V}"}};
  const Case cases[] = {
      {"plain", "plain"},
      {"$V ${V} $_x1.", "v v y."},
      {"$$V $${V} $$", "$V ${V} $"},
      {"${NO:-d} ${NO-d} ${EMPTY:-d} ${EMPTY-d} ${V:-d}", "d d d  v"},
      {"${V:+r} ${V+r} ${NO:+r} ${EMPTY:+r} ${EMPTY+r}", "r r   r"},
      {"${V:?e}${V?e}${EMPTY?e}", "vv"},
      {"${NO:-${V}} ${NO:-${NO2:-deep}} ${NO:-$$V}", "v deep $V"},
      {"${NO:-{{port.http}}}", "{{port.http}}"},
      {"5$ $5 a$-b $", "5$ $5 a$-b $"},
      {"${DOLLAR}", "$V ${V}"},
      {"${NO:-}", ""},
      {"${NO:-a:b?c}", "a:b?c"},
  };
  for (const Case& one : cases) {
    auto done = interpolate(one.from, variables);
    ASSERT_TRUE(done) << one.from << ": " << done.error().message;
    EXPECT_EQ(done->text, one.to) << one.from;
  }
}

TEST(Interpolate, NamesWhatIsMissing) {
  auto done = interpolate("$A ${B} ${C:-$D} ${E:-x}", {});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->text, "   x");
  EXPECT_THAT(done->missing, ElementsAre("A", "B", "D"));
  EXPECT_TRUE(done->changed);
  EXPECT_FALSE(interpolate("cost: 5$", {})->changed);
}

TEST(Interpolate, RefusesWhatItCannotRead) {
  for (const char* bad : {"${", "${V", "${}", "${1}", "${V/a/b}", "${V:}", "${V:=d}", "${V:-${W}", "${NO?}"})
    EXPECT_FALSE(interpolate(bad, {})) << bad;
  EXPECT_THAT(interpolate("${DB:?tell me ${WHERE:-where}}", {}).error().message,
              HasSubstr("DB is needed: tell me where"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "${A:-";
  deep += std::string(100, '}');
  EXPECT_FALSE(interpolate(deep, {}));
}

TEST(EnvFile, ConformsToCompose) {
  Variables variables{{"V", "v"}, {"FROM", "outside"}};
  const Case cases[] = {
      {"A=1", "1"},
      {"A = 1 ", "1"},
      {"export A=1", "1"},
      {"A=", ""},
      {"A=a b # c", "a b"},
      {"A=a#b", "a#b"},
      {"A=#c", ""},
      {"A='a # $V \\n' # c", "a # $V \\n"},
      {"A='it\\'s'", "it's"},
      {"A=\"a # $V\\n\\$V \\\"\"", "a # v\n$V \""},
      {"A=\"two\nlines\"", "two\nlines"},
      {"A=${V:-x}$V", "vv"},
      {"A=x=y", "x=y"},
      {"A=1\r\n", "1"},
      {"A=1\nA=2", "2"},
      {"# A=0\n\nA=1", "1"},
  };
  for (const Case& one : cases) {
    auto read = parse_env_file(one.from, variables, false);
    ASSERT_TRUE(read) << one.from;
    EXPECT_EQ(read->values["A"], one.to) << one.from;
  }
  EXPECT_EQ(parse_env_file("FROM\nNOT", variables, false)->values,
            (std::map<std::string, std::string>{{"FROM", "outside"}}));
  EXPECT_EQ(parse_env_file("A= \"$V\" # x ", variables, true)->values["A"], " \"$V\" # x ");
}

TEST(EnvFile, SaysWhereItIsWrong) {
  auto read = parse_env_file("A=1\nNO VALUE\nB=\"x\" y\n=1\nC='open", {}, false);
  ASSERT_FALSE(read);
  std::vector<std::uint32_t> lines;
  for (const Problem& problem : read.error().problems) lines.push_back(problem.line);
  EXPECT_THAT(lines, ElementsAre(2, 3, 4, 5));
}

TEST(JoinPath, IsPureText) {
  EXPECT_EQ(join_path("/srv/app", "."), "/srv/app");
  EXPECT_EQ(join_path("/srv/app", ""), "/srv/app");
  EXPECT_EQ(join_path("/srv/app", "../x/./y/"), "/srv/x/y");
  EXPECT_EQ(join_path("/srv/app", "/etc"), "/etc");
  EXPECT_EQ(join_path("/srv", "../../.."), "/");
}

}  // namespace
}  // namespace drover::spec
