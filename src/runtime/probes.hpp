#pragma once
// Asks an instance how it is. Every answer comes within the probe's timeout and a little.

#include "runtime/process_driver.hpp"

namespace drover::runtime {

/// http (no redirects followed; a status of 200–399, or of the list), tcp (a connection), exec (exit status
/// 0).
net::Awaitable<agent::ProbeAnswer> ask(ProcessDriver& driver, agent::AskProbe probe);

}  // namespace drover::runtime
