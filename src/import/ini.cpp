#include "import/ini.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace drover::importer {

const IniEntry* IniSection::find(std::string_view key) const {
  const IniEntry* found = nullptr;
  for (const IniEntry& entry : entries)
    if (entry.key == key) found = &entry;
  return found;
}

namespace {
class Reader {
 public:
  Reader(Work& work, const std::string& file, IniKind kind) : work_(work), file_(file), kind_(kind) {}

  std::vector<IniSection> all(std::string_view text) {
    for (std::string& line : split(text, '\n')) {
      ++number_;
      if (line.ends_with('\r')) line.pop_back();
      if (kind_ == IniKind::systemd) continued(line);
      else one(line);
    }
    if (!held_.empty()) one(held_);
    return std::move(sections_);
  }

 private:
  /// systemd: a backslash at the end joins lines, comments between them are left out.
  void continued(const std::string& line) {
    bool comment = trim(line).starts_with('#') || trim(line).starts_with(';');
    if (comment && !held_.empty()) return;
    if (held_.empty()) begin_ = number_;
    held_ += line;
    if (line.ends_with('\\') && !comment) {
      held_.back() = ' ';
      return;
    }
    std::string whole = std::move(held_);
    held_.clear();
    one(whole);
  }

  void one(const std::string& line) {
    std::uint32_t at = kind_ == IniKind::systemd ? begin_ : number_;
    std::string_view content = trim(line);
    if (content.empty() || content[0] == '#' || content[0] == ';') return;
    if (content[0] == '[') return section(content, at);
    bool indented = line[0] == ' ' || line[0] == '\t';
    if (kind_ == IniKind::supervisord && indented && !sections_.empty() &&
        !sections_.back().entries.empty()) {
      sections_.back().entries.back().value += "\n" + std::string(trim(without_comment(content)));
      return;
    }
    pair(content, at);
  }

  void section(std::string_view content, std::uint32_t at) {
    std::size_t end = content.find(']');
    if (end == std::string_view::npos)
      return work_.problem({file_, at},
                           fmt::format("\"{}\": the section's ] is missing", content.substr(0, 60)));
    sections_.push_back({std::string(trim(content.substr(1, end - 1))), file_, at, {}});
  }

  void pair(std::string_view content, std::uint32_t at) {
    std::size_t equals = content.find_first_of(kind_ == IniKind::supervisord ? "=:" : "=");
    if (equals == std::string_view::npos || equals == 0)
      return work_.problem({file_, at}, fmt::format("\"{}\" is not key=value", content.substr(0, 60)));
    if (sections_.empty())
      return work_.problem({file_, at},
                           fmt::format("\"{}\" stands before the first [section]", content.substr(0, 60)));
    std::string key(trim(content.substr(0, equals)));
    if (kind_ == IniKind::supervisord)
      for (char& c : key)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    sections_.back().entries.push_back(
        {std::move(key), std::string(trim(without_comment(content.substr(equals + 1)))), at});
  }

  /// supervisord: from a ; with a blank before it.
  std::string_view without_comment(std::string_view value) const {
    if (kind_ == IniKind::systemd) return value;
    for (std::size_t at = 1; at < value.size(); ++at)
      if (value[at] == ';' && (value[at - 1] == ' ' || value[at - 1] == '\t')) return value.substr(0, at);
    return value;
  }

  Work& work_;
  const std::string& file_;
  IniKind kind_;
  std::uint32_t number_ = 0, begin_ = 0;
  std::string held_;
  std::vector<IniSection> sections_;
};
}  // namespace

std::vector<IniSection> parse_ini(Work& work, const std::string& file, std::string_view text, IniKind kind) {
  return Reader(work, file, kind).all(text);
}

}  // namespace drover::importer
