#pragma once
// Small readers of text inside of values. For this module and import.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace drover::spec {

/// Splits as a shell would ('…', "…", backslash), without running or expanding anything.
Result<std::vector<std::string>> split_words(std::string_view text);

/// Words that only a shell would understand: && || | ; > < &
bool is_shell_operator(std::string_view word);

using Variables = std::map<std::string, std::string>;

struct Interpolated {
  std::string text;
  bool changed = false;
  std::vector<std::string> missing;  // variables without value and default: replaced by nothing
};

/// $V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+r} ${V+r}, nested in d, e and r; $$ is a $. A $ that begins no
/// name stays. {{…}} in a default is not taken apart.
Result<Interpolated> interpolate(std::string_view text, const Variables& variables);

struct EnvFile {
  std::map<std::string, std::string> values;
  std::vector<std::string> missing;
};

/// An environment file as Compose has it. `raw`: NAME=value to the end of the line, nothing else is special.
/// The error's problems have lines, no file.
Result<EnvFile> parse_env_file(std::string_view text, const Variables& variables, bool raw);

/// `path` seen from `directory`, without . and .. ; absolute paths stay.
std::string join_path(std::string_view directory, std::string_view path);

}  // namespace drover::spec
