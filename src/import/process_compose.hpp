#pragma once
// One process of a process-compose.yaml while it is read. For this module only.

#include "import/work.hpp"
#include "spec/value.hpp"

namespace drover::importer {

/// What the whole file says for every process.
struct ComposeFile {
  std::string directory;
  std::vector<std::string> shell{"bash", "-c"};
  std::map<std::string, std::string> dotenv;  // of the .env beside the file
  bool expands = true;                        // ${…} in the file
  std::map<std::string, std::string> vars;    // {{.NAME}}
  const spec::Value* environment = nullptr;
};

struct Process {
  Subject& to;
  const spec::Value& value;
  const ComposeFile& file;

  /// A text with its ${…} and {{.…}}.
  std::string text(const spec::Value& from) const;
};

void read_process(Process& process);
void read_compose_environment(Process& process, const spec::Value& value);
/// readiness_probe, liveness_probe
void read_compose_probe(Process& process, const spec::Entry& entry);

}  // namespace drover::importer
