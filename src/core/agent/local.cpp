// The agent's own API: a restart is carried out here, start and stop are the hub's to decide.

#include <fmt/format.h>

#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
constexpr Duration answer_within = 30s;

void answer(Step& step, const std::string& id, Result<std::string> result) {
  step.then(Answer{id, std::move(result)});
}

bool named(const Instance& instance, std::string_view target) {
  if (instance.orphan) return false;
  const PlacementRow& row = instance.row;
  if (auto slash = target.find('/'); slash != target.npos) {
    if (row.stack != target.substr(0, slash)) return false;
    target.remove_prefix(slash + 1);
  }
  return row.service.name == target || row.instance_name == target;
}

bool restart_one(Step& step, Instance& instance) {
  if (!instance.row.run || instance.deleting) return false;
  begin_anew(instance);  // asked for by a person: no automatic restart
  instance.ended.reset();
  instance.restart_wanted = instance.phase != Phase::none;
  if (instance.row.finished) {
    instance.row.finished.reset();
    step.write_placement(instance);
  }
  step.mark(instance);
  drive(step, instance.row.placement.instance);
  return true;
}

Result<std::string> restart(Step& step, const LocalCommand& command) {
  std::vector<InstanceId> targets;
  std::set<std::string> stacks;
  for (const auto& [id, instance] : step.world.instances) {
    if (!named(instance, command.target)) continue;
    targets.push_back(id);
    stacks.insert(instance.row.stack);
  }
  if (targets.empty())
    return fail(Errc::not_found, fmt::format("nothing on this node is called \"{}\"", command.target));
  if (stacks.size() > 1)
    return fail(Errc::conflict, fmt::format("\"{}\" is in more than one stack", command.target), {},
                "name it as stack/service");
  std::size_t count = 0;
  for (InstanceId id : targets) count += restart_one(step, *step.find(id)) ? 1 : 0;
  if (count == 0)
    return fail(Errc::conflict, fmt::format("\"{}\" is stopped", command.target), {}, "start it instead");
  return count == 1 ? std::string("restarting 1 instance") : fmt::format("restarting {} instances", count);
}

std::unexpected<Error> no_hub() {
  return fail(Errc::unavailable, "the hub is away, and start, stop and reload are its to decide", {},
              "a restart works without it; otherwise try again when the hub is back");
}
}  // namespace

void local_command(Step& step, const LocalCommand& command) {
  World& world = step.world;
  if (command.action == "restart") return answer(step, command.id, restart(step, command));
  if (command.action != "start" && command.action != "stop" && command.action != "reload")
    return answer(step, command.id,
                  fail(Errc::invalid, fmt::format("\"{}\" is not an action", command.action), {},
                       "use start, stop, restart or reload"));
  if (world.session.link != Link::up) return answer(step, command.id, no_hub());
  world.local[command.id] = {step.now.boot + answer_within};
  step.send(LocalRequest{command.id, command.action, command.target, command.who});
}

void local_answer(Step& step, const LocalAnswer& frame) {
  if (step.world.local.erase(frame.id) == 0) return;
  if (frame.ok) answer(step, frame.id, frame.message);
  else answer(step, frame.id, fail(Errc::conflict, frame.message));
}

void local_link_down(Step& step) {
  for (const auto& [id, wait] : std::exchange(step.world.local, {})) answer(step, id, no_hub());
}

void local_timers(Step& step) {
  std::erase_if(step.world.local, [&](const auto& pair) {
    if (pair.second.deadline > step.now.boot) return false;
    answer(step, pair.first,
           fail(Errc::timeout, "the hub has not answered in time", {}, "it may still do what was asked"));
    return true;
  });
}

}  // namespace drover::agent
