#pragma once
// A hub core with scripted agents: what is said to it, what it answers and sends.

#include <gtest/gtest.h>

#include "core/hub/step.hpp"

namespace drover::hub::testing {

class Harness {
 public:
  explicit Harness(HubSettings settings = {.version = "test"}) : core_(std::move(settings), image(), now) {
    JoinToken token{.id = TokenId{make_uuid(now.wall, rng)}, .hash = "token", .uses_left = 100};
    token.expires_at = now.wall + std::chrono::hours(1);
    EXPECT_TRUE(call(PutJoinToken{token}));
  }

  Result<Answer> call(Command command, std::optional<Idempotency> key = std::nullopt) {
    auto effects = step(Call{++call_, {"user:anna", "test", ""}, std::move(command), std::move(key)});
    EXPECT_EQ(effects.replies.size(), 1u);
    return effects.replies.at(0).result;
  }

  /// A node that is connected and has nothing.
  NodeId node(const std::string& name) {
    NodeId uid{make_uuid(now.wall, rng)};
    EXPECT_TRUE(call(RegisterNode{"token", uid, name, "serial-" + name, "pin"}));
    connect(uid, name);
    return uid;
  }
  void connect(NodeId uid, const std::string& name, HostFacts host = {.drivers = {"process"}}) {
    sessions[uid] = ++session_;
    received_.erase(uid);
    step(SessionOpened{session_, uid, "test"});
    Hello hello{.uid = uid, .name = name, .boot = "b", .host = std::move(host)};
    frame(uid, hello);
    frame(uid, Inventory{});
  }
  Effects frame(NodeId uid, Frame frame) {
    return step(SessionFrame{sessions.at(uid), Envelope{++received_[uid], 0, 0, std::move(frame)}});
  }
  Effects pass(Duration time) {
    now.boot += time;
    now.wall += time;
    return step(Tick{});
  }
  Effects step(const In& in) {
    Effects effects = core_.step(now, rng, in);
    for (const auto& send : effects.frames)
      if (const auto* assign = std::get_if<Assign>(&send.envelope.frame)) assigned.push_back(*assign);
    return effects;
  }

  /// The agent does what it was told, and it works at once.
  void obey(NodeId uid) {
    std::vector<Assign> todo;
    for (Assign& assign : std::exchange(assigned, {}))
      (state().tasks.at(assign.task).task.node == uid ? todo : assigned).push_back(std::move(assign));
    for (const Assign& assign : todo) {
      frame(uid, TaskStarted{assign.task, assign.attempt});
      if (assign.type != TaskType::delete_) frame(uid, StateReport{{observed(assign)}});
      frame(uid, TaskEnded{.task = assign.task, .attempt = assign.attempt});
    }
  }
  Observed observed(const Assign& assign) {
    Observed seen{.instance = assign.placement.instance,
                  .epoch = assign.placement.epoch,
                  .generation = assign.placement.generation,
                  .digest = assign.placement.digest,
                  .incarnation = ++incarnations_[assign.placement.instance],
                  .version = ++version_,
                  .restart_generation = assign.restart_generation,
                  .reload_generation = assign.reload_generation};
    seen.run = assign.type != TaskType::stop;
    seen.state = seen.run ? InstanceState::ready : InstanceState::stopped;
    return seen;
  }

  const HubState& state() const { return core_.state(); }
  const SlotEntry& slot(const std::string& stack, const std::string& service, const std::string& name) {
    return state().slots.at(state().stacks.at(stack).slots.at(service).at(name));
  }

  Now now{BootTime(std::chrono::hours(1)), WallTime(std::chrono::hours(480'000))};
  Rng rng{1};
  std::map<NodeId, SessionId> sessions;
  std::vector<Assign> assigned;

 private:
  static Image image() {
    Image image;
    image.store = StoreId{*parse_uuid("01912d68-783e-7a03-8467-5661c1243ad4")};
    image.digest_key = "key";
    return image;
  }
  HubCore core_;
  CallId call_ = 0;
  SessionId session_ = 0;
  std::uint64_t version_ = 0;
  std::map<InstanceId, std::uint64_t> incarnations_;
  std::map<NodeId, std::uint64_t> received_;
};

inline Service serving(std::string name) {
  return {.name = std::move(name), .spec = ProcessSpec{.command = {"serve"}, .working_dir = "/"}};
}
inline Stack one_service() { return {.name = "shop", .services = {serving("web")}}; }

}  // namespace drover::hub::testing
