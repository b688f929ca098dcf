#pragma once
// Files of sections and key=value lines: Python's ConfigParser as supervisord uses it, and systemd.syntax(7).
// For this module only.

#include <string>
#include <string_view>
#include <vector>

#include "import/work.hpp"

namespace drover::importer {

struct IniEntry {
  std::string key, value;
  std::uint32_t line = 0;
};

struct IniSection {
  std::string name;  // "program:web"
  std::string file;
  std::uint32_t line = 0;
  std::vector<IniEntry> entries;  // in the order of the file; keys may be there several times

  const IniEntry* find(std::string_view key) const;  // the last one
};

enum class IniKind : std::uint8_t {
  supervisord,  // keys in lower case, "key = value" or "key: value", " ;" begins a comment, indented lines go
                // on
  systemd       // a backslash at the end goes on; "#" and ";" begin a comment at the beginning of a line only
};

/// What cannot be read becomes a problem of `work`.
std::vector<IniSection> parse_ini(Work& work, const std::string& file, std::string_view text, IniKind kind);

}  // namespace drover::importer
