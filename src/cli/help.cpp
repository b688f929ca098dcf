#include <algorithm>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace drover::cli {

namespace {
std::string pad(const std::string& text, std::size_t width) {
  auto used = display_width(text);
  return text + std::string(used < width ? width - used : 1, ' ');
}

std::string flag_name(const Flag& flag) {
  std::string out = flag.names;
  if (auto comma = out.find(','); comma != std::string::npos) out.replace(comma, 1, ", ");
  else if (out.starts_with("--")) out = "    " + out;
  if (!flag.words.empty()) return out + " " + join(flag.words, "|");
  if (!flag.value.empty()) return out + " " + flag.value;
  return out;
}

std::string argument_name(const Argument& argument) {
  std::string name = argument.name;
  if (std::holds_alternative<std::vector<std::string>*>(argument.into)) name += "…";
  return argument.required ? name : "[" + name + "]";
}

std::string usage(const Command& command, const std::string& path) {
  std::string out = path;
  if (!command.commands.empty()) out += command.run ? " [COMMAND]" : " COMMAND";
  for (const auto& argument : command.arguments) out += " " + argument_name(argument);
  return out + " [flags]";
}

class Page {
 public:
  explicit Page(bool colour) { terminal_.colour = colour; }
  void title(std::string_view text) { out += "\n" + terminal_.paint(Style::bold, text) + "\n"; }
  void row(const std::string& left, const std::string& right) {
    constexpr std::size_t width = 30;
    if (display_width(left) >= width) out += "  " + left + "\n" + std::string(width + 2, ' ') + right + "\n";
    else out += "  " + pad(left, width) + right + "\n";
  }
  std::string out;

 private:
  Terminal terminal_;
};

const char* topics =
    "\nOUTPUT      -o table|wide|json|jsonl|yaml|name|tsv (DROVER_OUTPUT); --columns a,b; --sort [-]key; "
    "--filter 'key:value word'\n"
    "EXIT        0 ok  1 failed  2 usage, or needs --yes  3 not found, nothing runs here  4 not signed in, "
    "forbidden\n"
    "            5 conflict  6 timed out waiting  7 hub unreachable  8 some items failed  9 versions do not "
    "fit\n"
    "            10 differences found (plan --exit-code)  11 cancelled at the prompt  130 interrupted\n"
    "ENVIRONMENT DROVER_STATE DROVER_HUB DROVER_TOKEN DROVER_PIN DROVER_CA_FILE DROVER_OUTPUT NO_COLOR "
    "FORCE_COLOR\n"
    "            DROVER_ANSWER_LIMIT (30s): how long to wait for an answer of the hub\n";
}  // namespace

std::string help_text(const Command& command, const std::string& path, const std::vector<Flag>& global,
                      bool colour) {
  Page page(colour);
  page.out = command.help + "\n";
  if (!command.examples.empty()) {
    page.title("Examples");
    for (const auto& example : command.examples) page.out += "  " + example + "\n";
  }
  page.title("Usage");
  page.out += "  " + usage(command, path) + "\n";
  if (!command.arguments.empty()) page.title("Arguments");
  for (const auto& argument : command.arguments) page.row(argument_name(argument), argument.help);
  if (!command.commands.empty()) page.title("Commands");
  for (const auto& child : command.commands)
    if (!child.hidden) page.row(child.name, child.help);
  if (!command.flags.empty()) page.title("Flags");
  for (const auto& flag : command.flags) page.row(flag_name(flag), flag.help);
  page.title("Flags of every command");
  for (const auto& flag : global_beside(command, global)) page.row(flag_name(flag), flag.help);
  if (path == "drover") page.out += topics;
  return page.out;
}

namespace {
void reference(std::string& out, const Command& command, const std::string& path) {
  if (command.run) {
    out += "\n### `" + usage(command, path) + "`\n\n" + command.help + "\n";
    if (!command.examples.empty()) {
      out += "\n```\n";
      for (const auto& example : command.examples) out += example + "\n";
      out += "```\n";
    }
    if (!command.flags.empty() || !command.arguments.empty()) out += "\n| | |\n|---|---|\n";
    auto row = [&](std::string left, const std::string& right) {
      for (std::size_t at = 0; (at = left.find('|', at)) != std::string::npos; at += 2)
        left.replace(at, 1, "\\|");
      out += "| `" + std::string(trim(left)) + "` | " + right + " |\n";
    };
    for (const auto& argument : command.arguments) row(argument_name(argument), argument.help);
    for (const auto& flag : command.flags) row(flag_name(flag), flag.help);
  }
  for (const auto& child : command.commands)
    if (!child.hidden) reference(out, child, path + " " + child.name);
}
}  // namespace

std::string reference_page(const Command& root, const std::vector<Flag>& global) {
  std::string out =
      "# Commands\n\nMade by `drover help reference` from the table that parses them; do not edit by hand.\n"
      "\n## Flags of every command\n\n| | |\n|---|---|\n";
  for (const auto& flag : global) {
    std::string left = flag_name(flag);
    for (std::size_t at = 0; (at = left.find('|', at)) != std::string::npos; at += 2)
      left.replace(at, 1, "\\|");
    out += "| `" + std::string(trim(left)) + "` | " + flag.help + " |\n";
  }
  out += "\n## Output, exit statuses, environment\n\n```" + std::string(topics) + "```\n\n## Commands\n";
  reference(out, root, "drover");
  return out;
}

}  // namespace drover::cli
