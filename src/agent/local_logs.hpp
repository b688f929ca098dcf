#pragma once
// Logs as answers of the local API.

#include <string_view>
#include <vector>

#include "net/http.hpp"
#include "runtime/logs.hpp"
#include "runtime/paths.hpp"

namespace drover::agent {

/// The logs of agent and keeper, or of the one that is named. invalid: it is neither.
Result<std::vector<runtime::LogSource>> own_log_sources(const runtime::Paths& paths,
                                                        std::string_view program);

struct LogReading {
  net::Executor files;
  WallTime now{};
};
/// Merged by time, the last 100 lines unless the query says otherwise; JSON lines, or format=text.
net::Response answer_logs(const net::Request& request, LogReading reading,
                          std::vector<runtime::LogSource> sources);

}  // namespace drover::agent
