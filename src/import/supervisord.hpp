#pragma once
// One program of a supervisord.conf while it is read. For this module only.

#include "import/ini.hpp"

namespace drover::importer {

/// %(name)s and its kin. `process_num`: nothing: {{instance.index}}, since all processes are one service.
struct Expander {
  std::map<std::string, std::string> values;  // here, program_name, group_name, …
  std::optional<std::int64_t> process_num;

  /// Errc::invalid names what there is not.
  Result<std::string> text(std::string_view from) const;
};

/// KEY="a",KEY2=b
Result<std::map<std::string, std::string>> supervisord_pairs(std::string_view text);

struct Program {
  Subject& to;
  const IniSection& section;
  const Expander& expander;
  const IniSection* daemon = nullptr;  // [supervisord], whose environment and umask are everybody's

  std::string value(const IniEntry& entry);  // expanded; a problem where it cannot be
};

/// All fields of the program but numprocs.
void read_program(Program& program);

}  // namespace drover::importer
