#include "base/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/log.hpp"

namespace drover {
namespace {
using testing::HasSubstr;

enum class Colour { red, dark_blue, delete_ };
BOOST_DESCRIBE_ENUM(Colour, red, dark_blue, delete_)

struct Round {
  static constexpr const char* kind = "round";
  double radius = 1;
};
BOOST_DESCRIBE_STRUCT(Round, (), (radius))
struct Square {
  static constexpr const char* kind = "square";
  std::int32_t side = 2;
};
BOOST_DESCRIBE_STRUCT(Square, (), (side))

struct Thing {
  std::string name = "thing";
  std::optional<Colour> colour;
  std::vector<std::uint8_t> sizes;
  std::map<std::string, bool> flags;
  std::variant<Round, Square> shape;
  Duration wait = 5s;
  std::int64_t big = 0;
  Secret<std::string> password;
  Uuid id;
};
BOOST_DESCRIBE_STRUCT(Thing, (), (name, colour, sizes, flags, shape, wait, big, password, id))

std::vector<std::string> paths(const Result<Thing>& thing) {
  std::vector<std::string> out;
  if (!thing)
    for (const Problem& problem : thing.error().problems) out.push_back(problem.path);
  return out;
}

TEST(Json, DescribedTypesThereAndBack) {
  Thing thing;
  thing.colour = Colour::dark_blue;
  thing.sizes = {1, 255};
  thing.flags = {{"a", true}};
  thing.shape = Square{7};
  thing.big = std::numeric_limits<std::int64_t>::min();
  thing.password = Secret<std::string>("hunter2");
  std::string text = to_json_text(thing);
  EXPECT_THAT(text, HasSubstr("\"password\":\"***\""));
  EXPECT_THAT(text, HasSubstr("\"shape\":{\"square\":{\"side\":7}}"));
  auto back = from_json_text<Thing>(text, Unknown::refuse);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->big, thing.big);
  EXPECT_EQ(back->sizes, thing.sizes);
  EXPECT_EQ(std::get<Square>(back->shape).side, 7);
  EXPECT_EQ(to_json_text(*back), text);
}

TEST(Json, DefaultsStandWhereNothingIsSaid) {
  auto thing = from_json_text<Thing>("{}", Unknown::refuse);
  ASSERT_TRUE(thing);
  EXPECT_EQ(thing->name, "thing");
  EXPECT_EQ(thing->wait, 5s);
  EXPECT_FALSE(thing->colour);
  EXPECT_EQ(from_json_text<Thing>("{\"wait\": 1.5, \"colour\": null}", Unknown::refuse)->wait, 1500ms);
  EXPECT_EQ(from_json_text<Thing>("{\"colour\": \"delete\"}", Unknown::refuse)->colour, Colour::delete_);
}

TEST(Json, EveryProblemHasItsPath) {
  auto thing = from_json_text<Thing>(
      R"({"name":1,"colour":"rad","sizes":[1,256,-1,1.5],"flags":{"x":"y"},"shape":{"round":{"radius":"r"}},"wait":"1x","nam":1,"id":"1"})",
      Unknown::refuse);
  EXPECT_THAT(paths(thing), testing::ElementsAre("name", "colour", "sizes[1]", "sizes[2]", "sizes[3]",
                                                 "flags.x", "shape.round.radius", "wait", "id", "nam"));
  EXPECT_EQ(thing.error().problems[1].hint, "did you mean \"red\"?");
  EXPECT_EQ(thing.error().problems.back().hint, "did you mean \"name\"?");
  EXPECT_TRUE(from_json_text<Thing>("{\"nam\": 1}", Unknown::ignore));
  EXPECT_FALSE(from_json_text<Thing>("{\"shape\": {\"oval\": {}}}", Unknown::ignore));
  EXPECT_FALSE(from_json_text<Thing>("[]", Unknown::ignore));
}

TEST(Json, ParserIsStrictAndSaysWhere) {
  auto twice = parse_json("{\"a\": {\"b\": 1},\n \"c\": 2, \"c\": 3}");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().problems[0].line, 2u);
  EXPECT_EQ(twice.error().problems[0].column, 10u);
  EXPECT_TRUE(parse_json("[{\"a\":1},{\"a\":1},\"a\",\"a\"]"));
  EXPECT_FALSE(parse_json("{\"a\":1,\"\\u0061\":2}")) << "one key in two spellings";
  for (const char* bad :
       {"", "{", "[1,]", "{\"a\"}", "nul", "01", "\"\xff\"", "\"\n\"", "1 2", "// c\n1", "NaN", "'a'"})
    EXPECT_FALSE(parse_json(bad)) << bad;
  auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(60)));
  EXPECT_FALSE(parse_json(nested(100)));
}

TEST(Json, PrinterWritesOnlyValidJson) {
  EXPECT_EQ(print_json(json::value(1.0)), "1");
  EXPECT_EQ(print_json(json::value(0.1)), "0.1");
  EXPECT_EQ(print_json(json::value(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(print_json(json::value(std::numeric_limits<double>::quiet_NaN())), "null");
  EXPECT_EQ(print_json(json::value("a\"\\\n\x01é")), "\"a\\\"\\\\\\n\\u0001é\"");
  EXPECT_EQ(pretty_json(json::value{{"a", {1, 2}}, {"b", json::object{}}}),
            "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}\n");
  for (double value : {1e300, -2.5e-10, 123456789012345678.0, -0.0})
    EXPECT_TRUE(parse_json(print_json(json::value(value)))) << value;
}

TEST(Errors, EachCodeHasItsAnswers) {
  EXPECT_EQ(http_status(Errc::stale), 412);
  EXPECT_EQ(exit_status(Errc::unavailable), 7);
  EXPECT_EQ(name(Errc::not_found), "not_found");
  EXPECT_TRUE(retryable(Errc::timeout));
  EXPECT_FALSE(retryable(Errc::invalid));
  Error error = from_errno(ENOENT, "cannot open x");
  EXPECT_EQ(error.code, Errc::not_found);
  EXPECT_THAT(error.message, HasSubstr("cannot open x: "));
  auto half = [](Result<int> from) -> Result<int> {
    TRY(int value, std::move(from));
    return value / 2;
  };
  EXPECT_EQ(*half(4), 2);
  EXPECT_EQ(half(fail(Errc::denied, "no")).error().code, Errc::denied);
}

class StillClock final : public Clock {
 public:
  Now now() const override { return {BootTime{}, WallTime{}}; }
};

TEST(Logs, OneLineInTheFormatOfRecord) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  StillClock clock;
  Log log(clock, ends[1], "hub", false);
  log.debug("not shown");
  log.info("done\n\xff", {{"node", "pve1"}, {"correlationId", "abc"}});
  ::close(ends[1]);
  char buffer[512];
  ssize_t length = ::read(ends[0], buffer, sizeof buffer);
  ::close(ends[0]);
  ASSERT_GT(length, 0);
  std::string line(buffer, std::size_t(length));
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  auto record = parse_json(line);
  ASSERT_TRUE(record) << line;
  EXPECT_EQ(record->at("level"), "info");
  EXPECT_EQ(record->at("service"), "hub");
  EXPECT_EQ(record->at("correlationId"), "abc");
  EXPECT_EQ(record->at("context").at("node"), "pve1");
  EXPECT_EQ(record->at("timestamp"), "1970-01-01T00:00:00Z");
}

class SecondClock final : public Clock {
 public:
  Now now() const override { return {BootTime{}, WallTime{std::chrono::seconds(second)}}; }
  int second = 0;
};

class Kept final : public RecordSink {
 public:
  void take(std::string line) override { lines.push_back(std::move(line)); }
  void flush() override {}
  std::vector<std::string> lines;
};

TEST(Logs, AFloodIsCutAndCountedAndDoesNotHideErrors) {
  SecondClock clock;
  Kept kept;
  Log log(clock, -1, "hub", false);
  log.also_to(kept);
  for (std::uint32_t i = 0; i < Log::per_second + 500; ++i) log.info("again");
  EXPECT_EQ(kept.lines.size(), Log::per_second);
  log.error("seen all the same");
  EXPECT_THAT(kept.lines.back(), HasSubstr("seen all the same"));
  clock.second = 1;
  log.info("next");
  ASSERT_EQ(kept.lines.size(), Log::per_second + 3u);
  EXPECT_THAT(kept.lines[Log::per_second + 1], HasSubstr("\"count\":\"500\""));
  EXPECT_THAT(kept.lines.back(), HasSubstr("next"));
}

}  // namespace
}  // namespace drover
