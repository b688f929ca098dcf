#pragma once
// One unit while it is read. For this module only.

#include "import/ini.hpp"

namespace drover::importer {

/// systemd's own quoting (systemd.syntax(7)): '…', "…", C escapes, blanks between words.
Result<std::vector<std::string>> systemd_words(std::string_view text);

struct Unit {
  Subject& to;
  std::string name;                                // web@1.service
  std::string type;                                // simple
  std::string user;                                // of the unit; empty: root
  std::map<std::string, std::string> variables{};  // Environment= and what EnvironmentFile= says now

  /// %n, %i and their kin; a problem or a note for those that cannot be known here.
  std::string specifiers(std::string_view text, const IniEntry& at);
  /// The words of an Exec line: prefixes taken away, specifiers and variables filled in.
  std::vector<std::string> command(const IniEntry& entry);
};

/// [Service] but its Exec lines and environment.
void read_service_field(Unit& unit, const IniEntry& entry);

}  // namespace drover::importer
