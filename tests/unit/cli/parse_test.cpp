#include <gtest/gtest.h>

#include <fstream>

#include "cli/commands.hpp"

namespace drover::cli {
namespace {

struct Tree {
  std::vector<std::string> targets;
  bool follow = false;
  std::optional<std::uint32_t> tail;
  std::string state, output;
  std::vector<Flag> global{{"--state", "State.", &state, "DIR", {}},
                           {"-o,--output", "Format.", &output, "", {"table", "json"}}};
  Command root{"drover", "Test."};
  Tree() {
    Command logs{"logs", "Logs."};
    logs.arguments = {{"TARGET", "Targets.", &targets, false}};
    logs.flags = {{"-f,--follow", "Follow.", &follow, "", {}}, {"-n,--tail", "Tail.", &tail, "N", {}}};
    logs.run = [](Context&) -> Result<int> { return 0; };
    Command ls{"ls", "List."}, node{"node", "Nodes."};
    ls.run = logs.run;
    node.commands = {ls};
    root.commands = {logs, node};
  }
  Result<Parsed> parse(std::vector<std::string> words) { return parse_arguments(root, global, words); }
};

TEST(Parse, FlagsBeforeAndAfter) {
  Tree tree;
  auto parsed = tree.parse({"--state", "/x", "logs", "-f", "web", "--tail=7", "-o", "json"});
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->path, "drover logs");
  EXPECT_EQ(tree.state, "/x");
  EXPECT_EQ(tree.output, "json");
  EXPECT_TRUE(tree.follow);
  EXPECT_EQ(tree.tail, 7u);
  EXPECT_EQ(tree.targets, std::vector<std::string>{"web"});
}

TEST(Parse, TargetsMayBeCalledLikeCommands) {
  Tree tree;
  auto parsed = tree.parse({"logs", "node", "logs"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(tree.targets, (std::vector<std::string>{"node", "logs"}));
}

TEST(Parse, DidYouMean) {
  Tree tree;
  auto command = tree.parse({"lgos"});
  ASSERT_FALSE(command);
  EXPECT_EQ(command.error().code, Errc::invalid);
  EXPECT_NE(command.error().hint.find("drover logs"), std::string::npos);
  auto below = tree.parse({"node", "lss"});
  ASSERT_FALSE(below);
  EXPECT_NE(below.error().hint.find("drover node ls"), std::string::npos);
  auto flag = tree.parse({"logs", "--folow"});
  ASSERT_FALSE(flag);
  EXPECT_NE(flag.error().hint.find("--follow"), std::string::npos);
}

TEST(Parse, WrongValuesAreUsageErrors) {
  for (std::vector<std::string> words :
       {std::vector<std::string>{"logs", "-n", "x"}, {"logs", "-n"}, {"logs", "-o", "xml"}}) {
    Tree tree;
    auto parsed = tree.parse(words);
    ASSERT_FALSE(parsed) << words.back();
    EXPECT_EQ(exit_status(parsed.error().code), 2);
  }
}

TEST(Parse, ACommandsOwnFlagGoesBeforeThatOfEveryCommand) {
  Tree tree;
  std::string file;
  tree.root.commands[0].flags.push_back({"-o,--output", "To this file.", &file, "FILE", {}});
  auto parsed = tree.parse({"logs", "-o", "a.yaml", "--state", "/x"});
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(file, "a.yaml");
  EXPECT_EQ(tree.output, "");
  auto text = help_text(*parsed->command, parsed->path, tree.global, false);
  EXPECT_NE(text.find("To this file."), std::string::npos);
  EXPECT_EQ(text.find("Format."), std::string::npos);
  EXPECT_NE(text.find("State."), std::string::npos);
}

TEST(Parse, HelpNeedsNoArguments) {
  Tree tree;
  auto parsed = tree.parse({"node", "ls", "--help"});
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->help);
  EXPECT_EQ(parsed->path, "drover node ls");
}

/// The real tree: every command has help, and can be completed and printed.
struct RealTree {
  GlobalFlags flags;
  Programs programs;
  std::vector<Flag> global = global_flags(flags);
  Command root = root_command(programs, flags);
};

void expect_described(const Command& command, const std::string& path) {
  EXPECT_FALSE(command.help.empty()) << path;
  EXPECT_TRUE(command.run || !command.commands.empty()) << path;
  for (const auto& flag : command.flags) EXPECT_FALSE(flag.help.empty()) << path << " " << flag.names;
  for (const auto& child : command.commands) expect_described(child, path + " " + child.name);
}

TEST(Tree, EveryCommandOfTheIssueIsThere) {
  RealTree tree;
  expect_described(tree.root, "drover");
  std::set<std::string> names;
  for (const auto& command : tree.root.commands) names.insert(command.name);
  for (const char* name :
       {"up",      "down",  "apply", "plan",   "ps",     "status",  "logs",   "start",      "stop",
        "restart", "scale", "rm",    "why",    "events", "node",    "task",   "deployment", "token",
        "user",    "hub",   "agent", "config", "doctor", "version", "schema", "api"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST(Tree, FlagsDoNotCollide) {
  RealTree tree;
  for (const auto& command : tree.root.commands) {
    GlobalFlags fresh;
    auto parsed = parse_arguments(tree.root, tree.global, {command.name, "--help"});
    EXPECT_TRUE(parsed) << command.name;
    std::multiset<std::string> names;
    for (const auto& flags : {command.flags, global_beside(command, tree.global)})
      for (const auto& flag : flags)
        for (const auto& name : split(flag.names, ',')) names.insert(name);
    for (const auto& name : names) EXPECT_EQ(names.count(name), 1u) << command.name << " " << name;
  }
}

TEST(Tree, CompletionAndReference) {
  RealTree tree;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    auto script = completion_script(tree.root, tree.global, shell);
    ASSERT_TRUE(script);
    EXPECT_NE(script->find("drover task"), std::string::npos) << shell;
  }
  EXPECT_FALSE(completion_script(tree.root, tree.global, "tcsh"));
  EXPECT_NE(reference_page(tree.root, tree.global).find("drover deployment ls"), std::string::npos);
}

std::string file_text(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Documentation, GeneratedPagesAreFresh) {
  RealTree tree;  // completion and help are added by run(), which needs the tree itself
  auto written = file_text("docs/guide/cli.md"), made = reference_page(tree.root, tree.global);
  EXPECT_TRUE(written.starts_with(made)) << "try: drover help reference > docs/guide/cli.md";
  for (std::string section : {"hub", "agent"}) {
    auto entries =
        section == "hub" ? describe_config<HubConfig>("hub") : describe_config<AgentConfig>("agent");
    EXPECT_EQ(file_text("docs/operate/config-" + section + ".md"),
              config_reference(entries, section + ".toml"))
        << "try: drover config reference " << section;
  }
}

}  // namespace
}  // namespace drover::cli
