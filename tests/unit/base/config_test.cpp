#include "base/config.hpp"

#include <gtest/gtest.h>

namespace drover {
namespace {

enum class Colour { red, green };
BOOST_DESCRIBE_ENUM(Colour, red, green)

struct Sample {
  std::string hub = "https://127.0.0.1:3079";
  std::string name;
  Duration heartbeat = 5s;
  std::uint16_t port = 3080;
  bool exec = true;
  Colour colour = Colour::red;
  std::vector<std::string> verbs;
  std::map<std::string, std::string> labels;
  Secret<std::string> password;
  std::uint32_t parallel = 4;
  static constexpr auto fields() {
    return std::tuple{
        Field{&Sample::hub, "hub", "Address of the hub.", &check_http_url},
        Field{&Sample::name, "name", "Name of this node.", &not_empty},
        Field{&Sample::heartbeat, "heartbeat", "How often the agent shows that it is alive.",
              &between_ms<100, 60'000>},
        Field{&Sample::port, "port", "Port."},
        Field{&Sample::exec, "exec", "May the hub run programs?"},
        Field{&Sample::colour, "colour", "Colour."},
        Field{&Sample::verbs, "verbs", "Verbs."},
        Field{&Sample::labels, "labels", "Labels."},
        Field{&Sample::password, "password", "Password."},
        Field{&Sample::parallel, "limits.parallel", "Tasks at once.", &between<1, 64, std::uint32_t>}};
  }
};

ConfigSources file(std::string text) {
  ConfigSources out;
  out.section = "agent";
  out.file_name = "agent.toml";
  out.file_text = std::move(text);
  return out;
}

const ConfigEntry& entry(const Loaded<Sample>& loaded, std::string_view key) {
  for (const auto& e : loaded.entries)
    if (e.key == key) return e;
  throw std::out_of_range(std::string(key));
}

TEST(Config, ReadsEveryKindOfValue) {
  auto sources = file(R"(
name = "pve1"
heartbeat = "250ms"
port = 4000
exec = false
colour = "green"
verbs = ["a", "b"]
labels = { site = "home" }
password = "${PW}"
[limits]
parallel = 8
)");
  sources.environment["PW"] = "geheim";
  auto loaded = load_config<Sample>(sources);
  ASSERT_TRUE(loaded) << loaded.error().problems[0].message;
  EXPECT_EQ(loaded->config.name, "pve1");
  EXPECT_EQ(loaded->config.heartbeat, 250ms);
  EXPECT_EQ(loaded->config.port, 4000);
  EXPECT_FALSE(loaded->config.exec);
  EXPECT_EQ(loaded->config.colour, Colour::green);
  EXPECT_EQ(loaded->config.verbs, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(loaded->config.labels.at("site"), "home");
  EXPECT_EQ(loaded->config.password.reveal(), "geheim");
  EXPECT_EQ(loaded->config.parallel, 8u);
  EXPECT_EQ(entry(*loaded, "limits.parallel").place, "agent.toml:11");
  EXPECT_EQ(entry(*loaded, "password").value, "\"***\"");
}

TEST(Config, LaterSourcesWin) {
  auto sources = file("name = \"a\"\nport = 1\nheartbeat = 3\n");
  sources.environment["DROVER_AGENT_PORT"] = "2";
  sources.environment["DROVER_AGENT_LIMITS_PARALLEL"] = "9";
  sources.flags.push_back({"port", "3", "--port"});
  auto loaded = load_config<Sample>(sources);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.port, 3);
  EXPECT_EQ(loaded->config.parallel, 9u);
  EXPECT_EQ(loaded->config.heartbeat, 3s);
  EXPECT_EQ(entry(*loaded, "port").origin, ConfigOrigin::flag);
  EXPECT_EQ(entry(*loaded, "limits.parallel").place, "DROVER_AGENT_LIMITS_PARALLEL");
  EXPECT_EQ(entry(*loaded, "hub").origin, ConfigOrigin::built_in);
}

TEST(Config, AllErrorsAtOnceWithTheirPlaces) {
  auto sources = file(
      "hub = \"nonsense\"\nhartbeat = \"1s\"\nport = 70000\nexec = \"true\"\ncolour = \"gren\"\n"
      "password = \"${NOT_THERE}\"\n");
  sources.environment["DROVER_AGENT_HEARTBEAT"] = "2h";
  auto loaded = load_config<Sample>(sources);
  ASSERT_FALSE(loaded);
  std::map<std::string, Problem> by_path;
  for (const auto& p : loaded.error().problems) by_path[p.path] = p;
  EXPECT_EQ(by_path.size(), 8u);
  EXPECT_EQ(by_path["hub"].line, 1u);
  EXPECT_EQ(by_path["hartbeat"].line, 2u);
  EXPECT_EQ(by_path["hartbeat"].hint, "did you mean heartbeat?");
  EXPECT_EQ(by_path["port"].file, "agent.toml");
  EXPECT_NE(by_path["port"].message.find("between 0 and 65535"), std::string::npos);
  EXPECT_NE(by_path["exec"].message.find("without quotes"), std::string::npos);
  EXPECT_EQ(by_path["colour"].hint, "did you mean green?");
  EXPECT_NE(by_path["password"].message.find("NOT_THERE is not set"), std::string::npos);
  EXPECT_EQ(by_path["heartbeat"].file, "DROVER_AGENT_HEARTBEAT");
  EXPECT_NE(by_path["name"].message.find("is missing"), std::string::npos);
}

TEST(Config, SyntaxErrorsHaveAPlace) {
  auto loaded = load_config<Sample>(file("name = \"a\"\nport = = 3\n"));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().problems[0].line, 2u);
}

TEST(Config, ShownFileReadsBackToTheSame) {
  auto sources =
      file("name = \"a \\\"quoted\\\" one\"\nlabels = { a = \"1\", b = \"2\" }\n[limits]\nparallel = 7\n");
  auto first = load_config<Sample>(sources);
  ASSERT_TRUE(first);
  auto second = load_config<Sample>(file(config_toml(first->entries, true)));
  ASSERT_TRUE(second) << second.error().problems[0].message;
  EXPECT_EQ(second->config.name, first->config.name);
  EXPECT_EQ(second->config.labels, first->config.labels);
  EXPECT_EQ(second->config.parallel, 7u);
}

TEST(Config, SchemaAndReferenceNameEveryField) {
  ConfigSources sources = file("name = \"x\"");
  auto entries = load_config<Sample>(sources)->entries;
  auto schema = print_json(config_schema(entries, "agent.toml"));
  auto page = config_reference(entries, "agent.toml");
  for (std::string word : {"heartbeat", "parallel", "labels"}) {
    EXPECT_NE(schema.find('"' + word + '"'), std::string::npos);
    EXPECT_NE(page.find(word), std::string::npos);
  }
  EXPECT_NE(schema.find("\"enum\":[\"red\",\"green\"]"), std::string::npos);
}

TEST(Config, Variables) {
  std::map<std::string, std::string> env{{"A", "1"}};
  EXPECT_EQ(expand_variables("x${A}y", env), "x1y");
  EXPECT_EQ(expand_variables("$$5 $A $", env), "$5 $A $");
  EXPECT_FALSE(expand_variables("${B}", env));
  EXPECT_FALSE(expand_variables("${A", env));
}

}  // namespace
}  // namespace drover
