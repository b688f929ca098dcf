// The only user of CLI11: the command tree becomes a CLI::App, its errors become ours.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/text.hpp"
#include "cli/command.hpp"

namespace drover::cli {

namespace {
template <class... F>
struct overloaded : F... {
  using F::operator()...;
};

CLI::Option* add_value(CLI::App& app, const std::string& names, const Into& into, const std::string& help) {
  return std::visit(overloaded{[&](bool* to) -> CLI::Option* { return app.add_flag(names, *to, help); },
                               [&](auto* to) -> CLI::Option* { return app.add_option(names, *to, help); }},
                    into);
}

void add_flags(CLI::App& app, const std::vector<Flag>& flags) {
  for (const auto& flag : flags) {
    auto* option = add_value(app, flag.names, flag.into, flag.help);
    if (!flag.words.empty()) option->check(CLI::IsMember(flag.words));
    if (std::holds_alternative<std::vector<std::string>*>(flag.into))
      option->expected(1)->take_all()->allow_extra_args(false);
    else if (!std::holds_alternative<bool*>(flag.into)) option->take_last();
    else option->take_last();
  }
}

void add_arguments(CLI::App& app, const std::vector<Argument>& arguments) {
  for (const auto& argument : arguments) {
    auto* option = add_value(app, argument.name, argument.into, argument.help);
    if (argument.required) option->required();
  }
}

/// The deepest command that the words name, and the first word that names none.
struct Walk {
  const Command* command;
  std::string path = "drover";
  std::string stray;
  std::vector<std::string> rest;  // the words that do not name commands
};

bool takes_value(const std::vector<Flag>& flags, std::string_view word) {
  for (const auto& flag : flags)
    for (const auto& name : split(flag.names, ','))
      if (name == word) return !std::holds_alternative<bool*>(flag.into);
  return false;
}

Walk walk(const Command& root, const std::vector<Flag>& global, const std::vector<std::string>& words) {
  Walk out{&root};
  bool naming = true;  // until the first word that is an argument
  for (std::size_t i = 0; i < words.size(); ++i) {
    naming &= words[i] != "--" && !out.command->commands.empty();
    auto next = std::ranges::find(out.command->commands, words[i], &Command::name);
    if (naming && next != out.command->commands.end()) {
      out.command = &*next;
      out.path += " " + next->name;
      continue;
    }
    bool is_flag = words[i].starts_with('-');
    if (naming && !is_flag) {
      out.stray = words[i];
      return out;
    }
    out.rest.push_back(words[i]);
    bool value_follows =
        is_flag && (takes_value(global, words[i]) || takes_value(out.command->flags, words[i]));
    if (naming && value_follows && i + 1 < words.size()) out.rest.push_back(words[++i]);
  }
  return out;
}

std::string flag_hint(const Walk& at, const std::vector<Flag>& global, const std::string& word) {
  std::vector<std::string> names;
  for (const auto* flags : {&at.command->flags, &global})
    for (const auto& flag : *flags)
      for (auto& name : split(flag.names, ',')) names.push_back(name);
  auto stem = word.substr(0, word.find('='));
  if (auto close = nearest(stem, std::span<const std::string>(names))) return "did you mean " + *close + "?";
  return at.path + " --help";
}

std::unexpected<Error> stray_command(const Walk& at) {
  std::vector<std::string> names;
  for (const auto& child : at.command->commands)
    if (!child.hidden) names.push_back(child.name);
  auto close = nearest(at.stray, std::span<const std::string>(names));
  return fail(Errc::invalid, "there is no command \"" + at.path + " " + at.stray + "\"", {},
              close ? "did you mean \"" + at.path + " " + *close + "\"?" : at.path + " --help");
}

std::unexpected<Error> explain(const CLI::ParseError& error, const CLI::App& app, const Walk& at,
                               const std::vector<Flag>& global) {
  std::string message = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    auto extras = app.remaining(true);
    for (const auto& word : extras)
      if (word.starts_with('-'))
        return fail(Errc::invalid, at.path + " has no flag " + word, {}, flag_hint(at, global, word));
    if (!extras.empty())
      return fail(Errc::invalid, at.path + " does not take \"" + extras.back() + "\"", {},
                  at.path + " --help");
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error)) message = at.path + ": " + message;
  return fail(Errc::invalid, message, {}, at.path + " --help");
}
}  // namespace

std::vector<Flag> global_beside(const Command& command, const std::vector<Flag>& global) {
  std::vector<Flag> out;
  for (const auto& flag : global) {
    auto names = split(flag.names, ',');
    bool hidden = std::ranges::any_of(command.flags, [&](const Flag& own) {
      auto own_names = split(own.names, ',');
      return std::ranges::find_first_of(names, own_names) != names.end();
    });
    if (!hidden) out.push_back(flag);
  }
  return out;
}

// One App for the command that was named: a target may be called like a command, and start-up stays short.
Result<Parsed> parse_arguments(const Command& root, const std::vector<Flag>& global,
                               const std::vector<std::string>& arguments) {
  auto at = walk(root, global, arguments);
  for (const auto& word : at.rest) {  // before the parser asks for what is missing
    if (word == "--") break;
    if (word == "-h" || word == "--help") return Parsed{at.command, at.path, true};
  }
  if (!at.stray.empty()) return stray_command(at);
  CLI::App app("drover");
  app.set_help_flag();
  add_arguments(app, at.command->arguments);
  add_flags(app, at.command->flags);
  add_flags(app, global_beside(*at.command, global));
  std::vector<std::string> reversed(at.rest.rbegin(), at.rest.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return explain(error, app, at, global);
  }
  return Parsed{at.command, at.path, false};
}

}  // namespace drover::cli
