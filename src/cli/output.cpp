#include "cli/output.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace drover::cli {

namespace {
bool plain_yaml(std::string_view text) {
  if (text.empty() || text.size() > 200) return false;
  static const std::vector<std::string_view> words{"true", "false", "null", "yes", "no", "on", "off", "~"};
  if (std::ranges::find(words, text) != words.end()) return false;
  if (!std::isalpha(static_cast<unsigned char>(text[0])) && text[0] != '/') return false;
  return std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) || (c && std::string_view("-_./@").contains(char(c)));
  });
}

std::string scalar(const json::value& value) {
  if (value.is_string() && plain_yaml(value.get_string())) return std::string(value.get_string());
  return print_json(value);  // JSON's scalars are YAML's
}

bool is_leaf(const json::value& value) {
  if (value.is_object()) return value.get_object().empty();
  if (value.is_array()) return value.get_array().empty();
  return true;
}

void yaml(std::string& out, const json::value& value, std::size_t indent, bool inline_first) {
  auto lead = [&](bool first) { out += first && inline_first ? "" : std::string(indent, ' '); };
  bool first = true;
  if (value.is_object() && !value.get_object().empty()) {
    for (const auto& [key, item] : value.get_object()) {
      lead(first);
      first = false;
      out += scalar(json::value(std::string_view(key))) + ":";
      if (is_leaf(item)) out += " " + scalar(item) + "\n";
      else out += "\n", yaml(out, item, indent + 2, false);
    }
  } else if (value.is_array() && !value.get_array().empty()) {
    for (const auto& item : value.get_array()) {
      lead(first);
      first = false;
      out += "- ";
      if (is_leaf(item)) out += scalar(item) + "\n";
      else yaml(out, item, indent + 2, true);
    }
  } else {
    lead(true);
    out += scalar(value) + "\n";
  }
}

Result<std::vector<const Field*>> chosen_fields(const Context& context, const ListView& view) {
  std::vector<const Field*> fields;
  if (context.flags.columns.empty()) {
    for (const auto& field : view.fields)
      if (!field.wide || context.flags.output == "wide" || context.flags.output == "tsv")
        fields.push_back(&field);
    return fields;
  }
  std::vector<std::string> names;
  for (const auto& field : view.fields) names.push_back(field.header);
  for (auto wanted : split(context.flags.columns, ',')) {
    for (auto& c : wanted) c = char(std::toupper(static_cast<unsigned char>(c)));
    auto found = std::ranges::find(view.fields, wanted, &Field::header);
    if (found == view.fields.end())
      return fail(Errc::invalid, "there is no column " + wanted, {}, "columns: " + join(names, ","));
    fields.push_back(&*found);
  }
  return fields;
}

Result<int> print_rows(const Context& context, const json::array& items, const ListView& view) {
  TRY(auto fields, chosen_fields(context, view));
  std::vector<Column> columns;
  for (const auto* field : fields) columns.push_back({field->header, field->right, field->shrinks});
  std::vector<std::vector<Cell>> rows;
  for (const auto& item : items) {
    auto& row = rows.emplace_back();
    for (const auto* field : fields) {
      row.push_back(field->cell(item));
      row.back().text = printable(row.back().text);
    }
  }
  TableOptions options;
  options.headers = !context.flags.no_headers;
  options.shorten = !context.flags.no_trunc;
  options.tabs = context.flags.output == "tsv";
  if (items.empty() && !options.tabs) {
    context.err.write("No " + view.what + (context.flags.filter.empty() ? "." : " match.") + "\n");
    return 0;
  }
  context.out.write(print_table(columns, rows, context.out, options));
  return 0;
}
}  // namespace

std::string to_yaml(const json::value& value) {
  std::string out;
  yaml(out, value, 0, false);
  return out;
}

Result<int> print_list(const Context& context, const json::array& items, const ListView& view) {
  const auto& format = context.flags.output;
  if (format == "json" || format == "yaml") {
    json::value whole = json::object{{"items", items}, {"next", nullptr}};
    context.out.write(format == "json" ? pretty_json(whole) : to_yaml(whole));
    return 0;
  }
  if (format != "jsonl" && format != "name" && !context.flags.quiet) return print_rows(context, items, view);
  std::string out;
  for (const auto& item : items) out += (format == "jsonl" ? print_json(item) : view.name(item)) + "\n";
  context.out.write(out);
  return 0;
}

Result<int> print_object(const Context& context, const json::value& object,
                         const std::function<std::string()>& human) {
  const auto& format = context.flags.output;
  if (format == "json") context.out.write(pretty_json(object));
  else if (format == "jsonl") context.out.write(print_json(object) + "\n");
  else if (format == "yaml") context.out.write(to_yaml(object));
  else context.out.write(human());
  return 0;
}

Style style_of(std::string_view state) {
  static const std::map<std::string_view, Style> styles{
      {"ready", Style::green},       {"healthy", Style::green},   {"online", Style::green},
      {"succeeded", Style::green},   {"completed", Style::green}, {"ok", Style::green},
      {"failed", Style::red},        {"stuck", Style::red},       {"lost", Style::red},
      {"unhealthy", Style::red},     {"error", Style::red},       {"partial", Style::red},
      {"backoff", Style::yellow},    {"waiting", Style::yellow},  {"starting", Style::yellow},
      {"restarting", Style::yellow}, {"stopping", Style::yellow}, {"configuring", Style::yellow},
      {"deploying", Style::yellow},  {"running", Style::cyan},    {"assigned", Style::cyan},
      {"planned", Style::yellow},    {"pending", Style::yellow},  {"suspect", Style::yellow},
      {"degraded", Style::yellow},   {"warn", Style::yellow},     {"paused", Style::yellow},
      {"stopped", Style::dim},       {"offline", Style::dim},     {"unknown", Style::magenta},
      {"cancelled", Style::dim},     {"superseded", Style::dim},  {"none", Style::dim},
      {"joined", Style::dim},        {"deleting", Style::yellow}, {"info", Style::plain},
      {"connecting", Style::yellow},
  };
  auto found = styles.find(state);
  return found == styles.end() ? Style::plain : found->second;
}

std::string print_facts(const Terminal& terminal,
                        const std::vector<std::pair<std::string, std::string>>& facts) {
  std::size_t width = 0;
  for (const auto& [key, value] : facts)
    if (!value.empty()) width = std::max(width, display_width(key));
  std::string out;
  for (const auto& [key, value] : facts) {
    if (value.empty()) continue;
    out += std::string(width - display_width(key), ' ') + terminal.paint(Style::dim, key + ":") + " " +
           value + "\n";
  }
  return out;
}

Field plain(std::string header, std::string key, bool shrinks) {
  return {std::move(header), [key](const json::value& item) { return Cell{text(item, key)}; }, false,
          shrinks};
}
Field state_field(std::string header, std::string key) {
  return {std::move(header), [key](const json::value& item) {
            auto state = text(item, key);
            return Cell{state, style_of(state)};
          }};
}
Field number_field(std::string header, std::string key) {
  return {std::move(header), [key](const json::value& item) { return Cell{text(item, key)}; }, true};
}
Field time_field(const Context& context, std::string header, std::string key) {
  return {std::move(header),
          [key, &context](const json::value& item) { return Cell{since(context, text(item, key))}; }};
}

}  // namespace drover::cli
