#pragma once
// Reads stack files: YAML and JSON alike, Compose's words and our own. Pure: what is needed from outside
// (variables, environment files) is handed in.

#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/stack.hpp"

namespace drover {

struct ReadOptions {
  std::string file;       // as the user named it, for problems
  std::string directory;  // absolute; for relative working_dir and env_file. Empty (API): working_dir must be
                          // absolute and env_file is refused
  std::map<std::string, std::string> variables;                           // ${…}
  std::function<Result<std::string>(const std::string& path)> read_file;  // env_file; may be empty
  std::string default_name;  // where the file has no `name`; made fit ("My App" → "myapp")
};

struct ReadResult {
  Stack stack;                    // valid: validate(stack) is empty
  std::vector<Problem> warnings;  // the file is good, but says something that may not be meant
};

/// Errc::invalid with all problems, in the order of the file, each with file, line, column (1-based) and
/// path; at most 200. There is no partial stack.
Result<ReadResult> read_stack(std::string_view text, const ReadOptions& options);

/// The stack as a native file in JSON: every field that counts, nothing left to defaults.
/// read_stack(print_stack(s)) gives s again, whatever the options.
std::string print_stack(const Stack& stack);
boost::json::value print_stack_value(const Stack& stack);

/// JSON Schema (draft 7) of the file, made from the tables that read it.
std::string stack_schema();

/// For terminals, several lines with a newline at the end of each but the last:
///   shop.yaml:12:7: services.api.probes.ready.intervall: there is no "intervall" here
///      12 |       intervall: 1s
///         |       ^
///      hint: did you mean "interval"?
/// `source`: the file's text, or "" where it is not at hand.
std::string show_problem(const Problem& problem, std::string_view source);

}  // namespace drover
