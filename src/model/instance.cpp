#include "model/instance.hpp"

#include <fmt/format.h>

#include "model/signals.hpp"

namespace drover {

std::string describe(const Exit& exit) {
  if (!exit.known) return "ended unseen";
  if (exit.oom) return "out of memory";
  if (exit.signal == 0) return fmt::format("exit {}", exit.code);
  std::string_view name = signal_name(exit.signal);
  return (name.empty() ? fmt::format("signal {}", exit.signal)
                       : fmt::format("signal {} ({})", exit.signal, name)) +
         (exit.core ? ", core dumped" : "");
}

std::string slot_name(const std::string& service, std::uint32_t index) {
  return fmt::format("{}-{}", service, std::uint64_t(index) + 1);
}

std::string node_slot_name(const std::string& service, const std::string& node) {
  return service + "@" + node;
}

}  // namespace drover
