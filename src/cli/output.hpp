#pragma once
// Lists and objects in every format: table wide json jsonl yaml name tsv. JSON is the API's object verbatim.

#include <functional>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/table.hpp"

namespace drover::cli {

struct Field {
  std::string header;
  std::function<Cell(const json::value&)> cell;
  bool right = false, shrinks = false;
  bool wide = false;  // with -o wide only
};

struct ListView {
  std::string what;  // "services": for "No services match."
  std::vector<Field> fields;
  std::function<std::string(const json::value&)> name;  // for -o name and -q
};

/// Prints a list; the exit status.
Result<int> print_list(const Context& context, const json::array& items, const ListView& view);
/// Prints one object; `human` makes the text for table and wide.
Result<int> print_object(const Context& context, const json::value& object,
                         const std::function<std::string()>& human);
std::string to_yaml(const json::value& value);

/// The colour that a state has everywhere.
Style style_of(std::string_view state);
/// "key: value" blocks, aligned.
std::string print_facts(const Terminal& terminal,
                        const std::vector<std::pair<std::string, std::string>>& facts);

/// A field that shows a member as it is.
Field plain(std::string header, std::string key, bool shrinks = false);
Field state_field(std::string header = "STATE", std::string key = "state");
Field number_field(std::string header, std::string key);
Field time_field(const Context& context, std::string header, std::string key);  // how long ago

}  // namespace drover::cli
