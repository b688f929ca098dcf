#pragma once
// What every reader of a field needs: where it is, and a place for problems. For this module only.

#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "spec/read.hpp"
#include "spec/value.hpp"

namespace drover::spec {

/// Problems found so far, and the path now being read. A path has two forms: the model's (services.api.stop.
/// signal, which validate() uses too) and the file's (services.api.stop_signal, for people).
class Context {
 public:
  explicit Context(const ReadOptions& options) : options_(options) {}

  void problem(Mark at, std::string message, std::string hint = {});
  /// Below the current path, for something that is not there.
  void problem_in(Mark at, std::string_view key, std::string message, std::string hint = {});
  void problem_at(std::string path, Mark at, std::string message, std::string hint = {});
  void warning(Mark at, std::string message, std::string hint = {});
  void warning_at(std::string path, Mark at, std::string message, std::string hint = {});
  void foreign(Problem problem);  // complete with file and line
  /// What the model calls services.api.`key` is what is being read now (services.api.stop_signal).
  void also(std::string_view key);
  /// Something below the current path is not there for a reason that has been reported.
  void excuse(std::string_view key);
  /// A problem of validate(): gets its position, unless something is wrong there already.
  void from_model(Problem problem);

  const ReadOptions& options() const { return options_; }
  bool good() const { return problems_.empty(); }
  Error error();
  std::vector<Problem> take_warnings();

  /// One path element for the length of a scope.
  class Step {
   public:
    Step(Context& context, std::string_view key, Mark at) : Step(context, key, key, at) {}
    /// The file says `written` where the model has `key`.
    Step(Context& context, std::string_view key, std::string_view written, Mark at);
    Step(Context& context, std::size_t index, Mark at);
    ~Step();
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    void enter(const std::string& key, const std::string& written, Mark at);
    Context& context_;
    std::size_t path_, file_path_;
  };

 private:
  struct Place {
    Mark at;
    std::string path;  // in the file
  };
  const Place* locate(std::string path) const;
  Problem make(Mark at, std::string path, std::string message, std::string hint) const;

  const ReadOptions& options_;
  std::string path_, file_path_;
  std::map<std::string, Place> places_;  // by the model's path
  std::vector<std::string> wrong_;       // the model's paths of problems
  std::vector<Problem> problems_, warnings_;
};

// Scalars. nullopt: not of that form, and the problem is recorded.
std::optional<std::string> read_string(Context& context, const Value& value);
std::optional<std::int64_t> read_integer(Context& context, const Value& value, std::int64_t low,
                                         std::int64_t high);
std::optional<bool> read_boolean(Context& context, const Value& value);
std::optional<Duration> read_duration(Context& context, const Value& value);
std::optional<std::uint64_t> read_size(Context& context, const Value& value);
std::optional<std::string> read_word(Context& context, const Value& value,
                                     std::span<const std::string_view> words);
bool want_map(Context& context, const Value& value, std::string_view example);
bool want_list(Context& context, const Value& value, std::string_view example);
/// A list of strings; one string counts as a list of one where `single` is set.
std::optional<std::vector<std::string>> read_strings(Context& context, const Value& value,
                                                     bool single = false);
std::string quoted_words(std::span<const std::string_view> words);  // for messages: a, b, c

/// One key of a map: how it is read, and what the schema says of it.
template <class T>
struct Field {
  std::string_view key;
  void (*read)(Context& context, const Value& value, T& to);
  boost::json::value (*schema)();
  std::string_view help;
};

/// A key that exists in stack files, but not in this version.
struct Later {
  std::string_view key;
  std::string_view what;  // "this version of Drover does not support …"
  std::string_view hint = {};
};

void unknown_key(Context& context, const Entry& entry, std::vector<std::string_view> known,
                 std::span<const Later> later);

/// Reads every key of a map by the table. x-… is left alone.
template <class T>
void read_fields(Context& context, const Value& value, T& to, std::span<const Field<T>> table,
                 std::span<const Later> later = {}) {
  std::vector<std::string_view> known;
  for (const Field<T>& field : table) known.push_back(field.key);
  for (const Entry& entry : value.entries) {
    if (entry.key.starts_with("x-")) continue;
    const Field<T>* found = nullptr;
    for (const Field<T>& field : table)
      if (field.key == entry.key) found = &field;
    Context::Step step(context, entry.key, entry.value.at);
    if (found) found->read(context, entry.value, to);
    else unknown_key(context, entry, known, later);
  }
}

template <class T>
boost::json::value fields_schema(std::span<const Field<T>> table) {
  boost::json::object properties;
  for (const Field<T>& field : table) {
    boost::json::value one = field.schema();
    if (one.is_object() && !field.help.empty())
      one.get_object()["description"] = boost::json::value(std::string_view(field.help));
    properties.emplace(field.key, std::move(one));
  }
  return boost::json::object{{"type", "object"},
                             {"properties", std::move(properties)},
                             {"patternProperties", boost::json::object{{"^x-", boost::json::object{}}}},
                             {"additionalProperties", false}};
}

}  // namespace drover::spec
