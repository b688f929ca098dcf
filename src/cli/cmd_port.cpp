// port ls
#include "cli/api.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"

namespace drover::cli {

namespace {

Cell state_of(const json::value& item) {
  const auto state = text(item, "state");
  if (state == "listening") return {state, Style::green};
  if (state == "held") return {"held for it", Style::green};
  return {state == "leased" ? "leased, not listening" : state, state == "taken" ? Style::red : Style::dim};
}

Cell holder_of(const json::value& item) {
  if (text(item, "state") != "taken") return {};
  auto who = text(item, "holder");
  if (who.empty()) who = text(item, "pid").empty() ? "a process that cannot be seen" : "a stranger";
  return {who + (text(item, "command").empty() ? "" : ": " + printable(text(item, "command"))), Style::red};
}

Result<int> ls(Context& context) {
  TRY(auto api, Api::open(context));
  TRY(auto ports, api.items("/ports"));
  ListView view{"ports", {}, [](const json::value& item) { return text(item, "instance"); }};
  view.fields = {number_field("PORT", "port"),
                 plain("PROTOCOL", "protocol"),
                 plain("NODE", "node"),
                 plain("INSTANCE", "instance"),
                 plain("NAME", "name"),
                 {"STATE", state_of},
                 number_field("PID", "pid"),
                 time_field(context, "SINCE", "since"),
                 {"TAKEN BY", holder_of, false, true},
                 plain("COMMAND", "command", true)};
  view.fields.back().wide = true;
  return print_list(context, ports, view);
}

}  // namespace

Command port_command() {
  Command port{"port", "The ports of the services."};
  Command list{"ls", "Every port that a service has: whose it is, and who listens on it now."};
  list.examples = {"drover port ls", "drover port ls -o json"};
  list.run = ls;
  port.commands = {list};
  return port;
}

}  // namespace drover::cli
