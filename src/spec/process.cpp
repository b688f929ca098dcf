// The fields that say what a process is.
#include <fmt/format.h>

#include "base/text.hpp"
#include "spec/parts.hpp"
#include "spec/words.hpp"

namespace drover::spec {

namespace {
void warn_shell(Context& context, const Value& value, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (!is_shell_operator(word)) continue;
    return context.warning(value.at,
                           fmt::format("\"{}\" is passed on as an argument: no shell runs this", word),
                           "for a shell write [\"/bin/sh\", \"-c\", \"…\"]");
  }
}
}  // namespace

std::optional<std::vector<std::string>> read_words(Context& context, const Value& value) {
  if (value.kind == Value::Kind::list) return read_strings(context, value);
  if (value.kind == Value::Kind::null || value.kind == Value::Kind::map ||
      value.kind == Value::Kind::boolean) {
    context.problem(value.at, fmt::format("must be a command, found {}", shown(value)),
                    "write it as [\"/usr/bin/program\", \"argument\"] or as one text");
    return std::nullopt;
  }
  auto words = split_words(value.text);
  if (!words) {
    context.problem(value.at, words.error().message, words.error().hint);
    return std::nullopt;
  }
  warn_shell(context, value, *words);
  return std::move(*words);
}

void read_command(Context& context, const Value& value, Draft& draft) {
  if (auto words = read_words(context, value)) draft.process.command = std::move(*words);
}

void read_working_dir(Context& context, const Value& value, Draft& draft) {
  auto path = read_string(context, value);
  if (!path) return;
  if (path->starts_with("~"))
    return context.problem(value.at, fmt::format("{}: ~ is a shell's word", shown(value)),
                           "write the whole path, or ${HOME}");
  if (!path->starts_with('/') && context.options().directory.empty())
    return context.problem(value.at, fmt::format("{} must be an absolute path here", shown(value)),
                           "there is no file whose directory it could be relative to");
  draft.process.working_dir = join_path(context.options().directory, *path);
}

namespace {
std::optional<std::string> pair_value(Context& context, const Value& value) {
  if (value.kind == Value::Kind::boolean && !value.interpolated) {
    context.problem(value.at, fmt::format("{} may be meant as a text or as a truth value", value.text),
                    fmt::format("put it in quotes: \"{}\"", value.text));
    return std::nullopt;
  }
  return read_string(context, value);
}

/// NAME without a value: taken from the variables, or not set at all.
void ask(Context& context, const std::string& name, std::map<std::string, std::string>& to) {
  auto found = context.options().variables.find(name);
  if (found != context.options().variables.end()) to[name] = found->second;
}

void read_pair_list(Context& context, const Value& value, bool ask_variables,
                    std::map<std::string, std::string>& to) {
  std::map<std::string, std::uint32_t> lines;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const Value& item = value.items[i];
    Context::Step step(context, i, item.at);
    auto text = read_string(context, item);
    if (!text) continue;
    std::size_t equals = text->find('=');
    std::string name = text->substr(0, equals);
    auto [first, fresh] = lines.emplace(name, item.at.line);
    if (!fresh)
      context.problem(item.at, fmt::format("\"{}\" is there twice", name),
                      fmt::format("it is in line {} already", first->second));
    Context::Step named(context, name, "", item.at);
    if (equals != std::string::npos) to[name] = text->substr(equals + 1);
    else if (ask_variables) ask(context, name, to);
    else to[name] = "";
  }
}
}  // namespace

std::map<std::string, std::string> read_pairs(Context& context, const Value& value, bool ask_variables) {
  std::map<std::string, std::string> out;
  if (value.kind == Value::Kind::null) return out;
  if (value.kind == Value::Kind::list) {
    read_pair_list(context, value, ask_variables, out);
  } else if (want_map(context, value, "NAME: value")) {
    for (const Entry& entry : value.entries) {
      Context::Step step(context, entry.key, entry.value.at);
      if (entry.value.kind == Value::Kind::null && !entry.value.interpolated) {
        if (ask_variables) ask(context, entry.key, out);
        else out[entry.key] = "";
      } else if (auto text = pair_value(context, entry.value)) {
        out[entry.key] = std::move(*text);
      }
    }
  }
  return out;
}

void read_environment(Context& context, const Value& value, Draft& draft) {
  draft.environment = read_pairs(context, value, true);
}

namespace {
struct EnvFileEntry {
  std::string path;
  bool required = true;
  bool raw = false;
};

constexpr std::string_view formats[] = {"raw"};
const Field<EnvFileEntry> env_file_fields[] = {
    {"path",
     [](Context& context, const Value& value, EnvFileEntry& to) {
       if (auto path = read_string(context, value)) to.path = *path;
     },
     &text_schema, ""},
    {"required",
     [](Context& context, const Value& value, EnvFileEntry& to) {
       if (auto required = read_boolean(context, value)) to.required = *required;
     },
     [] { return json::value{{"type", "boolean"}}; }, "false: no error where the file is missing"},
    {"format",
     [](Context& context, const Value& value, EnvFileEntry& to) {
       to.raw = read_word(context, value, formats).has_value();
     },
     [] { return json::value{{"enum", {"raw"}}}; }, "raw: no quotes, no interpolation"},
};

void load_env_file(Context& context, const Value& value, const EnvFileEntry& entry, Draft& draft) {
  const ReadOptions& options = context.options();
  if (options.directory.empty() || !options.read_file)
    return context.problem(value.at, "an env_file cannot be read here: only the text of the stack was sent",
                           "put the variables into environment");
  std::string path = join_path(options.directory, entry.path);
  auto text = options.read_file(path);
  if (!text) {
    if (text.error().code == Errc::not_found && !entry.required) return;
    return context.problem(value.at, fmt::format("cannot read {}: {}", path, text.error().message),
                           "write {path: …, required: false} for a file that may be missing");
  }
  auto parsed = parse_env_file(*text, options.variables, entry.raw);
  if (!parsed) {
    for (Problem& problem : parsed.error().problems) {
      problem.file = path;
      context.foreign(std::move(problem));
    }
    return;
  }
  for (const std::string& name : parsed->missing)
    context.warning(value.at,
                    fmt::format("{}: the variable {} is not set: nothing is put in its place", path, name));
  for (auto& [name, content] : parsed->values) draft.from_files[name] = std::move(content);
}

void read_env_file_entry(Context& context, const Value& value, Draft& draft) {
  EnvFileEntry entry;
  if (value.kind == Value::Kind::map) {
    read_fields<EnvFileEntry>(context, value, entry, env_file_fields);
  } else if (auto path = read_string(context, value)) {
    entry.path = std::move(*path);
  } else {
    return;
  }
  if (!entry.path.empty()) load_env_file(context, value, entry, draft);
  else if (!value.find("path"))
    context.problem(value.at, "the path of the file is missing", "write path: app.env");
}
}  // namespace

void read_env_file(Context& context, const Value& value, Draft& draft) {
  if (value.kind != Value::Kind::list) return read_env_file_entry(context, value, draft);
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Context::Step step(context, i, value.items[i].at);
    read_env_file_entry(context, value.items[i], draft);
  }
}

void read_user(Context& context, const Value& value, Draft& draft) {
  auto text = read_string(context, value);
  if (!text) return;
  std::size_t colon = text->find(':');
  draft.process.user = text->substr(0, colon);
  if (draft.process.user.empty() || (colon != std::string::npos && colon + 1 == text->size()))
    return context.problem(value.at, fmt::format("{} is not a user", shown(value)),
                           "write it as \"name\" or \"name:group\"");
  if (colon == std::string::npos) return;
  if (draft.given.contains("group"))
    return context.problem(value.at, "the group is given twice: here and in \"group\"", "take one away");
  draft.process.group = text->substr(colon + 1);
}

void read_umask(Context& context, const Value& value, Draft& draft) {
  std::string_view text = value.text;
  if (text.starts_with("0o")) text.remove_prefix(2);
  bool octal = value.scalar() && !text.empty() && text.size() <= 4 &&
               text.find_first_not_of("01234567") == std::string_view::npos;
  if (!octal)
    return context.problem(value.at, fmt::format("{} is not a umask", shown(value)),
                           "write three octal digits: \"022\"");
  draft.process.umask = std::uint32_t(std::stoul(std::string(text), nullptr, 8));
}

}  // namespace drover::spec
