#include "import/work.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "import/text.hpp"
#include "spec/words.hpp"

namespace drover::importer {

Draft Work::begin(const std::string& name, const Spot& at) {
  Draft out;
  std::string fitted = fit_name(name), own = fitted;
  auto taken = [&](const std::string& one) {
    return std::ranges::any_of(names, [&](const auto& known) { return known.second == one; });
  };
  for (int number = 2; taken(own); ++number) own = fmt::format("{}-{}", fitted, number);
  std::string key = name;
  while (names.contains(key)) key += "\x01";  // two of one name: the first keeps it
  names[key] = own;
  out.service.name = own;
  if (own != name) changed(at, own, "name", fmt::format("\"{}\" is called {} here", name, own));
  return out;
}

void Work::say(Note note) {
  if (std::ranges::find(notes, note) == notes.end()) notes.push_back(std::move(note));
}

void Work::lost(const Spot& at, const std::string& service, std::string field, std::string why,
                std::string instead) {
  say({Note::Kind::lost, at.file, at.line, service, std::move(field), std::move(why), std::move(instead)});
}

void Work::changed(const Spot& at, const std::string& service, std::string field, std::string why,
                   std::string instead) {
  say({Note::Kind::changed, at.file, at.line, service, std::move(field), std::move(why), std::move(instead)});
}

void Work::problem(const Spot& at, std::string message, std::string hint) {
  problems.push_back({"", at.line, at.line > 0 ? 1u : 0u, std::move(message), std::move(hint), at.file});
}

std::optional<std::string> Work::file(const std::string& path) const {
  if (!options.read_file) return std::nullopt;
  auto text = options.read_file(path);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

std::optional<std::map<std::string, std::string>> Work::variables_of(const EnvFile& given) const {
  auto text = file(given.path);
  if (!text) return std::nullopt;
  auto parsed = spec::parse_env_file(*text, options.variables, false);
  return parsed ? std::optional(std::move(parsed->values)) : std::nullopt;
}

namespace {
std::string show_note(const Note& note) {
  std::string out = note.file;
  if (note.line > 0) out += fmt::format(":{}", note.line);
  for (const std::string* part : {&note.service, &note.field})
    if (!part->empty()) out += (out.empty() ? "" : ": ") + *part;
  out = "  " + out + ": " + note.why + "\n";
  if (!note.instead.empty()) out += "      instead: " + note.instead + "\n";
  return out;
}
}  // namespace

std::string show_notes(const std::vector<Note>& notes) {
  std::string lost, changed;
  for (const Note& note : notes) (note.kind == Note::Kind::lost ? lost : changed) += show_note(note);
  std::string out;
  if (!lost.empty()) out += "Not carried over:\n" + lost;
  if (!changed.empty()) out += "Carried over with another meaning:\n" + changed;
  return out;
}

}  // namespace drover::importer
