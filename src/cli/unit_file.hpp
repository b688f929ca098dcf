#pragma once
// The text of a systemd unit for a daemon of ours. Written for systemd 247 and newer (Debian 11).

#include <string>
#include <vector>

namespace drover::cli {

struct UnitWish {
  std::string description;           // one line
  std::vector<std::string> command;  // the first is an absolute path
  std::string directory;             // where it runs: what a stack file names is relative to its own place
  bool user = false;                 // for the user's systemd
  bool ends = false;                 // its orderly end with status 0 is meant: `drover down`
  unsigned stop_seconds = 90;        // until systemd kills the daemon (alone)
};

/// By its first line a unit of ours is known.
constexpr const char* unit_mark = "# Written by `drover service install`.";
std::string unit_text(const UnitWish& wish);
bool is_our_unit(const std::string& text);
/// One word of ExecStart=: blanks, quotes, and systemd's own % and $ mean themselves.
std::string unit_word(const std::string& word);

}  // namespace drover::cli
