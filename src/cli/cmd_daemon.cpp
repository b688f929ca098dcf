// hub agent config
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"

namespace drover::cli {

namespace {
struct DaemonFlags {
  std::string config, section = "hub", key;
  std::vector<ConfigFlag> flags;
  std::vector<std::unique_ptr<std::optional<std::string>>> values;
};

/// A flag for each field of the table: --lost-after, --tls-names.
void add_config_flags(Command& command, const std::shared_ptr<DaemonFlags>& flags,
                      const std::vector<ConfigEntry>& entries) {
  command.flags.push_back({"--config", "Configuration file.", &flags->config, "FILE", {}});
  for (const auto& entry : entries) {
    std::string name = "--" + entry.key;
    for (auto& c : name)
      if (c == '_' || c == '.') c = '-';
    flags->values.push_back(std::make_unique<std::optional<std::string>>());
    flags->flags.push_back({entry.key, {}, name});
    command.flags.push_back({name, entry.help, flags->values.back().get(), "VALUE", {}});
  }
}

std::vector<ConfigFlag> given(const DaemonFlags& flags) {
  std::vector<ConfigFlag> out;
  for (std::size_t i = 0; i < flags.values.size(); ++i)
    if (*flags.values[i]) out.push_back({flags.flags[i].key, **flags.values[i], flags.flags[i].flag});
  return out;
}

template <class Config>
Result<Loaded<Config>> load(Context& context, const std::string& section, const DaemonFlags& flags) {
  TRY(auto file, find_config(context, section, flags.config));
  context.sources[file.name] = file.text;
  return load_config<Config>(sources_for(context, section, file, given(flags)));
}

Result<std::vector<ConfigEntry>> entries_of(Context& context, const DaemonFlags& flags) {
  if (flags.section == "hub") {
    TRY(auto loaded, load<HubConfig>(context, "hub", flags));
    return loaded.entries;
  }
  TRY(auto loaded, load<AgentConfig>(context, "agent", flags));
  return loaded.entries;
}

json::value as_json(const std::vector<ConfigEntry>& entries) {
  json::array out;
  for (const auto& e : entries)
    out.push_back({{"key", e.key},
                   {"value", e.value},
                   {"default", e.by_default},
                   {"origin", name(e.origin)},
                   {"place", e.place},
                   {"type", e.type},
                   {"environment", e.environment},
                   {"help", e.help}});
  return json::object{{"items", out}, {"next", nullptr}};
}

Result<int> check(Context& context, const DaemonFlags& flags) {
  TRY(auto file, find_config(context, flags.section, flags.config));
  TRYV(entries_of(context, flags));
  context.out.write((file.name.empty() ? "no file; the defaults" : file.name) +
                    std::string(": all is well\n"));
  return 0;
}

Result<int> show(Context& context, const DaemonFlags& flags) {
  TRY(auto entries, entries_of(context, flags));
  return print_object(context, as_json(entries), [&] { return config_toml(entries, false); });
}

Result<int> explain(Context& context, const DaemonFlags& flags) {
  TRY(auto entries, entries_of(context, flags));
  if (!flags.key.empty()) {
    std::vector<std::string> keys;
    for (const auto& e : entries) keys.push_back(e.key);
    std::erase_if(entries, [&](const ConfigEntry& e) { return e.key != flags.key; });
    auto close = nearest(flags.key, std::span<const std::string>(keys));
    if (entries.empty())
      return fail(Errc::not_found, "there is no key " + flags.key, {},
                  close ? "did you mean " + *close + "?" : "drover config explain");
  }
  ListView view{"keys",
                {plain("KEY", "key"), plain("VALUE", "value"), plain("ORIGIN", "origin"),
                 plain("PLACE", "place"), plain("DEFAULT", "default", true),
                 plain("VARIABLE", "environment", true), plain("TYPE", "type"), plain("WHAT", "help", true)},
                [](const json::value& e) { return text(e, "key"); }};
  auto items = as_json(entries);
  return print_list(context, list(items, "items"), view);
}

Result<int> reference(Context& context, const DaemonFlags& flags, bool schema) {
  auto entries =
      flags.section == "hub" ? describe_config<HubConfig>("hub") : describe_config<AgentConfig>("agent");
  auto title = flags.section + ".toml";
  context.out.write(schema ? pretty_json(config_schema(entries, title)) : config_reference(entries, title));
  return 0;
}

Command config_command() {
  auto flags = std::make_shared<DaemonFlags>();
  auto make = [&](const std::string& verb, const std::string& help, auto run) {
    Command out{verb, help};
    out.arguments = {{"hub|agent", "Whose configuration (default hub).", &flags->section, false}};
    out.flags = {{"--config", "Configuration file.", &flags->config, "FILE", {}}};
    out.run = [flags, run](Context& context) -> Result<int> {
      if (flags->section != "hub" && flags->section != "agent")
        return fail(Errc::invalid, "there is no configuration of \"" + flags->section + "\"", {},
                    "hub or agent");
      return run(context, *flags);
    };
    return out;
  };
  Command out{"config", "The configuration of hub and agent: default < file < environment < flag."};
  auto explaining = make("explain", "Each value, where it comes from, and what it is.",
                         [](Context& c, const DaemonFlags& f) { return explain(c, f); });
  explaining.arguments.push_back({"KEY", "Only this key.", &flags->key, false});
  out.commands = {
      make("check", "Is the file right?", [](Context& c, const DaemonFlags& f) { return check(c, f); }),
      make("show", "All values as a file.", [](Context& c, const DaemonFlags& f) { return show(c, f); }),
      explaining,
      make("schema", "JSON Schema of the file.",
           [](Context& c, const DaemonFlags& f) { return reference(c, f, true); }),
      make("reference", "The reference page.",
           [](Context& c, const DaemonFlags& f) { return reference(c, f, false); })};
  return out;
}
}  // namespace

std::vector<Command> daemon_commands(const Programs& programs) {
  auto hub_flags = std::make_shared<DaemonFlags>(), agent_flags = std::make_shared<DaemonFlags>();
  Command hub{
      "hub",
      "Run a hub: API, UI and the agents' sessions. Ends with SIGTERM; what runs on the nodes goes on."};
  hub.examples = {"drover hub", "drover hub --listen 0.0.0.0:3079 --state /var/lib/drover/hub"};
  add_config_flags(hub, hub_flags, describe_config<HubConfig>("hub"));
  hub.run = [hub_flags, &programs](Context& context) -> Result<int> {
    TRY(auto loaded, load<HubConfig>(context, "hub", *hub_flags));
    return programs.hub(context, loaded.config, context.state_directory());
  };
  Command agent{
      "agent",
      "Run the agent of this host (after `drover node join`). Ends with SIGTERM; what it runs goes on."};
  agent.examples = {"drover agent", "drover agent --state /var/lib/drover/agent"};
  add_config_flags(agent, agent_flags, describe_config<AgentConfig>("agent"));
  agent.run = [agent_flags, &programs](Context& context) -> Result<int> {
    TRY(auto loaded, load<AgentConfig>(context, "agent", *agent_flags));
    auto state = context.state_is_given() ? context.state_directory() : context.state_directory() + "/agent";
    return programs.agent(context, loaded.config, state);
  };
  return {hub, agent, config_command()};
}

}  // namespace drover::cli
