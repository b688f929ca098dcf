// A problem as a person wants to see it.
#include <fmt/format.h>

#include "spec/read.hpp"

namespace drover {

namespace {
/// A file may hold anything; a terminal shall not obey it.
std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) c = '?';
  return out;
}

std::string_view line_of(std::string_view text, std::uint32_t line) {
  for (std::uint32_t i = 1; i < line; ++i) {
    std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// What stands before the caret: as wide as the line's beginning, tabs kept. Columns count characters.
std::string before(std::string_view line, std::uint32_t column) {
  std::string out;
  std::uint32_t at = 1;
  for (std::size_t i = 0; i < line.size() && at < column; ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xc0) == 0x80) continue;
    out += line[i] == '\t' ? '\t' : ' ';
    ++at;
  }
  return out;
}
}  // namespace

std::string show_problem(const Problem& problem, std::string_view source) {
  std::string out = problem.file.empty() ? "stack" : printable(problem.file);
  if (problem.line > 0) out += fmt::format(":{}:{}", problem.line, problem.column);
  out += ": ";
  if (!problem.path.empty()) out += printable(problem.path) + ": ";
  out += printable(problem.message);
  std::string_view line = problem.line > 0 ? line_of(source, problem.line) : std::string_view();
  if (!line.empty() && line.size() <= 400) {
    out += fmt::format("\n  {:4} | {}", problem.line, printable(line));
    out += fmt::format("\n       | {}^", before(line, problem.column));
  }
  if (!problem.hint.empty()) out += fmt::format("\n  hint: {}", printable(problem.hint));
  return out;
}

}  // namespace drover
