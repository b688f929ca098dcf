// node ls show join add token label cordon uncordon drain undrain rm
#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"

namespace drover::cli {

namespace {
std::string labels_of(const json::value& item) {
  std::string out;
  const auto* labels = at(item, "labels");
  if (!labels || !labels->is_object()) return out;
  for (const auto& [key, value] : labels->get_object())
    out += (out.empty() ? "" : ",") + std::string(key) + "=" +
           (value.is_string() ? std::string(value.get_string()) : "");
  return out;
}

/// "cpu 0.5 of 4, memory 512.0 MiB of 8.0 GiB reserved"
std::string resources_of(const json::value& node) {
  std::string out;
  const auto* resources = at(node, "resources");
  if (!resources || !resources->is_object()) return out;
  for (const auto& [name, amounts] : resources->get_object()) {
    auto amount = [&](const char* key) {
      const double number = at(amounts, key) ? at(amounts, key)->to_number<double>() : 0;
      return number >= 1 << 20 ? human_size(std::uint64_t(number)) : fmt::format("{}", number);
    };
    out +=
        (out.empty() ? "" : ", ") + std::string(name) + " " + amount("reserved") + " of " + amount("total");
  }
  return out.empty() ? out : out + " reserved";
}

Cell node_state(const json::value& item) {
  auto state = text(item, "state"), shown = state;
  if (truth(item, "paused")) shown += ", paused";
  if (truth(item, "draining")) shown += ", draining";
  else if (truth(item, "cordoned")) shown += ", cordoned";
  return {shown, truth(item, "draining") || truth(item, "cordoned") ? Style::yellow : style_of(state)};
}

ListView node_view(const Context& context) {
  ListView view{"nodes", {}, [](const json::value& item) { return text(item, "name"); }};
  view.fields = {plain("NAME", "name"),
                 {"STATE", node_state},
                 {"VERSION",
                  [](const json::value& item) {
                    bool same = text(item, "version_match") == "same" || text(item, "version_match").empty();
                    return Cell{text(item, "version"), same ? Style::plain : Style::yellow};
                  }},
                 number_field("RUNNING", "running"),
                 number_field("FAILING", "failing"),
                 {"CPUS", [](const json::value& item) { return Cell{text(item, "cpus")}; }, true},
                 {"MEMORY",
                  [](const json::value& item) {
                    auto bytes = number(item, "memory");
                    return Cell{bytes ? human_size(std::uint64_t(bytes)) : ""};
                  },
                  true},
                 time_field(context, "SEEN", "last_seen"),
                 {"LABELS", [](const json::value& item) { return Cell{labels_of(item)}; }, false, true},
                 plain("NOTE", "message", true),
                 plain("KIND", "kind"),
                 plain("OS", "os"),
                 plain("ARCH", "arch"),
                 plain("ADDRESS", "address"),
                 plain("LEVEL", "level"),
                 plain("ID", "id")};
  for (std::size_t i = 10; i < view.fields.size(); ++i) view.fields[i].wide = true;
  return view;
}

Result<int> ls(Context& context) {
  TRY(auto api, Api::open(context));
  TRY(auto nodes, api.items("/nodes"));
  return print_list(context, nodes, node_view(context));
}

Result<int> show(Context& context, const std::string& name) {
  TRY(auto api, Api::open(context));
  TRY(auto node, api.get(path_of({"nodes", name})));
  return print_object(context, node, [&] {
    auto state = node_state(node);
    return print_facts(context.out,
                       {{"node", context.out.paint(Style::bold, text(node, "name"))},
                        {"state", context.out.paint(state.style, state.text)},
                        {"note", printable(text(node, "message"))},
                        {"version", text(node, "version")},
                        {"host", text(node, "hostname") + ", " + text(node, "os") + ", " +
                                     text(node, "kernel") + ", " + text(node, "arch")},
                        {"address", text(node, "address")},
                        {"kill level", text(node, "level")},
                        {"resources", resources_of(node)},
                        {"labels", labels_of(node)},
                        {"instances", text(node, "running") + " running, " + text(node, "failing") +
                                          " failing, " + text(node, "instances") + " in all"},
                        {"joined", show_time(context, text(node, "joined_at"))},
                        {"seen", since(context, text(node, "last_seen"))},
                        {"id", text(node, "id")}});
  });
}

Result<int> act(Context& context, const std::vector<std::string>& names, const std::string& verb) {
  TRY(auto api, Api::open(context));
  for (const auto& name : names) {
    TRY(auto answer, api.send({"POST", path_of({"nodes", name, verb})}));
    if (context.machine_readable()) {
      TRYV(print_object(context, answer.body, [] { return std::string(); }));
    } else {
      context.out.write(text(answer.body, "name") + ": " + node_state(answer.body).text + "\n");
    }
  }
  return 0;
}

struct RemoveFlags {
  std::string name;
  bool force = false;
};
Result<int> remove(Context& context, const RemoveFlags& flags) {
  TRY(auto api, Api::open(context));
  TRY(auto node, api.get(path_of({"nodes", flags.name})));
  TRY(bool sure,
      confirm(context, "Remove the node " + text(node, "name") + " for ever? Its certificate is revoked."));
  if (!sure) return 11;
  Call call{"DELETE", path_of({"nodes", flags.name})};
  if (flags.force) call.query.add("force", "true");
  TRYV(api.send(call));
  context.out.write(text(node, "name") + " is gone\n");
  return 0;
}

struct LabelFlags {
  std::string name;
  std::vector<std::string> labels;
};
Result<int> label(Context& context, const LabelFlags& flags) {
  json::object labels;
  for (const auto& word : flags.labels) {
    auto equals = word.find('=');
    if (equals != std::string::npos && equals > 0) labels[word.substr(0, equals)] = word.substr(equals + 1);
    else if (word.ends_with('-') && word.size() > 1) labels[word.substr(0, word.size() - 1)] = nullptr;
    else
      return fail(Errc::invalid, word + " is neither key=value nor key-", {},
                  "drover node label pve1 site=home old-");
  }
  TRY(auto api, Api::open(context));
  Call call{"PATCH", path_of({"nodes", flags.name})};
  call.body = print_json(json::object{{"labels", labels}});
  TRY(auto answer, api.send(call));
  return print_object(context, answer.body,
                      [&] { return text(answer.body, "name") + ": " + labels_of(answer.body) + "\n"; });
}

struct AddFlags {
  std::string name, lost_after = "60s";
  std::vector<std::string> labels;
  bool external = false;
};
std::string token_text(const json::value& answer) {
  return "token  " + text(answer, "token") +
         "\n       shown once; its agent sends it as Authorization: Bearer …\n" +
         "tasks  GET /api/v1/agents/" + text(answer, "name") + "/tasks\n";
}
Result<int> add(Context& context, const AddFlags& flags) {
  if (!flags.external)
    return fail(Errc::invalid, "a host with an agent of ours joins by itself", {},
                "drover token create; or add --external for an agent that is a script");
  json::object labels;
  for (const auto& word : flags.labels) {
    auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) return fail(Errc::invalid, word + " is not key=value");
    labels[word.substr(0, equals)] = word.substr(equals + 1);
  }
  TRY(auto api, Api::open(context));
  Call call{"POST", "/nodes"};
  call.body = print_json(json::object{
      {"name", flags.name}, {"external", true}, {"labels", labels}, {"lost_after", flags.lost_after}});
  TRY(auto answer, api.send(call));
  return print_object(context, answer.body, [&] { return token_text(answer.body); });
}
Result<int> new_token(Context& context, const std::string& name) {
  TRY(auto api, Api::open(context));
  TRY(auto answer, api.send({"POST", path_of({"nodes", name, "token"})}));
  return print_object(context, answer.body, [&] { return token_text(answer.body); });
}

struct JoinFlags {
  std::string line, name, state;
  std::vector<std::string> labels;
};

Command join_command(const Programs& programs) {
  auto flags = std::make_shared<JoinFlags>();
  Command out{"join", "Make this host a node: LINE is what `drover token create` printed on the hub."};
  out.examples = {"drover node join 'https://hub:3079#…' --name pve1", "drover agent"};
  out.arguments = {{"LINE", "The join line; -: from stdin.", &flags->line}};
  out.flags = {{"--name", "Name of the node (default: the host's name).", &flags->name, "NAME", {}}};
  out.run = [flags, &programs](Context& context) -> Result<int> {
    JoinRequest request;
    request.line = flags->line;
    if (request.line == "-") {
      char line[8192];
      if (!std::fgets(line, sizeof line, stdin)) return fail(Errc::invalid, "no join line on stdin");
      request.line = trim(line);
    }
    request.name = flags->name;
    request.state =
        context.state_is_given() ? context.state_directory() : context.state_directory() + "/agent";
    TRY(auto told, programs.join(context, request));
    context.out.write(told + "\n");
    return 0;
  };
  return out;
}

Command add_command() {
  auto flags = std::make_shared<AddFlags>();
  Command out{"add", "A node whose agent is a script (curl will do): prints its token, once."};
  out.examples = {"drover node add nas --external",
                  "drover node add nas --external --label site=home --lost-after 5m"};
  out.arguments = {{"NAME", "Name of the node.", &flags->name}};
  out.flags = {{"--external", "Its agent is a script.", &flags->external, "", {}},
               {"--label", "A label of the node.", &flags->labels, "KEY=VALUE", {}},
               {"--lost-after",
                "Lost when it has not called for so long (default 60s).",
                &flags->lost_after,
                "TIME",
                {}}};
  out.run = [flags](Context& context) { return add(context, *flags); };
  return out;
}

Command token_command() {
  auto name = std::make_shared<std::string>();
  Command out{"token", "A new token for the agent of an external node; the old one ends."};
  out.arguments = {{"NODE", "Name or id.", name.get()}};
  out.run = [name](Context& context) { return new_token(context, *name); };
  return out;
}

Command many(const std::string& verb, const std::string& help) {
  auto names = std::make_shared<std::vector<std::string>>();
  Command out{verb, help};
  out.arguments = {{"NODE", "Name or id.", names.get()}};
  out.run = [names, verb](Context& context) { return act(context, *names, verb); };
  return out;
}
}  // namespace

Command node_command(const Programs& programs) {
  auto name = std::make_shared<std::string>();
  auto removing = std::make_shared<RemoveFlags>();
  auto labelling = std::make_shared<LabelFlags>();
  Command list_all{"ls", "All nodes."};
  list_all.run = [](Context& context) { return ls(context); };
  Command one{"show", "One node."};
  one.arguments = {{"NODE", "Name or id.", name.get()}};
  one.run = [name](Context& context) { return show(context, *name); };
  Command gone{"rm", "Forget a node; its certificate is revoked."};
  gone.arguments = {{"NODE", "Name or id.", &removing->name}};
  gone.flags = {{"--force", "Also while it is online or has instances.", &removing->force, "", {}}};
  gone.run = [removing](Context& context) { return remove(context, *removing); };
  Command labels{"label", "Give labels (key=value) or take them away (key-)."};
  labels.examples = {"drover node label pve1 site=home gpu- "};
  labels.arguments = {{"NODE", "Name or id.", &labelling->name},
                      {"LABEL", "key=value or key-", &labelling->labels}};
  labels.run = [labelling](Context& context) { return label(context, *labelling); };
  Command out{"node", "Nodes: the hosts with an agent."};
  out.commands = {list_all,
                  one,
                  join_command(programs),
                  add_command(),
                  token_command(),
                  labels,
                  many("cordon", "Take nothing new."),
                  many("uncordon", "Take new instances again."),
                  drain_command(),
                  many("undrain", "End a drain."),
                  gone};
  return out;
}

}  // namespace drover::cli
