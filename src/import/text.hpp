#pragma once
// Small readers of text that several sources share. For this module only.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "model/stack.hpp"

namespace drover::importer {

/// "My API" → "my-api".
std::string fit_name(std::string_view text);
/// A text of the source, where {{ means nothing.
std::string literal(std::string_view text);
/// What the stack file shall say as ${name}: filled in when that file is read.
std::string variable(std::string_view name);
/// variable()s as they are written: `to(name)` for each.
template <class To>
std::string replace_variables(std::string_view text, To to) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t begin = text.find('\x01', at);
    out += text.substr(at, begin == std::string_view::npos ? begin : begin - at);
    if (begin == std::string_view::npos) break;
    std::size_t end = text.find('\x02', begin);
    out += to(text.substr(begin + 1, end - begin - 1));
    at = end == std::string_view::npos ? text.size() : end + 1;
  }
  return out;
}
/// $NAME, ${NAME} and ${NAME:-…} become variable()s, $$ a $.
std::string variables_in(std::string_view text);

std::optional<std::int64_t> whole(std::string_view text);
/// yes no true false on off 1 0
std::optional<bool> truth(std::string_view text);
/// "10" as 10 × unit, or a duration with units ("1m30s", "5min 20s").
std::optional<Duration> time_span(std::string_view text, Duration unit);

std::string directory_of(std::string_view path);
std::string file_name(std::string_view path);
/// Name without its last extension.
std::string stem_of(std::string_view path);

struct ShellCommand {
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;  // A=1 B=2 program
};
/// What a shell would run. Without the shell where none is needed, so that signals and the exit status are
/// the program's own; else {shell…, text}, with "exec" where it is one command.
Result<ShellCommand> shell_command(std::string_view text, const std::vector<std::string>& shell);

/// "give up after `count` failures in a row": a window in which that many restarts fit.
void give_up_after(Restart& restart, std::int64_t count, Duration each_run);

}  // namespace drover::importer
