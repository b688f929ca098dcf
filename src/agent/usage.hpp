#pragma once
// What the instances of this node use. Nothing is sampled while nobody asks.

#include "agent/views.hpp"
#include "model/usage.hpp"
#include "runtime/process_driver.hpp"

namespace drover::agent {

/// Two looks, 300 ms apart, at those that run. On the driver's executor.
net::Awaitable<UsagesView> measure_usage(runtime::ProcessDriver& driver, std::vector<InstanceView> all);

}  // namespace drover::agent
