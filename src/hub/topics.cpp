#include "hub/topics.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "hub/views.hpp"

namespace drover::hub {

namespace {

using Ids = const std::set<std::string>*;
using Objects = std::vector<json::object>;

template <class T>
std::vector<std::string_view> names() {
  std::vector<std::string_view> out;
  boost::mp11::mp_for_each<detail::members_of<T>>([&](auto d) { out.emplace_back(d.name); });
  return out;
}

/// Rows of a map by id: all, or those named.
template <class Map, class View>
Objects by_id(const Map& map, Ids ids, const View& view) {
  Objects out;
  auto add = [&](const auto& item) { out.push_back(to_json(view(item)).get_object()); };
  if (!ids) {
    for (const auto& [id, item] : map) add(item);
    return out;
  }
  for (const auto& text : *ids)
    if (auto uuid = parse_uuid(text))
      if (auto found = map.find(typename Map::key_type{*uuid}); found != map.end()) add(found->second);
  return out;
}

Objects summary(const HubCore& core, Ids) {
  auto row = to_json(view_summary(core.state(), core.settings())).get_object();
  row["id"] = "summary";
  return {std::move(row)};
}
Objects nodes(const HubCore& core, Ids ids) {
  return by_id(core.state().nodes, ids,
               [&](const NodeEntry& it) { return view_node(core.state(), core.settings(), it); });
}
Objects stacks(const HubCore& core, Ids ids) {
  Objects out;
  for (const auto& [name, stack] : core.state().stacks)
    if (!ids || ids->contains(name)) out.push_back(to_json(view_stack(core.state(), stack)).get_object());
  return out;
}
Objects services(const HubCore& core, Ids ids) {
  Objects out;
  if (!ids) {
    for (const auto& view : view_services(core.state())) out.push_back(to_json(view).get_object());
    return out;
  }
  for (const auto& id : *ids)
    if (auto slash = id.find('/'); slash != id.npos)
      if (auto view = view_service(core.state(), id.substr(0, slash), id.substr(slash + 1)))
        out.push_back(to_json(*view).get_object());
  return out;
}
Objects instances(const HubCore& core, Ids ids) {
  return by_id(core.state().slots, ids, [&](const SlotEntry& it) { return view_instance(core.state(), it); });
}
Objects tasks(const HubCore& core, Ids ids) {
  return by_id(core.state().tasks, ids,
               [&](const TaskEntry& it) { return view_task(core.state(), it.task); });
}
Objects deployments(const HubCore& core, Ids ids) {
  return by_id(core.state().deployments, ids, [](const Deployment& it) -> const Deployment& { return it; });
}
Objects operations(const HubCore& core, Ids ids) {
  return by_id(core.state().operations, ids, [](const Operation& it) -> const Operation& { return it; });
}

std::vector<std::string_view> summary_names() {
  auto out = names<Summary>();
  out.emplace_back("id");
  return out;
}

const Topic all[] = {
    {"summary", "id", &summary_names, nullptr, &summary},
    {"nodes", "id", &names<NodeView>, &Touched::nodes, &nodes},
    {"stacks", "name", &names<StackView>, &Touched::stacks, &stacks},
    {"services", "id", &names<ServiceView>, &Touched::services, &services},
    {"instances", "id", &names<InstanceView>, &Touched::instances, &instances},
    {"tasks", "id", &names<TaskView>, &Touched::tasks, &tasks},
    {"deployments", "id", &names<Deployment>, &Touched::deployments, &deployments},
    {"operations", "id", &names<Operation>, &Touched::operations, &operations},
};

}  // namespace

const Topic* find_topic(std::string_view name) {
  auto found = std::ranges::find(all, name, &Topic::name);
  return found == std::end(all) ? nullptr : found;
}

}  // namespace drover::hub
