#include "agent/ports.hpp"

#include <algorithm>

#include "runtime/ports.hpp"

namespace drover::agent {

std::vector<PortView> port_views(const AgentCore& core) {
  std::vector<PortView> views;
  for (const auto& seen : core.instances())
    for (const auto& [name, port] : seen.placement->ports) {
      PortView view;
      view.stack = seen.placement->stack;
      view.service = seen.placement->service.name;
      view.instance = view.stack + "/" + seen.placement->instance_name;
      view.name = name;
      view.port = port;
      view.protocol = "tcp";
      for (const auto& declared : seen.placement->service.ports)
        if (declared.name == name) view.protocol = declared.protocol;
      views.push_back(std::move(view));
    }
  std::sort(views.begin(), views.end(), [](const auto& a, const auto& b) { return a.port < b.port; });
  return views;
}

void look_who_listens(std::vector<PortView>& ports, WallTime now) {
  for (auto& view : ports) {
    const auto holder = runtime::holder_of(view.port, view.protocol);
    view.state = holder ? "taken" : "leased";
    if (!holder) continue;
    // What accepts there cannot be told: the keeper has the socket open beside the service.
    const bool kept = holder->command.substr(0, holder->command.find(' ')).ends_with("drover-keeper");
    if (kept) {
      view.state = "held";
      view.ours = true;
      continue;
    }
    view.command = holder->command;
    view.holder = holder->instance;
    if (holder->pid != 0) {
      view.pid = holder->pid;
      view.since = now - holder->running;
    }
    view.ours = !holder->instance.empty();
    if (holder->instance == view.instance) view.state = "listening";
  }
}

}  // namespace drover::agent
