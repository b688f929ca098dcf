#include "hub/filter.hpp"

#include <gtest/gtest.h>

#include "hub/listing.hpp"

namespace drover::hub {
namespace {

namespace json = boost::json;

const std::vector<std::string_view> keys{"id", "name", "state", "labels", "ports", "restarts"};
const json::object web{{"id", "1"},
                       {"name", "web-1"},
                       {"state", "ready"},
                       {"labels", json::object{{"site", "Home"}}},
                       {"ports", json::array{80, 443}},
                       {"restarts", 3}};

bool matches(std::string_view text) {
  auto filter = Filter::parse(text, keys);
  EXPECT_TRUE(filter) << text;
  return filter && filter->matches(web);
}

TEST(Filter, AllWordsMustMatch) {
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(matches("web"));
  EXPECT_TRUE(matches("WEB state:ready"));
  EXPECT_FALSE(matches("web state:failed"));
  EXPECT_TRUE(matches("state:failed|ready"));
  EXPECT_TRUE(matches("-state:failed"));
  EXPECT_FALSE(matches("-web"));
  EXPECT_TRUE(matches("name:web-*"));
  EXPECT_FALSE(matches("name:web"));
  EXPECT_TRUE(matches("labels.site:home"));
  EXPECT_FALSE(matches("labels.rack:x"));
  EXPECT_TRUE(matches("ports:443"));
  EXPECT_TRUE(matches("restarts:3"));
  EXPECT_TRUE(matches("\"web-1\""));
}

TEST(Filter, SaysWhatIsWrong) {
  EXPECT_EQ(Filter::parse("stat:x", keys).error().hint, "did you mean \"state\"?");
  EXPECT_FALSE(Filter::parse("\"open", keys));
  EXPECT_FALSE(Filter::parse(std::string(3000, 'x'), keys));
  std::string many;
  for (int i = 0; i < 40; ++i) many += "x ";
  EXPECT_FALSE(Filter::parse(many, keys));
}

TEST(Filter, AnythingIsReadOrRefused) {
  std::uint64_t seed = 7;
  constexpr std::string_view letters = "ab:|-*\" .\\\t\xff";
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (int i = 0; i < 30; ++i) {
      seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
      text += letters[(seed >> 33) % letters.size()];
    }
    if (auto filter = Filter::parse(text, {"a", "b", "ab"})) (void)filter->matches(web);
  }
}

TEST(Wildcard, StandsForAnyLetters) {
  EXPECT_TRUE(wildcard_match("*", ""));
  EXPECT_TRUE(wildcard_match("a*c*", "abbcd"));
  EXPECT_FALSE(wildcard_match("a*c", "abbcd"));
  EXPECT_FALSE(wildcard_match(std::string(200, '*') + "b", std::string(20'000, 'a')));
}

std::vector<json::object> rows(int count) {
  std::vector<json::object> out;
  for (int i = 0; i < count; ++i)
    out.push_back({{"id", std::to_string(i)}, {"name", "n"}, {"restarts", i % 3}, {"state", nullptr}});
  return out;
}

TEST(Page, CursorsVisitEveryRowOnce) {
  ListQuery query{.sort = "-restarts", .limit = 7, .keys = keys};
  std::set<std::string> seen;
  for (int pages = 0; pages < 100; ++pages) {
    auto page = make_page(query, rows(50));
    ASSERT_TRUE(page);
    for (const auto& row : page->items)
      EXPECT_TRUE(seen.insert(std::string(row.at("id").as_string())).second);
    if (page->next.empty()) break;
    query.cursor = page->next;
  }
  EXPECT_EQ(seen.size(), 50u);
}

TEST(Page, RefusesForeignCursorsAndUnknownOrders) {
  EXPECT_FALSE(make_page({.cursor = "xx", .keys = keys}, rows(3)));
  EXPECT_FALSE(make_page({.sort = "nothing", .keys = keys}, rows(3)));
  EXPECT_FALSE(parse_limit("0", 5));
  EXPECT_FALSE(parse_limit("1001", 5));
  EXPECT_EQ(parse_limit(std::nullopt, 5).value(), 5u);
}

}  // namespace
}  // namespace drover::hub
