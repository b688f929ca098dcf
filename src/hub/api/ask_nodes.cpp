#include "hub/api/ask_nodes.hpp"

namespace drover::hub {
namespace {

using Records = std::vector<std::pair<std::string, std::string>>;

net::Awaitable<void> ask(Api& api, Who who, NamedNode node, std::string what, std::shared_ptr<Records> out) {
  OpenStream request{.id = {}, .what = std::move(what), .instance = {}, .options = {}};
  auto link = co_await api.streams.open(std::move(who), node.first, std::move(request));
  if (!link) co_return;  // it went away between the look and the question
  auto record = co_await (*link)->receive();
  (*link)->close("over");
  if (record) out->emplace_back(node.second, std::move(*record));
}

}  // namespace

net::Awaitable<Records> ask_nodes(Api& api, Who who, std::vector<NamedNode> nodes, std::string what) {
  auto records = std::make_shared<Records>();
  net::TaskGroup askers(co_await net::current_executor(), [](std::string_view, std::string_view) {});
  for (const auto& node : nodes) askers.spawn(ask(api, who, node, what, records), "ask");
  co_await askers.join();
  co_return std::move(*records);
}

}  // namespace drover::hub
