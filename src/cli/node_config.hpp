#pragma once
// Configuration that is JavaScript (PM2's ecosystem files): node says what it exports.

#include <string>

#include "base/error.hpp"
#include "base/time.hpp"

namespace drover::cli {

/// Runs the file with `node` from PATH, in its own directory, and returns what it exports, as JSON (at most
/// 4 MiB). Its output goes to stderr. Past the deadline node is killed. Errc::invalid: the file is wrong
/// (with its line where node says it); not_found: there is no node.
Result<std::string> run_node_config(const std::string& path, Duration limit);

}  // namespace drover::cli
