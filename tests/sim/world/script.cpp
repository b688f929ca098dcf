#include "script.hpp"

#include "world.hpp"

namespace drover::sim {

void Script::start() {
  world_.at(world_.now().boot + Duration(100'000 + world_.rng().below(3'000'000)), [this] {
    if (!asleep_) poll();
    start();
  });
}

void Script::sleep_long() {
  if (std::exchange(asleep_, true)) return;
  world_.at(world_.now().boot + 20s, [this] { asleep_ = false; });
}

void Script::poll() {
  world_.call(hub::FetchTasks{node_, 3}, [this](const Result<hub::Answer>& answer) {
    if (!answer || asleep_) return;
    for (const auto& id : answer->body.at("tasks").as_array()) {
      TaskId task{*parse_uuid(std::string_view(id.as_string()))};
      const auto* state = world_.hub_now();
      if (!state || !state->tasks.contains(task) || state->tasks.at(task).task.attempts.empty()) continue;
      std::uint32_t attempt = state->tasks.at(task).task.attempts.back().number;
      auto [known, fresh] = at_work_.emplace(task, attempt);
      if (!fresh && known->second == attempt) continue;
      known->second = attempt;
      work(task, attempt);
    }
  });
}

void Script::work(TaskId task, std::uint32_t attempt) {
  world_.call(hub::ReportTask{.node = node_, .id = task, .attempt = attempt, .state = TaskState::running},
              [](const Result<hub::Answer>&) {});
  world_.at(world_.now().boot + Duration(world_.rng().below(2'000'000)),
            [this, task, attempt] { report(task, attempt); });
}

/// Until the hub has said yes, or no.
void Script::report(TaskId task, std::uint32_t attempt) {
  auto heard = std::make_shared<bool>(false);
  TaskState how = TaskState::completed;
  if (!asleep_)
    world_.call(hub::ReportTask{.node = node_, .id = task, .attempt = attempt, .state = how},
                [heard](const Result<hub::Answer>& answer) {
                  *heard = answer || answer.error().code != Errc::unavailable;
                });
  world_.at(world_.now().boot + 2s, [this, heard, task, attempt] {
    auto known = at_work_.find(task);
    if (known == at_work_.end() || known->second != attempt) return;
    if (*heard) at_work_.erase(known);
    else report(task, attempt);
  });
}

}  // namespace drover::sim
