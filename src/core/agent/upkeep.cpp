// Why a run that works is replaced: its memory, its age, a file that changed, what it depends on.

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
constexpr Duration look_again_min = 1s, look_again_max = 30s;

Instance* running(Step& step, const Run& run) {
  Instance* instance = step.find(run.instance);
  bool same = instance && instance->phase == Phase::running && instance->run() == run;
  return same && !instance->orphan ? instance : nullptr;
}

/// At once and not counted: nothing has failed.
void replace(Step& step, Instance& instance, std::string why) {
  if (instance.restart_wanted || !wants_run(instance)) return;
  instance.restart_wanted = true;
  instance.planned = std::move(why);
  step.note("info", fmt::format("{} is restarted: {}", instance.name(), instance.planned),
            instance.row.placement.instance);
  step.world.to_drive.insert(instance.row.placement.instance);
}

void plan_measure(Step& step, Instance& instance) {
  if (instance.row.service.restart.memory_max > 0)
    instance.measure_at = step.now.boot + jitter(step.world.settings.measure_every, 0.1, step.rng);
}

/// Nobody asks whether it is ready, and it has said on which ports it will listen by itself.
bool shall_listen(const Service& service) {
  const bool asked = service.probes.start || service.probes.ready;
  return service.kind == ServiceKind::service && !asked &&
         std::ranges::any_of(service.ports, [](const Port& port) {
           return port.protocol == "tcp" && port.pass == PortPass::no;
         });
}

/// Again until it listens, more and more seldom.
void look_at_ports(Step& step, Instance& instance) {
  instance.look_at.reset();
  if (!shall_listen(instance.row.service)) return;
  const auto& started = instance.seen.started_at;
  const Duration age = started ? Duration(step.now.wall - *started) : look_again_max;
  instance.look_at =
      step.now.boot + jitter(std::clamp<Duration>(age, look_again_min, look_again_max), 0.1, step.rng);
  step.then(LookAtPorts{instance.run(), instance.row.service, instance.live_ports});
}

/// What follows for the program.
std::string consequence(const Instance& instance, About about) {
  if (about != About::log) return {};
  return instance.live_service.logs.on_full == LogFull::block ? "; it is held up when it prints more"
                                                              : "; what is lost is counted";
}
}  // namespace

void begin_upkeep(Step& step, Instance& instance, Duration age) {
  if (instance.orphan) return;
  const Restart& spec = instance.row.service.restart;
  instance.troubles[std::size_t(About::watch)].clear();
  plan_measure(step, instance);
  if (shall_listen(instance.row.service))
    instance.look_at =
        step.now.boot + std::max<Duration>(instance.row.service.probes.start_timeout - age, 1s);
  if (spec.max_age > Duration(0))
    instance.old_at =
        step.now.boot + std::max<Duration>(jitter(spec.max_age, 0.1, step.rng) - age, Duration(0));
  if (!spec.watch.empty()) step.then(WatchFiles{instance.run(), spec.watch});
}

void end_upkeep(Step& step, Instance& instance) {
  instance.measure_at.reset();
  instance.old_at.reset();
  instance.look_at.reset();
  if (!instance.orphan && !instance.live_service.restart.watch.empty())
    step.then(WatchFiles{instance.run(), {}});
}

void upkeep_due(Step& step, Instance& instance) {
  if (instance.measure_at && *instance.measure_at <= step.now.boot) {
    plan_measure(step, instance);
    step.then(Measure{instance.run()});
  }
  if (instance.old_at && *instance.old_at <= step.now.boot) {
    instance.old_at.reset();
    replace(step, instance,
            fmt::format("it has run for its max_age of {}",
                        format_duration(instance.row.service.restart.max_age)));
  }
  if (instance.look_at && *instance.look_at <= step.now.boot) look_at_ports(step, instance);
}

std::optional<BootTime> upkeep_timer(const Instance& instance) {
  std::optional<BootTime> first;
  for (const auto& at : {instance.measure_at, instance.old_at, instance.look_at})
    if (at && (!first || *at < *first)) first = at;
  return first;
}

void measured(Step& step, const Measured& event) {
  Instance* instance = running(step, event.run);
  if (!instance) return;
  const std::uint64_t limit = instance->row.service.restart.memory_max;
  if (limit == 0 || event.memory_bytes <= limit || !instance->unhealthy.empty()) return;
  instance->unhealthy = fmt::format("its memory of {} is above memory_max {}",
                                    format_size(event.memory_bytes), format_size(limit));
  drive(step, event.run.instance);
}

void files_changed(Step& step, const FilesChanged& event) {
  if (Instance* instance = running(step, event.run)) replace(step, *instance, event.path + " has changed");
}

void trouble(Step& step, const Trouble& event) {
  Instance* instance = running(step, event.run);
  if (!instance) return;
  if (event.about == About::ports && event.reason.empty()) instance->look_at.reset();
  std::string reason = event.reason.empty() ? "" : event.reason + consequence(*instance, event.about);
  std::string& known = instance->troubles[std::size_t(event.about)];
  if (known == reason) return;
  const bool better = reason.empty();
  step.note(better ? "info" : "warn",
            fmt::format("{}: {}{}", instance->name(), better ? "no longer: " : "", better ? known : reason),
            event.run.instance);
  known = std::move(reason);
  if (instance->seen.state == InstanceState::ready)
    step.show(*instance, InstanceState::ready, remark(*instance));
  step.world.touched.insert(event.run.instance);  // its timer
}

void dependants_of(Step& step, const Instance& instance) {
  const PlacementRow& row = instance.row;
  const bool again = row.incarnation > 1 && instance.seen.started_at;
  for (InstanceId id : step.world.needy) {
    Instance* found = step.find(id);
    if (!found || found->orphan || found->row.stack != row.stack) continue;
    Instance& other = *found;
    auto depends = [&](const Dependency& one) { return one.service == row.service.name; };
    if (std::ranges::none_of(other.row.service.depends_on, depends)) continue;
    if (other.phase == Phase::none && other.retry_at) {
      other.retry_at = step.now.boot;  // what it may have failed for is there again
      step.world.to_drive.insert(id);
    }
    bool older = other.phase == Phase::running && other.seen.started_at && again &&
                 *other.seen.started_at < *instance.seen.started_at;
    if (older && row.service.restart.dependants)
      replace(step, other, fmt::format("{} has been restarted", instance.name()));
  }
}

}  // namespace drover::agent
