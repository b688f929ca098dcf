#include "model/stack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

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

Result<std::string> constraint_value(std::string_view text, std::string_view whole) {
  std::string_view value = trim(text);
  bool quoted = value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
  if (quoted) value = value.substr(1, value.size() - 2);
  if (value.empty() || (!quoted && value.find_first_of(" \t\"'=") != std::string_view::npos))
    return fail(Errc::invalid, fmt::format("\"{}\" has no value that can be read", whole), {},
                "write it as label.site == home");
  return std::string(value);
}
struct Sign {
  std::string_view text;
  Constraint::Test test;
};
constexpr Sign signs[] = {{"==", Constraint::Test::equal},    {"!=", Constraint::Test::not_equal},
                          {">=", Constraint::Test::at_least}, {"<=", Constraint::Test::at_most},
                          {">", Constraint::Test::more},      {"<", Constraint::Test::less}};

std::optional<double> amount(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  auto size = parse_size(text);
  return size ? std::optional(double(*size)) : std::nullopt;
}

bool compares_numbers(Constraint::Test test) {
  return test != Constraint::Test::exists && test != Constraint::Test::equal &&
         test != Constraint::Test::not_equal;
}
}  // namespace

bool is_constraint_key(std::string_view key) {
  if (key == "node.name") return true;
  std::string_view name = key.starts_with("label.")      ? key.substr(6)
                          : key.starts_with("host.")     ? key.substr(5)
                          : key.starts_with("resource.") ? key.substr(9)
                                                         : "";
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  });
}

std::vector<const Service*> in_order(const Stack& stack) { return Order(stack).all(); }

Result<Constraint> parse_constraint(std::string_view text) {
  Constraint out;
  std::size_t at = text.find_first_of("=!<>");
  out.key = trim(text.substr(0, at));
  if (!is_constraint_key(out.key))
    return fail(Errc::invalid, fmt::format("\"{}\" is not a constraint", text), {},
                "a constraint begins with node.name, label.NAME, host.NAME or resource.NAME, as in "
                "label.site == home");
  if (at == std::string_view::npos) return out;
  std::string_view rest = text.substr(at);
  const auto* sign = std::ranges::find_if(signs, [&](const Sign& one) { return rest.starts_with(one.text); });
  if (sign == std::end(signs))
    return fail(Errc::invalid, fmt::format("\"{}\" does not compare with == != >= <= > or <", text), {},
                "write it as label.site == home, resource.memory >= 16GiB or just label.site");
  out.test = sign->test;
  TRY(out.value, constraint_value(rest.substr(sign->text.size()), text));
  if (compares_numbers(out.test) && !amount(out.value))
    return fail(Errc::invalid, fmt::format("\"{}\" is neither a number nor a size", out.value), {},
                "write it as resource.memory >= 16GiB or label.generation >= 3");
  return out;
}

std::string print_constraint(const Constraint& constraint) {
  for (const Sign& sign : signs)
    if (sign.test == constraint.test)
      return fmt::format("{} {} {}", constraint.key, sign.text, constraint.value);
  return constraint.key;
}

bool holds(const Constraint& constraint, const std::optional<std::string>& value) {
  auto has = value && compares_numbers(constraint.test) ? amount(*value) : std::nullopt;
  const double wanted = has ? amount(constraint.value).value_or(0) : 0;
  switch (constraint.test) {
    case Constraint::Test::exists: return value.has_value();
    case Constraint::Test::equal: return value == constraint.value;
    case Constraint::Test::not_equal: return value != constraint.value;
    case Constraint::Test::at_least: return has && *has >= wanted;
    case Constraint::Test::at_most: return has && *has <= wanted;
    case Constraint::Test::more: return has && *has > wanted;
    case Constraint::Test::less: return has && *has < wanted;
  }
  std::unreachable();
}

}  // namespace drover
