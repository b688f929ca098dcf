#include "import/text.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/text.hpp"
#include "spec/words.hpp"

namespace drover::importer {

std::string fit_name(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain || (!out.empty() && c == '_')) out += c;
    else if (!out.empty() && out.back() != '-') out += '-';
  }
  out = out.substr(0, 60);
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "service" : out;
}

std::string literal(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    out += text[at];
    if (!text.substr(at).starts_with("{{")) continue;
    out += "{{{";
    ++at;
  }
  return out;
}

std::string variable(std::string_view name) { return "\x01" + std::string(name) + "\x02"; }

namespace {
bool name_char(char c, bool first) {
  bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  return letter || (!first && c >= '0' && c <= '9');
}

std::size_t name_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && name_char(text[length], length == 0)) ++length;
  return length;
}

/// What stands at the $ at the beginning of `from`; returns its length.
std::size_t one_variable(std::string_view from, std::string& out) {
  if (from.starts_with("$$")) {
    out += '$';
    return 2;
  }
  if (from.starts_with("${")) {
    std::size_t end = from.find('}');
    std::string_view inside = from.substr(2, end == std::string_view::npos ? 0 : end - 2);
    std::size_t length = name_length(inside);
    bool fits = length > 0 && (length == inside.size() || inside[length] == ':' || inside[length] == '-');
    if (fits) {
      out += variable(inside);
      return end + 1;
    }
  } else if (std::size_t length = name_length(from.substr(1)); length > 0) {
    out += variable(from.substr(1, length));
    return length + 1;
  }
  out += '$';
  return 1;
}
}  // namespace

std::string variables_in(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t dollar = text.find('$', at);
    out += text.substr(at, dollar == std::string_view::npos ? dollar : dollar - at);
    if (dollar == std::string_view::npos) break;
    at = dollar + one_variable(text.substr(dollar), out);
  }
  return out;
}

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t number = 0;
  text = trim(text);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

std::optional<bool> truth(std::string_view text) {
  std::string low(trim(text));
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  for (std::string_view word : {"true", "yes", "on", "1", "y", "t"})
    if (low == word) return true;
  for (std::string_view word : {"false", "no", "off", "0", "n", "f"})
    if (low == word) return false;
  return std::nullopt;
}

std::optional<Duration> time_span(std::string_view text, Duration unit) {
  text = trim(text);
  if (auto number = whole(text)) {
    if (*number < 0 || *number > 3'000'000'000) return std::nullopt;
    return Duration(*number * unit.count());
  }
  static constexpr std::pair<std::string_view, std::string_view> spellings[] = {
      {"msec", "ms"}, {"seconds", "s"}, {"second", "s"}, {"sec", "s"}, {"minutes", "m"}, {"minute", "m"},
      {"min", "m"},   {"hours", "h"},   {"hour", "h"},   {"hr", "h"},  {"days", "d"},    {"day", "d"}};
  std::string fitted;
  for (char c : text)
    if (c != ' ') fitted += c;
  for (auto [theirs, ours] : spellings)
    for (std::size_t at; (at = fitted.find(theirs)) != std::string::npos;)
      fitted.replace(at, theirs.size(), ours);
  auto parsed = parse_duration(fitted);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::string directory_of(std::string_view path) { return std::filesystem::path(path).parent_path().string(); }
std::string file_name(std::string_view path) { return std::filesystem::path(path).filename().string(); }
std::string stem_of(std::string_view path) { return std::filesystem::path(path).stem().string(); }

namespace {
/// What of a shell's language a text uses.
struct Scan {
  bool special = false;   // something that only a shell understands
  bool compound = false;  // more than one command
};

void scan_plain(std::string_view text, std::size_t at, bool word_begins, Scan& out) {
  char c = text[at];
  if (std::string_view("|&;<>()\n").find(c) != std::string_view::npos) out.special = out.compound = true;
  if (std::string_view("$`*?[{").find(c) != std::string_view::npos) out.special = true;
  if (word_begins && (c == '~' || c == '#' || c == '!')) out.special = true;
}

Scan scan(std::string_view text) {
  Scan out;
  char quote = 0;
  bool word_begins = true;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '\x01') at = std::min(text.find('\x02', at), text.size() - 1);
    else if (c == '\\' && quote != '\'') ++at;
    else if (quote != 0) {
      if (c == quote) quote = 0;
      else if (quote == '"' && (c == '$' || c == '`')) out.special = true;
    } else if (c == '\'' || c == '"') quote = c;
    else scan_plain(text, at, word_begins, out);
    word_begins = quote == 0 && (c == ' ' || c == '\t');
  }
  return out;
}

bool assignment(std::string_view word) {
  std::size_t length = name_length(word);
  return length > 0 && length < word.size() && word[length] == '=';
}

/// Words that are no programs.
bool of_the_shell(std::string_view word) {
  static constexpr std::string_view words[] = {
      "cd",  "source", ".",     "export", "set", "eval",  "ulimit", "umask", "trap", "wait",    "if",
      "for", "while",  "until", "case",   "{",   "alias", "unset",  "shift", ":",    "function"};
  return std::ranges::find(words, word) != std::end(words);
}
}  // namespace

Result<ShellCommand> shell_command(std::string_view given, const std::vector<std::string>& shell) {
  std::string_view text = trim(given);
  Scan found = scan(text);
  ShellCommand out;
  std::string_view first = text.substr(0, text.find_first_of(" \t"));
  bool shells = found.special || of_the_shell(first);
  if (!shells) {
    TRY(auto words, spec::split_words(text));
    while (!words.empty() && assignment(words[0])) {
      std::size_t equals = words[0].find('=');
      out.environment[words[0].substr(0, equals)] = words[0].substr(equals + 1);
      words.erase(words.begin());
    }
    if (!words.empty() && words[0] == "exec") words.erase(words.begin());
    shells = !words.empty() && of_the_shell(words[0]);
    if (!shells) {
      out.command = std::move(words);
      return out;
    }
    out.environment.clear();
  }
  bool exec =
      !found.compound && !of_the_shell(first) && !assignment(first) && first != "exec" && first != "!";
  out.command = shell;
  out.command.push_back((exec ? "exec " : "") + std::string(text));
  return out;
}

void give_up_after(Restart& restart, std::int64_t count, Duration each_run) {
  restart.give_up = std::uint32_t(std::clamp<std::int64_t>(count, 1, 1'000'000));
  Duration delay = restart.backoff, sum = 0s;
  constexpr Duration longest = 24h * 30;
  for (std::uint32_t i = 0; i < restart.give_up && sum < longest; ++i) {
    sum += delay + each_run;
    delay = std::min(delay * 2, restart.backoff_max);
  }
  auto minutes = std::chrono::ceil<std::chrono::minutes>(sum * 3 / 2);  // the delays vary by a fifth
  restart.give_up_within = std::clamp<Duration>(minutes, 10min, longest);
}

}  // namespace drover::importer
