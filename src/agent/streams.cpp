#include "agent/streams.hpp"

#include "base/json.hpp"
#include "runtime/log_stream.hpp"

namespace drover::agent {

namespace {

constexpr Duration dial_within = 20s;

net::Awaitable<Result<void>> send_ports(const StreamParts& parts, net::TextLink& link) {
  PortsView ports{parts.ports};
  const auto now = parts.clock.now().wall;
  co_await net::run_on(parts.files, [&] { look_who_listens(ports.items, now); });
  [[maybe_unused]] const auto sent = co_await link.send(to_json_text(ports));
  co_return Result<void>();
}

net::Awaitable<Result<void>> send_what(const StreamParts& parts, const OpenStream& open,
                                       net::TextLink& link) {
  if (open.what == "usage") {
    const auto usage = co_await measure_usage(*parts.driver, parts.instances);
    [[maybe_unused]] const auto sent = co_await link.send(to_json_text(usage));
    co_return Result<void>();
  }
  if (open.what == "ports") co_return co_await send_ports(parts, link);
  if (parts.directory.empty())
    co_return fail(Errc::not_found, open.what == "own" ? "there is no such program's log on a node"
                                                       : "this instance is not on this node");
  if (open.what == "probes") {
    [[maybe_unused]] const auto sent = co_await link.send(parts.probes);
    co_return Result<void>();
  }
  if (open.what != "logs" && open.what != "own")
    co_return fail(Errc::unsupported, "this agent does not serve \"" + open.what + "\"");
  runtime::LogOrder order{parts.directory, parts.service, open.options};
  co_return co_await runtime::send_log(parts.files, std::move(order), parts.clock.now().wall, link);
}

/// The hub says nothing on a stream; it closes it when its reader has gone, and that is seen here.
net::Awaitable<void> wait_for_end(net::TextLink& link, net::TaskGroup& sending) {
  while (co_await link.receive()) {
  }
  sending.cancel();
}

net::Awaitable<void> send_all(const StreamParts& parts, const OpenStream& open, net::TextLink& link) {
  if (const auto done = co_await send_what(parts, open, link); !done) [[maybe_unused]]
    const auto told = co_await link.send(runtime::failure_record(done.error()));
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
