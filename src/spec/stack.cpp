// The whole file.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "spec/parts.hpp"
#include "spec/words.hpp"

namespace drover {

namespace spec {
namespace {
/// Replaces ${…} in every value (never in keys), before anything else looks at it.
class Expander {
 public:
  explicit Expander(Context& context) : context_(context) {}

  void walk(Value& value) {
    std::size_t length = path_.size();
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      path_ += fmt::format("[{}]", i);
      walk(value.items[i]);
      path_.resize(length);
    }
    for (Entry& entry : value.entries) {
      path_ += (length > 0 ? "." : "") + entry.key;
      walk(entry.value);
      path_.resize(length);
    }
    if (value.scalar() && value.text.find('$') != std::string::npos) scalar(value);
  }

 private:
  void scalar(Value& value) {
    auto done = interpolate(value.text, context_.options().variables);
    if (!done) return context_.problem_at(path_, value.at, done.error().message, done.error().hint);
    for (const std::string& name : done->missing)
      context_.warning_at(path_, value.at,
                          fmt::format("the variable {} is not set: nothing is put in its place", name),
                          fmt::format("set it, or write ${{{}:-default}}", name));
    grown_ += done->text.size();
    if (grown_ > max_grown) {
      if (!too_large_) context_.problem_at(path_, value.at, "the variables make the file too large");
      too_large_ = true;
      return;
    }
    value.interpolated = done->changed;
    value.text = std::move(done->text);
  }

  static constexpr std::size_t max_grown = 16 << 20;
  Context& context_;
  std::string path_;
  std::size_t grown_ = 0;
  bool too_large_ = false;
};

struct File {
  std::string name;
  Service defaults;
  const Value* services = nullptr;
};

void read_name(Context& context, const Value& value, File& to) {
  if (auto name = read_string(context, value)) to.name = *name;
}

json::value services_schema() {
  return json::object{{"type", "object"}, {"additionalProperties", service_schema()}, {"minProperties", 1}};
}

const Field<File> file_fields[] = {
    {"name", &read_name, &text_schema, "Of the stack. Default: the directory's name"},
    {"services", [](Context&, const Value& value, File& to) { to.services = &value; }, &services_schema, ""},
    {"place", [](Context& c, const Value& v, File& to) { read_place(c, v, to.defaults.place); },
     &place_schema, "Default for all services"},
    {"update", [](Context& c, const Value& v, File& to) { read_update(c, v, to.defaults.update); },
     &update_schema, "Default for all services"},
    {"version",
     [](Context& context, const Value& value, File&) {
       context.warning(value.at, "\"version\" means nothing any more", "take it away");
     },
     [] { return json::value(json::object{}); }, "Obsolete"},
};
const Later file_later[] = {{"include", "include"},
                            {"networks", "networks"},
                            {"volumes", "volumes"},
                            {"configs", "configs"},
                            {"secrets", "secrets"},
                            {"models", "models"},
                            {"disconnect", "policies for lost nodes"},
                            {"templates", "templates"},
                            {"@graph", "JSON-LD stacks"},
                            {"@context", "JSON-LD stacks"},
                            {"machine", "machine files"}};

/// "My App" → "myapp", as Compose does with a directory's name.
std::string fit_name(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    bool first = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (first || (!out.empty() && (c == '-' || c == '_'))) out += c;
  }
  return out.substr(0, 63);
}

Stack read_file(Context& context, const Value& root) {
  File file;
  if (!want_map(context, root, "services: {web: {command: [\"./web\"]}}")) return {};
  read_fields<File>(context, root, file, file_fields, file_later);
  if (const Entry* ours = root.find("x-drover")) {
    Context::Step step(context, "", "x-drover", ours->at);
    if (want_map(context, ours->value, "{place: {strategy: spread}}"))
      read_fields<File>(context, ours->value, file, file_fields, file_later);
  }
  Stack stack;
  stack.name = root.find("name") ? file.name : fit_name(context.options().default_name);
  if (stack.name.empty() && !root.find("name"))
    context.problem_in({1, 1}, "name", "the stack has no name", "write name: shop at the top");
  if (file.services) stack.services = read_services(context, *file.services, file.defaults);
  else context.problem_in(root.at, "services", "there are no services", "write services: with one below");
  return stack;
}

std::unexpected<Error> unreadable(Error error, const std::string& file) {
  for (Problem& problem : error.problems) problem.file = file;
  std::string name = file.empty() ? "the stack file" : file;
  if (error.problems.size() == 1)
    error.message = fmt::format("{}{}: {}", name,
                                error.problems[0].line ? fmt::format(":{}", error.problems[0].line) : "",
                                error.problems[0].message);
  else error.message = fmt::format("{} has {} errors", name, error.problems.size());
  return fail(std::move(error));
}
}  // namespace
}  // namespace spec

Result<ReadResult> read_stack(std::string_view text, const ReadOptions& options) {
  auto root = spec::parse_yaml(text);
  if (!root) return spec::unreadable(std::move(root.error()), options.file);
  spec::Context context(options);
  spec::Expander(context).walk(*root);
  Stack stack = spec::read_file(context, *root);
  for (Problem& problem : validate(stack)) context.from_model(std::move(problem));
  if (!context.good()) return fail(context.error());
  return ReadResult{std::move(stack), context.take_warnings()};
}

std::string stack_schema() {
  json::value schema = spec::fields_schema<spec::File>(spec::file_fields);
  json::object& object = schema.get_object();
  object["$schema"] = "http://json-schema.org/draft-07/schema#";
  object["title"] = "Drover stack file";
  object["required"] = json::array{"services"};
  return pretty_json(schema);
}

}  // namespace drover
