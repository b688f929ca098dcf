// logs events
#include <algorithm>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/log_printer.hpp"
#include "cli/output.hpp"
#include "net/io_pool.hpp"
#include "runtime/log_shape.hpp"

namespace drover::cli {

namespace {
Style colour_of(std::string_view name) {
  static constexpr Style styles[] = {Style::cyan, Style::green, Style::magenta, Style::yellow, Style::blue};
  std::uint32_t sum = 2166136261u;  // FNV-1a: the same instance has the same colour in every run
  for (char c : name) sum = (sum ^ static_cast<unsigned char>(c)) * 16777619u;
  return styles[sum % std::size(styles)];
}

/// What programs say keeps its colours on a terminal; other control characters do no harm to it.
std::string safe_line(const Terminal& out, std::string_view line) {
  std::string kept;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (c == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
      auto end = i + 2;
      while (end < line.size() && (std::isdigit(static_cast<unsigned char>(line[end])) || line[end] == ';'))
        ++end;
      bool is_colour = end < line.size() && line[end] == 'm';
      if (is_colour && out.colour) kept += line.substr(i, end - i + 1);
      if (is_colour || out.tty) i = end;
      else kept += c;
    } else if (c == '\r' && i + 1 == line.size()) {
      continue;
    } else if (out.tty && static_cast<unsigned char>(c) < 0x20 && c != '\t') {
      kept += printable(line.substr(i, 1));
    } else {
      kept += c;
    }
  }
  return kept + (out.colour && line.contains('\x1b') ? "\x1b[0m" : "");
}

Result<std::string> moment(const Context& context, std::string_view flag, const std::string& given) {
  if (given.empty()) return given;
  if (auto ago = parse_duration(given)) return format_time(context.clock->now().wall - *ago);
  if (auto time = parse_time(given)) return format_time(*time);
  return fail(Errc::invalid, std::string(flag) + " " + given + " is not a time", {},
              "10m, 2h, or 2026-11-21T10:00:00Z");
}

Result<int> logs(Context& context, LogFlags flags) {
  TRY(flags.since, moment(context, "--since", flags.since));
  TRY(flags.until, moment(context, "--until", flags.until));
  flags.structured = context.flags.output == "json" || context.flags.output == "jsonl";
  if (flags.own) return show_own_logs(context, flags);
  TRY(auto api, Api::open(context));
  LogPrinter printer(context, !flags.no_names, flags.timestamps, flags.plain);
  TRYV(net::block_on(api.lines(log_call(flags), [&](std::string line) { return printer.print(line); })));
  return 0;
}

// ---- events

struct EventFlags {
  bool follow = false;
  std::string since, target;
  std::uint32_t tail = 50;
};

std::string event_line(const Context& context, const json::value& event) {
  auto level = text(event, "level");
  return context.out.paint(Style::dim, show_time(context, text(event, "time"))) + "  " +
         context.out.paint(style_of(level), text(event, "type")) + "  " +
         context.out.paint(Style::bold, text(event, "subject")) + "  " + printable(text(event, "message")) +
         "\n";
}

bool concerns(const json::value& event, const std::string& target) {
  if (target.empty()) return true;
  return text(event, "subject").contains(target) || text(event, "stack") == target ||
         text(event, "node") == target || text(event, "stack") + "/" + text(event, "service") == target ||
         text(event, "type").starts_with(target);
}

Result<int> events(Context& context, EventFlags flags) {
  TRY(auto since_time, moment(context, "--since", flags.since));
  TRY(auto api, Api::open(context));
  bool as_json = context.flags.output == "json" || context.flags.output == "jsonl";
  std::vector<std::string> kept;  // the last ones, while the past is read
  auto show = [&](const std::string& line) {
    auto event = parse_json(line);
    if (!event || !concerns(*event, flags.target) || text(*event, "time") < since_time) return true;
    return context.out.write(as_json ? line + "\n" : event_line(context, *event));
  };
  Call past{"GET", "/events"};
  past.query.add("limit", "1000");
  std::string position = since_time.empty() ? "" : "0";  // without: the newest ones
  for (std::size_t pages = 0; pages < 1000; ++pages) {
    std::size_t seen = 0;
    auto call = past;
    if (!position.empty()) call.query.add("since", position);
    TRYV(net::block_on(api.lines(call, [&](std::string line) {
      auto event = parse_json(line);
      if (!event) return true;
      ++seen;
      position = text(*event, "seq");
      if (!concerns(*event, flags.target)) return true;
      kept.push_back(std::move(line));
      if (since_time.empty() && kept.size() > flags.tail) kept.erase(kept.begin());
      return true;
    })));
    if (seen == 0) break;
  }
  for (const auto& line : kept)
    if (!show(line)) return 0;
  if (!flags.follow) return 0;
  Call now{"GET", "/events"};
  now.endless = true;
  now.query.add("follow", "true");
  if (!position.empty()) now.query.add("since", position);
  TRYV(net::block_on(api.lines(now, show)));
  return 0;
}
}  // namespace

Call log_call(const LogFlags& flags) {
  Call call{"GET", flags.own ? "/own-logs" : "/logs"};
  auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) call.query.add(key, value);
  };
  std::string targets;
  for (const auto& target : flags.targets) targets += (targets.empty() ? "" : ",") + target;
  put(flags.own ? "program" : "target", targets);
  put("since", flags.since);
  put("until", flags.until);
  put("level", flags.level);
  put("format", flags.structured ? "structured" : "");
  put("grep", flags.grep);
  put("stream", flags.stream);
  put("node", flags.node);
  if (flags.tail) put("tail", std::to_string(*flags.tail));
  call.endless = flags.follow;
  if (flags.follow) put("follow", "true");
  return call;
}

bool LogPrinter::print(const std::string& record) {
  if (context_.flags.output == "json" || context_.flags.output == "jsonl")
    return context_.out.write(record + "\n");
  auto parsed = parse_json(record);
  if (!parsed) return context_.out.write(record + "\n");
  std::string line;
  if (times_) line += context_.out.paint(Style::dim, show_time(context_, text(*parsed, "time"))) + " ";
  if (names_) {
    auto name = text(*parsed, "instance");
    if (auto slash = name.rfind('/'); slash != std::string::npos) name = name.substr(slash + 1);
    width_ = std::max(width_, display_width(name));
    line += context_.out.paint(colour_of(name), name + std::string(width_ - display_width(name), ' ')) + " " +
            context_.out.paint(text(*parsed, "stream") == "stderr" ? Style::red : Style::dim, "|") + " ";
  }
  const auto said = text(*parsed, "line");
  return context_.out.write(
      line + (plain_ ? safe_line(context_.out, runtime::without_ansi(said)) : safe_line(context_.out, said)) +
      "\n");
}

std::vector<Command> log_commands() {
  auto log = std::make_shared<LogFlags>();
  auto event = std::make_shared<EventFlags>();
  Command show{"logs", "What programs have written, of several instances in one stream."};
  show.examples = {"drover logs -f", "drover logs web-1 --tail 100",
                   "drover logs shop --since 10m --grep error", "drover logs shop --level warn -o jsonl",
                   "drover logs --own keeper --since 1h"};
  show.arguments = {{"TARGET", "Stack, service, instance or id; without: all.", &log->targets, false}};
  show.flags = {
      {"-f,--follow", "Go on with what comes.", &log->follow, "", {}},
      {"-n,--tail", "Only the last N lines of each instance.", &log->tail, "N", {}},
      {"--since", "Only what is newer: 10m, or a time.", &log->since, "TIME", {}},
      {"--until", "Only what is older: 10m, or a time.", &log->until, "TIME", {}},
      {"-g,--grep", "Only lines that match (RE2).", &log->grep, "REGEX", {}},
      {"--stream", "Only this stream.", &log->stream, "", {"stdout", "stderr"}},
      {"--level",
       "Only lines that say that they are at least that.",
       &log->level,
       "",
       {"debug", "info", "warn", "error"}},
      {"--plain", "Without colours and other escape sequences of the programs.", &log->plain, "", {}},
      {"--own", "What Drover's own programs say; TARGET: hub, agent, keeper.", &log->own, "", {}},
      {"--node", "Only from this node.", &log->node, "NODE", {}},
      {"-t,--timestamps", "Times in front.", &log->timestamps, "", {}},
      {"--no-names", "No instance names in front.", &log->no_names, "", {}}};
  show.run = [log](Context& context) { return logs(context, *log); };

  Command happened{"events", "What happened, in the order in which it became durable."};
  happened.examples = {"drover events -f", "drover events shop --since 1h", "drover events -o jsonl"};
  happened.arguments = {
      {"TARGET", "Only what concerns this stack, service, node or type.", &event->target, false}};
  happened.flags = {{"-f,--follow", "Go on with what comes.", &event->follow, "", {}},
                    {"--since", "Only what is newer: 10m, or a time.", &event->since, "TIME", {}},
                    {"-n,--tail", "Only the last N (default 50).", &event->tail, "N", {}}};
  happened.run = [event](Context& context) { return events(context, *event); };
  return {show, happened};
}

}  // namespace drover::cli
