// The stack file: what spec prints, without what is the default anyway, as YAML for people.
#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "import/text.hpp"
#include "import/work.hpp"
#include "spec/read.hpp"
#include "spec/value.hpp"

namespace drover::importer {

namespace {
/// Members that say what the defaults say already are taken away, at every depth.
json::object without(const json::object& from, const json::object& defaults) {
  json::object out;
  for (const auto& [key, value] : from) {
    const json::value* usual = defaults.if_contains(key);
    if (usual != nullptr && *usual == value) continue;
    if (usual == nullptr || !usual->is_object() || !value.is_object()) {
      out.emplace(key, value);
      continue;
    }
    json::object rest = without(value.get_object(), usual->get_object());
    if (!rest.empty()) out.emplace(key, std::move(rest));
  }
  return out;
}

json::object printed(const Service& service) {
  json::value whole = print_stack_value(Stack{"x", {service}});
  return whole.at("services").at(service.name).as_object();
}

/// What a service is that says nothing but its command.
json::object usual(const Service& like) {
  Service plain;
  plain.name = like.name;
  auto probe = [](const std::optional<Probe>& theirs) {
    return theirs ? std::optional(Probe{}) : std::nullopt;
  };
  plain.probes = {probe(like.probes.start), probe(like.probes.ready), probe(like.probes.live)};
  return printed(plain);
}

json::array env_files(const std::vector<EnvFile>& files) {
  json::array out;
  for (const EnvFile& file : files) {
    if (file.required) out.emplace_back(file.path);
    else out.push_back(json::object{{"path", file.path}, {"required", false}});
  }
  return out;
}

json::object document(const Draft& draft) {
  json::object all = printed(draft.service), defaults = usual(draft.service);
  Service job;  // a job without "restart" is not restarted
  job.name = draft.service.name;
  job.restart.policy = RestartPolicy::no;
  if (draft.service.kind == ServiceKind::job && all.at("restart") == printed(job).at("restart"))
    all.erase("restart");
  if (draft.service.kind == ServiceKind::job && all.if_contains("restart") != nullptr)
    defaults.at("restart").as_object().erase("policy");
  defaults.erase("working_dir");
  json::object rest = without(all, defaults), out;
  for (const auto& [key, value] : rest) {
    out.emplace(key, value);
    if (key == "working_dir" && !draft.env_files.empty()) out.emplace("env_file", env_files(draft.env_files));
  }
  return out;
}

// ---- YAML

/// A text as it can stand in a file, in quotes where YAML would take it for something else.
std::string quoted(std::string_view text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@+-=~%:";
  bool safe = !text.empty() && text.find_first_not_of(plain) == std::string_view::npos &&
              text.find_first_of("-=~%:@") != 0 && !text.ends_with(':') &&
              spec::resolve(text) == spec::Value::Kind::string && !truth(text);  // YAML 1.1: no, on
  return safe ? std::string(text) : print_json(json::value(text));
}

std::string scalar(const json::value& value) {
  return value.is_string() ? quoted(std::string_view(value.get_string())) : print_json(value);
}

bool is_scalar(const json::value& value) { return !value.is_object() && !value.is_array(); }

/// On one line; empty: it does not fit, or is too deep for people.
std::string flow(const json::value& value) {
  if (is_scalar(value)) return scalar(value);
  std::string out;
  auto put = [&](std::string part) { out += (out.empty() ? "" : ", ") + std::move(part); };
  if (value.is_array()) {
    for (const json::value& item : value.get_array()) {
      if (item.is_array() || (item.is_object() && value.get_array().size() > 1)) return {};
      put(flow(item));
    }
    out = "[" + out + "]";
  } else {
    for (const auto& [key, item] : value.get_object()) {
      if (!is_scalar(item)) return {};
      put(quoted(key) + ": " + scalar(item));
    }
    out = "{" + out + "}";
  }
  return out.size() <= 90 ? out : std::string();
}

class Yaml {
 public:
  void map(const json::object& object, int depth) {
    for (const auto& [key, value] : object) {
      out += std::string(std::size_t(depth) * 2, ' ') + quoted(key) + ":";
      bool open = value.is_object() && !value.get_object().empty() &&
                  (depth < 2 || key == "environment" || key == "labels" || key == "probes");
      if (std::string one = open ? std::string() : flow(value); !one.empty()) out += " " + one + "\n";
      else below(value, depth + 1);
      if (depth == 1) out += '\n';
    }
  }
  std::string out;

 private:
  void below(const json::value& value, int depth) {
    out += '\n';
    if (value.is_object()) return map(value.get_object(), depth);
    for (const json::value& item : value.get_array()) {
      std::string one = flow(item);
      out += std::string(std::size_t(depth) * 2, ' ') + "- " + (one.empty() ? print_json(item) : one) + "\n";
    }
  }
};

std::string with_variables(const std::string& text) {
  return replace_variables(text, [](std::string_view name) { return "${" + std::string(name) + "}"; });
}

std::string header(Source source, const std::vector<Input>& inputs) {
  std::vector<std::string> files;
  for (const Input& input : inputs) files.push_back(input.file);
  return fmt::format("# Made by drover import from {} ({}).\n", join(files, ", "), word(source));
}

std::string text_of(const Work& work, const std::string& name) {
  json::object services;
  for (const Draft& draft : work.drafts) services.emplace(draft.service.name, document(draft));
  Yaml yaml;
  yaml.map({{"name", name}, {"services", std::move(services)}}, 0);
  while (yaml.out.ends_with("\n\n")) yaml.out.pop_back();
  // print_json() writes the marks of variables as escapes.
  std::string out;
  for (std::size_t at = 0; at < yaml.out.size(); ++at) {
    std::string_view rest = std::string_view(yaml.out).substr(at);
    bool mark = rest.starts_with("\\u0001") || rest.starts_with("\\u0002");
    bool escaped = rest.starts_with("\\\\");
    if (mark) out += rest[5] == '1' ? '\x01' : '\x02';
    else out += rest[0];
    if (escaped) out += rest[1];
    at += mark ? 5 : escaped ? 1 : 0;
  }
  return with_variables(out);
}

// ---- reading it back

ReadOptions reading(const Options& options) {
  ReadOptions out;
  out.file = "the imported stack";
  out.directory = "/";
  out.variables = options.variables;
  out.read_file = options.read_file;
  return out;
}

/// Where two values differ, as paths of members.
void differences(const json::value& a, const json::value& b, const std::string& path,
                 std::vector<std::string>& out) {
  if (a == b) return;
  if (!a.is_object() || !b.is_object()) return out.push_back(path);
  for (const auto& [key, value] : a.get_object()) {
    const json::value* other = b.get_object().if_contains(key);
    std::string below = path.empty() ? std::string(key) : path + "." + std::string(key);
    if (other != nullptr) differences(value, *other, below, out);
    else out.push_back(below);
  }
}

/// What was meant, with the variables' values, as the reader would see it.
json::value meant(const Service& service, const Options& options) {
  json::value out = to_json(service);
  auto fill = [&](auto& self, json::value& value) -> void {
    if (value.is_object())
      for (auto& [key, item] : value.get_object()) self(self, item);
    if (value.is_array())
      for (json::value& item : value.get_array()) self(self, item);
    if (!value.is_string()) return;
    value = json::value(replace_variables(std::string_view(value.get_string()), [&](std::string_view name) {
      auto found = options.variables.find(std::string(name));
      return found == options.variables.end() ? std::string() : found->second;
    }));
  };
  fill(fill, out);
  return out;
}

/// A field that the file's format lacks would be lost without a word.
void note_what_is_gone(Work& work, const Stack& read) {
  for (const Draft& draft : work.drafts) {
    const Service* back = find_service(read, draft.service.name);
    if (back == nullptr) continue;
    std::vector<std::string> paths;
    differences(meant(draft.service, work.options), to_json(*back), "", paths);
    for (const std::string& path : paths) {
      bool from_file = path.find("environment") != std::string::npos && !draft.env_files.empty();
      if (!from_file) work.lost({}, draft.service.name, path, "this version's stack files cannot say it");
    }
  }
}

void note_unset(Work& work, const std::vector<Problem>& warnings, const std::vector<Input>& inputs) {
  for (const Problem& warning : warnings) {
    constexpr std::string_view begin = "the variable ";
    if (!warning.message.starts_with(begin)) continue;
    std::string name = warning.message.substr(begin.size());
    name.resize(std::min(name.find(' '), name.size()));
    work.changed({inputs[0].file, 0}, "", "${" + name + "}", "it is not set here, so it would be empty",
                 "set " + name + " before drover up or drover apply");
  }
}

std::string stack_name(const Work& work, Source source, const std::vector<Input>& inputs) {
  if (!work.options.name.empty()) return work.options.name;
  if (source == Source::systemd && inputs.size() == 1) return fit_name(stem_of(inputs[0].path));
  return fit_name(file_name(directory_of(inputs[0].path)));
}
}  // namespace

Result<Imported> finish(Work& work, Source source, const std::vector<Input>& inputs) {
  Imported out;
  out.source = source;
  out.text = header(source, inputs) + text_of(work, stack_name(work, source, inputs));
  auto read = read_stack(out.text, reading(work.options));
  if (!read) {
    Error error = std::move(read.error());
    error.message = "what was read does not make a valid stack";
    error.hint = error.hint.empty() ? "change the source, or import the services one at a time" : error.hint;
    return fail(std::move(error));
  }
  note_what_is_gone(work, read->stack);
  note_unset(work, read->warnings, inputs);
  out.stack = std::move(read->stack);
  out.notes = std::move(work.notes);
  out.partial = work.partial;
  return out;
}

}  // namespace drover::importer
