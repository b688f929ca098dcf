#include "net/url.hpp"

#include <gtest/gtest.h>

namespace drover::net {
namespace {

TEST(Url, ReadsWhatIsUsed) {
  auto url = parse_url("https://hub.example:3079/api/v1?x=1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "hub.example");
  EXPECT_EQ(url->port, 3079);
  EXPECT_EQ(url->target, "/api/v1?x=1");
  EXPECT_EQ(url->authority(), "hub.example:3079");
  EXPECT_EQ(parse_url("http://[::1]:80")->authority(), "[::1]");
  EXPECT_EQ(parse_url("ws://a?b")->target, "/?b");
  EXPECT_EQ(parse_url("unix:/run/drover/hub.sock")->socket, "/run/drover/hub.sock");
}

TEST(Url, RefusesWhatIsNotSurelyRight) {
  for (auto text : {"", "hub:3079", "ftp://a", "http://", "http://user@host", "http://a:0", "http://a:65536",
                    "http://a:b", "http://[::1", "http://[::1]x", "http://a b", "http://a/#x", "http://a/ b",
                    "http://a_\x01/", "unix:", "http://a:80x", "http://[::1]80"})
    EXPECT_FALSE(parse_url(text)) << text;
}

TEST(Percent, RoundTrip) {
  std::string all = "a b/ü?&=%+~";
  EXPECT_EQ(percent_decode(percent_encode(all)).value(), all);
  EXPECT_EQ(percent_decode("a+b", true).value(), "a b");
  EXPECT_EQ(percent_decode("a+b").value(), "a+b");
  for (auto text : {"%", "%1", "%zz", "%00", "%ff", "a\xc3"}) EXPECT_FALSE(percent_decode(text)) << text;
}

TEST(QueryText, KeepsOrderAndRepeats) {
  auto query = parse_query("b=2&a=1&b=3&flag&=x&&c=%20");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->get("b"), "2");
  EXPECT_EQ(query->all("b"), (std::vector<std::string_view>{"2", "3"}));
  EXPECT_EQ(query->get("flag"), "");
  EXPECT_EQ(query->get("c"), " ");
  EXPECT_FALSE(query->has("d"));
  EXPECT_EQ(parse_query(query->encode())->items(), query->items());
  std::string many;
  for (int i = 0; i < 300; ++i) many += "a&";
  EXPECT_FALSE(parse_query(many));
}

TEST(TargetText, RefusesPathsThatEscape) {
  EXPECT_EQ(parse_target("/a/b%2Fc/?q=1")->path, "/a/b%2Fc/");
  EXPECT_EQ(parse_target("/a?q=1")->query.get("q"), "1");
  for (auto text :
       {"", "a", "//a", "/a//b", "/.", "/..", "/a/../b", "/a/%2e%2e/b", "/%2E", "/a%", "/a%00b", "/?a=%g"})
    EXPECT_FALSE(parse_target(text)) << text;
}

}  // namespace
}  // namespace drover::net
