#include "hub/log_streams.hpp"

#include "hub/codes.hpp"

namespace drover::hub {

namespace {
constexpr Duration dial_patience = 10s;

net::Awaitable<Result<std::shared_ptr<net::TextLink>>> take(std::shared_ptr<LogBox> box) {
  if (auto link = co_await box->pop()) co_return std::move(*link);
  co_return fail(Errc::unavailable, "the agent's stream was cut");
}
}  // namespace

net::Awaitable<Result<std::shared_ptr<net::TextLink>>> LogStreams::open(Who who, NodeId node,
                                                                        OpenStream request) {
  auto box = std::make_shared<LogBox>(1);
  request.id = random_trace();
  auto id = request.id;
  co_await engine_.peek([this, id, node, box](const HubCore&) {
    std::erase_if(waiting_, [](const auto& it) { return it.second.box.expired(); });
    waiting_[id] = {node, box};
    return true;
  });
  CO_TRY([[maybe_unused]] auto asked,
         co_await engine_.submit(std::move(who), RelayFrame{node, std::move(request)}));
  co_return co_await net::within(dial_patience, take(box), "the agent's log stream");
}

net::Awaitable<bool> LogStreams::offer(std::string id, NodeId node, std::shared_ptr<net::TextLink> link) {
  co_return co_await engine_.peek([this, id, node, link](const HubCore&) {
    auto found = waiting_.find(id);
    if (found == waiting_.end() || found->second.node != node) return false;
    auto box = found->second.box.lock();
    waiting_.erase(found);
    auto handed = link;
    return box && box->try_push(handed);
  });
}

}  // namespace drover::hub
