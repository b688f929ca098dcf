// ps status why
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"
#include "net/io_pool.hpp"

namespace drover::cli {

namespace {
std::string full_name(const json::value& item) { return text(item, "stack") + "/" + text(item, "name"); }

/// By stack, service, number; web-10 after web-9.
void sort_by_name(json::array& items) {
  using Key = std::tuple<std::string, std::string, std::int64_t, std::string>;
  std::vector<std::pair<Key, std::size_t>> order;
  for (const auto& item : items)
    order.emplace_back(
        Key{text(item, "stack"), text(item, "service"), number(item, "index"), text(item, "name")},
        order.size());
  std::ranges::sort(order);
  json::array sorted;
  sorted.reserve(items.size());
  for (const auto& [key, at] : order) sorted.push_back(std::move(items[at]));
  items = std::move(sorted);
}

std::string ports_of(const json::value& item) {
  std::string out;
  const auto* ports = at(item, "ports");
  if (!ports || !ports->is_object()) return out;
  for (const auto& [name, port] : ports->get_object())
    out += (out.empty() ? "" : " ") + std::string(name) + ":" + print_json(port);
  return out;
}

/// Why a row is not green, or what is going on.
std::string note_of(const Context& context, const json::value& item) {
  std::string note = text(item, "reason");
  auto add = [&](const std::string& more) {
    if (!more.empty()) note += (note.empty() ? "" : "; ") + more;
  };
  auto state = text(item, "state");
  if (state == "backoff" || state == "failed") {
    if (note.empty()) add(text(item, "last_exit"));
    if (auto next = parse_time(text(item, "next_try")))
      add(fmt::format("next try in {:.1f} s", std::max(0.0, seconds(*next - context.clock->now().wall))));
  }
  if (!text(item, "task").empty()) add(text(item, "task_type") + " under way");
  if (truth(item, "outdated") && text(item, "task").empty()) add("not the current revision yet");
  if (!truth(item, "fresh") && !text(item, "node").empty())
    add(text(item, "as_of").empty() ? "its node is away"
                                    : "as of " + since(context, text(item, "as_of")) + " ago");
  return note;
}

Field up_field(const Context& context) {
  return {"UP",
          [&context](const json::value& item) {
            bool alive = !text(item, "pid").empty();
            return Cell{alive ? since(context, text(item, "started_at")) : ""};
          },
          true};
}

ListView instance_view(const Context& context) {
  ListView view{"services", {}, full_name};
  view.fields = {
      {"NAME", [](const json::value& item) { return Cell{full_name(item)}; }},
      state_field(),
      {"HEALTH",
       [](const json::value& item) {
         auto health = text(item, "health");
         return health == "none" ? Cell{"-", Style::dim} : Cell{health, style_of(health)};
       }},
      plain("NODE", "node"),
      number_field("PID", "pid"),
      up_field(context),
      {"↺",
       [](const json::value& item) {
         auto count = number(item, "restarts");
         return Cell{std::to_string(count), count ? Style::yellow : Style::dim};
       },
       true},
      {"PORTS", [](const json::value& item) { return Cell{ports_of(item)}; }, false, true},
      {"NOTE", [&context](const json::value& item) { return Cell{note_of(context, item)}; }, false, true},
      number_field("REVISION", "revision"),
      plain("LAST EXIT", "last_exit"),
      plain("ID", "id"),
  };
  for (std::size_t i = 9; i < view.fields.size(); ++i) view.fields[i].wide = true;
  return view;
}

/// What runs gets cpu_percent, memory_bytes and processes.
Result<void> add_usage(const Api& api, json::array& items) {
  TRY(auto usage, api.get("/usage", net::Query({{"limit", "1000"}})));
  std::map<std::string, const json::value*> known;
  for (const auto& one : list(usage, "items")) known[text(one, "id")] = &one;
  for (auto& item : items)
    if (const auto found = known.find(text(item, "id")); found != known.end())
      for (const auto* key : {"cpu_percent", "memory_bytes", "processes"})
        if (const auto* figure = at(*found->second, key)) item.get_object()[key] = *figure;
  return {};
}

void add_usage_fields(ListView& view) {
  const auto cpu = [](const json::value& item) {
    const auto figure = text(item, "cpu_percent");
    return Cell{figure.empty() ? "" : figure + " %"};
  };
  const auto memory = [](const json::value& item) {
    const auto bytes = number(item, "memory_bytes");
    return Cell{bytes > 0 ? human_size(std::uint64_t(bytes)) : ""};
  };
  const auto place = view.fields.begin() + 6;  // after UP
  view.fields.insert(place, {{"CPU", cpu, true}, {"MEM", memory, true}});
}

struct PsFlags {
  bool services = false, usage = false;
};

Result<int> ps(Context& context, PsFlags flags) {
  TRY(auto api, Api::open(context));
  if (flags.services && flags.usage)
    return fail(Errc::invalid, "--usage is of instances", {}, "leave --services away");
  if (!flags.services) {
    TRY(auto items, api.items("/instances"));
    if (context.flags.sort.empty()) sort_by_name(items);
    auto view = instance_view(context);
    if (flags.usage) {
      TRYV(add_usage(api, items));
      add_usage_fields(view);
    }
    return print_list(context, items, view);
  }
  TRY(auto items, api.items("/services"));
  ListView view{
      "services",
      {plain("NAME", "id"),
       state_field(),
       plain("KIND", "kind"),
       {"READY", [](const json::value& s) { return Cell{text(s, "ready") + "/" + text(s, "desired")}; },
        true},
       {"NODES",
        [](const json::value& s) {
          std::string out;
          for (const auto& node : list(s, "nodes"))
            out += (out.empty() ? "" : ",") + (node.is_string() ? std::string(node.get_string()) : "");
          return Cell{out};
        },
        false, true},
       number_field("↺", "restarts"),
       {"PORTS", [](const json::value& s) { return Cell{ports_of(s)}; }, false, true},
       plain("NOTE", "reason", true)},
      [](const json::value& s) { return text(s, "id"); }};
  return print_list(context, items, view);
}

// ---- probes

/// "3 ms", "1.2 s"
std::string took(const json::value& result) {
  auto time = parse_duration(text(result, "took"));
  return time ? human_duration(*time) : "";
}

/// Answers that say the same are one line.
std::string probe_lines(const Context& context, const json::value& probe) {
  std::string out = fmt::format("    {} ({}){}\n", text(probe, "probe"), text(probe, "kind"),
                                list(probe, "results").empty() ? ": not asked yet" : "");
  const auto& results = list(probe, "results");
  auto same = [](const json::value& a, const json::value& b) {
    return truth(a, "ok") == truth(b, "ok") && text(a, "detail") == text(b, "detail");
  };
  for (std::size_t i = 0; i < results.size();) {
    std::size_t end = i + 1;
    while (end < results.size() && same(results[i], results[end])) ++end;
    const auto& last = results[end - 1];
    const bool ok = truth(last, "ok"), unrunnable = truth(last, "unrunnable");
    out += "      " +
           context.out.paint(ok           ? Style::green
                             : unrunnable ? Style::yellow
                                          : Style::red,
                             ok           ? "✓"
                             : unrunnable ? "?"
                                          : "✗") +
           fmt::format(" {:>4} ago {:>8}  {}{}\n", since(context, text(last, "at")), took(last),
                       unrunnable ? "cannot be run: " : "", printable(text(last, "detail"))) +
           (end - i > 1 ? fmt::format("        and {} before it\n", end - i - 1) : "");
    i = end;
  }
  return out;
}

/// Of one instance, by id or stack:name; "" when it has none, or its agent is away.
std::string probes_text(const Context& context, const Api& api, const std::string& instance) {
  auto body = api.get("/instances/" + net::percent_encode(instance) + "/probes");
  if (!body) return "";
  std::string out;
  for (const auto& probe : list(*body, "items")) out += probe_lines(context, probe);
  return out.empty() ? out : context.out.paint(Style::dim, "probes:") + "\n" + out;
}

// ---- why

std::string print_why(const Context& context, const Api& api, const json::value& body) {
  std::string out;
  for (const auto& item : list(body, "items")) {
    auto state = text(item, "state");
    out += (out.empty() ? "" : "\n") + context.out.paint(Style::bold, text(item, "instance")) + "  " +
           context.out.paint(style_of(state), state) + "  " + printable(text(item, "summary")) + "\n";
    for (const auto& fact : list(item, "facts"))
      if (fact.is_string()) out += "  " + printable(std::string(fact.get_string())) + "\n";
    for (const auto& node : list(item, "nodes"))
      out += "  " +
             context.out.paint(truth(node, "fits") ? Style::green : Style::red,
                               truth(node, "fits") ? "✓ " : "✗ ") +
             text(node, "node") + ": " + printable(text(node, "reason")) + "\n";
    auto name = text(item, "instance");
    std::ranges::replace(name, '/', ':');
    auto probes = list(item, "nodes").empty() ? probes_text(context, api, name) : std::string();
    out += probes.empty() ? "" : "  " + probes;
  }
  return out;
}

Result<int> why(Context& context, const std::string& target) {
  TRY(auto api, Api::open(context));
  TRY(auto body, api.get("/why", net::Query({{"target", target}})));
  return print_object(context, body, [&] { return print_why(context, api, body); });
}

// ---- status

/// The queues that hand nothing out.
std::string paused_text(const Context& context, const json::value& summary) {
  std::string out;
  for (const auto& name : list(summary, "paused"))
    out += (out.empty() ? "" : ", ") + (name.is_string() ? std::string(name.get_string()) : "");
  return out.empty() ? "" : context.out.paint(Style::yellow, "the queue of " + out);
}

std::string summary_text(const Context& context, const json::value& s) {
  auto count = [&](const char* key) { return text(s, key); };
  return print_facts(context.out,
                     {{"hub", count("hub_version") +
                                  (text(s, "hub_state") == "ok" ? "" : " (" + text(s, "hub_state") + ")")},
                      {"nodes", count("nodes_online") + " of " + count("nodes") + " online"},
                      {"services", count("services_ok") + " of " + count("services") + " well, " +
                                       count("services_failing") + " failing"},
                      {"instances", count("instances_ready") + " of " + count("instances") + " ready"},
                      {"tasks", count("tasks_open") + " open, " + count("tasks_failed") + " failed for good"},
                      {"paused", paused_text(context, s)},
                      {"deployments", count("deployments_live") + " under way"}});
}

std::string last_lines(const Api& api, const json::value& instance, std::uint32_t tail) {
  std::string out;
  Call call{"GET", path_of({"instances", text(instance, "id"), "logs"})};
  call.query.add("tail", std::to_string(tail));
  auto result = net::block_on(api.lines(call, [&](std::string line) {
    auto parsed = parse_json(line);
    if (parsed) out += "    " + printable(text(*parsed, "line")) + "\n";
    return true;
  }));
  if (!result) return "    (" + result.error().message + ")\n";
  return out;
}

std::string instance_text(const Context& context, const Api& api, const json::value& item,
                          std::uint32_t tail) {
  auto state = text(item, "state");
  std::string head =
      context.out.paint(style_of(state), "●") + " " + context.out.paint(Style::bold, full_name(item)) + "\n";
  auto for_long = since(context, text(item, "since"));
  std::vector<std::pair<std::string, std::string>> facts{
      {"state", context.out.paint(style_of(state), state) + (for_long.empty() ? "" : " for " + for_long) +
                    (text(item, "health") == "none" ? "" : ", " + text(item, "health"))},
      {"why", printable(note_of(context, item))},
      {"node", text(item, "node")},
      {"desired", text(item, "desired") + ", revision " + text(item, "revision")},
      {"pid", text(item, "pid").empty()
                  ? ""
                  : text(item, "pid") + ", up " + since(context, text(item, "started_at"))},
      {"ports", ports_of(item)},
      {"restarts", text(item, "restarts") +
                       (text(item, "last_exit").empty() ? "" : ", last: " + text(item, "last_exit"))},
      {"id", text(item, "id")}};
  for (const auto& missing : list(item, "degraded"))
    if (missing.is_string())
      facts.insert(facts.end() - 1, {"not in force", printable(std::string(missing.get_string()))});
  auto out = head + print_facts(context.out, facts);
  auto lines = tail && !text(item, "node").empty() ? last_lines(api, item, tail) : std::string();
  if (lines.empty())
    for (const auto& line : list(item, "last_lines"))
      if (line.is_string()) lines += "    " + printable(std::string(line.get_string())) + "\n";
  if (!text(item, "node").empty()) out += probes_text(context, api, text(item, "id"));
  return out + (lines.empty() ? "" : context.out.paint(Style::dim, "log:") + "\n" + lines);
}

/// The instances that a target names, by asking `why`, which resolves names as the hub does.
Result<json::array> instances_named(const Api& api, const std::string& target) {
  TRY(auto named, api.get("/why", net::Query({{"target", target}})));
  TRY(auto all, api.get("/instances", net::Query({{"limit", "1000"}})));
  json::array out;
  for (const auto& one : list(named, "items"))
    for (const auto& instance : list(all, "items"))
      if (auto name = text(one, "instance"); name == full_name(instance) || name == text(instance, "name")) {
        out.push_back(instance);
        break;
      }
  return out;
}

bool is_bad(const json::value& item) {
  auto state = text(item, "state");
  return state != "ready" && state != "completed" && state != "stopped";
}

struct StatusFlags {
  std::string target;
  bool failed = false;
  std::uint32_t lines = 10;
};

Result<int> status(Context& context, const StatusFlags& flags) {
  TRY(auto api, Api::open(context));
  if (flags.target.empty() && !flags.failed) {
    TRY(auto summary, api.get("/summary"));
    return print_object(context, summary, [&] { return summary_text(context, summary); });
  }
  json::array chosen;
  if (flags.target.empty()) {
    TRY(chosen, api.items("/instances"));
  } else {
    TRY(chosen, instances_named(api, flags.target));
  }
  json::array shown;
  for (const auto& item : chosen)
    if (!flags.failed || is_bad(item)) shown.push_back(item);
  if (context.machine_readable()) return print_list(context, shown, instance_view(context));
  bool bad = false;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    context.out.write((i ? "\n" : "") + instance_text(context, api, shown[i], flags.lines));
    bad |= is_bad(shown[i]);
  }
  if (shown.empty()) context.err.write("No services match.\n");
  return bad ? 1 : 0;
}
}  // namespace

std::vector<Command> see_commands() {
  auto show = std::make_shared<PsFlags>();
  auto flags = std::make_shared<StatusFlags>();
  auto target = std::make_shared<std::string>();
  Command list_all{"ps", "What runs where, and what is wrong with what does not."};
  list_all.examples = {"drover ps", "drover ps --filter 'state:failed'", "drover ps -o json",
                       "drover ps --services", "drover ps --usage"};
  list_all.flags = {{"--services", "A row for each service, not for each instance.", &show->services, "", {}},
                    {"--usage", "With CPU (of one core) and memory, measured now.", &show->usage, "", {}}};
  list_all.run = [show](Context& context) { return ps(context, *show); };

  Command one{
      "status",
      "One thing in full: state, why, process, ports, last log lines. Without a target: the whole fleet."};
  one.examples = {"drover status", "drover status shop/web-1", "drover status --failed"};
  one.arguments = {{"TARGET", "Stack, service, instance or id.", &flags->target, false}};
  one.flags = {{"--failed", "Only what is not well.", &flags->failed, "", {}},
               {"-n,--lines", "Last log lines (default 10).", &flags->lines, "N", {}}};
  one.run = [flags](Context& context) { return status(context, *flags); };

  Command reason{"why",
                 "Why something is in its state: what it waits for, last exit, which node can take it."};
  reason.examples = {"drover why web-1", "drover why shop"};
  reason.arguments = {{"TARGET", "Stack, service, instance or id.", target.get()}};
  reason.run = [target](Context& context) { return why(context, *target); };
  return {list_all, one, reason};
}

}  // namespace drover::cli
