#include "agent/usage.hpp"

#include <algorithm>
#include <cmath>

namespace drover::agent {

namespace {
constexpr Duration between_looks = 300ms;
using Moment = std::chrono::steady_clock::time_point;

struct Look {
  Moment at;
  runtime::RunStats stats;
};

net::Awaitable<Look> look_at(runtime::ProcessDriver& driver, const InstanceView& one) {
  auto stats = co_await driver.stats({one.id, one.incarnation});
  co_return Look{std::chrono::steady_clock::now(), stats.value_or(runtime::RunStats{})};
}

/// The counter goes down when another run has begun in between: not known then.
std::optional<std::uint32_t> cpu_between(const Look& before, const Look& after) {
  if (!before.stats.cpu_seconds || !after.stats.cpu_seconds) return std::nullopt;
  const auto used = *after.stats.cpu_seconds - *before.stats.cpu_seconds;
  const auto passed = std::chrono::duration<double>(after.at - before.at).count();
  if (used < 0 || passed <= 0) return std::nullopt;
  return std::uint32_t(std::lround(100 * used / passed));
}
}  // namespace

net::Awaitable<UsagesView> measure_usage(runtime::ProcessDriver& driver, std::vector<InstanceView> all) {
  std::erase_if(all, [](const InstanceView& one) { return !one.pid; });
  UsagesView out;
  if (all.empty()) co_return out;
  std::vector<Look> before;
  for (const auto& one : all) before.push_back(co_await look_at(driver, one));
  co_await net::sleep_for(between_looks);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto now = co_await look_at(driver, all[i]);
    UsageView view;
    view.id = to_string(all[i].id);
    view.stack = all[i].stack;
    view.service = all[i].service;
    view.instance = all[i].stack + "/" + all[i].name;
    view.cpu_percent = cpu_between(before[i], now);
    view.memory_bytes = now.stats.memory_bytes;
    view.processes = now.stats.processes;
    out.items.push_back(std::move(view));
  }
  co_return out;
}

}  // namespace drover::agent
