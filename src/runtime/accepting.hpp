#pragma once
// Whether a run accepts from a socket that it shares: while one instance takes the other's place both have
// the listening socket, and an answer at its port may be the other one's.

#include <cstdint>
#include <map>
#include <string>

#include "model/stack.hpp"
#include "runtime/stats.hpp"

namespace drover::runtime {

/// Connects to each passed port until one of the run's processes has accepted, at most for `limit`. "": each
/// was, or who accepts cannot be seen. Else, for people: which was not. Blocks.
std::string not_accepting(const Service& service, const std::map<std::string, std::uint16_t>& ports,
                          const RunProcesses& run, Duration limit);

}  // namespace drover::runtime
