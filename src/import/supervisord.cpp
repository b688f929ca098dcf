// supervisord.conf: sections, expansions, includes, groups. Its programs' fields are in supervisord_program.
#include "import/supervisord.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "import/text.hpp"
#include "model/signals.hpp"
#include "spec/words.hpp"

namespace drover::importer {

namespace {
/// Python's %d and %02d.
std::string formatted(std::int64_t number, std::string_view format) {
  std::string_view digits = format.substr(0, format.size() - 1);
  auto width = whole(digits);
  if (!width || *width <= 0 || *width > 20) return fmt::format("{}", number);
  return digits[0] == '0' ? fmt::format("{:0{}}", number, *width) : fmt::format("{:{}}", number, *width);
}
}  // namespace

Result<std::string> Expander::text(std::string_view from) const {
  std::string out;
  for (std::size_t at = 0; at < from.size();) {
    std::size_t percent = from.find('%', at);
    out += literal(from.substr(at, percent == std::string_view::npos ? percent : percent - at));
    if (percent == std::string_view::npos) break;
    std::string_view rest = from.substr(percent);
    if (rest.starts_with("%%")) {
      out += '%';
      at = percent + 2;
      continue;
    }
    std::size_t close = rest.find(')');
    std::size_t end = close == std::string_view::npos ? close : rest.find_first_of("sd", close);
    if (!rest.starts_with("%(") || end == std::string_view::npos)
      return fail(Errc::invalid,
                  fmt::format("\"{}\": a % begins %(name)s, or is written %%", rest.substr(0, 30)));
    std::string name(rest.substr(2, close - 2));
    auto found = values.find(name);
    if (name.starts_with("ENV_")) out += variable(name.substr(4));
    else if (name == "process_num" && process_num)
      out += formatted(*process_num, rest.substr(close + 1, end - close));
    else if (name == "process_num") out += "{{instance.index}}";
    else if (name == "host_node_name") out += "{{node.name}}";
    else if (found != values.end()) out += literal(found->second);
    else
      return fail(
          Errc::invalid, fmt::format("%({}) is not known", name), {},
          "there are here, program_name, group_name, process_num, numprocs, host_node_name, ENV_NAME");
    at = percent + end + 1;
  }
  return out;
}

Result<std::map<std::string, std::string>> supervisord_pairs(std::string_view text) {
  std::map<std::string, std::string> out;
  std::string key, value;
  bool in_value = false;
  char quote = 0;
  auto end = [&]() -> Result<void> {
    std::string name(trim(key));
    if (name.empty() && trim(value).empty()) return {};
    if (name.empty() || !in_value)
      return fail(Errc::invalid, fmt::format("\"{}\" is not KEY=\"value\"", trim(key + value)));
    out[name] = std::string(trim(value));
    key.clear();
    value.clear();
    in_value = false;
    return {};
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quote != 0 && c == '\\' && quote == '"' && i + 1 < text.size()) value += text[++i];
    else if (quote != 0 && c == quote) quote = 0;
    else if (quote != 0) value += c;
    else if (in_value && (c == '"' || c == '\'')) quote = c;
    else if (c == ',' || c == '\n') {
      TRYV(end());
    } else if (c == '=' && !in_value) in_value = true;
    else (in_value ? value : key) += c;
  }
  if (quote != 0) return fail(Errc::invalid, fmt::format("the quote {} is not closed", quote));
  TRYV(end());
  return out;
}

namespace {
constexpr std::size_t most_files = 200;

class File {
 public:
  File(Work& work, const Input& input) : work_(work), input_(input) {}

  void read() {
    sections_ = parse_ini(work_, input_.file, input_.text, IniKind::supervisord);
    include();
    for (const IniSection& section : sections_)
      if (section.name.starts_with("group:")) group(section);
    for (const IniSection& section : sections_)
      if (section.name.starts_with("program:")) program(section);
      else other(section);
    order();
    if (!work_.drafts.empty())
      work_.changed(
          {input_.file, 0}, "", "environment",
          "supervisord passes on its whole environment; here there is what the file declares, and PATH "
          "and HOME",
          "put what a program needs into its environment");
  }

 private:
  Expander base() const {
    Expander out;
    out.values["here"] = directory_of(input_.path);
    return out;
  }

  void include() {
    std::vector<IniSection> more;
    for (const IniSection& section : sections_) {
      const IniEntry* files = section.name == "include" ? section.find("files") : nullptr;
      if (files == nullptr) continue;
      auto text = base().text(files->value);
      if (!text) {
        work_.problem({section.file, files->line}, text.error().message, text.error().hint);
        continue;
      }
      std::string flat = *text;
      std::ranges::replace(flat, '\n', ' ');
      for (const std::string& pattern : split(flat, ' '))
        if (!pattern.empty()) include_pattern(pattern, {section.file, files->line}, more);
    }
    sections_.insert(sections_.end(), more.begin(), more.end());
  }

  void include_pattern(const std::string& pattern, const Spot& at, std::vector<IniSection>& to) {
    std::string whole = spec::join_path(directory_of(input_.path), pattern);
    auto paths = work_.options.glob ? work_.options.glob(whole) : std::vector<std::string>{whole};
    if (paths.empty()) work_.lost(at, "", "include", fmt::format("there is no file {}", whole));
    for (const std::string& path : paths) {
      if (++included_ > most_files) return work_.problem(at, "it includes more than 200 files");
      auto text = work_.file(path);
      if (!text) {
        work_.problem(at, fmt::format("cannot read {}", path));
        continue;
      }
      for (IniSection& section : parse_ini(work_, path, *text, IniKind::supervisord))
        to.push_back(std::move(section));
    }
  }

  void group(const IniSection& section) {
    const IniEntry* programs = section.find("programs");
    if (programs == nullptr) return;
    for (const std::string& one : split(programs->value, ','))
      groups_[std::string(trim(one))] = section.name.substr(6);
    if (const IniEntry* priority = section.find("priority"))
      work_.lost({section.file, priority->line}, section.name.substr(6), "priority",
                 "a group is a label here, the order is each service's own", "depends_on");
  }

  void program(const IniSection& section) {
    std::string name = section.name.substr(8);
    const IniEntry* numprocs = section.find("numprocs");
    auto count = numprocs != nullptr ? whole(numprocs->value) : 1;
    const IniEntry* start = section.find("numprocs_start");
    auto first = start != nullptr ? whole(start->value) : 0;
    if (!count || *count < 1 || *count > 1000 || !first)
      return work_.problem({section.file, numprocs != nullptr ? numprocs->line : section.line},
                           "numprocs is not a number from 1 to 1000");
    if (*count == 1 || !apart(section, *first))
      return one(section, name, std::uint32_t(*count), std::nullopt);
    work_.changed(
        {section.file, numprocs->line}, name, "numprocs",
        fmt::format("{} services of their own, since %(process_num) is more than the number of an instance",
                    *count));
    for (std::int64_t i = 0; i < *count; ++i)
      one(section, fmt::format("{}-{}", name, *first + i), 1, *first + i);
  }

  /// True: the number of a process stands where an instance's own cannot be put.
  static bool apart(const IniSection& section, std::int64_t first) {
    return std::ranges::any_of(section.entries, [&](const IniEntry& entry) {
      if (entry.key == "process_name" || entry.key.find("log") != std::string::npos) return false;
      std::size_t at = entry.value.find("%(process_num)");
      if (at == std::string::npos) return false;
      bool fillable = entry.key == "command" || entry.key == "environment";
      return first != 0 || !fillable || entry.value.find("%(process_num)0") != std::string::npos;
    });
  }

  void one(const IniSection& section, const std::string& name, std::uint32_t count,
           std::optional<std::int64_t> number) {
    std::string program = section.name.substr(8);
    Draft draft = work_.begin(name, {section.file, section.line});
    Subject to{work_, draft, section.file};
    auto group = groups_.find(program);
    Expander expander = base();
    expander.values["program_name"] = program;
    expander.values["group_name"] = group != groups_.end() ? group->second : program;
    expander.values["numprocs"] = fmt::format("{}", count);
    expander.process_num = count == 1 && !number ? std::optional<std::int64_t>(0) : number;
    draft.process().working_dir = directory_of(input_.path);
    draft.service.scale.count = count;
    if (group != groups_.end()) draft.service.labels["group"] = group->second;
    auto daemon = std::ranges::find(sections_, "supervisord", &IniSection::name);
    Program reading{to, section, expander, daemon != sections_.end() ? &*daemon : nullptr};
    read_program(reading);
    const IniEntry* priority = section.find("priority");
    if (auto value = priority != nullptr ? whole(priority->value) : std::nullopt)
      priorities_[draft.service.name] = *value;
    work_.add(std::move(draft));
  }

  void other(const IniSection& section) {
    for (std::string_view kind : {"fcgi-program:", "eventlistener:"}) {
      if (!section.name.starts_with(kind)) continue;
      work_.partial = true;
      work_.lost({section.file, section.line}, section.name.substr(kind.size()), "[" + section.name + "]",
                 kind[0] == 'f' ? "FastCGI programs get their socket from supervisord"
                                : "there are no listeners that speak supervisord's event protocol",
                 kind[0] == 'f' ? "let the program open its own socket, or pass: listen_fds in ports"
                                : "follow drover events, or write a service that calls the API");
    }
  }

  /// Lower numbers start first; nobody waits until they are ready.
  void order() {
    for (Draft& draft : work_.drafts) {
      auto mine = priorities_.find(draft.service.name);
      if (mine == priorities_.end() || draft.service.scale.count == 0) continue;
      std::optional<std::int64_t> before;
      for (const auto& [name, value] : priorities_)
        if (value < mine->second && runs(name)) before = std::max(before.value_or(value), value);
      for (const auto& [name, value] : priorities_)
        if (before && value == *before && runs(name))
          draft.service.depends_on.push_back({name, Condition::started});
      if (before)
        work_.changed({input_.file, 0}, draft.service.name, "priority",
                      "it starts after those with a lower number (depends_on), and stops before them",
                      "condition: ready where it needs more than that");
    }
  }
  bool runs(const std::string& name) const {
    return std::ranges::any_of(work_.drafts, [&](const Draft& draft) {
      return draft.service.name == name && draft.service.scale.count > 0;
    });
  }

  Work& work_;
  const Input& input_;
  std::vector<IniSection> sections_;
  std::map<std::string, std::string> groups_;       // program → group
  std::map<std::string, std::int64_t> priorities_;  // our names; only where one was given
  std::size_t included_ = 0;
};
}  // namespace

void read_supervisord(Work& work, const Input& input) { File(work, input).read(); }

}  // namespace drover::importer
