#include "agent/streams.hpp"

#include "base/json.hpp"
#include "runtime/log_shape.hpp"
#include "runtime/logs.hpp"

namespace drover::agent {

namespace {

constexpr Duration dial_within = 20s;

struct Wish {
  std::string service;
  bool structured = false, mark = false;
};

bool asks(const OpenStream& open, const char* option, std::string_view value) {
  const auto found = open.options.find(option);
  return found != open.options.end() && found->second == value;
}

net::Awaitable<bool> send_batch(net::TextLink& link, const Wish& wish,
                                std::vector<runtime::MergedRecord> batch) {
  if (batch.empty() && wish.mark) co_return co_await link.send("{\"live\":true}");
  for (const auto& one : batch)
    if (!co_await link.send(wish.structured ? runtime::to_structured_line(one.record, wish.service)
                                            : runtime::to_json_line(one.record)))
      co_return false;
  co_return true;
}

net::Awaitable<Result<void>> send_ports(const StreamParts& parts, net::TextLink& link) {
  PortsView ports{parts.ports};
  const auto now = parts.clock.now().wall;
  co_await net::run_on(parts.files, [&] { look_who_listens(ports.items, now); });
  [[maybe_unused]] const auto sent = co_await link.send(to_json_text(ports));
  co_return Result<void>();
}

net::Awaitable<Result<void>> send_log(const StreamParts& parts, const OpenStream& open, net::TextLink& link) {
  std::vector<std::pair<std::string, std::string>> options(open.options.begin(), open.options.end());
  if (open.what == "ports") co_return co_await send_ports(parts, link);
  if (parts.directory.empty()) co_return fail(Errc::not_found, "this instance is not on this node");
  if (open.what == "probes") {
    [[maybe_unused]] const auto sent = co_await link.send(parts.probes);
    co_return Result<void>();
  }
  if (open.what != "logs")
    co_return fail(Errc::unsupported, "this agent does not serve \"" + open.what + "\"");
  CO_TRY(auto query, runtime::parse_log_query(options, parts.clock.now().wall));
  const Wish wish{parts.service, asks(open, "format", "structured"), asks(open, "mark", "live")};
  const auto sink = [&link, &wish](std::vector<runtime::MergedRecord> batch) {
    return send_batch(link, wish, std::move(batch));
  };
  co_return co_await runtime::read_logs(parts.files, {{"", parts.directory}}, std::move(query), sink);
}

/// The hub says nothing on a stream; it closes it when its reader has gone, and that is seen here.
net::Awaitable<void> wait_for_end(net::TextLink& link, net::TaskGroup& sending) {
  while (co_await link.receive()) {
  }
  sending.cancel();
}

net::Awaitable<void> send_all(const StreamParts& parts, const OpenStream& open, net::TextLink& link) {
  if (const auto done = co_await send_log(parts, open, link); !done) [[maybe_unused]]
    const auto told = co_await link.send(
        print_json(json::object{{"error", name(done.error().code)}, {"message", done.error().message}}));
  link.close("the end of the log");
}

}  // namespace

net::Awaitable<void> serve_stream(StreamParts parts, OpenStream open) {
  auto link =
      co_await net::within(dial_within, parts.dialer.dial_stream(open.id), "the connection for a stream");
  if (!link) {
    parts.log.warn("a log stream cannot be opened", {{"error", link.error().message}});
    co_return;
  }
  net::TaskGroup sending(co_await net::current_executor(),
                         [&log = parts.log](std::string_view, std::string_view what) {
                           log.error("a log stream failed", {{"error", std::string(what)}});
                         });
  sending.spawn(send_all(parts, open, **link), "send");
  sending.spawn(wait_for_end(**link, sending), "watch");
  co_await sending.join();
  (*link)->close("over");
}

}  // namespace drover::agent
