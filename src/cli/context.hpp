#pragma once
// What every command gets: the flags of every command, the terminal, the environment, the time.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace drover::cli {

struct GlobalFlags {
  std::string state, hub, token, pin, ca_file, output, sort, filter, color = "auto", time = "local";
  std::string columns;
  std::uint32_t limit = 0;  // 0: all pages
  bool no_headers = false, no_trunc = false, no_color = false, quiet = false, verbose = false, yes = false;
};
std::vector<Flag> global_flags(GlobalFlags& flags);

struct Context {
  GlobalFlags flags;
  std::map<std::string, std::string> environment;
  Terminal out, err;
  const Clock* clock = nullptr;
  bool input_is_tty = false;
  std::map<std::string, std::string> sources;  // texts of files that were read, for the place in an error

  std::string variable(const std::string& name) const {
    auto found = environment.find(name);
    return found == environment.end() ? "" : found->second;
  }
  /// --state, DROVER_STATE, else $XDG_STATE_HOME/drover or ~/.local/state/drover. Absolute.
  std::string state_directory() const;
  bool state_is_given() const { return !flags.state.empty() || !variable("DROVER_STATE").empty(); }
  std::string socket_path() const { return state_directory() + "/hub.sock"; }
  /// For what is asked of the hub in this state directory, whatever DROVER_HUB says.
  Context local() const;
  /// json and its kin: nothing but the object goes to stdout.
  bool machine_readable() const;
};

/// Prints an error in four parts (error, cause, state, try), or as problem+json with -o json.
void print_error(const Context& context, const Error& error);

/// Asks on a terminal; elsewhere Errc::invalid names --yes. false: no.
Result<bool> confirm(const Context& context, const std::string& question);

/// "2026-11-21 10:00:01" by --time; relative: "3m 2s ago".
std::string show_time(const Context& context, const std::string& rfc3339);
/// "3m 2s" since then; "" for no time.
std::string since(const Context& context, const std::string& rfc3339);

// ---- JSON at hand: what is not there is empty

const json::value* at(const json::value& object, std::string_view key);
std::string text(const json::value& object, std::string_view key);  // numbers and booleans as text too
std::int64_t number(const json::value& object, std::string_view key);
bool truth(const json::value& object, std::string_view key);
const json::array& list(const json::value& object, std::string_view key);

}  // namespace drover::cli
