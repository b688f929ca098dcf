#pragma once
// What the local API shows, in the words of the systems that agents on GPU machines replace (status and
// health words).

#include <boost/describe.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/agent/agent.hpp"

namespace drover::agent {

struct InstanceView {
  InstanceId id;
  std::string name, stack, service, kind;
  std::uint32_t index = 0;
  bool run = true;
  std::string state, reason, health;
  std::string status;  // stopped starting running stopping error restarting
  std::optional<std::int64_t> pid;
  std::optional<WallTime> started_at, ready_at, next_try;
  std::uint32_t restarts = 0;
  std::string last_exit;
  std::vector<std::string> last_lines;
  std::vector<std::string> degraded;
  std::map<std::string, std::uint16_t> ports;
  std::uint64_t incarnation = 0, generation = 0, epoch = 0;
};
BOOST_DESCRIBE_STRUCT(InstanceView, (),
                      (id, name, stack, service, kind, index, run, state, reason, health, status, pid,
                       started_at, ready_at, next_try, restarts, last_exit, last_lines, degraded, ports,
                       incarnation, generation, epoch))

struct ServiceView {
  std::string name, stack;
  std::string status;  // as above; of the worst instance
  std::string health;  // not_configured stopped starting unhealthy healthy
  bool healthy = false;
  std::vector<InstanceView> instances;
};
BOOST_DESCRIBE_STRUCT(ServiceView, (), (name, stack, status, health, healthy, instances))

struct HealthView {
  std::string status;  // healthy | unhealthy
  WallTime timestamp{};
  bool healthy = false;
  double uptime = 0;                            // seconds, of the agent
  std::map<std::string, std::string> services;  // "shop/web" → health word
  std::string reason;                           // why not
};
BOOST_DESCRIBE_STRUCT(HealthView, (), (status, timestamp, healthy, uptime, services, reason))

std::vector<InstanceView> instance_views(const AgentCore& core);
std::vector<ServiceView> service_views(const AgentCore& core);
/// "web", "shop/web". not_found with the nearest word; conflict: in several stacks.
Result<ServiceView> find_service_view(const std::vector<ServiceView>& services, std::string_view name);

}  // namespace drover::agent
