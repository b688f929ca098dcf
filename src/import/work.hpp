#pragma once
// What is collected while files are read: services, notes, problems. For this module only.

#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "import/import.hpp"

namespace drover::importer {

struct EnvFile {
  std::string path;
  bool required = true;
  bool operator==(const EnvFile&) const = default;
};

/// A service under construction. Its texts may hold variable()s, which become ${NAME} in the file.
struct Draft {
  Service service;
  std::vector<EnvFile> env_files;
  ProcessSpec& process() { return std::get<ProcessSpec>(service.spec); }
};

struct Spot {  // where in which file
  std::string file;
  std::uint32_t line = 0;
};

class Work {
 public:
  explicit Work(const Options& given) : options(given) {}

  /// A new service, under a name that fits and is free. Call settle() when all are there.
  Draft begin(const std::string& name, const Spot& at);
  void add(Draft draft) { drafts.push_back(std::move(draft)); }

  void lost(const Spot& at, const std::string& service, std::string field, std::string why,
            std::string instead = {});
  void changed(const Spot& at, const std::string& service, std::string field, std::string why,
               std::string instead = {});
  void problem(const Spot& at, std::string message, std::string hint = {});
  /// The text of a file beside; nullopt: there is none, or it cannot be looked at.
  std::optional<std::string> file(const std::string& path) const;
  /// The variables of an environment file; nullopt: it cannot be read.
  std::optional<std::map<std::string, std::string>> variables_of(const EnvFile& file) const;

  const Options& options;
  std::vector<Draft> drafts;
  std::vector<Note> notes;
  std::vector<Problem> problems;
  std::map<std::string, std::string> names;  // as the source has them → ours
  bool partial = false;

 private:
  void say(Note note);
};

/// A Draft with its place, so that what is said about it names both.
struct Subject {
  Work& work;
  Draft& draft;
  std::string file;

  void lost(std::uint32_t line, std::string field, std::string why, std::string instead = {}) {
    work.lost({file, line}, draft.service.name, std::move(field), std::move(why), std::move(instead));
  }
  void changed(std::uint32_t line, std::string field, std::string why, std::string instead = {}) {
    work.changed({file, line}, draft.service.name, std::move(field), std::move(why), std::move(instead));
  }
  void problem(std::uint32_t line, std::string message, std::string hint = {}) {
    work.problem({file, line}, std::move(message), std::move(hint));
  }
};

/// A row of a table of the fields that a format knows.
template <class Into, class Entry>
struct Field {
  std::string_view keys;  // separated by blanks
  void (*read)(Into&, const Entry&);
  std::string_view why = {}, instead = {};  // there is no `read`: lost
};

/// Carries one entry over, as its row says. `unknown`: why it is lost when there is none.
template <class Table, class Into, class Entry>
void read_field(const Table& table, Into& into, std::uint32_t line, const Entry& entry, std::string unknown) {
  for (const auto& field : table)
    for (const std::string& key : split(field.keys, ' ')) {
      if (key != entry.key) continue;
      if (field.read != nullptr) return field.read(into, entry);
      return into.to.lost(line, entry.key, std::string(field.why), std::string(field.instead));
    }
  into.to.lost(line, entry.key, std::move(unknown));
}

// The readers. What is wrong with the file becomes a problem.
void read_pm2(Work& work, const Input& input);
void read_supervisord(Work& work, const Input& input);
void read_process_compose(Work& work, const Input& input);
void read_procfile(Work& work, const Input& input);
/// All units of one import, since they may depend on each other.
void read_systemd(Work& work, const std::vector<Input>& inputs);

/// The stack file of what was collected. Notes what the file's format cannot say.
Result<Imported> finish(Work& work, Source source, const std::vector<Input>& inputs);

}  // namespace drover::importer
