// When to ask, and what the answers mean. The host asks; see AskProbe.

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
constexpr Duration first_gap = 100ms;
constexpr Duration last_chance = 1s;    // to become ready, when new settings leave no time
constexpr Duration overdue_after = 5s;  // beyond the probe's own timeout
constexpr std::size_t kept_answers = 10;
constexpr std::array all_asked{Asked::start, Asked::ready, Asked::live};

const std::optional<Probe>& spec_of(const Instance& instance, Asked asked) {
  const Probes& probes = instance.row.service.probes;
  switch (asked) {
    case Asked::start: return probes.start;
    case Asked::ready: return probes.ready;
    case Asked::live: return probes.live;
  }
  std::unreachable();
}
ProbeBook& book_of(Instance& instance, Asked asked) { return instance.probes[std::size_t(asked)]; }

void ask(Step& step, Instance& instance, Asked asked) {
  const Probe& probe = *spec_of(instance, asked);
  ProbeBook& book = book_of(instance, asked);
  book.asking = true;
  book.asked_at = step.now.boot;
  book.due = step.now.boot + probe.timeout + overdue_after;
  step.then(AskProbe{.run = instance.run(),
                     .asked = asked,
                     .probe = probe,
                     .stack = instance.row.stack,
                     .instance_name = instance.row.instance_name,
                     .ports = instance.row.ports,
                     .service = instance.row.service,
                     .index = instance.row.index,
                     .check_ports = !book.passed});
}

void begin(Step& step, Instance& instance, Asked asked, Duration wait) {
  ProbeBook& book = book_of(instance, asked);
  if (!spec_of(instance, asked) || book.on) return;
  book = ProbeBook{.on = true, .due = step.now.boot + wait, .gap = first_gap};
}

bool passed(const Instance& instance, Asked asked) {
  return !spec_of(instance, asked) || instance.probes[std::size_t(asked)].passed;
}

void start_passed(Step& step, Instance& instance) {
  const auto& live = instance.row.service.probes.live;
  if (live) begin(step, instance, Asked::live, jitter(live->interval, 0.1, step.rng));
}

/// A live probe that has failed and shall only be told of.
bool alerts(const Instance& instance) {
  const auto& live = instance.row.service.probes.live;
  const ProbeBook& book = instance.probes[std::size_t(Asked::live)];
  return live && instance.row.service.restart.on_unhealthy == OnUnhealthy::alert && book.on &&
         book.bads >= live->failures;
}

/// The state as the answers so far have it.
void judge(Step& step, Instance& instance, const std::string& detail) {
  bool good = passed(instance, Asked::start) && passed(instance, Asked::ready) && !alerts(instance) &&
              !instance.reloading;
  bool was = instance.seen.ready_at.has_value();
  bool probed =
      spec_of(instance, Asked::start) || spec_of(instance, Asked::ready) || spec_of(instance, Asked::live);
  Health health = !probed ? Health::none : good ? Health::healthy : was ? Health::unhealthy : Health::unknown;
  if (std::exchange(instance.seen.health, health) != health) step.mark(instance);
  if (good) {
    instance.ready_by.reset();
    if (!was) instance.seen.ready_at = step.now.wall;
    if (!instance.healthy_since) instance.healthy_since = step.now.boot;
    step.show(instance, InstanceState::ready, remark(instance));
    if (!was) dependants_of(step, instance);
    return;
  }
  instance.healthy_since.reset();
  if (instance.reloading && was)
    return step.show(instance, InstanceState::starting, "it takes its configuration anew");
  step.show(instance, was ? InstanceState::unhealthy : InstanceState::starting, detail);
}

/// Counts one answer; true: the judgement changed.
bool count(const Probe& probe, ProbeBook& book, bool ok) {
  book.oks = ok ? book.oks + 1 : 0;
  book.bads = ok ? 0 : book.bads + 1;
  bool before = book.passed;
  if (ok && book.oks >= probe.successes) book.passed = true;
  if (!ok && book.bads >= probe.failures) book.passed = false;
  return before != book.passed;
}

void plan_next(Step& step, const Probe& probe, ProbeBook& book) {
  Duration gap = probe.interval;
  if (!book.passed && book.gap < probe.interval) {
    gap = book.gap;
    book.gap *= 2;
  } else if (book.passed) {
    book.gap = probe.interval;  // the ramp is for the first success only
  }
  book.asking = false;
  book.due = std::exchange(book.nudged, false) ? step.now.boot : step.now.boot + jitter(gap, 0.1, step.rng);
}

void keep(const Step& step, Instance& instance, const ProbeAnswer& answer) {
  auto& kept = instance.answers[std::size_t(answer.asked)];
  Duration took = step.now.boot - book_of(instance, answer.asked).asked_at;
  kept.push_back({step.now.wall, took, answer.ok, answer.unrunnable, answer.detail, answer.run.incarnation});
  if (kept.size() > kept_answers) kept.pop_front();
}

/// It says nothing of the run: nothing is counted, and no start fails for it.
void take_unrunnable(Step& step, Instance& instance, const ProbeAnswer& answer) {
  ProbeBook& book = book_of(instance, answer.asked);
  plan_next(step, *spec_of(instance, answer.asked), book);
  if (instance.ready_by)
    instance.ready_by =
        std::max(*instance.ready_by, step.now.boot + instance.row.service.probes.start_timeout);
  step.world.touched.insert(instance.row.placement.instance);
  if (std::exchange(book.broken, answer.detail) != answer.detail)
    step.show(instance, instance.seen.state, remark(instance));
}

void end_as_unhealthy(Instance& instance, std::string why) {
  instance.unhealthy = "unhealthy: " + std::move(why);
}

void take(Step& step, Instance& instance, const ProbeAnswer& answer) {
  const auto& [run, asked, ok, detail, unrunnable] = answer;
  const Probe& probe = *spec_of(instance, asked);
  ProbeBook& book = book_of(instance, asked);
  keep(step, instance, answer);
  if (unrunnable) return take_unrunnable(step, instance, answer);
  bool alerted = alerts(instance), was_broken = !std::exchange(book.broken, "").empty();
  bool changed = count(probe, book, ok) || was_broken;
  plan_next(step, probe, book);
  step.world.touched.insert(instance.row.placement.instance);  // its timer
  switch (asked) {
    case Asked::start:
      if (!book.passed) break;
      book.on = false;  // it has done its work
      start_passed(step, instance);
      break;
    case Asked::ready: break;
    case Asked::live:
      if (alerted != alerts(instance) || was_broken) judge(step, instance, "live: " + detail);
      if (!ok && book.bads >= probe.failures && !alerts(instance)) end_as_unhealthy(instance, detail);
      return;
  }
  // Before the first success the text says what is missing; a lost readiness counts after `failures`.
  if (changed || (!ok && !instance.seen.ready_at)) judge(step, instance, ok ? "" : detail);
}

void set_up(Step& step, Instance& instance, Duration age) {
  const Probes& probes = instance.row.service.probes;
  end_probes(instance);
  begin(step, instance, Asked::start, Duration(0));
  begin(step, instance, Asked::ready, Duration(0));
  if (!probes.start) start_passed(step, instance);
  // One that has been up for longer may have been ready before; readiness alone never ends it.
  bool waits =
      (probes.start || probes.ready) && probes.start_timeout > age && probes.start_timeout > Duration(0);
  if (waits) instance.ready_by = step.now.boot + (probes.start_timeout - age);
  judge(step, instance, "");
}

/// The same for one that has been ready: what it has proven stands.
void set_up_again(Step& step, Instance& instance) {
  end_probes(instance);
  book_of(instance, Asked::start).passed = true;
  begin(step, instance, Asked::ready, Duration(0));
  book_of(instance, Asked::ready).passed = instance.seen.state == InstanceState::ready;
  start_passed(step, instance);
  judge(step, instance, instance.seen.reason);
}
}  // namespace

void begin_probes(Step& step, Instance& instance, Duration age) {
  if (!instance.orphan) {
    set_up(step, instance, age);
    return probes_due(step, instance);
  }
  end_probes(instance);
  step.show(instance, InstanceState::ready, "runs, but no placement is known");
}

void judge_probes(Step& step, Instance& instance) { judge(step, instance, ""); }

void renew_probes(Step& step, Instance& instance, Duration age) {
  const auto before = instance.probes;
  const Probes& probes = instance.row.service.probes;
  if (instance.seen.ready_at) set_up_again(step, instance);
  else set_up(step, instance, age);
  // It has not been ready, and the new time is over: the new question is answered first.
  bool late = !instance.seen.ready_at && !instance.ready_by && (probes.start || probes.ready);
  if (late && probes.start_timeout > Duration(0)) instance.ready_by = step.now.boot + last_chance;
  // Never two questions of one kind at once: the answer to the old one is awaited and dropped.
  for (Asked asked : all_asked) {
    const ProbeBook& old = before[std::size_t(asked)];
    ProbeBook& book = book_of(instance, asked);
    if (!old.asking || !book.on) continue;
    book.asking = book.stale = true;
    book.due = old.due;
  }
  probes_due(step, instance);
}

void end_probes(Instance& instance) {
  instance.probes = {};
  instance.ready_by.reset();
  instance.reload_by.reset();
  instance.reloading = false;
}

void probes_due(Step& step, Instance& instance) {
  for (Asked asked : all_asked) {
    ProbeBook& book = book_of(instance, asked);
    if (!book.on || book.due > step.now.boot) continue;
    if (std::exchange(book.stale, false)) book.asking = false;
    if (book.asking) take(step, instance, {instance.run(), asked, false, "no answer to the probe", false});
    else ask(step, instance, asked);
  }
  if (instance.ready_by && *instance.ready_by <= step.now.boot && instance.unhealthy.empty()) {
    std::string last = instance.seen.reason;
    instance.unhealthy =
        fmt::format("not ready within {}", format_duration(instance.row.service.probes.start_timeout));
    if (!last.empty()) instance.unhealthy += "; last: " + last;
    instance.ready_by.reset();
  }
}

void probe_answer(Step& step, const ProbeAnswer& event) {
  Instance* instance = step.find(event.run.instance);
  if (!instance || instance->phase != Phase::running || instance->run() != event.run) return;
  ProbeBook& book = book_of(*instance, event.asked);
  if (!book.on || !book.asking) return;
  if (book.stale) {
    book.due = step.now.boot;
    step.world.touched.insert(event.run.instance);  // its timer
    return probes_due(step, *instance);
  }
  take(step, *instance, event);
  drive(step, event.run.instance);
}

void notified(Step& step, const Notified& event) {
  Instance* instance = step.find(event.run.instance);
  if (!instance || instance->phase != Phase::running || instance->run() != event.run) return;
  if (instance->ready_by && event.extend)
    instance->ready_by = std::max(*instance->ready_by, step.now.boot + *event.extend);
  for (Asked asked : all_asked) {
    ProbeBook& book = book_of(*instance, asked);
    bool listens = book.on && std::holds_alternative<NotifyCheck>(spec_of(*instance, asked)->check);
    if (listens && book.asking) book.nudged = true;
    else if (listens && asked != Asked::live) book.due = step.now.boot;
  }
  says_reloading(step, *instance, event.reloading);
  const OnUnhealthy then = instance->row.service.restart.on_unhealthy;
  if (!event.fault.empty() && then == OnUnhealthy::restart && instance->unhealthy.empty())
    end_as_unhealthy(*instance, event.fault);
  step.world.touched.insert(event.run.instance);  // its timer
  probes_due(step, *instance);
  drive(step, event.run.instance);
}

std::string remark(const Instance& instance) {
  for (Asked asked : all_asked) {
    const ProbeBook& book = instance.probes[std::size_t(asked)];
    if (!book.broken.empty())
      return fmt::format("the {} probe cannot be run: {}", enum_name(asked), book.broken);
  }
  for (const std::string& trouble : instance.troubles)
    if (!trouble.empty()) return trouble;
  return {};
}

std::vector<ProbeHistory> probe_histories(const Instance& instance) {
  std::vector<ProbeHistory> out;
  for (Asked asked : all_asked) {
    const auto& spec = spec_of(instance, asked);
    if (!spec) continue;
    const auto& kept = instance.answers[std::size_t(asked)];
    auto kind =
        std::visit([](const auto& check) { return std::decay_t<decltype(check)>::kind; }, spec->check);
    out.push_back({asked, kind, instance.probes[std::size_t(asked)].passed, {kept.begin(), kept.end()}});
  }
  return out;
}

std::optional<BootTime> probes_timer(const Instance& instance) {
  std::optional<BootTime> at = instance.ready_by;
  for (const ProbeBook& book : instance.probes)
    if (book.on && (!at || book.due < *at)) at = book.due;
  return at;
}

}  // namespace drover::agent
