// Which kind of file it is, and the way through the readers.
#include "import/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "import/text.hpp"
#include "import/work.hpp"
#include "spec/value.hpp"

namespace drover::importer {

namespace {
constexpr std::array<std::pair<std::string_view, Source>, 5> words{
    {{"pm2", Source::pm2},
     {"supervisord", Source::supervisord},
     {"process-compose", Source::process_compose},
     {"procfile", Source::procfile},
     {"systemd", Source::systemd}}};
}  // namespace

std::string_view word(Source source) {
  return std::ranges::find(words, source, [](const auto& pair) { return pair.second; })->first;
}

std::optional<Source> source_of(std::string_view text) {
  auto found = std::ranges::find(words, text, [](const auto& pair) { return pair.first; });
  return found == words.end() ? std::nullopt : std::optional(found->second);
}

namespace {
bool has_section(std::string_view text, std::string_view section) {
  for (const std::string& line : split(text, '\n'))
    if (trim(line).starts_with(section)) return true;
  return false;
}

bool procfile_line(std::string_view line) {
  std::size_t colon = line.find(':');
  std::string_view name = line.substr(0, colon);
  return colon != std::string_view::npos && !name.empty() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string_view::npos &&
         !trim(line.substr(colon + 1)).empty();
}

bool looks_like_procfile(std::string_view text) {
  bool any = false;
  for (const std::string& line : split(text, '\n')) {
    std::string_view content = trim(line);
    if (content.empty() || content[0] == '#') continue;
    if (!procfile_line(line)) return false;
    any = true;
  }
  return any;
}

std::optional<Source> by_document(std::string_view text) {
  auto root = spec::parse_yaml(text);
  if (!root) return std::nullopt;
  if (root->kind == spec::Value::Kind::list) return Source::pm2;
  if (root->find("processes") != nullptr) return Source::process_compose;
  if (root->find("apps") != nullptr || root->find("script") != nullptr) return Source::pm2;
  return std::nullopt;
}

bool ends_with_one_of(std::string_view name, std::initializer_list<std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return name.ends_with(end); });
}
}  // namespace

Result<Source> detect(std::string_view file, std::string_view text) {
  std::string name = file_name(file);
  if (ends_with_one_of(name, {".js", ".cjs", ".mjs"})) return Source::pm2;
  if (name.ends_with(".service")) return Source::systemd;
  if (name == "Procfile" || name.starts_with("Procfile.")) return Source::procfile;
  if (has_section(text, "[program:") || has_section(text, "[supervisord]") || has_section(text, "[include]"))
    return Source::supervisord;
  if (has_section(text, "[Service]")) return Source::systemd;
  if (auto source = by_document(text)) return *source;
  auto root = spec::parse_yaml(text);
  if (root && root->find("services") != nullptr)
    return fail(Errc::invalid, fmt::format("{} is a stack file already", file), {},
                fmt::format("drover up {}", file));
  if (name.starts_with("process-compose")) return Source::process_compose;
  if (name.starts_with("ecosystem") || name.starts_with("pm2")) return Source::pm2;
  bool document = ends_with_one_of(name, {".yaml", ".yml", ".json"});
  if (!document && looks_like_procfile(text)) return Source::procfile;
  return fail(
      Errc::invalid, fmt::format("{}: what wrote this file is not clear", file),
      "it is none of: PM2 ecosystem file, supervisord.conf, process-compose.yaml, Procfile, .service unit",
      "say it: --from pm2|supervisord|process-compose|procfile|systemd");
}

namespace {
std::unexpected<Error> broken(std::vector<Problem> problems) {
  Error error{Errc::invalid, "", {}, {}, {}};
  const Problem& first = problems[0];
  if (problems.size() == 1)
    error.message =
        fmt::format("{}{}: {}", first.file, first.line ? fmt::format(":{}", first.line) : "", first.message);
  else error.message = fmt::format("{} has {} errors", first.file, problems.size());
  error.problems = std::move(problems);
  return fail(std::move(error));
}

Result<Source> common_source(const std::vector<Input>& inputs, const Options& options) {
  if (options.from) return *options.from;
  std::optional<Source> all;
  for (const Input& input : inputs) {
    TRY(Source one, detect(input.file, input.text));
    if (all && *all != one)
      return fail(Errc::invalid,
                  fmt::format("{} is of another kind ({}) than {} ({})", input.file, word(one),
                              inputs[0].file, word(*all)),
                  {}, "import them one after the other, each with its own -o");
    all = one;
  }
  return *all;
}

void read_all(Work& work, Source source, const std::vector<Input>& inputs) {
  if (source == Source::systemd) return read_systemd(work, inputs);
  for (const Input& input : inputs) {
    switch (source) {
      case Source::pm2: read_pm2(work, input); break;
      case Source::supervisord: read_supervisord(work, input); break;
      case Source::process_compose: read_process_compose(work, input); break;
      case Source::procfile: read_procfile(work, input); break;
      case Source::systemd: break;
    }
  }
}
}  // namespace

Result<Imported> import_files(const std::vector<Input>& inputs, const Options& options) {
  if (inputs.empty()) return fail(Errc::invalid, "there is no file to import");
  Work work(options);
  for (const Input& input : inputs)
    if (input.text.find_first_of(std::string_view("\0\x01\x02", 3)) != std::string::npos)
      work.problem({input.file, 0}, "it has control characters: this is not a text file");
  if (!work.problems.empty()) return broken(std::move(work.problems));
  TRY(Source source, common_source(inputs, options));
  read_all(work, source, inputs);
  if (!work.problems.empty()) return broken(std::move(work.problems));
  if (work.drafts.empty())
    return fail(Errc::invalid, fmt::format("{}: there is nothing to run in it", inputs[0].file),
                fmt::format("it was read as a file of {}", word(source)),
                "if it is another kind, say --from");
  return finish(work, source, inputs);
}

}  // namespace drover::importer
