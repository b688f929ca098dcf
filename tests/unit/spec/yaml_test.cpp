#include <gtest/gtest.h>

#include "spec/value.hpp"

namespace drover::spec {
namespace {
using Kind = Value::Kind;

TEST(Yaml, ScalarsByTheCoreSchema) {
  const std::pair<std::string_view, Kind> cases[] = {
      {"", Kind::null},         {"~", Kind::null},       {"null", Kind::null},
      {"Null", Kind::null},     {"nUll", Kind::string},  {"true", Kind::boolean},
      {"False", Kind::boolean}, {"yes", Kind::string},   {"no", Kind::string},
      {"on", Kind::string},     {"off", Kind::string},   {"0", Kind::integer},
      {"-19", Kind::integer},   {"+1", Kind::integer},   {"0755", Kind::integer},
      {"0o755", Kind::integer}, {"0xfF", Kind::integer}, {"0o8", Kind::string},
      {"1_000", Kind::string},  {"1.5", Kind::number},   {"1.", Kind::number},
      {".5", Kind::number},     {"1e3", Kind::number},   {"-1.5E-3", Kind::number},
      {".inf", Kind::number},   {"-.INF", Kind::number}, {".nan", Kind::number},
      {".", Kind::string},      {"1:30", Kind::string},  {"2026-01-01", Kind::string},
      {"e3", Kind::string},     {"-", Kind::string},     {"1e", Kind::string},
      {"10s", Kind::string}};
  for (const auto& [text, kind] : cases) EXPECT_EQ(resolve(text), kind) << text;
}

TEST(Yaml, KeepsTextAndPosition) {
  auto root = parse_yaml("a: 0755\nb:\n  - \"é\"\n  - 'x': [1,\n      2]\n");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->find("a")->value.text, "0755");
  const Value& list = root->find("b")->value;
  EXPECT_EQ(list.items[0].kind, Kind::string);
  EXPECT_EQ(list.items[0].at.line, 3u);
  EXPECT_EQ(list.items[0].at.column, 5u);
  const Value& inner = list.items[1].find("x")->value;
  EXPECT_EQ(inner.items[1].at.line, 5u);
  EXPECT_EQ(inner.items[1].at.column, 7u);
}

TEST(Yaml, MergeKeys) {
  auto root = parse_yaml(
      "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*b, *a], z: 3}\nd: {x: 0, <<: *a}\ne: {'<<': *a}\n");
  ASSERT_TRUE(root);
  const Value& c = root->find("c")->value;
  EXPECT_EQ(c.entries.size(), 3u);
  EXPECT_EQ(c.find("x")->value.text, "1");
  EXPECT_EQ(c.find("y")->value.text, "2");
  EXPECT_EQ(c.find("z")->value.text, "3");
  EXPECT_EQ(root->find("d")->value.find("x")->value.text, "0");
  EXPECT_TRUE(root->find("e")->value.find("<<")) << "quoted, it is a key like any other";
}

TEST(Yaml, AnAliasInsideOfItsOwnAnchorIsUnknown) { EXPECT_FALSE(parse_yaml("a: &a [*a]")); }

TEST(Yaml, BillionLaughsAreStopped) {
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i < 20; ++i) {
    std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "," +
            before + "," + before + "]\n";
  }
  auto root = parse_yaml(text);
  ASSERT_FALSE(root);
  EXPECT_NE(root.error().problems[0].message.find("aliases included"), std::string::npos);
  std::string large = "a: &a \"" + std::string(500'000, 'x') + "\"\nb: [";
  for (int i = 0; i < 100; ++i) large += "*a, ";
  EXPECT_FALSE(parse_yaml(large + "]"));
}

TEST(Yaml, LimitsOfDepthAndSize) {
  auto nested = [](int depth) {
    return std::string(std::size_t(depth), '[') + std::string(std::size_t(depth), ']');
  };
  EXPECT_TRUE(parse_yaml(nested(64)));
  EXPECT_FALSE(parse_yaml(nested(65)));
  EXPECT_FALSE(parse_yaml(nested(100'000)));
  EXPECT_FALSE(parse_yaml(std::string(200'000, '{')));
  EXPECT_FALSE(parse_yaml(std::string((4 << 20) + 1, ' ')));
}

TEST(Yaml, JsonIsYaml) {
  auto root = parse_yaml("{\"a\":[1,2.5,true,null,\"\\u00e9\\ud83d\\ude00\\\\ud83d\\/\"],\n\t\"b\":{}}");
  ASSERT_TRUE(root) << root.error().problems[0].message;
  const Value& list = root->find("a")->value;
  EXPECT_EQ(list.items[4].text, "é😀\\ud83d/");
  EXPECT_EQ(list.items[3].kind, Kind::null);
}

TEST(Yaml, Tags) {
  auto root = parse_yaml("a: !!str 5\nb: !!int 5\nc: ! 5\nd: !!float 5\n");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->find("a")->value.kind, Kind::string);
  EXPECT_EQ(root->find("b")->value.kind, Kind::integer);
  EXPECT_EQ(root->find("c")->value.kind, Kind::string);
  EXPECT_FALSE(parse_yaml("a: !!bool 5"));
  EXPECT_FALSE(parse_yaml("a: !reset null"));
}

}  // namespace
}  // namespace drover::spec
