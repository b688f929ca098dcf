#include "hub/metrics.hpp"

#include <fmt/format.h>

#include <iterator>

#include "base/json.hpp"
#include "hub/views.hpp"

namespace drover::hub {

namespace {
/// For label values: backslash, quote, newline.
std::string label_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out;
}
void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}
}  // namespace

std::size_t RequestMetrics::add(std::string method, std::string route) {
  auto& it = series_.emplace_back();
  it.method = std::move(method);
  it.route = std::move(route);
  return series_.size() - 1;
}

void RequestMetrics::count(std::size_t series, int status, Duration took) {
  auto& it = series_[series];
  it.by_class[status >= 100 && status < 600 ? std::size_t(status / 100) : 0].fetch_add(
      1, std::memory_order_relaxed);
  std::size_t bucket = 0;
  while (bucket < bounds.size() && seconds(took) > bounds[bucket]) ++bucket;
  it.by_time[bucket].fetch_add(1, std::memory_order_relaxed);
  it.micros.fetch_add(std::uint64_t(std::max<std::int64_t>(took.count(), 0)), std::memory_order_relaxed);
}

void RequestMetrics::print(std::string& out) const {
  auto to = std::back_inserter(out);
  head(out, "drover_http_requests_total", "counter", "Requests by route, method and class of status.");
  for (const auto& it : series_)
    for (std::size_t i = 1; i < it.by_class.size(); ++i)
      if (auto n = it.by_class[i].load(std::memory_order_relaxed))
        fmt::format_to(to, "drover_http_requests_total{{route=\"{}\",method=\"{}\",code=\"{}xx\"}} {}\n",
                       it.route, it.method, i, n);
  head(out, "drover_http_request_duration_seconds", "histogram", "Time until the answer's head.");
  for (const auto& it : series_) {
    auto labels = fmt::format("route=\"{}\",method=\"{}\"", it.route, it.method);
    std::uint64_t sum = 0;
    for (const auto& n : it.by_time) sum += n.load(std::memory_order_relaxed);
    if (sum == 0) continue;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      below += it.by_time[i].load(std::memory_order_relaxed);
      fmt::format_to(to, "drover_http_request_duration_seconds_bucket{{{},le=\"{}\"}} {}\n", labels,
                     bounds[i], below);
    }
    fmt::format_to(to, "drover_http_request_duration_seconds_bucket{{{},le=\"+Inf\"}} {}\n", labels, sum);
    fmt::format_to(to, "drover_http_request_duration_seconds_sum{{{}}} {}\n", labels,
                   double(it.micros.load(std::memory_order_relaxed)) / 1e6);
    fmt::format_to(to, "drover_http_request_duration_seconds_count{{{}}} {}\n", labels, sum);
  }
}

std::string fleet_metrics(const HubCore& core) {
  std::string out;
  auto to = std::back_inserter(out);
  const auto& state = core.state();
  std::map<std::string_view, std::uint64_t> nodes;
  head(out, "drover_agent_up", "gauge", "1 while the hub hears the agent.");
  for (const auto& [id, node] : state.nodes) {
    ++nodes[enum_name(node.row.node.state)];
    fmt::format_to(to, "drover_agent_up{{host=\"{}\"}} {}\n", label_text(node.row.node.name),
                   node.row.node.state == NodeState::online ? 1 : 0);
  }
  head(out, "drover_agents", "gauge", "Agents by state.");
  for (const auto& [name, count] : nodes)
    fmt::format_to(to, "drover_agents{{state=\"{}\"}} {}\n", name, count);
  auto services = view_services(state);
  head(out, "drover_service_replicas", "gauge", "Instances of a service.");
  for (const auto& it : services) {
    auto labels = fmt::format("service=\"{}\",stack=\"{}\"", label_text(it.name), label_text(it.stack));
    fmt::format_to(to,
                   "drover_service_replicas{{{0},state=\"desired\"}} "
                   "{1}\ndrover_service_replicas{{{0},state=\"ready\"}} "
                   "{2}\ndrover_service_replicas{{{0},state=\"failing\"}} {3}\n",
                   labels, it.desired, it.ready, it.failing);
  }
  head(out, "drover_service_restarts_total", "counter", "Automatic restarts of the placements there are.");
  for (const auto& it : services)
    fmt::format_to(to, "drover_service_restarts_total{{service=\"{}\",stack=\"{}\"}} {}\n",
                   label_text(it.name), label_text(it.stack), it.restarts);
  std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> tasks;
  for (const auto& [id, it] : state.tasks) ++tasks[{enum_name(it.task.state), enum_name(it.task.type)}];
  head(out, "drover_tasks", "gauge", "Tasks that are kept, by state and kind.");
  for (const auto& [key, count] : tasks)
    fmt::format_to(to, "drover_tasks{{state=\"{}\",kind=\"{}\"}} {}\n", key.first, key.second, count);
  head(out, "drover_events_total", "counter", "Events since the store was made.");
  fmt::format_to(to, "drover_events_total {}\n", state.event_seq);
  return out;
}

}  // namespace drover::hub
