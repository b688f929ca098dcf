// What goldens do not show: detection, lines of scripts, shells, names, several files.
#include "import/import.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "import/text.hpp"

namespace drover::importer {
namespace {

Source kind(std::string_view file, std::string_view text) {
  auto found = detect(file, text);
  EXPECT_TRUE(found) << found.error().message;
  return found.value_or(Source::pm2);
}

TEST(Detect, ByNameAndContent) {
  EXPECT_EQ(kind("a/ecosystem.config.cjs", "anything"), Source::pm2);
  EXPECT_EQ(kind("x.yaml", "apps: [{script: a.js}]"), Source::pm2);
  EXPECT_EQ(kind("x.json", "[{\"script\": \"a.js\"}]"), Source::pm2);
  EXPECT_EQ(kind("x.conf", "[program:a]\ncommand=a"), Source::supervisord);
  EXPECT_EQ(kind("x.yml", "processes: {a: {command: b}}"), Source::process_compose);
  EXPECT_EQ(kind("Procfile.dev", "web: a"), Source::procfile);
  EXPECT_EQ(kind("mine", "web: a\n# b\nworker: c d\n"), Source::procfile);
  EXPECT_EQ(kind("x.service", ""), Source::systemd);
  EXPECT_EQ(kind("x", "[Service]\nExecStart=/a"), Source::systemd);
  for (Source source :
       {Source::pm2, Source::supervisord, Source::process_compose, Source::procfile, Source::systemd})
    EXPECT_EQ(source_of(word(source)), source);
}

TEST(Detect, FilesOfTwoKindsAreRefused) {
  auto done = import_files(
      {{"Procfile", "/a/Procfile", "web: a", {}}, {"b.service", "/a/b.service", "[Service]", {}}}, {});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("b.service is of another kind"), std::string::npos);
}

TEST(Pm2, LinesOfAScriptWhereTheyAreClear) {
  Input input{
      "e.config.js", "/a/e.config.js",
      R"({"apps": [{"script": "a.js", "cron_restart": "x", "time": true}, {"script": "b.js", "time": true}]})",
      "module.exports = {\n  apps: [\n    { script: 'a.js', cron_restart: 'x', time: true },\n    { script: "
      "'b.js', time: true }] }\n"};
  auto done = import_files({input}, {});
  ASSERT_TRUE(done) << done.error().message;
  int found = 0;
  for (const Note& note : done->notes) {
    if (note.field == "cron_restart") EXPECT_EQ(note.line, 3u);
    if (note.field == "time") EXPECT_EQ(note.line, 0u);
    found += note.field == "cron_restart" || note.field == "time";
  }
  EXPECT_EQ(found, 3);
}

/// What the stack says, or that it cannot be said.
TEST(Systemd, ReloadBySignalOrCommand) {
  for (const char* line :
       {"/bin/kill -HUP $MAINPID", "/bin/kill -s HUP $MAINPID", "kill --signal=SIGHUP ${MAINPID}"}) {
    std::string text = std::string("[Service]\nExecStart=/a\nExecReload=") + line + "\n";
    auto done = import_files({{"a.service", "/u/a.service", text, {}}}, {});
    ASSERT_TRUE(done) << done.error().message;
    const Reload& reload = done->stack.services.at(0).reload;
    bool noted =
        std::ranges::any_of(done->notes, [](const Note& note) { return note.field == "reload.signal"; });
    EXPECT_TRUE(reload.signal == "SIGHUP" || noted) << line;
    EXPECT_TRUE(reload.command.empty());
  }
  auto other = import_files(
      {{"a.service", "/u/a.service", "[Service]\nExecStart=/a\nExecReload=/usr/bin/tell $MAINPID\n", {}}},
      {});
  ASSERT_TRUE(other);
  EXPECT_TRUE(std::ranges::any_of(other->notes, [](const Note& note) { return note.field == "ExecReload"; }));
}

std::vector<std::string> shell(std::string_view text) {
  auto done = shell_command(text, {"sh", "-c"});
  EXPECT_TRUE(done) << text;
  return done ? done->command : std::vector<std::string>{};
}
using Words = std::vector<std::string>;

TEST(Shell, OnlyWhereOneIsNeeded) {
  EXPECT_EQ(shell("a 'b c' \"d\""), (Words{"a", "b c", "d"}));
  EXPECT_EQ(shell("exec a b"), (Words{"a", "b"}));
  EXPECT_EQ(shell("a $B"), (Words{"sh", "-c", "exec a $B"}));
  EXPECT_EQ(shell("a \"$B\""), (Words{"sh", "-c", "exec a \"$B\""}));
  EXPECT_EQ(shell("a '$B'"), (Words{"a", "$B"}));
  EXPECT_EQ(shell("a && b"), (Words{"sh", "-c", "a && b"}));
  EXPECT_EQ(shell("a | b"), (Words{"sh", "-c", "a | b"}));
  EXPECT_EQ(shell("cd x"), (Words{"sh", "-c", "cd x"}));
  EXPECT_EQ(shell("A=1 cd x"), (Words{"sh", "-c", "A=1 cd x"}));
  EXPECT_EQ(shell("A=$B c"), (Words{"sh", "-c", "A=$B c"}));
  EXPECT_EQ(shell("a > f"), (Words{"sh", "-c", "a > f"}));
  auto with = shell_command("A=1 B='2 3' c d", {"sh", "-c"});
  ASSERT_TRUE(with);
  EXPECT_EQ(with->command, (Words{"c", "d"}));
  EXPECT_EQ(with->environment, (std::map<std::string, std::string>{{"A", "1"}, {"B", "2 3"}}));
  EXPECT_FALSE(shell_command("a 'b", {"sh", "-c"}));
}

TEST(Text, Names) {
  EXPECT_EQ(fit_name("My API (v2)"), "my-api-v2");
  EXPECT_EQ(fit_name("--"), "service");
  EXPECT_EQ(literal("a {{b}} {"), "a {{{{b}} {");
  EXPECT_EQ(time_span("1min 30s", 1s), 90s);
  EXPECT_EQ(time_span("5", 1s), 5s);
  EXPECT_EQ(time_span("1600", 1ms), 1600ms);
  EXPECT_FALSE(time_span("soon", 1s));
}

TEST(Text, AWindowInWhichThatManyRestartsFit) {
  Restart restart;
  give_up_after(restart, 5, 1s);
  EXPECT_EQ(restart.give_up, 5u);
  EXPECT_EQ(restart.give_up_within, 10min);
  give_up_after(restart, 1000, 1s);
  EXPECT_GT(restart.give_up_within, 8h);
}

TEST(Import, ControlCharactersAreNoText) {
  auto done = import_files({{"Procfile",
                             "/a/Procfile",
                             std::string("web: a\x01"
                                         "b"),
                             {}}},
                           {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::invalid);
}

}  // namespace
}  // namespace drover::importer
