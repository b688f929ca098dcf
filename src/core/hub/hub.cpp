#include "core/hub/hub.hpp"

#include "core/hub/step.hpp"

namespace drover::hub {

namespace {
constexpr Duration housekeeping_every = 60s;

class Loader {
 public:
  Loader(HubState& state, Now now) : state_(state), now_(now) {}

  void operator()(StackRow& row) { state_.stacks[row.name].row = std::move(row); }
  void operator()(RevisionRow& row) {
    auto& revisions = state_.stacks[row.stack].revisions;
    auto number = row.number;
    index_services(revisions[number] = std::move(row));
  }
  void operator()(Slot& slot) {
    StackEntry& stack = state_.stacks[slot.stack];
    switch (slot.role) {
      case SlotRole::holder: stack.slots[slot.service][slot.name] = slot.id; break;
      case SlotRole::successor: stack.successors[{slot.service, slot.name}] = slot.id; break;
      case SlotRole::retired: stack.retired.insert(slot.id); break;
    }
    auto id = slot.id;
    state_.slots[id].slot = std::move(slot);
  }
  void operator()(Task& task) {  // live, or failed for good
    auto id = task.id;
    if (is_final(task.state)) state_.dead[task.placement.instance] = id;
    state_.tasks[id] = {std::move(task), now_.boot, now_.boot};
  }
  void operator()(TaskRecord& row) { records_.push_back(std::move(row)); }
  void operator()(QueueRow& row) {
    auto name = row.name;
    state_.paused[name] = std::move(row);
  }
  void operator()(Deployment& deployment) { state_.deployments[deployment.id] = std::move(deployment); }
  void operator()(Operation& operation) { state_.operations[operation.id] = std::move(operation); }
  void operator()(NodeRow& row) {
    auto id = row.node.id;
    state_.node_names[row.node.name] = id;
    NodeEntry& node = state_.nodes[id];
    node.row = std::move(row);
    node.heard = now_.boot;  // nobody becomes suspect or lost before lost_after has passed since this start
    node.unknown_since = now_.wall;
  }
  void operator()(JoinToken& token) { state_.join_tokens[token.id] = std::move(token); }
  void operator()(User& user) { state_.users[user.name] = std::move(user); }
  void operator()(Credential& credential) {
    state_.credential_hashes[credential.hash] = credential.id;
    state_.credentials[credential.id] = std::move(credential);
  }
  void operator()(IdempotencyRow& row) { state_.idempotency[row.key] = std::move(row); }

  /// Everything that follows from the rows.
  void link() {
    for (auto& [id, node] : state_.nodes) state_.fleet.update(node.row.node, closed_for(state_, node));
    for (bool jobs : {false, true})
      for (auto& [id, entry] : state_.slots) settle(entry, jobs);
    for (auto& [id, entry] : state_.tasks) {
      const Task& task = entry.task;
      if (is_final(task.state)) continue;
      if (auto slot = state_.slots.find(task.placement.instance); slot != state_.slots.end())
        slot->second.task = id;
      for (TaskId dependency : task.depends_on)
        if (auto on = state_.tasks.find(dependency);
            on != state_.tasks.end() && !is_final(on->second.task.state))
          state_.dependants[dependency].insert(id);
      if (task.state == TaskState::pending) state_.pending[task.node].insert(queue_place(task));
      else if (auto node = state_.nodes.find(task.node); node != state_.nodes.end())
        node->second.open.insert(id);
      state_.timers.insert({now_.boot, Timer::About::task, id.value, {}});
    }
    link_records();
    for (const auto& [id, node] : state_.nodes)
      state_.timers.insert({now_.boot, Timer::About::node, id.value, {}});
    for (auto& [name, stack] : state_.stacks) {
      stack.look_at = now_.boot;
      state_.timers.insert({now_.boot, Timer::About::stack, {}, name});
    }
    state_.timers.insert({now_.boot + housekeeping_every, Timer::About::housekeeping, {}, {}});
  }

 private:
  /// A job that is done has given back what it held, also when it is to run once more: it looks for room
  /// again.
  void settle(SlotEntry& entry, bool jobs) {
    const Slot& slot = entry.slot;
    if (!slot.node || !state_.nodes.contains(*slot.node)) return;
    state_.nodes.at(*slot.node).slots.insert(slot.id);
    AskPtr ask = ask_of(state_, slot.stack, slot.generation, slot.service);
    if (slot.finished || (ask->kind == ServiceKind::job) != jobs) return;
    Wish wish{.ask = ask, .index = slot.index, .former = &entry};
    if (!jobs || !lacks(state_, state_.fleet, wish, *state_.fleet.room_of(*slot.node)))
      hold(state_, entry, std::move(ask));
  }

  void link_records() {
    std::ranges::sort(records_, {}, &TaskRecord::seq);
    for (TaskRecord& row : records_) {
      auto id = row.task.id;
      state_.tally.add(row.task);
      state_.finished.push_back(id);
      state_.record_marks.assign(1, {row.task.finished_at.value_or(row.task.created_at), row.seq});
      state_.tasks[id] = {std::move(row.task), now_.boot, now_.boot, row.seq};
    }
  }

  HubState& state_;
  Now now_;
  std::vector<TaskRecord> records_;
};

void look_at(Step& step, const Timer& timer) {
  auto stack = step.state.stacks.find(timer.stack);
  if (stack != step.state.stacks.end() && stack->second.look_at == timer.at) stack->second.look_at.reset();
  step.reconcile_later(timer.stack);
}

void fire(Step& step, const Timer& timer) {
  switch (timer.about) {
    case Timer::About::node: return check_node(step, NodeId{timer.id});
    case Timer::About::task: return check_task(step, TaskId{timer.id});
    case Timer::About::stack: return look_at(step, timer);
    case Timer::About::housekeeping:
      forget_old(step);
      step.timer(step.now.boot + housekeeping_every, Timer::About::housekeeping, {});
      return;
  }
  std::unreachable();
}

void fire_due(Step& step) {
  auto& timers = step.state.timers;
  std::vector<Timer> due;
  while (!timers.empty() && timers.begin()->at <= step.now.boot) {
    due.push_back(*timers.begin());
    timers.erase(timers.begin());
  }
  for (const Timer& timer : due) fire(step, timer);
}

std::string idempotency_key(const Call& call) { return call.who.actor + " " + call.idempotency->key; }

/// The stored answer of an equal request, or the refusal of another one under the same key.
std::optional<Result<Answer>> replay(Step& step, const Call& call) {
  if (!call.idempotency) return std::nullopt;
  auto found = step.state.idempotency.find(idempotency_key(call));
  if (found == step.state.idempotency.end()) return std::nullopt;
  const IdempotencyRow& row = found->second;
  if (row.fingerprint != call.idempotency->fingerprint)
    return fail(Errc::conflict, "this Idempotency-Key was used for another request", {}, "use a new key");
  return Answer{row.status, row.location, row.body, true};
}

void handle_call(Step& step, const Call& call) {
  if (auto stored = replay(step, call)) {
    step.out.replies.push_back({call.id, std::move(*stored)});
    return;
  }
  auto result = run_command(step, call.who, call.command);
  if (result && call.idempotency) {
    IdempotencyRow row{idempotency_key(call), call.idempotency->fingerprint,
                       result->status,        result->location,
                       result->body,          step.now.wall};
    step.state.idempotency[row.key] = row;
    step.write(std::move(row));
  }
  step.out.replies.push_back({call.id, std::move(result)});
}

struct Dispatch {
  Step& step;
  void operator()(const Call& call) const { handle_call(step, call); }
  void operator()(const SessionOpened& in) const { session_opened(step, in); }
  void operator()(const SessionClosed& in) const { session_closed(step, in); }
  void operator()(const SessionFrame& in) const { session_frame(step, in); }
  void operator()(const Tick&) const {}
};
}  // namespace

HubCore::HubCore(HubSettings settings, Image image, Now now) : settings_(std::move(settings)) {
  state_.store = image.store;
  state_.digest_key = std::move(image.digest_key);
  state_.commit = image.commit;
  state_.event_seq = image.event_seq;
  state_.first_event = image.first_event;
  state_.first_record = image.first_record;
  state_.last_record = image.last_record;
  state_.audit_seq = image.audit_seq;
  state_.audit_hash = std::move(image.audit_hash);
  Loader loader(state_, now);
  for (Row& row : image.rows) std::visit(loader, row);
  loader.link();
}

Effects HubCore::step(Now now, Rng& rng, const In& in) {
  Effects effects;
  Step step(state_, settings_, now, rng, effects);
  fire_due(step);
  std::visit(Dispatch{step}, in);
  step.finish();
  return effects;
}

}  // namespace drover::hub
