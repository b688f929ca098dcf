#include <fmt/format.h>

#include "spec/words.hpp"

namespace drover::spec {

namespace {
constexpr int max_nesting = 32;

bool name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool name_char(char c) { return name_start(c) || (c >= '0' && c <= '9'); }

std::size_t name_length(std::string_view text) {
  std::size_t length = 0;
  if (text.empty() || !name_start(text[0])) return 0;
  while (length < text.size() && name_char(text[length])) ++length;
  return length;
}

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Errc::invalid, fmt::format("{}: {}", text.substr(0, 40), why), {},
              "write ${NAME}, ${NAME:-default} or ${NAME:?message}; $$ is a $");
}

/// Offset of the } that closes the ${ whose inside begins at `at`; npos: none.
std::size_t closing(std::string_view text, std::size_t at) {
  for (int depth = 1; at < text.size(); ++at) {
    std::string_view rest = text.substr(at);
    if (rest.starts_with("{{")) {
      std::size_t end = rest.find("}}");
      if (end == std::string_view::npos) return end;
      at += end + 1;
    } else if (rest.starts_with("$$")) {
      ++at;
    } else if (rest.starts_with("${")) {
      ++depth;
      ++at;
    } else if (text[at] == '}' && --depth == 0) {
      return at;
    }
  }
  return std::string_view::npos;
}

class Interpolator {
 public:
  explicit Interpolator(const Variables& variables) : variables_(variables) {}

  Result<std::string> text(std::string_view from, int depth) {
    if (depth > max_nesting) return bad(from, "too deeply nested");
    std::string out;
    for (std::size_t at = 0; at < from.size();) {
      std::size_t dollar = from.find('$', at);
      out += from.substr(at, dollar == std::string_view::npos ? dollar : dollar - at);
      if (dollar == std::string_view::npos) break;
      TRY(std::size_t used, one(from.substr(dollar), depth, out));
      at = dollar + used;
    }
    return out;
  }

  bool changed = false;
  std::vector<std::string> missing;

 private:
  /// What stands at the $ at the beginning of `from`; returns its length.
  Result<std::size_t> one(std::string_view from, int depth, std::string& out) {
    if (from.starts_with("$$")) {
      out += '$';
      changed = true;
      return 2;
    }
    if (from.starts_with("${")) {
      std::size_t end = closing(from, 2);
      if (end == std::string_view::npos) return bad(from, "the brace is not closed");
      changed = true;
      TRYV(braces(from.substr(0, end + 1), depth, out));
      return end + 1;
    }
    std::size_t length = name_length(from.substr(1));
    if (length == 0) out += '$';
    else put(std::string(from.substr(1, length)), out);
    return length + 1;
  }

  void put(const std::string& name, std::string& out) {
    changed = true;
    auto found = variables_.find(name);
    if (found != variables_.end()) out += found->second;
    else missing.push_back(name);
  }

  Result<void> braces(std::string_view whole, int depth, std::string& out) {
    std::string_view inside = whole.substr(2, whole.size() - 3);
    std::size_t length = name_length(inside);
    std::string name(inside.substr(0, length));
    std::string_view rest = inside.substr(length);
    if (length == 0) return bad(whole, "this is not the name of a variable");
    if (rest.empty()) {
      put(name, out);
      return {};
    }
    bool colon = rest[0] == ':';
    if (colon) rest.remove_prefix(1);
    if (rest.empty() || std::string_view("-?+").find(rest[0]) == std::string_view::npos)
      return bad(whole, "only -, ? and + (with or without a colon before) can follow the name");
    auto found = variables_.find(name);
    bool set = found != variables_.end() && !(colon && found->second.empty());
    return choose(rest, {name, set, set ? found->second : std::string()}, depth, out);
  }

  struct Variable {
    std::string name;
    bool set;
    std::string value;
  };
  Result<void> choose(std::string_view rest, const Variable& variable, int depth, std::string& out) {
    char kind = rest[0];
    if (kind != '+' && variable.set) {
      out += variable.value;
      return {};
    }
    if (kind == '+' && !variable.set) return {};
    TRY(auto other, text(rest.substr(1), depth + 1));
    if (kind == '?')
      return fail(
          Errc::invalid,
          fmt::format("the variable {} is needed{}{}", variable.name, other.empty() ? "" : ": ", other), {},
          fmt::format("set {} in the environment", variable.name));
    out += other;
    return {};
  }

  const Variables& variables_;
};
}  // namespace

Result<Interpolated> interpolate(std::string_view text, const Variables& variables) {
  Interpolator work(variables);
  TRY(auto out, work.text(text, 0));
  return Interpolated{std::move(out), work.changed, std::move(work.missing)};
}

}  // namespace drover::spec
