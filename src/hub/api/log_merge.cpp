#include "hub/api/log_merge.hpp"

#include "runtime/log_stream.hpp"
#include "runtime/own_log.hpp"

namespace drover::hub {

namespace {

using Link = std::shared_ptr<net::TextLink>;

struct Lane {
  std::string name;
  Link link;
  std::string head, time;  // the next record
  bool ended = false;
  bool live = false;  // what was there has been given; what follows is new
};

/// Cuts the agents' streams however the answer ends.
struct Lanes {
  std::vector<Lane> all;
  ~Lanes() {
    for (auto& lane : all)
      if (lane.link) lane.link->close("the reader is gone");
  }
};

constexpr std::string_view live_mark = "{\"live\":true}";

std::string time_of(const std::string& record) {
  auto parsed = parse_json(record);
  if (!parsed || !parsed->is_object()) return {};
  auto* time = parsed->get_object().if_contains("time");
  if (!time) time = parsed->get_object().if_contains("timestamp");  // format=structured
  return time && time->is_string() ? std::string(time->get_string()) : std::string();
}

std::string named(const std::string& name, const std::string& record) {
  if (name.empty() || !record.starts_with('{')) return record;
  return "{\"instance\":" + print_json(json::value(name)) + "," + record.substr(1);
}

std::string trouble(const std::string& name, const Error& error, WallTime now, bool structured) {
  if (structured) {
    json::object out{{"timestamp", format_time(now)},
                     {"level", "error"},
                     {"service", "drover"},
                     {"message", error.message},
                     {"context", json::object{{"error", drover::name(error.code)}}}};
    if (!name.empty()) out["instance"] = name;
    return print_json(out);
  }
  json::object out{{"time", format_time(now)},
                   {"stream", "stderr"},
                   {"line", "[drover] " + error.message},
                   {"error", drover::name(error.code)}};
  if (!name.empty()) out["instance"] = name;
  return print_json(out);
}

net::Awaitable<void> fill(Lane& lane) {
  auto record = co_await lane.link->receive();
  lane.ended = !record;
  lane.live = record && *record == live_mark;
  lane.head = record ? std::move(*record) : std::string();
  lane.time = record ? time_of(lane.head) : std::string();
}

/// Always the oldest of all heads: every lane has one, or has ended or come to the present. False: the reader
/// is gone.
net::Awaitable<bool> write_by_time(Lanes& lanes, net::BodyWriter& out) {
  for (auto& lane : lanes.all) co_await fill(lane);
  for (;;) {
    Lane* first = nullptr;
    for (auto& lane : lanes.all)
      if (!lane.ended && !lane.live && (!first || lane.time < first->time)) first = &lane;
    if (!first) co_return true;
    if (!co_await out.write(named(first->name, first->head) + "\n")) co_return false;
    co_await fill(*first);
  }
}

using Lines = net::Mailbox<std::string>;

net::Awaitable<void> pump(Lane& lane, std::shared_ptr<Lines> lines, std::shared_ptr<std::size_t> open) {
  while (auto record = co_await lane.link->receive())
    if (!co_await lines->push(named(lane.name, *record) + "\n")) co_return;
  if (--*open == 0) lines->close();
}

net::Awaitable<void> drain(std::shared_ptr<Lines> lines, net::BodyWriter& out, net::TaskGroup& pumps) {
  while (auto line = co_await lines->pop())
    if (!co_await out.write(std::move(*line))) break;
  pumps.cancel();
}

net::Awaitable<void> write_as_it_comes(Lanes& lanes, net::BodyWriter& out) {
  auto lines = std::make_shared<Lines>(256);
  auto open = std::make_shared<std::size_t>(lanes.all.size());
  net::TaskGroup pumps(co_await net::current_executor(), [](std::string_view, std::string_view) {});
  for (auto& lane : lanes.all) pumps.spawn(pump(lane, lines, open), "pump");
  pumps.spawn(drain(lines, out, pumps), "drain");
  co_await pumps.join();
}

struct Opened {
  std::shared_ptr<Lanes> lanes = std::make_shared<Lanes>();
  std::string trouble;
  bool follow = false;
  runtime::LogOrder own = {};  // this hub's own log, if it is asked for
  Link feed = {};              // where it goes
};

/// As an agent does with its logs.
net::Awaitable<void> feed_own(Api& api, runtime::LogOrder order, Link link) {
  const auto sent =
      co_await runtime::send_log(api.worker, std::move(order), api.engine.clock().now().wall, *link);
  if (!sent) [[maybe_unused]]
    const auto told = co_await link->send(runtime::failure_record(sent.error()));
  link->close("the end of the log");
}

net::Awaitable<void> write_lanes(const Opened& opened, net::BodyWriter& out) {
  if (!opened.trouble.empty() && !co_await out.write(opened.trouble)) co_return;
  if (opened.lanes->all.empty()) co_return;
  if (co_await write_by_time(*opened.lanes, out) && opened.follow)
    co_await write_as_it_comes(*opened.lanes, out);
}

net::Awaitable<void> write_all(Api& api, Opened opened, net::BodyWriter& out) {
  net::TaskGroup feeding(co_await net::current_executor(), [](std::string_view, std::string_view) {});
  if (opened.feed) feeding.spawn(feed_own(api, opened.own, opened.feed), "own log");
  co_await write_lanes(opened, out);
  feeding.cancel();
  co_await feeding.join();
}

void open_own(Api& api, const LogRequest& request, const LogSource& source, Opened& opened) {
  auto [reading, writing] = net::make_pipe<std::string>(64);
  opened.own = {runtime::own_log_directory(api.state, source.program), source.program, request.options};
  opened.feed = writing;
  opened.lanes->all.push_back({.name = source.name, .link = reading});
}

net::Awaitable<void> open_one(Api& api, const LogRequest& request, const LogSource& source, Opened& opened,
                              std::optional<Error>& error) {
  const bool own = !source.program.empty();
  OpenStream ask{.what = own ? "own" : "logs", .instance = source.instance, .options = request.options};
  if (own) ask.options["program"] = source.program;
  auto link = co_await api.streams.open(request.who, *source.node, std::move(ask));
  if (link) {
    opened.lanes->all.push_back({.name = source.name, .link = std::move(*link)});
    co_return;
  }
  const auto format = request.options.find("format");
  opened.trouble += trouble(source.name, link.error(), api.engine.clock().now().wall,
                            format != request.options.end() && format->second == "structured") +
                    "\n";
  error = std::move(link).error();
}

}  // namespace

std::map<std::string, std::string> log_options(const ApiCall& call) {
  std::map<std::string, std::string> out;
  for (auto* key : {"tail", "since", "until", "follow", "grep", "stream", "level", "format"})
    if (auto value = call.request.query.get(key)) out[key] = std::string(*value);
  return out;
}

net::Awaitable<Result<net::Response>> stream_logs(Api& api, LogRequest request) {
  Opened opened;
  auto follow = request.options.find("follow");
  opened.follow = follow != request.options.end() && (follow->second == "true" || follow->second == "1");
  if (opened.follow) request.options["mark"] = "live";
  std::optional<Error> error;
  {
    net::TaskGroup openers(co_await net::current_executor(), [](std::string_view, std::string_view) {});
    for (const auto& source : request.sources)
      if (!source.node && !source.program.empty()) open_own(api, request, source, opened);
      else if (source.node) openers.spawn(open_one(api, request, source, opened, error), "open");
    co_await openers.join();
  }
  if (error && request.sources.size() == 1) co_return fail(std::move(*error));
  net::Response response;
  response.headers.set("Content-Type", "application/x-ndjson");
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Accel-Buffering", "no");
  response.endless = opened.follow;
  response.stream = [&api, opened](net::BodyWriter& out) { return write_all(api, opened, out); };
  co_return response;
}

}  // namespace drover::hub
