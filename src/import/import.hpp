#pragma once
// Reads what other supervisors' users have (PM2, supervisord, process-compose, Procfile, systemd units) and
// writes it as a stack file, once. Pure: files, variables and what the host has are handed in.
//
// Formats: PM2 "Ecosystem File"; supervisord "Configuration File" (supervisord.org); process-compose's
// schema; foreman's and overmind's Procfile; systemd.service(5), systemd.exec(5), systemd.syntax(7).

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/stack.hpp"

namespace drover::importer {

enum class Source : std::uint8_t { pm2, supervisord, process_compose, procfile, systemd };
/// "pm2", "process-compose": the words of --from.
std::string_view word(Source source);
std::optional<Source> source_of(std::string_view word);
/// By the file's name, else by what is in it. Errc::invalid says what it looked for, or what it found
/// instead.
Result<Source> detect(std::string_view file, std::string_view text);

struct Input {
  std::string file;    // as the user named it
  std::string path;    // absolute; what is relative in it is relative to its directory
  std::string text;    // at most 4 MiB
  std::string script;  // where `text` is what this JavaScript exported, as JSON: to find lines in it
};

struct Options {
  std::optional<Source> from;  // nothing: detect(), each file by itself; all must be of one kind
  std::string name;            // of the stack; empty: the directory's, or the unit's
  std::string environment;     // PM2: env_NAME is put over env
  std::uint32_t cpus = 1;      // PM2: instances "max"
  std::map<std::string, std::string> variables;
  /// Both may be empty functions; then included and environment files are not looked into.
  std::function<Result<std::string>(const std::string& path)> read_file;
  std::function<std::vector<std::string>(const std::string& pattern)> glob;
};

/// What a person must know about one field.
struct Note {
  enum class Kind : std::uint8_t {
    lost,    // it is not in the stack file
    changed  // it is, and does not mean quite the same
  };
  Kind kind = Kind::lost;
  std::string file;
  std::uint32_t line = 0;  // 1-based; 0: not known
  std::string service;     // empty: of all
  std::string field;       // as the source spells it
  std::string why;
  std::string instead;  // what to do; may be empty
  bool operator==(const Note&) const = default;
};

struct Imported {
  Source source = Source::pm2;
  std::string text;  // the stack file: YAML; the reader has read it back
  Stack stack;       // what it says
  std::vector<Note> notes;
  bool partial = false;  // a whole service is missing
};

/// Errc::invalid with all problems, each with file and line, when a file cannot be understood. Never a text
/// that read_stack() would refuse.
Result<Imported> import_files(const std::vector<Input>& inputs, const Options& options);

/// For people, in two groups:
///   shop.ini:12: web: startsecs: WHY
///       instead: …
std::string show_notes(const std::vector<Note>& notes);

}  // namespace drover::importer
