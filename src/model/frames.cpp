#include "model/frames.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace drover {

std::string inventory_digest(std::vector<const Observed*> instances) {
  std::ranges::sort(instances, {}, [](const Observed* seen) { return seen->instance; });
  std::string text;
  for (const Observed* seen : instances)
    fmt::format_to(std::back_inserter(text), "{} {} {} {}\n", to_string(seen->instance), seen->epoch,
                   seen->incarnation, seen->version);
  return blake2b(text);
}

}  // namespace drover
