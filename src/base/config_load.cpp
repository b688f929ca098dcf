// Reads TOML, environment and flags into the slots of a table. The only user of toml++.

#include <toml++/toml.h>
#include <algorithm>

#include "base/config.hpp"

namespace drover::detail {

namespace {
class Loader {
 public:
  Loader(std::vector<ConfigSlot>& slots, const ConfigSources& sources) : slots_(slots), sources_(sources) {
    for (const auto& slot : slots) {
      ConfigEntry entry{slot.key, slot.help, slot.type};
      entry.by_default = slot.print();
      entry.environment = "DROVER_" + upper(sources.section) + "_" + upper(slot.key);
      entries_.push_back(std::move(entry));
      known_.push_back(slot.key);
    }
  }

  Result<std::vector<ConfigEntry>> run() {
    read_file();
    read_environment();
    read_flags();
    if (readable_) check_missing();
    if (!problems_.empty()) return fail(as_error());
    for (std::size_t i = 0; i < slots_.size(); ++i) entries_[i].value = slots_[i].print();
    return std::move(entries_);
  }

 private:
  static std::string upper(std::string_view key) {
    std::string out;
    for (char c : key) out += c == '.' || c == '-' ? '_' : char(std::toupper(static_cast<unsigned char>(c)));
    return out;
  }

  void problem(std::string path, std::string message, std::string hint, const toml::source_position& at) {
    problems_.push_back({std::move(path), std::uint32_t(at.line), std::uint32_t(at.column),
                         std::move(message), std::move(hint), sources_.file_name});
  }
  void problem_outside(std::string path, std::string message, std::string hint, std::string where) {
    problems_.push_back({std::move(path), 0, 0, std::move(message), std::move(hint), std::move(where)});
  }

  std::size_t index_of(std::string_view key) const {
    return std::size_t(std::ranges::find(known_, key) - known_.begin());
  }
  bool is_table(std::string_view key) const {
    return std::ranges::any_of(known_,
                               [&](const std::string& k) { return k.starts_with(std::string(key) + "."); });
  }

  void note(std::size_t index, ConfigOrigin origin, std::string place) {
    entries_[index].origin = origin;
    entries_[index].place = std::move(place);
    touched_.insert(index);
  }

  std::string place(const toml::source_position& at) const {
    return sources_.file_name + ":" + std::to_string(at.line);
  }

  void read_file() {
    if (sources_.file_name.empty()) return;
    try {
      auto table = toml::parse(sources_.file_text, sources_.file_name);
      read_table("", table);
    } catch (const toml::parse_error& error) {
      readable_ = false;
      problem("", std::string(error.description()), "", error.source().begin);
    }
  }

  void read_table(const std::string& prefix, const toml::table& table) {
    for (const auto& [toml_key, node] : table) {
      std::string key = prefix + std::string(toml_key.str());
      auto at = node.source().begin.line ? node.source().begin : toml_key.source().begin;
      auto index = index_of(key);
      if (index < slots_.size()) read_node(index, node, toml_key.source().begin);
      else if (node.is_table() && is_table(key)) read_table(key + ".", *node.as_table());
      else unknown(key, toml_key.source().begin.line ? toml_key.source().begin : at);
    }
  }

  void unknown(const std::string& key, const toml::source_position& at) {
    auto close = nearest(key, std::span<const std::string>(known_));
    std::string hint = close ? "did you mean " + *close + "?" : "allowed: " + join(known_, ", ");
    problem(key, "there is no such key", std::move(hint), at);
  }

  /// One scalar as text; strings are expanded. nullopt: reported.
  std::optional<std::string> scalar(const ConfigSlot& slot, const toml::node& node,
                                    const toml::source_position& at) {
    if (auto text = node.value_exact<std::string>()) {
      if (slot.is_boolean) {
        problem(slot.key, "is a text; allowed: true or false, without quotes", "", at);
        return std::nullopt;
      }
      auto expanded = expand_variables(*text, sources_.environment);
      if (expanded) return *expanded;
      problem(slot.key, expanded.error().message, expanded.error().hint, at);
      return std::nullopt;
    }
    if (slot.is_text) {
      problem(slot.key, "is not a text; allowed: a value in quotes", "", at);
      return std::nullopt;
    }
    if (auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
    if (auto real = node.value_exact<double>()) return print_json(*real);
    if (auto truth = node.value_exact<bool>()) return std::string(*truth ? "true" : "false");
    problem(slot.key, "is of the wrong kind; allowed: " + slot.type, "", at);
    return std::nullopt;
  }

  void read_node(std::size_t index, const toml::node& node, const toml::source_position& at) {
    const auto& slot = slots_[index];
    note(index, ConfigOrigin::file, place(at));
    if (slot.is_list) return read_list(slot, node, at);
    if (slot.is_map) return read_map(slot, node, at);
    auto text = scalar(slot, node, at);
    if (!text) return;
    if (auto allowed = slot.set_text(*text)) wrong(slot, *text, *allowed, at);
  }

  void wrong(const ConfigSlot& slot, const std::string& found, const std::string& allowed,
             const toml::source_position& at) {
    std::string shown = slot.type == "secret" ? "" : " " + toml_text(found) + ",";
    std::string hint;
    if (slot.type.contains('|')) {
      auto words = split(slot.type, '|');
      if (auto close = nearest(found, std::span<const std::string>(words)))
        hint = "did you mean " + *close + "?";
    }
    problem(slot.key, "is" + shown + " allowed: " + allowed, hint, at);
  }

  void read_list(const ConfigSlot& slot, const toml::node& node, const toml::source_position& at) {
    const auto* array = node.as_array();
    if (!array) return problem(slot.key, "is not a list; allowed: [\"…\", \"…\"]", "", at);
    std::vector<std::string> items;
    for (const auto& item : *array) {
      auto text = item.value_exact<std::string>();
      if (!text) return problem(slot.key, "holds something that is not a text", "", item.source().begin);
      auto expanded = expand_variables(*text, sources_.environment);
      if (!expanded)
        return problem(slot.key, expanded.error().message, expanded.error().hint, item.source().begin);
      items.push_back(*expanded);
    }
    if (auto allowed = slot.set_list(items)) wrong(slot, join(items, ", "), *allowed, at);
  }

  void read_map(const ConfigSlot& slot, const toml::node& node, const toml::source_position& at) {
    const auto* table = node.as_table();
    if (!table) return problem(slot.key, "is not a table; allowed: { key = \"value\" }", "", at);
    std::map<std::string, std::string> items;
    for (const auto& [key, item] : *table) {
      auto text = item.value_exact<std::string>();
      if (!text)
        return problem(slot.key + "." + std::string(key.str()), "is not a text; allowed: a value in quotes",
                       "", key.source().begin);
      auto expanded = expand_variables(*text, sources_.environment);
      if (!expanded)
        return problem(slot.key + "." + std::string(key.str()), expanded.error().message,
                       expanded.error().hint, key.source().begin);
      items[std::string(key.str())] = *expanded;
    }
    if (auto allowed = slot.set_map(items)) problem(slot.key, "allowed: " + *allowed, "", at);
  }

  void read_environment() {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      auto found = sources_.environment.find(entries_[i].environment);
      if (found == sources_.environment.end()) continue;
      note(i, ConfigOrigin::environment, entries_[i].environment);
      set_outside(i, found->second, entries_[i].environment);
    }
  }

  void read_flags() {
    for (const auto& flag : sources_.flags) {
      auto index = index_of(flag.key);
      DROVER_ASSERT(index < slots_.size(), "a flag names a field of its table");
      note(index, ConfigOrigin::flag, flag.flag);
      set_outside(index, flag.value, flag.flag);
    }
  }

  void set_outside(std::size_t index, const std::string& text, const std::string& where) {
    const auto& slot = slots_[index];
    auto allowed = slot.set_text(text);
    if (!allowed) return;
    std::string shown = slot.type == "secret" ? "" : " " + toml_text(text) + ",";
    problem_outside(slot.key, "is" + shown + " allowed: " + *allowed, "", where);
  }

  void check_missing() {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (touched_.contains(i)) continue;
      if (auto allowed = slots_[i].check())
        problem_outside(slots_[i].key, "is missing: " + slots_[i].help + " Allowed: " + *allowed,
                        "set it in the file, or as " + entries_[i].environment, sources_.file_name);
    }
  }

  Error as_error() {
    Error error{Errc::invalid, {}, {}, {}, {}};
    error.message = "the configuration" + (sources_.file_name.empty() ? "" : " " + sources_.file_name) +
                    " has " + std::to_string(problems_.size()) +
                    (problems_.size() == 1 ? " error" : " errors");
    error.problems = std::move(problems_);
    std::ranges::sort(error.problems, {},
                      [](const Problem& p) { return std::tuple(p.file, p.line, p.column, p.path); });
    return error;
  }

  std::vector<ConfigSlot>& slots_;
  const ConfigSources& sources_;
  std::vector<ConfigEntry> entries_;
  std::vector<std::string> known_;
  std::set<std::size_t> touched_;
  std::vector<Problem> problems_;
  bool readable_ = true;  // false: what is missing cannot be known
};
}  // namespace

Result<std::vector<ConfigEntry>> load_slots(std::vector<ConfigSlot>& slots, const ConfigSources& sources) {
  return Loader(slots, sources).run();
}

}  // namespace drover::detail
