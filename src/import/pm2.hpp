#pragma once
// One application of a PM2 ecosystem file while it is read. For this module only.

#include "import/work.hpp"
#include "spec/value.hpp"
#include "spec/words.hpp"

namespace drover::importer {

struct Pm2App {
  Subject& to;
  const spec::Value& value;
  const Input& input;

  /// Where a key stands; 0: not known (it came out of JavaScript).
  std::uint32_t line(const spec::Entry& entry) const;
};

/// Restarts, stops, watching, and what has no place here.
void read_pm2_policies(Pm2App& app);

}  // namespace drover::importer
