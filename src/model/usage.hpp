#pragma once
// What an instance uses, measured when somebody looks.

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace drover {

struct UsageView {
  std::string id;                              // of the instance
  std::string node, stack, service, instance;  // "shop/web-1"
  std::optional<std::uint32_t> cpu_percent;    // of one core, over a fraction of a second
  std::optional<std::uint64_t> memory_bytes;   // working set
  std::optional<std::uint32_t> processes;
};
BOOST_DESCRIBE_STRUCT(UsageView, (),
                      (id, node, stack, service, instance, cpu_percent, memory_bytes, processes))

/// What an agent answers to the stream "usage".
struct UsagesView {
  std::vector<UsageView> items;
};
BOOST_DESCRIBE_STRUCT(UsagesView, (), (items))

}  // namespace drover
