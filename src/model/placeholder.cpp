#include "model/placeholder.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace drover {

namespace {
/// Walks the text: `plain` gets what stands for itself, `found` each placeholder and may refuse it.
template <class Plain, class Found>
Result<void> scan(std::string_view text, Plain plain, Found found) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t open = text.find("{{", at);
    plain(text.substr(at, open == std::string_view::npos ? open : open - at));
    if (open == std::string_view::npos) break;
    if (text.substr(open).starts_with("{{{{")) {
      plain("{{");
      at = open + 4;
      continue;
    }
    std::size_t close = text.find("}}", open + 2);
    if (close == std::string_view::npos)
      return fail(Errc::invalid, "\"{{\" is never closed by \"}}\"", {}, "write {{{{ for a literal {{");
    std::string_view key = trim(text.substr(open + 2, close - open - 2));
    if (key.empty())
      return fail(Errc::invalid, "the placeholder {{}} is empty", {}, "write {{{{ for a literal {{");
    TRYV(found(key, open));
    at = close + 2;
  }
  return {};
}
}  // namespace

Result<std::vector<Placeholder>> placeholders(std::string_view text) {
  std::vector<Placeholder> all;
  auto keep = [&](std::string_view key, std::size_t at) -> Result<void> {
    all.push_back({std::string(key), at});
    return {};
  };
  TRYV(scan(text, [](std::string_view) {}, keep));
  return all;
}

Result<std::string> fill(std::string_view text, const Lookup& lookup) {
  std::string out;
  auto put = [&](std::string_view key, std::size_t) -> Result<void> {
    auto value = lookup(key);
    if (!value) return fail(Errc::invalid, fmt::format("{{{{{}}}}} has no value here", key));
    out += *value;
    return {};
  };
  TRYV(scan(text, [&](std::string_view plain) { out += plain; }, put));
  return out;
}

}  // namespace drover
