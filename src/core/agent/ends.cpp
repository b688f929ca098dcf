// What the end of a run means: done, failed, or again after a while.

#include <fmt/format.h>

#include <algorithm>

#include "core/agent/step.hpp"

namespace drover::agent {

namespace {
Duration healthy_for(const Step& step, const Instance& instance) {
  return instance.healthy_since ? step.now.boot - *instance.healthy_since : Duration(0);
}

std::string why_ended(const Instance& instance) {
  if (!instance.unhealthy.empty()) return instance.unhealthy;
  return instance.seen.last_exit ? describe(*instance.seen.last_exit) : "ended";
}

bool restarts(RestartPolicy policy, bool well) {
  switch (policy) {
    case RestartPolicy::no: return false;
    case RestartPolicy::on_failure: return !well;
    case RestartPolicy::always:
    case RestartPolicy::unless_stopped: return true;
  }
  std::unreachable();
}

Verdict verdict_on(const Instance& instance) {
  if (!instance.unhealthy.empty() || !instance.seen.last_exit) return Verdict::failure;
  return judge_exit(instance.row.service.restart, *instance.seen.last_exit);
}

/// Shown as such when nothing of it is left.
void end_as(Step& step, Instance& instance, Ended ended) {
  step.show(instance, InstanceState::stopping, ended.reason);
  instance.ended = std::move(ended);
}

void give_up(Step& step, Instance& instance) {
  const Service& service = instance.row.service;
  bool retry = service.kind == ServiceKind::service && service.restart.retry_failed > Duration(0);
  std::string why =
      instance.book.on_trial ? "failed again after it had given up" : give_up_text(service.restart);
  end_as(step, instance,
         {InstanceState::failed, fmt::format("{}; last: {}", why, why_ended(instance)), retry});
}

/// The main process ended though it should run: by policy.
void judge_end(Step& step, Instance& instance) {
  const Service& service = instance.row.service;
  Verdict verdict = verdict_on(instance);
  bool well = verdict == Verdict::success;
  if (well && (service.kind == ServiceKind::job || !restarts(service.restart.policy, well)))
    return end_as(step, instance, {InstanceState::completed, why_ended(instance), false});
  if (!restarts(service.restart.policy, well))
    return end_as(step, instance, {InstanceState::failed, why_ended(instance), false});
  if (verdict == Verdict::fatal)
    return end_as(step, instance,
                  {InstanceState::failed, why_ended(instance) + ": not tried again (restart.fatal)", false});
  auto delay =
      next_delay(service.restart, instance.book, step.now.boot, healthy_for(step, instance), step.rng);
  if (!delay) return give_up(step, instance);
  instance.seen.restarts += 1;
  instance.automatic = true;
  instance.has_turn = false;
  instance.spawn_at = step.now.boot + *delay;
  instance.seen.next_try = step.now.wall + *delay;
  step.show(instance, InstanceState::backoff, why_ended(instance));
  step.mark(instance);
}
}  // namespace

void keep_lines(Instance& instance, std::vector<std::string> lines) {
  if (lines.size() > 20) lines.erase(lines.begin(), lines.end() - 20);
  instance.seen.last_lines = std::move(lines);
}

void main_ended(Step& step, Instance& instance, Exit exit, std::vector<std::string> lines) {
  bool on_order = instance.phase == Phase::ending && instance.unhealthy.empty();
  if (instance.phase == Phase::running) end_upkeep(step, instance);
  instance.phase = Phase::ending;
  instance.exited = true;
  instance.seen.last_exit = exit;
  instance.seen.pid.reset();
  keep_lines(instance, std::move(lines));
  end_probes(instance);
  step.mark(instance);
  bool wanted = wants_run(instance) && !instance.restart_wanted && !instance.other_run();
  if (wanted && !on_order) judge_end(step, instance);
  else if (instance.seen.state != InstanceState::restarting && instance.seen.state != InstanceState::stuck)
    step.show(instance, InstanceState::stopping);
  instance.healthy_since.reset();
}

void fail_for_good(Step& step, Instance& instance, Ended ended) {
  instance.phase = Phase::none;
  instance.spawn_at.reset();
  instance.seen.next_try.reset();
  if (ended.retry) {
    Duration wait = jitter(instance.row.service.restart.retry_failed, 0.1, step.rng);
    instance.retry_at = step.now.boot + wait;
    instance.seen.next_try = step.now.wall + wait;
  }
  step.show(instance, ended.state, std::move(ended.reason));
  instance.row.finished = instance.seen;
  if (instance.seen.started_at) instance.row.finished->incarnation = instance.row.incarnation;
  step.write_placement(instance);
  step.mark(instance);
  if (instance.task && ended.state == InstanceState::failed && !instance.seen.started_at) {
    auto lines = instance.seen.last_lines;
    end_attempt(step, *instance.task, TaskMove::attempt_failed, instance.seen.reason, std::move(lines));
  }
}

void begin_anew(Instance& instance) {
  instance.book = {};
  instance.spawn_at.reset();
  instance.retry_at.reset();
  instance.automatic = instance.has_turn = false;
}

bool waits_for_turn(Step& step, Instance& instance) {
  if (!instance.automatic || instance.has_turn) return false;
  const std::uint32_t limit = step.world.settings.restarts_per_second;
  auto turn = take_turn(step.world.restart_turn, limit, step.now.boot);
  if (!turn) return false;
  instance.has_turn = true;
  instance.spawn_at = *turn;
  instance.seen.next_try = step.now.wall + (*turn - step.now.boot);
  step.show(instance, InstanceState::backoff,
            fmt::format("{}; waits its turn: at most {} restarts a second on this host", why_ended(instance),
                        limit));
  step.mark(instance);
  return true;
}

bool tries_again(Step& step, Instance& instance) {
  bool due = instance.retry_at && *instance.retry_at <= step.now.boot;
  if (!due || !instance.row.run || instance.deleting) return false;
  instance.retry_at.reset();
  instance.row.finished.reset();
  instance.book.on_trial = true;
  instance.seen.restarts += 1;
  step.write_placement(instance);
  step.mark(instance);
  return true;
}

}  // namespace drover::agent
