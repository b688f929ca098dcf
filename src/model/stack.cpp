#include "model/stack.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace drover {

const Service* find_service(const Stack& stack, std::string_view name) {
  for (const Service& service : stack.services)
    if (service.name == name) return &service;
  return nullptr;
}

namespace {
/// Depth first in the order of the file, so that services that do not depend on each other keep it.
class Order {
 public:
  explicit Order(const Stack& stack) : stack_(stack), seen_(stack.services.size()) {
    for (std::size_t i = 0; i < stack.services.size(); ++i) index_.emplace(stack.services[i].name, i);
  }
  std::vector<const Service*> all() {
    for (std::size_t i = 0; i < stack_.services.size(); ++i) visit(i);
    return std::move(out_);
  }

 private:
  struct Open {
    std::size_t service, next;  // the dependency to look at next
  };
  void visit(std::size_t root) {
    std::vector<Open> path;  // not recursion: a chain may be as long as the stack
    enter(path, root);
    while (!path.empty()) {
      Open& open = path.back();
      const Service& service = stack_.services[open.service];
      if (open.next == service.depends_on.size()) {
        out_.push_back(&service);
        path.pop_back();
      } else {
        auto on = index_.find(service.depends_on[open.next++].service);
        if (on != index_.end()) enter(path, on->second);
      }
    }
  }
  void enter(std::vector<Open>& path, std::size_t service) {
    if (seen_[service]) return;
    seen_[service] = true;
    path.push_back({service, 0});
  }
  const Stack& stack_;
  std::map<std::string_view, std::size_t> index_;
  std::vector<bool> seen_;
  std::vector<const Service*> out_;
};

bool is_key(std::string_view key) {
  if (key == "node.name") return true;
  std::string_view name = key.starts_with("label.")  ? key.substr(6)
                          : key.starts_with("host.") ? key.substr(5)
                                                     : "";
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  });
}

Result<std::string> constraint_value(std::string_view text, std::string_view whole) {
  std::string_view value = trim(text);
  bool quoted = value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
  if (quoted) value = value.substr(1, value.size() - 2);
  if (value.empty() || (!quoted && value.find_first_of(" \t\"'=") != std::string_view::npos))
    return fail(Errc::invalid, fmt::format("\"{}\" has no value that can be read", whole), {},
                "write it as label.site == home");
  return std::string(value);
}
}  // namespace

std::vector<const Service*> in_order(const Stack& stack) { return Order(stack).all(); }

Result<Constraint> parse_constraint(std::string_view text) {
  Constraint out;
  std::size_t at = text.find_first_of("=!<>");
  out.key = trim(text.substr(0, at));
  if (!is_key(out.key))
    return fail(Errc::invalid, fmt::format("\"{}\" is not a constraint", text), {},
                "a constraint begins with node.name, label.NAME or host.NAME, as in label.site == home");
  if (at == std::string_view::npos) return out;
  std::string_view rest = text.substr(at);
  if (!rest.starts_with("==") && !rest.starts_with("!="))
    return fail(Errc::invalid, fmt::format("\"{}\" does not compare with == or !=", text), {},
                "write it as label.site == home, label.site != home or just label.site");
  out.test = rest[0] == '=' ? Constraint::Test::equal : Constraint::Test::not_equal;
  TRY(out.value, constraint_value(rest.substr(2), text));
  return out;
}

}  // namespace drover
