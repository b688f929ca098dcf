// service install uninstall status: the daemons at boot, under systemd
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "cli/local_process.hpp"
#include "cli/output.hpp"
#include "cli/stack_file.hpp"
#include "cli/systemd.hpp"
#include "cli/unit_file.hpp"
#include "runtime/files.hpp"
#include "runtime/keeper_scope.hpp"

namespace drover::cli {

namespace {
namespace fs = std::filesystem;
constexpr auto start_limit = 150s;  // a little more than the unit's TimeoutStartSec
constexpr auto stop_limit = 200s;

struct ServiceFlags {
  std::string file, name;
  bool user = false, hub = false, agent = false, print = false, no_start = false;
};

/// A unit of ours, there or wished for.
struct Unit {
  std::string name;  // "drover-shop.service"
  std::string path;
  bool user = false;
};

std::string units_directory(const Context& context, bool user) {
  if (!user) return "/etc/systemd/system";
  auto base = context.variable("XDG_CONFIG_HOME");
  if (base.empty()) base = context.variable("HOME") + "/.config";
  return base + "/systemd/user";
}

Result<Unit> unit_named(const Context& context, const ServiceFlags& flags, std::string name) {
  if (name.ends_with(".service")) name.resize(name.size() - 8);
  if (!name.starts_with("drover")) name = "drover-" + name;
  if (!std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_' || c == '.';
      }))
    return fail(Errc::invalid, "a unit's name has letters, digits, \"-\", \"_\" and \".\": " + name);
  return Unit{name + ".service", units_directory(context, flags.user) + "/" + name + ".service", flags.user};
}

Result<void> needs_systemd(const Unit& unit) {
  if (!runtime::systemd_runs())
    return fail(Errc::unsupported, "systemd is not the first process of this machine",
                "units can be written for systemd only",
                "in a container: make `drover up FILE` its command; elsewhere: let the boot system run it. "
                "--print shows the unit");
  if (!unit.user && ::geteuid() != 0)
    return fail(Errc::denied, "only root can write " + unit.path, {}, "sudo, or --user for your own systemd");
  return {};
}

// ---- what the unit runs

std::string own_program() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).string();
}

struct Wished {
  Unit unit;
  std::string text, state;
};

Result<UnitWish> wish_for_file(Context& context, const ServiceFlags& flags, std::string& name) {
  TRY(auto file, read_stack_file(context, flags.file));  // a wrong file installs nothing
  if (file.path.empty()) return fail(Errc::invalid, "a unit needs a file, not stdin");
  if (name.empty()) name = file.stack.name;
  const fs::path path = file.path;
  UnitWish out;
  out.description = "Drover: " + file.stack.name + " (" + path.string() + ")";
  out.directory = path.parent_path().string();
  out.ends = true;
  out.command = {own_program(), "up", "--no-logs", "--state", context.state_directory(), path.string()};
  return out;
}

UnitWish wish_for_daemon(const std::string& what, const std::string& state) {
  UnitWish out;
  out.description = "Drover: " + what;
  out.directory = "/";
  out.command = {own_program(), what, "--state", state};
  return out;
}

Result<Wished> wished(Context& context, const ServiceFlags& flags) {
  if (int(flags.hub) + int(flags.agent) + int(!flags.file.empty()) > 1)
    return fail(Errc::invalid, "a stack file, --hub or --agent: one of them");
  Wished out;
  out.state = context.state_directory();
  auto name = flags.name;
  UnitWish wish;
  if (flags.hub || flags.agent) {
    const std::string what = flags.hub ? "hub" : "agent";
    if (flags.agent && !context.state_is_given()) out.state += "/agent";  // as `drover agent` itself
    wish = wish_for_daemon(what, out.state);
    if (name.empty()) name = what;
  } else {
    TRY(wish, wish_for_file(context, flags, name));
  }
  wish.user = flags.user;
  TRY(out.unit, unit_named(context, flags, name));
  out.text = unit_text(wish);
  return out;
}

// ---- install

/// True: written now. What somebody else wrote is left alone.
Result<bool> write_unit(const Wished& wish) {
  std::error_code error;
  const auto& path = wish.unit.path;
  const auto there = runtime::read_small_file(path);
  if (there == wish.text) return false;
  if (fs::exists(path, error) && !is_our_unit(there))
    return fail(Errc::conflict, path + " is there, and not from `drover service install`", {},
                "--name takes another name");
  fs::create_directories(fs::path(path).parent_path(), error);
  if (error) return fail(from_errno(error.value(), "cannot make " + fs::path(path).parent_path().string()));
  TRYV(runtime::replace_file(path, wish.text, 0644));
  return true;
}

void say(const Context& context, const std::string& line) { context.err.write(line + "\n"); }

bool is_active(const Unit& unit) {
  return Systemctl{unit.user}.run({"is-active", "--quiet", unit.name}).has_value();
}

void tell_of_lingering(const Context& context) {
  const auto* account = ::getpwuid(::geteuid());
  const std::string user = account != nullptr ? account->pw_name : "";
  std::error_code ignored;
  if (!fs::exists("/var/lib/systemd/linger/" + user, ignored))
    say(context, "it runs while you are logged in; from boot on: loginctl enable-linger " + user);
}

Result<void> start_unit(const Context& context, const Wished& wish, bool written) {
  const Systemctl systemctl{wish.unit.user};
  const bool active = is_active(wish.unit);
  if (!active) {
    if (auto pid = listening_pid(wish.state + "/hub.sock"))
      return fail(Errc::conflict, "it runs already, not as a unit: pid " + std::to_string(*pid),
                  "state directory " + wish.state, "drover down --state " + wish.state + ", then again");
  } else if (!written) {
    return {};
  }
  // What a running one has started goes on: only the daemon is started anew.
  TRYV(systemctl.run({active ? "restart" : "start", wish.unit.name}, active ? stop_limit : start_limit));
  say(context, (active ? "restarted " : "started ") + wish.unit.name);
  return {};
}

Result<int> install(Context& context, const ServiceFlags& flags) {
  TRY(auto wish, wished(context, flags));
  if (flags.print) {
    context.out.write(wish.text);
    return 0;
  }
  TRYV(needs_systemd(wish.unit));
  TRY(const bool written, write_unit(wish));
  say(context, wish.unit.path + (written ? " written" : ": nothing to change"));
  const Systemctl systemctl{wish.unit.user};
  if (written) TRYV(systemctl.run({"daemon-reload"}, 60s));
  TRYV(systemctl.run({"enable", "--quiet", wish.unit.name}, 60s));
  say(context, "enabled: it starts at boot");
  if (wish.unit.user) tell_of_lingering(context);
  if (!flags.no_start) TRYV(start_unit(context, wish, written));
  return 0;
}

// ---- those that are there

std::vector<Unit> our_units(const Context& context, const ServiceFlags& flags) {
  const auto directory = units_directory(context, flags.user);
  std::vector<Unit> out;
  for (const auto& name : runtime::list_directory(directory)) {
    const auto path = directory + "/" + name;
    if (name.ends_with(".service") && is_our_unit(runtime::read_small_file(path, 4096)))
      out.push_back({name, path, flags.user});
  }
  std::ranges::sort(out, {}, &Unit::name);
  return out;
}

Result<Unit> chosen(const Context& context, const ServiceFlags& flags) {
  auto units = our_units(context, flags);
  if (flags.name.empty()) {
    if (units.size() == 1) return units.front();
    return fail(Errc::invalid, units.empty() ? "no unit of ours is installed" : "there are several units", {},
                "drover service status   shows them");
  }
  TRY(auto named, unit_named(context, flags, flags.name));
  for (const auto& unit : units)
    if (unit.name == named.name) return unit;
  std::error_code ignored;
  if (fs::exists(named.path, ignored))
    return fail(Errc::conflict, named.path + " is not from `drover service install`");
  return fail(Errc::not_found, named.name + " is not installed", "there is no " + named.path);
}

Result<int> uninstall(Context& context, const ServiceFlags& flags) {
  TRY(const auto unit, chosen(context, flags));
  TRYV(needs_systemd(unit));
  const Systemctl systemctl{unit.user};
  TRYV(systemctl.run({"disable", "--now", "--quiet", unit.name}, stop_limit));
  say(context, "stopped and disabled " + unit.name);
  if (::unlink(unit.path.c_str()) != 0) return fail(from_errno(errno, "cannot remove " + unit.path));
  say(context, unit.path + " removed; the state directory stays");
  TRYV(systemctl.run({"daemon-reload"}, 60s));
  return 0;
}

json::object facts_of(const Unit& unit) {
  json::object out{{"name", unit.name}, {"path", unit.path}, {"user", unit.user}};
  const auto shown = Systemctl{unit.user}.run(
      {"show", "-p", "ActiveState,SubState,UnitFileState,MainPID,StatusText,NRestarts", unit.name});
  if (!shown) {
    out["state"] = "unknown";
    return out;
  }
  static constexpr std::pair<const char*, const char*> names[] = {
      {"ActiveState", "state"}, {"SubState", "sub_state"}, {"UnitFileState", "at_boot"},
      {"MainPID", "pid"},       {"StatusText", "status"},  {"NRestarts", "restarts"}};
  for (const auto& line : split(*shown, '\n'))
    for (const auto& [theirs, ours] : names)
      if (line.starts_with(std::string(theirs) + "=")) out[ours] = line.substr(line.find('=') + 1);
  return out;
}

Result<int> status(Context& context, const ServiceFlags& flags) {
  auto units = our_units(context, flags);
  if (!flags.name.empty()) {
    TRY(auto one, chosen(context, flags));
    units = {one};
  }
  json::array items;
  for (const auto& unit : units) items.push_back(facts_of(unit));
  ListView view{
      "units",
      {plain("NAME", "name"), state_field(), plain("AT BOOT", "at_boot"), plain("PID", "pid"),
       plain("RESTARTS", "restarts", true), plain("STATUS", "status", true), plain("PATH", "path", true)},
      [](const json::value& unit) { return text(unit, "name"); }};
  return print_list(context, items, view);
}

// ---- the commands

Command install_command(const std::shared_ptr<ServiceFlags>& flags) {
  Command out{"install",
              "Write a unit that runs `drover up FILE` (or the hub, or the agent) from boot on, and "
              "start it. A unit of somebody else is left alone."};
  out.examples = {"drover service install shop.yaml", "drover service install --user shop.yaml",
                  "drover service install --hub --state /var/lib/drover/hub",
                  "drover service install --print shop.yaml   # shows the unit, writes nothing"};
  out.arguments = {
      {"FILE", "Stack file; without: drover.yaml or compose.yaml here.", &flags->file, false, "file"}};
  out.flags = {{"--hub", "For `drover hub`.", &flags->hub, "", {}},
               {"--agent", "For `drover agent`.", &flags->agent, "", {}},
               {"--user", "For your own systemd, without root.", &flags->user, "", {}},
               {"--name", "Of the unit; without: the stack's, hub or agent.", &flags->name, "NAME", {}},
               {"--print", "Show the unit; write nothing.", &flags->print, "", {}},
               {"--no-start", "Do not start it now.", &flags->no_start, "", {}}};
  out.run = [flags](Context& context) { return install(context, *flags); };
  return out;
}
}  // namespace

Command service_command() {
  auto flags = std::make_shared<ServiceFlags>();
  auto make = [&](const char* name, const char* help, auto* run) {
    Command out{name, help};
    out.arguments = {{"NAME", "The unit; without: the only one, or all.", &flags->name, false}};
    out.flags = {{"--user", "Of your own systemd.", &flags->user, "", {}}};
    out.run = [flags, run](Context& context) { return run(context, *flags); };
    return out;
  };
  Command out{"service", "Drover from boot on, under systemd."};
  out.commands = {install_command(flags),
                  make("uninstall", "Stop what the unit runs, in order, and remove the unit.", &uninstall),
                  make("status", "The units that `install` wrote.", &status)};
  return out;
}

}  // namespace drover::cli
