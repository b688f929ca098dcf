#pragma once
// A command, described once: parsing (CLI11), help, completion and the reference page come from this tree.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace drover::cli {

struct Context;

/// Where a value goes. Optional: stays empty when not given. A list takes any number.
using Into = std::variant<bool*, std::string*, std::optional<std::string>*, std::uint32_t*,
                          std::optional<std::uint32_t>*, std::vector<std::string>*>;

struct Flag {
  std::string names;  // "-f,--follow"
  std::string help;
  Into into;
  std::string value;               // shown in help: "FILE"
  std::vector<std::string> words;  // the values that exist; empty: any
};

struct Argument {
  std::string name;  // "TARGET"
  std::string help;
  Into into;
  bool required = true;
  std::string complete;  // for the shell: file | dir | "" (targets are asked from the hub)
};

struct Command {
  std::string name, help;
  std::vector<std::string> examples;
  std::vector<Argument> arguments = {};
  std::vector<Flag> flags = {};
  /// Exit status, or the error that `run` prints.
  std::function<Result<int>(Context&)> run = {};
  std::vector<Command> commands = {};
  bool hidden = false;
};

/// The flags of every command that this one has not under the same name.
std::vector<Flag> global_beside(const Command& command, const std::vector<Flag>& global);
/// Usage, examples, arguments, flags. `path`: "drover task ls".
std::string help_text(const Command& command, const std::string& path, const std::vector<Flag>& global,
                      bool colour);
/// bash | zsh | fish
Result<std::string> completion_script(const Command& root, const std::vector<Flag>& global,
                                      const std::string& shell);
/// The reference page in Markdown.
std::string reference_page(const Command& root, const std::vector<Flag>& global);

/// What the arguments say.
struct Parsed {
  const Command* command = nullptr;
  std::string path;   // "drover task ls"
  bool help = false;  // the help was asked for
};
/// Fills the flags and arguments. Errc::invalid with "did you mean …" as hint.
Result<Parsed> parse_arguments(const Command& root, const std::vector<Flag>& global,
                               const std::vector<std::string>& arguments);

}  // namespace drover::cli
