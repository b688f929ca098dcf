// doctor version schema api
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"
#include "cli/version.hpp"
#include "runtime/keeper_client.hpp"
#include "spec/read.hpp"

namespace drover::cli {

namespace {
json::object own_version() {
  return {{"version", version()},
          {"revision", revision()},
          {"compiler", compiler()},
          {"protocol", protocol_version},
          {"api", api_version}};
}

Result<int> show_version(Context& context) {
  json::object out{{"client", own_version()}};
  auto api = Api::open(context);
  if (api) {
    if (auto hub = api->get("/version")) out["hub"] = *hub;
    else out["hub_error"] = hub.error().message;
    if (auto summary = api->get("/summary")) {
      if (const auto* agents = at(*summary, "agent_versions")) out["agents"] = *agents;
    }
  }
  json::value value = out;
  return print_object(context, value, [&] {
    auto revision_text = revision().empty() ? std::string() : " (" + std::string(revision()) + ")";
    const auto* hub = at(value, "hub");
    std::string agents;
    if (const auto* found = at(value, "agents"); found && found->is_object())
      for (const auto& [name, count] : found->get_object())
        agents += (agents.empty() ? "" : ", ") + std::string(name) + " ×" + print_json(count);
    return print_facts(context.out, {{"client", std::string(version()) + revision_text},
                                     {"hub", hub ? text(*hub, "version") : ""},
                                     {"agents", agents},
                                     {"protocol", std::to_string(protocol_version)},
                                     {"compiler", std::string(compiler())}});
  });
}

// ---- doctor

struct Finding {
  std::string what, state, detail;  // state: ok | warn | error | info
};

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

/// Output of a program that we trust to end; at most 64 KiB.
std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return out;
  char buffer[4096];
  while (std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) {
    if (out.size() < 65536) out.append(buffer, count);
  }
  ::pclose(pipe);
  return out;
}

std::string shell_quoted(const std::string& word) {
  std::string out = "'";
  for (char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// What the best kill level of this host cannot do.
std::string reach_of(std::string_view level) {
  if (level == "cgroup2" || level == "cgroup2-freeze" || level == "freezer")
    return "reaches all that it starts";
  if (level == "subreaper") return "misses what leaves its session and drops its environment";
  return "misses children that call setsid";
}

void explain_self_test(const json::value& result, std::vector<Finding>& out) {
  const auto level = text(result, "level");
  if (level.empty()) return;
  const bool whole = reach_of(level).starts_with("reaches");
  out.push_back({"kill level", whole ? "ok" : "warn", level + ": " + reach_of(level)});
  const auto there = split(text(result, "controllers"), ' ');
  for (const std::string_view each : {"cpu", "memory", "pids", "io"}) {
    const bool held = std::ranges::find(there, each) != there.end();
    out.push_back({"limit of " + std::string(each), held ? "ok" : "warn",
                   held ? "holds" : "not enforced: no cgroup controller that may be used here"});
  }
}

/// Whether a process of ours may have mounts of its own, and which capabilities it starts with.
void look_at_isolation(std::vector<Finding>& out) {
  const bool root = ::geteuid() == 0;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(root ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) == 0 ? 0 : 1);
  int status = 1;
  const bool may = child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
  const std::string how = root ? "as root" : "by user namespaces";
  out.push_back({"mounts of its own", may ? "ok" : "warn",
                 may ? how : "not allowed: no private_tmp, read_only and read_only_paths"});
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("CapEff:"))
      out.push_back({"capabilities", "info", std::string(trim(std::string_view(line).substr(7)))});
}

void look_at_keeper(std::vector<Finding>& out) {
  auto keeper = runtime::find_keeper();
  if (!keeper) {
    out.push_back({"keeper", "error", keeper.error().message});
    return;
  }
  out.push_back({"keeper", "ok", *keeper});
  char scratch[] = "/tmp/drover-doctor-XXXXXX";
  if (!::mkdtemp(scratch)) return;
  auto told =
      output_of("timeout 10 " + shell_quoted(*keeper) + " --self-test --run-dir " + scratch + " 2>&1");
  output_of("rm -r " + std::string(scratch));
  for (const auto& line : split(told, '\n')) {
    if (trim(line).empty()) continue;
    out.push_back({"keeper self-test", "info", std::string(trim(line))});
    if (const auto result = parse_json(trim(line))) explain_self_test(*result, out);
  }
}

void look_at_state(const Context& context, std::vector<Finding>& out) {
  auto state = context.state_directory();
  struct stat info{};
  if (::stat(state.c_str(), &info) != 0) {
    out.push_back({"state directory", "info", state + " (made at the first start)"});
    return;
  }
  bool writable = ::access(state.c_str(), W_OK) == 0;
  out.push_back(
      {"state directory", writable ? "ok" : "error", state + (writable ? "" : ": cannot be written")});
  if (info.st_mode & 0077)
    out.push_back({"state directory", "warn", "others may look into it: chmod 700 " + state});
  struct statvfs space{};
  if (::statvfs(state.c_str(), &space) == 0) {
    auto free = std::uint64_t(space.f_bavail) * space.f_frsize;
    out.push_back({"disk", free < (256u << 20) ? "warn" : "ok", human_size(free) + " free"});
  }
}

void look_at_host(std::vector<Finding>& out) {
  utsname kernel{};
  ::uname(&kernel);
  out.push_back(
      {"kernel", "info", std::string(kernel.sysname) + " " + kernel.release + " " + kernel.machine});
  out.push_back(
      {"user", "info",
       ::geteuid() == 0 ? "root" : "uid " + std::to_string(::geteuid()) + " (services run as this user)"});
  auto controllers = first_line("/sys/fs/cgroup/cgroup.controllers");
  struct stat info{};
  bool unified = ::stat("/sys/fs/cgroup/cgroup.controllers", &info) == 0;
  bool hybrid = ::stat("/sys/fs/cgroup/unified/cgroup.procs", &info) == 0;
  out.push_back({"cgroups", unified || hybrid ? "ok" : "warn",
                 unified  ? "v2: " + (controllers.empty() ? "no controllers" : controllers)
                 : hybrid ? "hybrid (v2 in /sys/fs/cgroup/unified)"
                          : "none at version 2; processes are found by kinship"});
}

void look_at_hub(const Context& context, std::vector<Finding>& out) {
  auto api = Api::open(context);
  if (!api) {
    out.push_back(
        {"hub", "info", api.error().message + (api.error().cause.empty() ? "" : ": " + api.error().cause)});
    return;
  }
  auto summary = api->get("/summary");
  if (!summary) {
    out.push_back({"hub", "error", summary.error().message + ": " + summary.error().cause});
    return;
  }
  out.push_back(
      {"hub", text(*summary, "hub_state") == "ok" ? "ok" : "warn",
       api->address() + ", version " + text(*summary, "hub_version") + ", " + text(*summary, "hub_state")});
  auto nodes = api->get("/nodes");
  if (!nodes) return;
  for (const auto& node : list(*nodes, "items"))
    out.push_back({"node " + text(node, "name"), text(node, "state") == "online" ? "ok" : "warn",
                   text(node, "state") +
                       ", kill level: " + (text(node, "level").empty() ? "not known" : text(node, "level"))});
}

Result<int> doctor(Context& context) {
  std::vector<Finding> findings;
  findings.push_back({"drover", "info", std::string(version()) + " " + std::string(revision())});
  look_at_host(findings);
  look_at_keeper(findings);
  look_at_isolation(findings);
  look_at_state(context, findings);
  look_at_hub(context, findings);
  json::array items;
  bool bad = false;
  for (const auto& f : findings) {
    items.push_back({{"what", f.what}, {"state", f.state}, {"detail", f.detail}});
    bad |= f.state == "error";
  }
  ListView view{"findings",
                {plain("WHAT", "what"), state_field("", "state"), plain("DETAIL", "detail", true)},
                [](const json::value& f) { return text(f, "what"); }};
  TRYV(print_list(context, items, view));
  return bad ? 1 : 0;
}

// ---- api

struct ApiFlags {
  std::string method, path, data;
};

Result<int> call_api(Context& context, const ApiFlags& flags) {
  TRY(auto api, Api::open(context));
  Call call{flags.method, flags.path};
  for (auto& c : call.method) c = char(std::toupper(static_cast<unsigned char>(c)));
  if (!call.path.starts_with('/')) call.path = "/" + call.path;
  if (auto question = call.path.find('?'); question != std::string::npos) {
    TRY(call.query, net::parse_query(std::string_view(call.path).substr(question + 1)));
    call.path.resize(question);
  }
  for (std::string_view prefix : {"/api/v1", "/api"})
    if (call.path.starts_with(prefix)) call.path.erase(0, prefix.size());
  call.body = flags.data;
  if (call.body == "-") {
    std::stringstream all;
    std::ifstream in("/dev/stdin");
    all << in.rdbuf();
    call.body = all.str();
  }
  TRY(auto answer, api.send(call));
  if (answer.body.is_string()) context.out.write(std::string(answer.body.get_string()) + "\n");
  else context.out.write(context.out.tty ? pretty_json(answer.body) : print_json(answer.body) + "\n");
  return 0;
}

Result<int> complete(Context& context, const std::string& kind) {
  TRY(auto api, Api::open(context));
  TRY(auto page, api.get(kind == "nodes" ? "/nodes" : "/instances", net::Query({{"limit", "1000"}})));
  std::string out;
  std::set<std::string> seen;
  for (const auto& item : list(page, "items")) {
    if (kind == "nodes") seen.insert(text(item, "name"));
    else
      seen.insert({text(item, "stack"), text(item, "stack") + "/" + text(item, "service"),
                   text(item, "stack") + "/" + text(item, "name")});
  }
  for (const auto& name : seen) out += name + "\n";
  context.out.write(out);
  return 0;
}
}  // namespace

std::vector<Command> tool_commands(const GlobalFlags&) {
  auto flags = std::make_shared<ApiFlags>();
  auto kind = std::make_shared<std::string>();
  Command examine{"doctor", "What this host offers, which kill level is in force, and what is wrong."};
  examine.run = [](Context& context) { return doctor(context); };
  Command versions{"version", "Versions of this program, the hub and its agents."};
  versions.run = [](Context& context) { return show_version(context); };
  Command schema{"schema", "JSON Schema of stack files."};
  schema.run = [](Context& context) -> Result<int> {
    context.out.write(stack_schema() + "\n");
    return 0;
  };
  Command raw{"api", "Call the hub's API as it is."};
  raw.examples = {"drover api GET /nodes",
                  "drover api POST /operations --data '{\"kind\":\"stop\",\"all\":true}'"};
  raw.arguments = {{"METHOD", "GET, POST, PUT, PATCH or DELETE.", &flags->method},
                   {"PATH", "Below /api/v1.", &flags->path}};
  raw.flags = {{"--data", "The body; -: from stdin.", &flags->data, "JSON", {}}};
  raw.run = [flags](Context& context) { return call_api(context, *flags); };
  Command values{"__complete", "Values for the shell's completion."};
  values.hidden = true;
  values.arguments = {{"KIND", "targets or nodes", kind.get()}};
  values.run = [kind](Context& context) { return complete(context, *kind); };
  return {examine, versions, schema, raw, values};
}

}  // namespace drover::cli
