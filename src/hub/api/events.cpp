#include <charconv>

#include "hub/api/api.hpp"
#include "net/sse.hpp"

namespace drover::hub {
namespace {

constexpr std::uint32_t batch = 500;
constexpr Duration ping_every = 15s;

struct Position {
  StoreId store;
  std::uint64_t seq = 0;
};

struct Feed {
  Api& api;
  Position from;
  std::uint64_t limit = 0;  // events; 0: no limit
  bool follow = false, sse = false;
};

/// Events after `seq`, oldest first: from memory where it reaches back far enough, else from the store.
net::Awaitable<Result<std::vector<Event>>> events_after(Api& api, std::uint64_t seq, std::uint32_t limit) {
  struct Found {
    bool in_memory = false;
    std::vector<Event> events;
  };
  CO_TRY(auto found, co_await api.engine.read([seq, limit](const HubCore& core) {
    const auto& state = core.state();
    Found out;
    out.in_memory = seq >= state.event_seq || (!state.events.empty() && state.events.front().seq <= seq + 1);
    if (!out.in_memory || state.events.empty() || seq >= state.event_seq) return out;
    auto index = seq + 1 - state.events.front().seq;
    for (; index < state.events.size() && out.events.size() < limit; ++index)
      out.events.push_back(state.events[index]);
    return out;
  }));
  if (found.in_memory) co_return std::move(found.events);
  co_return co_await on_worker<std::vector<Event>>(
      api, [&api, seq, limit] { return api.engine.store().events_since(seq, limit); });
}

std::string print(const Feed& feed, const Event& event) {
  auto text = to_json_text(event);
  if (!feed.sse) return text + "\n";
  return net::format_sse(
      {to_string(feed.from.store) + ":" + std::to_string(event.seq), event.type, std::move(text)});
}

net::Awaitable<void> write_events(Feed feed, net::BodyWriter& out) {
  auto changed = feed.api.engine.watch_events();
  std::uint64_t seq = feed.from.seq, left = feed.limit ? feed.limit : UINT64_MAX;
  for (;;) {
    changed->reset();
    auto events = co_await events_after(feed.api, seq, std::uint32_t(std::min<std::uint64_t>(batch, left)));
    if (!events) co_return;
    std::string text;
    for (const auto& event : *events) text += print(feed, event);
    if (!events->empty()) {
      seq = events->back().seq;
      left -= std::min<std::uint64_t>(left, events->size());
      if (!co_await out.write(std::move(text))) co_return;
    }
    if (left == 0) co_return;
    if (!events->empty()) continue;
    if (!feed.follow) co_return;
    if (co_await changed->wait_for(ping_every)) continue;
    if (!co_await out.write(feed.sse ? net::sse_ping() : "\n")) co_return;
  }
}

Result<std::uint64_t> number(std::string_view text) {
  std::uint64_t out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Errc::invalid, "a position is STORE:NUMBER or NUMBER");
  return out;
}

struct Bounds {
  StoreId store;
  std::uint64_t first = 0, last = 0;
};

Result<std::uint64_t> parse_since(std::string text, const Bounds& bounds) {
  if (auto colon = text.find(':'); colon != text.npos) {
    if (text.substr(0, colon) != to_string(bounds.store))
      return fail(Errc::conflict, "this position belongs to another store", {}, "start again without since");
    text.erase(0, colon + 1);
  }
  return number(text);
}

net::Awaitable<Result<net::Response>> get_events(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto bounds, co_await api.engine.read([](const HubCore& core) {
    const auto& state = core.state();
    return Bounds{state.store, state.first_event, state.event_seq};
  }));
  Feed feed{.api = api, .from = {bounds.store, 0}, .follow = call.flag("follow")};
  feed.sse =
      call.request.headers.get("Accept").value_or("").find("text/event-stream") != std::string_view::npos;
  feed.follow |= feed.sse;
  auto since = call.query("since");
  if (auto last = call.request.headers.get("Last-Event-ID"); last && since.empty())
    since = std::string(*last);
  CO_TRY(auto limit, parse_limit(call.request.query.get("limit"), since.empty() && feed.follow ? 0 : 200));
  if (since.empty()) {
    feed.from.seq = bounds.last - std::min<std::uint64_t>(bounds.last, limit);  // the newest ones
  } else {
    CO_TRY(feed.from.seq, parse_since(since, bounds));
    if (!feed.follow) feed.limit = limit;
  }
  net::Response response;
  if (feed.sse) {
    response = net::sse_response([feed](net::BodyWriter& out) { return write_events(feed, out); });
  } else {
    response.headers.set("Content-Type", "application/x-ndjson");
    response.headers.set("X-Accel-Buffering", "no");
    response.endless = feed.follow;
    response.stream = [feed](net::BodyWriter& out) { return write_events(feed, out); };
  }
  response.headers.set("Cache-Control", "no-store");
  co_return response;
}

}  // namespace

std::vector<ApiRoute> event_routes() {
  return {route("GET", "/events",
                "What happened: JSON lines or SSE, from a position on, with follow=true for ever.",
                &get_events)};
}

}  // namespace drover::hub
