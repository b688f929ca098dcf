#include "runtime/log_stream.hpp"

#include "runtime/log_shape.hpp"

namespace drover::runtime {

namespace {
struct Wish {
  std::string service;
  bool structured = false, mark = false;
};

bool asks(const LogOrder& order, const char* option, std::string_view value) {
  const auto found = order.options.find(option);
  return found != order.options.end() && found->second == value;
}

net::Awaitable<bool> send_batch(net::TextLink& link, const Wish& wish, std::vector<MergedRecord> batch) {
  if (batch.empty() && wish.mark) co_return co_await link.send("{\"live\":true}");
  for (const auto& one : batch)
    if (!co_await link.send(wish.structured ? to_structured_line(one.record, wish.service)
                                            : to_json_line(one.record)))
      co_return false;
  co_return true;
}
}  // namespace

net::Awaitable<Result<void>> send_log(net::Executor files, LogOrder order, WallTime now,
                                      net::TextLink& link) {
  CO_TRY(auto query, parse_log_query({order.options.begin(), order.options.end()}, now));
  const Wish wish{order.service, asks(order, "format", "structured"), asks(order, "mark", "live")};
  const auto sink = [&link, &wish](std::vector<MergedRecord> batch) {
    return send_batch(link, wish, std::move(batch));
  };
  co_return co_await read_logs(files, {{"", order.directory}}, std::move(query), sink);
}

std::string failure_record(const Error& error) {
  return print_json(json::object{{"error", name(error.code)}, {"message", error.message}});
}

}  // namespace drover::runtime
