#pragma once
// Events: what happened, in the order in which it became durable. Position = (store_id, seq).

#include <boost/describe.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/task.hpp"

namespace drover {

/// type: "instance.state", "task.completed", "deployment.started", "node.lost" … (docs/guide/events.md lists
/// all).
struct Event {
  std::uint64_t seq = 0;  // from 1, no gaps
  WallTime time{};
  std::string type;
  std::string subject;         // "stack shop", "instance shop/web-1", "node pve1", "task 0191…"
  std::string message;         // one line for people
  std::string level = "info";  // info | warn | error
  std::string stack, service, instance_name, node;
  boost::json::object data;
  Who who;
};
BOOST_DESCRIBE_STRUCT(Event, (),
                      (seq, time, type, subject, message, level, stack, service, instance_name, node, data,
                       who))

/// One row of the audit log; hash = SHA-256 chain made by the store.
struct AuditEntry {
  std::uint64_t seq = 0;
  WallTime time{};
  Who who;
  std::string action;  // "stack.apply", "node.cordon", "login"
  std::string target;
  std::string outcome;  // success | denied | error
  std::string detail;
  std::string prev_hash, hash;
};
BOOST_DESCRIBE_STRUCT(AuditEntry, (), (seq, time, who, action, target, outcome, detail, prev_hash, hash))

}  // namespace drover
