#pragma once
// Prometheus text: the hub's own figures and the fleet's.

#include <array>
#include <atomic>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "hub/engine.hpp"

namespace drover::hub {

/// Requests by route, method and status class. The series are made before serving; counting takes no lock.
class RequestMetrics {
 public:
  /// Call before serving. Returns the series' number.
  std::size_t add(std::string method, std::string route);
  void count(std::size_t series, int status, Duration took);
  void print(std::string& out) const;

 private:
  static constexpr std::array<double, 6> bounds{0.005, 0.025, 0.1, 0.5, 2.5, 10};  // seconds
  struct Series {
    std::string method, route;
    std::array<std::atomic<std::uint64_t>, 6> by_class{};  // 0: other, 1xx … 5xx
    std::array<std::atomic<std::uint64_t>, bounds.size() + 1> by_time{};
    std::atomic<std::uint64_t> micros = 0;
  };
  std::deque<Series> series_;
};

/// Everything of the fleet. Pure.
std::string fleet_metrics(const HubCore& core);

}  // namespace drover::hub
