#include "runtime/run_record.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "base/json.hpp"
#include "runtime/files.hpp"

namespace drover::runtime {

namespace {
std::string directory(const Paths& paths) { return paths.run + "/runs"; }
std::string path_of(const Paths& paths, const agent::Run& run) {
  return fmt::format("{}/{}.{}.json", directory(paths), to_string(run.instance), run.incarnation);
}
}  // namespace

Result<void> write_run_record(const Paths& paths, const RunRecord& record) {
  return replace_file(path_of(paths, {record.instance, record.incarnation}), to_json_text(record));
}

void write_match(const Paths& paths, const agent::Run& run, const std::string& line) {
  // Without it the line is looked for again: no harm while it is there.
  [[maybe_unused]] const auto kept = replace_file(path_of(paths, run) + ".match", line + "\n");
}

std::optional<std::string> read_match(const Paths& paths, const agent::Run& run) {
  auto line = read_small_file(path_of(paths, run) + ".match", 4096);
  if (line.empty()) return std::nullopt;
  line.pop_back();
  return line;
}

void remove_run_record(const Paths& paths, const agent::Run& run) {
  ::unlink(path_of(paths, run).c_str());
  ::unlink((path_of(paths, run) + ".match").c_str());
}

std::map<agent::Run, RunRecord> read_run_records(const Paths& paths) {
  std::map<agent::Run, RunRecord> all;
  for (const auto& name : list_directory(directory(paths))) {
    if (!name.ends_with(".json")) continue;
    auto record = from_json_text<RunRecord>(read_small_file(directory(paths) + "/" + name), Unknown::ignore);
    if (record) all.emplace(agent::Run{record->instance, record->incarnation}, std::move(*record));
  }
  return all;
}

}  // namespace drover::runtime
