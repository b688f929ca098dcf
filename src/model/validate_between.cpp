// Rules between services: names, dependencies, cycles, fixed ports.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "model/validate.hpp"

namespace drover::detail {

namespace {
std::vector<std::string> names_of(const Stack& stack) {
  std::vector<std::string> names;
  for (const Service& service : stack.services) names.push_back(service.name);
  return names;
}

void check_names(const Stack& stack, Problems& problems) {
  constexpr std::string_view rule =
      "a name has a-z, 0-9, \"-\" and \"_\", begins with a letter or digit, at most 63 characters";
  if (!is_name(stack.name))
    problems.add("name", fmt::format("\"{}\" cannot be a stack's name", stack.name), std::string(rule));
  std::set<std::string_view> seen;
  for (const Service& service : stack.services) {
    if (!is_name(service.name))
      problems.add("services." + service.name, fmt::format("\"{}\" cannot be a service's name", service.name),
                   std::string(rule));
    if (!seen.insert(service.name).second)
      problems.add("services." + service.name, "this service is there twice");
  }
}

void check_condition(const Dependency& dependency, const Service& on, const std::string& at,
                     Problems& problems) {
  if (dependency.condition == Condition::completed && on.kind != ServiceKind::job)
    problems.add(at, fmt::format("\"{}\" is a service: it is never completed", on.name),
                 fmt::format("give \"{}\" kind: job, or wait for ready", on.name));
  if (dependency.condition == Condition::ready && on.kind == ServiceKind::job)
    problems.add(at, fmt::format("\"{}\" is a job: it is never ready", on.name), "wait for completed");
}

using Index = std::map<std::string_view, std::size_t>;

Index index_of(const Stack& stack) {
  Index index;
  for (std::size_t i = 0; i < stack.services.size(); ++i) index.emplace(stack.services[i].name, i);
  return index;
}

void check_dependencies(const Stack& stack, const Service& service, const Index& index, Problems& problems) {
  std::set<std::string_view> seen;
  for (const Dependency& dependency : service.depends_on) {
    std::string at = fmt::format("services.{}.depends_on.{}", service.name, dependency.service);
    auto on = index.find(dependency.service);
    if (problems.full()) return;
    if (on == index.end())
      problems.add(at, fmt::format("there is no service \"{}\" in this stack", dependency.service),
                   did_you_mean(dependency.service, names_of(stack)));
    else if (dependency.service == service.name) problems.add(at, "a service cannot depend on itself");
    else if (!seen.insert(dependency.service).second)
      problems.add(at, fmt::format("\"{}\" is there twice", dependency.service));
    else check_condition(dependency, stack.services[on->second], at, problems);
  }
}

/// Finds one circle per set of services that form one, by walking dependencies depth first.
class Circles {
 public:
  Circles(const Stack& stack, const Index& index, Problems& problems)
      : stack_(stack), index_(index), problems_(problems), marks_(stack.services.size()) {}
  void find() {
    for (std::size_t i = 0; i < marks_.size(); ++i) visit(i);
  }

 private:
  enum class Mark : std::uint8_t { fresh, open, done };
  struct Open {
    std::size_t service, next;
  };
  void visit(std::size_t root) {
    enter(root);
    while (!path_.empty()) {
      Open& open = path_.back();
      const Service& service = stack_.services[open.service];
      if (open.next == service.depends_on.size()) {
        marks_[open.service] = Mark::done;
        path_.pop_back();
        continue;
      }
      auto on = index_.find(service.depends_on[open.next++].service);
      if (on == index_.end() || on->second == open.service) continue;
      if (marks_[on->second] == Mark::open) report(on->second);
      else enter(on->second);
    }
  }
  void enter(std::size_t service) {
    if (marks_[service] != Mark::fresh) return;
    marks_[service] = Mark::open;
    path_.push_back({service, 0});
  }
  void report(std::size_t first) {
    std::string circle;
    bool inside = false;
    for (const Open& open : path_) {
      inside = inside || open.service == first;
      if (inside) circle += stack_.services[open.service].name + " → ";
    }
    const std::string& last = stack_.services[path_.back().service].name;
    const std::string& name = stack_.services[first].name;
    problems_.add(fmt::format("services.{}.depends_on.{}", last, name),
                  fmt::format("these depend on each other in a circle: {}{}", circle, name),
                  "none of them could ever start: take one of the dependencies away");
  }
  const Stack& stack_;
  const Index& index_;
  Problems& problems_;
  std::vector<Mark> marks_;
  std::vector<Open> path_;
};

/// A fixed port with all the numbers that its instances take.
struct Fixed {
  const Service* service;
  std::size_t index;
  std::uint32_t first, last;
  std::size_t order;  // in the file
};

/// Whether the file itself says that they are never on one node; constraints are left to placement.
bool apart(const Place& a, const Place& b) {
  if (!a.constraints.empty() || !b.constraints.empty()) return true;
  if (a.strategy != PlaceStrategy::manual || b.strategy != PlaceStrategy::manual) return false;
  return std::ranges::none_of(a.nodes,
                              [&](const std::string& node) { return std::ranges::count(b.nodes, node) > 0; });
}

std::vector<Fixed> fixed_ports(const Stack& stack) {
  std::vector<Fixed> all;
  for (const Service& service : stack.services) {
    for (std::size_t i = 0; i < service.ports.size(); ++i) {
      const Port& port = service.ports[i];
      bool many = !port.plus.empty() && service.scale.kind == ScaleKind::count && service.scale.count > 1;
      std::uint32_t last = port.published + (many ? std::min(service.scale.count, 65536u) - 1 : 0);
      if (port.published > 0) all.push_back({&service, i, port.published, last, all.size()});
    }
  }
  std::ranges::sort(all, {}, [](const Fixed& one) { return std::pair(one.first, one.order); });
  return all;
}

void check_ports(const Stack& stack, Problems& problems) {
  std::vector<Fixed> all = fixed_ports(stack);
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t k = i + 1; k < all.size() && all[k].first <= all[i].last; ++k) {
      const Fixed &a = all[i], &b = all[k];
      if (problems.full()) return;
      if (a.service->ports[a.index].protocol != b.service->ports[b.index].protocol) continue;
      if (a.service != b.service && apart(a.service->place, b.service->place)) continue;
      problems.add(
          fmt::format("services.{}.ports[{}]", b.service->name, b.index),
          fmt::format("port {} is taken by services.{}.ports[{}] already", b.first, a.service->name, a.index),
          "use another number, or published: auto");
    }
  }
}

void check_crowding(const Service& service, Problems& problems) {
  if (service.scale.kind != ScaleKind::count || service.place.strategy != PlaceStrategy::manual) return;
  std::set<std::string> nodes(service.place.nodes.begin(), service.place.nodes.end());
  if (nodes.empty() || service.scale.count <= nodes.size()) return;
  for (std::size_t i = 0; i < service.ports.size(); ++i)
    if (service.ports[i].published > 0 && service.ports[i].plus.empty())
      problems.add(fmt::format("services.{}.ports[{}]", service.name, i),
                   fmt::format("{} instances on {} would all use port {}", service.scale.count,
                               nodes.size() == 1 ? "one node" : fmt::format("{} nodes", nodes.size()),
                               service.ports[i].published),
                   "add plus: instance.index, or use published: auto");
}
}  // namespace

void check_between(const Stack& stack, Problems& problems) {
  check_names(stack, problems);
  Index index = index_of(stack);
  for (const Service& service : stack.services) {
    check_dependencies(stack, service, index, problems);
    check_crowding(service, problems);
  }
  Circles(stack, index, problems).find();
  check_ports(stack, problems);
}

}  // namespace drover::detail
