#pragma once
// Placeholders {{port.http}}: filled in on the host for each instance. `{{{{` is a literal `{{`; a lone `}}`
// stands for itself. Blanks around the key do not count. What a key means is the caller's business.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace drover {

struct Placeholder {
  std::string key;     // "port.http"
  std::size_t at = 0;  // byte offset of its "{{"
};

/// All of a text, in order. Errc::invalid: one is not closed, or empty.
Result<std::vector<Placeholder>> placeholders(std::string_view text);

/// The value of a key; nullopt: there is none.
using Lookup = std::function<std::optional<std::string>(std::string_view key)>;

/// The text with every placeholder replaced; what was put in is not looked at again. Errc::invalid names the
/// key that has no value.
Result<std::string> fill(std::string_view text, const Lookup& lookup);

}  // namespace drover
