#pragma once
// A log as messages: one JSON record each.

#include <map>
#include <string>

#include "net/channel.hpp"
#include "runtime/logs.hpp"

namespace drover::runtime {

struct LogOrder {
  std::string directory;
  std::string service;  // of structured records that name none
  /// Those of parse_log_query; format=structured (records of product row E8); mark=live ({"live":true}
  /// between what was there and what is new).
  std::map<std::string, std::string> options;
};

/// As fast as the link takes them. Ends with the log; following, with the link.
net::Awaitable<Result<void>> send_log(net::Executor files, LogOrder order, WallTime now, net::TextLink& link);

/// The last message of a stream that failed.
std::string failure_record(const Error& error);

}  // namespace drover::runtime
