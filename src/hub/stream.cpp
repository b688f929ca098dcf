// The UI's WebSocket (docs/api.md "The UI's stream"). Three coroutines on one executor: one reads what the
// tab wants, one follows the changes, one writes. A slow tab blocks the writer, then the follower; the
// changes meanwhile collapse into ids, and when even those are too many the lists are sent anew.

#include <algorithm>

#include "hub/serve.hpp"
#include "hub/topics.hpp"

namespace drover::hub {

namespace {

constexpr std::size_t max_subscriptions = 64;
constexpr std::uint32_t max_events_at_once = 500;

struct Wish {  // what the tab says
  std::string op;
  std::int64_t id = 0;
  std::string topic, filter, sort;
  std::size_t limit = 200;
  double hz = 4;
  json::value at;
};
BOOST_DESCRIBE_STRUCT(Wish, (), (op, id, topic, filter, sort, limit, hz, at))

struct Subscription {
  const Topic* topic = nullptr;  // none: events
  ListQuery query;
  Filter filter;                             // events
  std::map<std::string, std::string> shown;  // row id → what the tab has of it
  std::size_t total = 0, matching = 0;
  std::uint64_t seq = 0;
};

struct Cache {  // the rows of a topic that somebody here looks at
  std::map<std::string, json::object> rows;
  std::set<std::string> dirty;
  bool reload = true;
};

class UiStream {
 public:
  UiStream(Api& api, net::WebSocket socket) : api_(api), socket_(std::move(socket)) {}

  net::Awaitable<void> run();

 private:
  net::Awaitable<void> read_wishes(net::TaskGroup& tasks);
  net::Awaitable<void> follow();
  net::Awaitable<void> write_all();

  net::Awaitable<void> apply(Wish wish);
  net::Awaitable<void> subscribe(Wish wish);
  net::Awaitable<void> flush();
  net::Awaitable<void> refresh(const Topic& topic, Cache& cache);
  net::Awaitable<void> send_events(std::int64_t id);
  net::Awaitable<void> send_snapshot(std::int64_t id, Subscription& it);
  net::Awaitable<void> send_delta(std::int64_t id, Subscription& it);
  net::Awaitable<void> send(json::object message);
  Result<Page> window(const Subscription& it) const;
  void take_changes();
  Cache& cache_of(const Topic& topic) { return caches_[std::string(topic.name)]; }

  Api& api_;
  net::WebSocket socket_;
  std::shared_ptr<Watch> watch_;
  net::Mailbox<Wish> wishes_{128};
  net::Mailbox<std::string> out_{32};
  std::map<std::int64_t, Subscription> subscriptions_;
  std::map<std::string, Cache> caches_;
  double hz_ = 4;
  bool pending_ = false, resync_ = false;
  BootTime next_flush_{};
};

std::string id_of(const json::object& row, std::string_view key) {
  auto found = row.find(key);
  return found != row.end() && found->value().is_string() ? std::string(found->value().get_string())
                                                          : std::string();
}

json::object counts(const Subscription& it) { return {{"total", it.total}, {"matching", it.matching}}; }

net::Awaitable<void> UiStream::run() {
  watch_ = api_.engine.watch();
  auto store = co_await api_.engine.peek([](const HubCore& core) { return to_string(core.state().store); });
  co_await send(
      {{"op", "hello"}, {"hub_version", api_.version}, {"build", api_.ui_build}, {"store_id", store}});
  net::TaskGroup tasks(co_await net::current_executor(), [](std::string_view, std::string_view) {});
  tasks.spawn(read_wishes(tasks), "stream reader");
  tasks.spawn(follow(), "stream follower");
  tasks.spawn(write_all(), "stream writer");
  co_await tasks.join();
}

net::Awaitable<void> UiStream::read_wishes(net::TaskGroup& tasks) {
  for (;;) {
    auto message = co_await socket_.read();
    if (!message) break;
    auto wish = from_json_text<Wish>(message->data, Unknown::ignore);
    if (!wish) {
      co_await send({{"op", "error"}, {"detail", wish.error().message}});
      continue;
    }
    if (wish->op == "ping") {
      co_await send({{"op", "pong"}, {"at", wish->at}});
      continue;
    }
    if (!co_await wishes_.push(std::move(*wish))) break;
    watch_->signal.set();
  }
  tasks.cancel();
}

net::Awaitable<void> UiStream::write_all() {
  while (auto text = co_await out_.pop())
    if (!co_await socket_.write({std::move(*text)})) co_return;
}

net::Awaitable<void> UiStream::send(json::object message) { co_await out_.push(print_json(message)); }

net::Awaitable<void> UiStream::follow() {
  for (;;) {
    auto now = api_.engine.clock().now().boot;
    if (!pending_) co_await watch_->signal.wait();
    else if (next_flush_ > now) (void)co_await watch_->signal.wait_for(next_flush_ - now);
    watch_->signal.reset();
    while (auto wish = wishes_.try_pop()) co_await apply(std::move(*wish));
    take_changes();
    now = api_.engine.clock().now().boot;
    if (!pending_ || now < next_flush_) continue;
    pending_ = false;
    next_flush_ = now + Duration(std::int64_t(1e6 / hz_));
    co_await flush();
  }
}

void UiStream::take_changes() {
  if (watch_->missed.exchange(false)) {
    for (auto& [name, cache] : caches_) cache.reload = true;
    resync_ = pending_ = true;
  }
  while (auto touched = watch_->changes.try_pop()) {
    pending_ = true;
    for (auto& [name, cache] : caches_) {
      auto* topic = find_topic(name);
      if (!topic->touched) cache.reload = true;
      else cache.dirty.insert(((**touched).*topic->touched).begin(), ((**touched).*topic->touched).end());
    }
  }
}

net::Awaitable<void> UiStream::apply(Wish wish) {
  if (wish.op == "sub") co_return co_await subscribe(std::move(wish));
  if (wish.op == "unsub") {
    subscriptions_.erase(wish.id);
    std::erase_if(caches_, [&](const auto& cache) {
      return std::ranges::none_of(subscriptions_, [&](const auto& it) {
        return it.second.topic && it.second.topic->name == cache.first;
      });
    });
  } else if (wish.op == "rate") {
    hz_ = std::clamp(wish.hz, 0.1, 4.0);
  } else {
    co_await send({{"op", "error"}, {"id", wish.id}, {"detail", "not an op: " + valid_utf8(wish.op)}});
  }
}

net::Awaitable<void> UiStream::subscribe(Wish wish) {
  Subscription it;
  it.topic = find_topic(wish.topic);
  auto keys = it.topic ? it.topic->keys() : member_names<Event>();
  auto filter = Filter::parse(wish.filter, keys);
  std::string trouble = !filter ? filter.error().message
                        : !it.topic && wish.topic != "events"
                            ? "there is no topic \"" + valid_utf8(wish.topic) + "\""
                        : subscriptions_.size() >= max_subscriptions ? "too many subscriptions"
                                                                     : "";
  if (!trouble.empty()) co_return co_await send({{"op", "error"}, {"id", wish.id}, {"detail", trouble}});
  it.filter = std::move(*filter);
  it.query = {
      .filter = wish.filter, .sort = wish.sort, .limit = std::clamp<std::size_t>(wish.limit, 1, 1000)};
  it.query.keys = keys;
  if (!it.topic) {
    it.seq =
        (co_await api_.engine.read([](const HubCore& core) { return core.state().event_seq; })).value_or(0);
    subscriptions_[wish.id] = std::move(it);
    co_return;
  }
  it.query.id = it.topic->id;
  auto& cache = cache_of(*it.topic);
  co_await refresh(*it.topic, cache);
  auto& kept = subscriptions_[wish.id] = std::move(it);
  co_await send_snapshot(wish.id, kept);
}

/// Brings the rows that were touched up to date. What comes back is durable.
net::Awaitable<void> UiStream::refresh(const Topic& topic, Cache& cache) {
  if (!cache.reload && cache.dirty.empty()) co_return;
  auto ids = std::exchange(cache.dirty, {});
  bool all = std::exchange(cache.reload, false);
  auto* source = &topic;
  auto rows = co_await api_.engine.read(
      [source, ids, all](const HubCore& core) { return source->rows(core, all ? nullptr : &ids); });
  if (!rows) {
    cache.reload = true;
    co_return;
  }
  if (all) cache.rows.clear();
  for (const auto& id : ids) cache.rows.erase(id);
  for (auto& row : *rows) {
    auto id = id_of(row, topic.id);
    cache.rows[id] = std::move(row);
  }
}

net::Awaitable<void> UiStream::flush() {
  bool resync = std::exchange(resync_, false);
  for (auto& [name, cache] : caches_) co_await refresh(*find_topic(name), cache);
  for (auto& [id, it] : subscriptions_) {
    if (!it.topic) {
      co_await send_events(id);
    } else if (resync) {
      co_await send({{"op", "resync"}, {"id", id}});
      co_await send_snapshot(id, it);
    } else {
      co_await send_delta(id, it);
    }
  }
}

Result<Page> UiStream::window(const Subscription& it) const {
  std::vector<json::object> rows;
  auto cache = caches_.find(std::string(it.topic->name));
  if (cache != caches_.end())
    for (const auto& [id, row] : cache->second.rows) rows.push_back(row);
  return make_page(it.query, std::move(rows));
}

net::Awaitable<void> UiStream::send_snapshot(std::int64_t id, Subscription& it) {
  auto page = window(it);
  if (!page) {
    co_await send({{"op", "error"}, {"id", id}, {"detail", page.error().message}});
    subscriptions_.erase(id);
    co_return;
  }
  it.shown.clear();
  json::array items;
  for (auto& row : page->items) {
    it.shown[id_of(row, it.query.id)] = print_json(row);
    items.emplace_back(std::move(row));
  }
  it.total = page->total;
  it.matching = page->matching;
  co_await send({{"op", "snapshot"},
                 {"id", id},
                 {"items", std::move(items)},
                 {"counts", counts(it)},
                 {"seq", ++it.seq}});
}

net::Awaitable<void> UiStream::send_delta(std::int64_t id, Subscription& it) {
  auto page = window(it);
  if (!page) co_return;
  json::array set, del;
  std::map<std::string, std::string> now;
  for (auto& row : page->items) {
    auto key = id_of(row, it.query.id);
    auto text = print_json(row);
    auto known = it.shown.find(key);
    if (known == it.shown.end() || known->second != text) set.emplace_back(std::move(row));
    now.emplace(std::move(key), std::move(text));
  }
  for (const auto& [key, text] : it.shown)
    if (!now.contains(key)) del.emplace_back(key);
  bool counted = it.total == page->total && it.matching == page->matching;
  if (set.empty() && del.empty() && counted) co_return;
  it.shown = std::move(now);
  it.total = page->total;
  it.matching = page->matching;
  co_await send({{"op", "delta"},
                 {"id", id},
                 {"seq", ++it.seq},
                 {"set", std::move(set)},
                 {"del", std::move(del)},
                 {"counts", counts(it)}});
}

/// The newest ones since the last time; a gap (more than are kept in memory) is left to GET /events.
net::Awaitable<void> UiStream::send_events(std::int64_t id) {
  auto seq = subscriptions_[id].seq;
  auto events = co_await api_.engine.read([seq](const HubCore& core) {
    const auto& all = core.state().events;
    std::vector<Event> out;
    for (auto it = all.rbegin(); it != all.rend() && it->seq > seq && out.size() < max_events_at_once; ++it)
      out.push_back(*it);
    return out;
  });
  auto found = subscriptions_.find(id);
  if (!events || events->empty() || found == subscriptions_.end()) co_return;
  found->second.seq = events->front().seq;
  json::array set;
  for (auto it = events->rbegin(); it != events->rend(); ++it)
    if (auto row = to_json(*it).get_object(); found->second.filter.matches(row))
      set.emplace_back(std::move(row));
  if (set.empty()) co_return;
  co_await send({{"op", "delta"},
                 {"id", id},
                 {"seq", found->second.seq},
                 {"set", std::move(set)},
                 {"del", json::array{}}});
}

}  // namespace

net::Awaitable<void> run_ui_stream(Api& api, net::WebSocket socket) {
  UiStream stream(api, std::move(socket));
  co_await stream.run();
}

}  // namespace drover::hub
