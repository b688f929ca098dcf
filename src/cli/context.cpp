#include "cli/context.hpp"

#include <unistd.h>

#include <ctime>
#include <filesystem>

#include "base/text.hpp"
#include "spec/read.hpp"

namespace drover::cli {

std::vector<Flag> global_flags(GlobalFlags& flags) {
  const std::vector<std::string> outputs{"table", "wide", "json", "jsonl", "yaml", "name", "tsv"};
  return {
      {"--state", "State directory of a hub on this machine (DROVER_STATE).", &flags.state, "DIR", {}},
      {"--hub", "Address of a hub elsewhere: https://HOST:3079 (DROVER_HUB).", &flags.hub, "URL", {}},
      {"--token", "API token for a hub elsewhere (DROVER_TOKEN).", &flags.token, "TOKEN", {}},
      {"--pin", "Trust this key of the hub: sha256/… (DROVER_PIN).", &flags.pin, "PIN", {}},
      {"--ca-file", "Trust this CA: the hub's ca.pem (DROVER_CA_FILE).", &flags.ca_file, "FILE", {}},
      {"-o,--output", "Format (DROVER_OUTPUT).", &flags.output, "FORMAT", outputs},
      {"--columns", "Show these columns only.", &flags.columns, "A,B", {}},
      {"--sort", "Sort by a key; -key turns it round.", &flags.sort, "KEY", {}},
      {"--filter", "Show what matches: 'state:failed web*'.", &flags.filter, "WORDS", {}},
      {"--limit", "At most so many rows.", &flags.limit, "N", {}},
      {"--no-headers", "Tables without their first line.", &flags.no_headers, "", {}},
      {"--no-trunc", "Never shorten a column.", &flags.no_trunc, "", {}},
      {"--time", "How times are shown.", &flags.time, "", {"utc", "local", "relative"}},
      {"--color", "Colours.", &flags.color, "", {"auto", "always", "never"}},
      {"--no-color", "The same as --color never.", &flags.no_color, "", {}},
      {"-q,--quiet", "Names only.", &flags.quiet, "", {}},
      {"-y,--yes", "Do not ask.", &flags.yes, "", {}},
      {"-v,--verbose", "Say what is asked of the hub.", &flags.verbose, "", {}},
  };
}

std::string Context::state_directory() const {
  std::string chosen = flags.state;
  if (chosen.empty()) chosen = variable("DROVER_STATE");
  if (chosen.empty()) {
    auto base = variable("XDG_STATE_HOME");
    if (base.empty())
      base = variable("HOME").empty() ? "/root/.local/state" : variable("HOME") + "/.local/state";
    chosen = base + "/drover";
  }
  auto whole = std::filesystem::absolute(chosen).lexically_normal().string();
  while (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return whole;
}

Context Context::local() const {
  Context here = *this;
  here.flags.state = state_directory();
  here.flags.hub.clear();
  return here;
}

bool Context::machine_readable() const {
  return flags.output == "json" || flags.output == "jsonl" || flags.output == "yaml";
}

namespace {
std::string human_error(const Context& context, const Error& error) {
  const auto& terminal = context.err;
  std::string out = terminal.paint(Style::red, "error:") + " " + printable(error.message) + "\n";
  auto part = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) out += "  " + terminal.paint(Style::dim, label) + " " + printable(text) + "\n";
  };
  part("cause:", error.cause);
  for (const auto& problem : error.problems) {
    if (problem.file.empty() && problem.line == 0) {  // of a thing, not of a place in a file
      auto lines = split(problem.message, '\n');
      part("state:", problem.path + (lines.empty() || lines[0].empty() ? "" : ": " + lines[0]));
      for (std::size_t i = 1; i < lines.size(); ++i) out += "         | " + printable(lines[i]) + "\n";
      part("try:  ", problem.hint);
      continue;
    }
    auto source = context.sources.find(problem.file);
    auto shown = show_problem(problem, source == context.sources.end() ? "" : source->second);
    for (const auto& line : split(shown, '\n')) out += "  " + line + "\n";
  }
  part("try:  ", error.hint);
  return out;
}

std::string problem_document(const Error& error) {
  json::object out{{"type", "about:blank"},
                   {"title", name(error.code)},
                   {"status", http_status(error.code)},
                   {"detail", error.message},
                   {"code", name(error.code)}};
  if (!error.cause.empty()) out["cause"] = error.cause;
  if (!error.hint.empty()) out["hint"] = error.hint;
  json::array problems;
  for (const auto& p : error.problems)
    problems.push_back({{"path", p.path},
                        {"line", p.line},
                        {"column", p.column},
                        {"message", p.message},
                        {"hint", p.hint},
                        {"file", p.file}});
  if (!problems.empty()) out["errors"] = std::move(problems);
  return print_json(out) + "\n";
}

std::string with_zone(std::time_t seconds, bool utc) {
  std::tm parts{};
  utc ? ::gmtime_r(&seconds, &parts) : ::localtime_r(&seconds, &parts);
  char buffer[32];
  auto length = std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S", &parts);
  return std::string(buffer, length) + (utc ? "Z" : "");
}
}  // namespace

void print_error(const Context& context, const Error& error) {
  if (context.flags.output == "json" || context.flags.output == "jsonl")
    context.err.write(problem_document(error));
  else context.err.write(human_error(context, error));
}

Result<bool> confirm(const Context& context, const std::string& question) {
  if (context.flags.yes) return true;
  if (!context.input_is_tty || !context.err.tty)
    return fail(Errc::invalid, question + " Nobody can answer here", {}, "repeat the command with --yes");
  context.err.write(question + " [y/N] ");
  char answer[64];
  auto count = ::read(STDIN_FILENO, answer, sizeof answer);
  return count > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

std::string since(const Context& context, const std::string& rfc3339) {
  auto parsed = parse_time(rfc3339);
  if (!parsed || parsed->time_since_epoch().count() == 0) return "";
  auto passed = context.clock->now().wall - *parsed;
  return passed < 1s ? "0s" : human_duration(std::chrono::floor<std::chrono::seconds>(passed));
}

std::string show_time(const Context& context, const std::string& rfc3339) {
  auto parsed = parse_time(rfc3339);
  if (!parsed || parsed->time_since_epoch().count() == 0) return "";
  if (context.flags.time == "relative") return since(context, rfc3339) + " ago";
  auto seconds = std::chrono::floor<std::chrono::seconds>(*parsed).time_since_epoch().count();
  return with_zone(std::time_t(seconds), context.flags.time == "utc");
}

const json::value* at(const json::value& object, std::string_view key) {
  return object.is_object() ? object.get_object().if_contains(key) : nullptr;
}

std::string text(const json::value& object, std::string_view key) {
  const auto* found = at(object, key);
  if (!found || found->is_null()) return "";
  if (found->is_string()) return std::string(found->get_string());
  if (found->is_bool()) return found->get_bool() ? "yes" : "";
  return print_json(*found);
}

std::int64_t number(const json::value& object, std::string_view key) {
  const auto* found = at(object, key);
  if (!found) return 0;
  if (found->is_int64()) return found->get_int64();
  if (found->is_uint64()) return std::int64_t(found->get_uint64());
  return found->is_double() ? std::int64_t(found->get_double()) : 0;
}

bool truth(const json::value& object, std::string_view key) {
  const auto* found = at(object, key);
  return found && found->is_bool() && found->get_bool();
}

const json::array& list(const json::value& object, std::string_view key) {
  static const json::array none;
  const auto* found = at(object, key);
  return found && found->is_array() ? found->get_array() : none;
}

}  // namespace drover::cli
