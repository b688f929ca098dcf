#include "world.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "core/hub/step.hpp"
#include "model/changes.hpp"
#include "script.hpp"

namespace drover::sim {

namespace {
constexpr BootTime boot_start{std::chrono::hours(1)};
constexpr WallTime wall_start{std::chrono::hours(24 * 20'000)};
const Who somebody{"user:sim", "sim", "0123"};
}  // namespace

World::World(std::uint64_t seed, std::size_t nodes)
    : rng_(seed), now_{boot_start, wall_start}, disk_(rng_, wall_start) {
  start_hub();
  links_.resize(nodes);
  partitioned_.resize(nodes);
  host_free_.resize(nodes);
  hub::JoinToken token{.id = TokenId{make_uuid(now_.wall, rng_)}, .hash = "token", .uses_left = 100};
  token.expires_at = now_.wall + std::chrono::hours(1000);
  command(hub::PutJoinToken{token});
  for (std::size_t i = 0; i < nodes; ++i) {
    NodeId uid{make_uuid(now_.wall, rng_)};
    std::string name = fmt::format("n{}", i + 1);
    command(hub::RegisterNode{"token", uid, name, "serial", "pin"});
    hosts_.push_back(std::make_unique<Host>(*this, i, uid, name));
  }
  for (auto& host : hosts_) host->start_agent();
  NodeId external{make_uuid(now_.wall, rng_)};
  hub::Credential credential{.id = TokenId{make_uuid(now_.wall, rng_)}, .kind = "agent", .hash = "script"};
  credential.user = to_string(external);
  command(hub::AddExternalNode{external, "x1", {}, 10s, credential});
  script_ = std::make_unique<Script>(*this, external);
  script_->start();
  run(3s);
}

World::~World() = default;

// ---- time
// --------------------------------------------------------------------------------------------------------

void World::at(BootTime when, std::function<void()> what) {
  queue_.push_back({std::max(when, now_.boot), ++seq_, std::move(what)});
  std::ranges::push_heap(queue_, std::greater<>());
}

void World::in_order(std::size_t host, Duration delay, std::function<void()> what) {
  host_free_[host] = std::max(host_free_[host], now_.boot + delay);
  at(host_free_[host], std::move(what));
}

void World::run(Duration length) {
  BootTime end = now_.boot + length;
  while (!queue_.empty() && queue_.front().at <= end && broken_.empty()) {
    std::ranges::pop_heap(queue_, std::greater<>());
    Entry entry = std::move(queue_.back());
    queue_.pop_back();
    now_.wall += entry.at - now_.boot;
    now_.boot = entry.at;
    entry.what();
  }
  now_.wall += end - now_.boot;
  now_.boot = end;
}

void World::trace(const std::string& line) {
  for (unsigned char c : line) trace_ = (trace_ ^ c) * 1099511628211ULL;  // FNV-1a
  trace_ = (trace_ ^ std::uint64_t(now_.boot.time_since_epoch().count())) * 1099511628211ULL;
  static const bool loud = std::getenv("SIM_TRACE") != nullptr;
  if (loud) fmt::print(stderr, "{:>10.3f} {}\n", seconds(now_.boot - boot_start), line);
}

void World::breaks(std::string what) {
  if (broken_.empty()) broken_ = fmt::format("at {:.3f} s: {}", seconds(now_.boot - boot_start), what);
}

// ---- the hub's process
// -------------------------------------------------------------------------------------------

void World::start_hub() {
  ++hub_life_;
  hub::HubSettings settings;
  settings.version = "sim";
  hub_ = std::make_unique<hub::HubCore>(settings, disk_.image(), now_);
  waiting_.clear();
  committing_ = false;
  calls_.clear();
  answers_.clear();
  check_promises();
  step_hub(hub::Tick{});
  for (std::size_t i = 0; i < hosts_.size(); ++i) connect_later(i);
}

void World::crash_hub() {
  if (!hub_) return;
  trace("hub crashes");
  ++hub_life_;
  hub_.reset();
  for (std::size_t i = 0; i < links_.size(); ++i) cut(i);
  at(now_.boot + Duration(rng_.below(4'000'000)), [this] {
    if (!hub_) start_hub();
  });
}

/// What was answered is still true after any crash.
void World::check_promises() {
  for (const auto& [stack, revision] : promised_)
    if (!disk_.has_revision(stack, revision))
      breaks(fmt::format("{} revision {} was answered and is lost", stack, revision));
  for (const auto& id : promised_operations_)
    if (!disk_.has_operation(id)) breaks("operation " + to_string(id) + " was answered and is lost");
  for (const auto& id : promised_tasks_)
    if (!disk_.has_task(id)) breaks("task " + to_string(id) + " was answered and is lost");
  if (!disk_.broken().empty()) breaks(disk_.broken());
}

void World::step_hub(const hub::In& in) {
  if (!hub_) return;
  hub::Effects effects = hub_->step(now_, rng_, in);
  check_capacity();
  for (const auto& send : effects.frames)
    if (const auto* assign = std::get_if<Assign>(&send.envelope.frame)) check_assignment(*assign);
  if (effects.wake) {
    std::uint64_t wake = ++hub_wake_, life = hub_life_;
    at(*effects.wake, [this, wake, life] {
      if (life == hub_life_ && wake == hub_wake_) step_hub(hub::Tick{});
    });
  }
  waiting_.push_back(std::move(effects));
  if (!committing_) commit_hub();
}

void World::commit_hub() {
  committing_ = true;
  std::vector<hub::Effects> batch(std::make_move_iterator(waiting_.begin()),
                                  std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  bool nothing = std::ranges::all_of(batch, [](const hub::Effects& e) { return e.changes.empty(); });
  Duration delay = nothing ? 0ms : Duration(500 + rng_.below(10'000));
  at(now_.boot + delay, [this, life = hub_life_, batch = std::move(batch)] {
    if (life != hub_life_) return;
    if (crash_edge()) return crash_hub();  // before the commit
    for (const auto& effects : batch) {
      for (const auto& change : effects.changes)
        trace(fmt::format("hub change {} {}", change.index(),
                          std::holds_alternative<Event>(change) ? std::get<Event>(change).message : ""));
      disk_.commit(effects.changes, effects.commit);
    }
    if (!disk_.broken().empty()) breaks(disk_.broken());
    if (crash_edge()) return crash_hub();  // after it, before anything is released
    for (const auto& effects : batch) release(effects);
    if (life != hub_life_) return;
    committing_ = false;
    if (!waiting_.empty()) commit_hub();
  });
}

void World::release(const hub::Effects& effects) {
  for (const auto& reply : effects.replies) answered(reply);
  for (const auto& send : effects.frames) to_agent(send.session, send.envelope);
  for (const auto& close : effects.closes)
    for (std::size_t i = 0; i < links_.size(); ++i)
      if (links_[i].session == close.session) cut(i);
}

void World::call(hub::Command command, std::function<void(const Result<hub::Answer>&)> then) {
  if (!hub_) return;
  answers_[next_call_ + 1] = std::move(then);
  this->command(std::move(command));
}

/// At most once, whatever dies, unless it may be repeated.
void World::executes(const Assign& order, const std::string& host) {
  std::uint32_t times = ++executed_[order.task];
  if (times > 1 && !order.errand->repeatable)
    breaks(fmt::format("command {} has begun {} times, now on {}", to_string(order.task), times, host));
}

void World::answered(const hub::Reply& reply) {
  auto call = calls_.extract(reply.id);
  if (call.empty()) return;
  if (auto then = answers_.extract(reply.id); !then.empty() && !(chaotic_ && rng_.percent(5)))
    then.mapped()(reply.result);
  trace(fmt::format("answer {} {}", reply.id, reply.result ? "ok" : reply.result.error().message));
  if (!reply.result) return;
  if (const auto* apply = std::get_if<hub::ApplyStack>(&call.mapped())) {
    auto& promised = promised_[apply->stack.name];
    promised =
        std::max(promised, std::uint64_t(reply.result->body.at("revision").to_number<std::uint64_t>()));
  }
  if (const auto* add = std::get_if<hub::AddTask>(&call.mapped()); add && add->nodes.size() == 1)
    if (auto id = parse_uuid(std::string_view(reply.result->body.at("id").as_string())))
      promised_tasks_.insert(TaskId{*id});
  if (std::holds_alternative<hub::ChangeRun>(call.mapped()))
    if (auto id = parse_uuid(std::string_view(reply.result->body.at("id").as_string())))
      promised_operations_.push_back(OperationId{*id});
}

/// Dependants never start before their dependencies' condition holds, as far as the hub can know.
void World::check_assignment(const Assign& assign) {
  if (assign.type == TaskType::delete_ || assign.type == TaskType::stop || !assign.run || !assign.service)
    return;
  const auto& state = hub_->state();
  auto stack = state.stacks.find(assign.stack);
  if (stack == state.stacks.end()) return;
  const auto slot = state.slots.find(assign.placement.instance);
  const Observed* own = slot == state.slots.end() ? nullptr : hub::observed_of(state, slot->second.slot);
  if (own && is_alive(own->state) && same_run(own->digest, assign.placement.digest))
    return;  // starts nothing
  for (const auto& dependency : assign.service->depends_on) {
    auto slots = stack->second.slots.find(dependency.service);
    if (slots == stack->second.slots.end()) continue;
    for (const auto& [name, id] : slots->second) {
      const auto& entry = state.slots.at(id);
      const Observed* seen = hub::observed_of(state, entry.slot);
      if (entry.slot.removing || assign.attempt > 1) continue;
      bool alive = seen && (is_alive(seen->state) || seen->state == InstanceState::completed);
      bool ready = seen && (seen->state == InstanceState::ready || seen->state == InstanceState::completed);
      bool holds = dependency.condition == Condition::started ? alive
                   : dependency.condition == Condition::ready
                       ? ready
                       : seen && seen->state == InstanceState::completed;
      // A hand-out may come a while after the task was made; then it was true at that time.
      bool just_made = state.tasks.at(assign.task).task.created_at == now_.wall;
      if (!holds && just_made)
        breaks(fmt::format("{}/{} starts although {} is not {}", assign.stack, assign.instance_name, name,
                           enum_name(dependency.condition)));
    }
  }
}

/// No node is given more than it has.
void World::check_capacity() {
  for (const hub::Room& room : hub_->state().fleet.rooms())
    for (std::uint32_t i = 0; room.node && i < room.taken.size(); ++i)
      if (room.free(i) < 0) breaks(fmt::format("{} is over its capacity", room.node->name));
}

bool World::crash_edge() {
  return chaotic_ && chaos_.crash_edges > 0 && rng_.below(1000) < chaos_.crash_edges;
}

// ---- the network
// -------------------------------------------------------------------------------------------------

void World::connect_later(std::size_t host) {
  at(now_.boot + Duration(10'000 + rng_.below(2'000'000)), [this, host] { connect(host); });
}

void World::connect(std::size_t host) {
  if (links_[host].session != 0 || !hosts_[host]->up()) return;
  if (!hub_ || partitioned_[host]) return connect_later(host);
  links_[host] = {.session = ++next_session_};
  trace(fmt::format("link {} {}", hosts_[host]->name(), next_session_));
  step_hub(hub::SessionOpened{next_session_, hosts_[host]->uid(), "sim"});
  hosts_[host]->deliver(agent::LinkUp{fmt::format("s{}", next_session_)});
}

void World::cut(std::size_t host) {
  auto session = std::exchange(links_[host].session, 0);
  if (session == 0) return;
  at(now_.boot + Duration(rng_.below(1'000'000)),
     [this, session] { step_hub(hub::SessionClosed{session, "cut"}); });
  at(now_.boot + Duration(rng_.below(500'000)), [this, host] {
    if (links_[host].session != 0) return;
    hosts_[host]->deliver(agent::LinkDown{"cut"});
    connect_later(host);
  });
}

void World::agent_died(std::size_t host) {
  cut(host);
  at(now_.boot + Duration(200'000 + rng_.below(3'000'000)), [this, host] {
    if (!hosts_[host]->up()) hosts_[host]->start_agent();
  });
}

void World::to_hub(std::size_t host, const Envelope& envelope) { travel(host, true, envelope); }

void World::to_agent(hub::SessionId session, const Envelope& envelope) {
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (links_[i].session == session) return travel(i, false, envelope);
}

void World::travel(std::size_t host, bool up, const Envelope& envelope) {
  Link& link = links_[host];
  if (link.session == 0 || partitioned_[host]) return;
  trace(fmt::format(
      "{} {} {} #{}", hosts_[host]->name(), up ? "->" : "<-",
      std::visit([](const auto& f) { return std::string(std::decay_t<decltype(f)>::kind); }, envelope.frame),
      envelope.n));
  if (chaotic_ && rng_.percent(chaos_.lose)) return;
  BootTime& free = up ? link.to_hub_free : link.to_agent_free;
  BootTime when = std::max(free, now_.boot + Duration(200 + rng_.below(chaotic_ ? 60'000 : 2'000)));
  bool overtaken = chaotic_ && rng_.percent(chaos_.reorder);
  if (!overtaken) free = when;
  auto session = link.session;
  auto deliver = [this, host, session, up, envelope] { arrive(host, session, up, envelope); };
  at(overtaken ? when + Duration(rng_.below(50'000)) : when, deliver);
  if (chaotic_ && rng_.percent(chaos_.duplicate)) at(when + Duration(rng_.below(20'000)), deliver);
}

void World::arrive(std::size_t host, hub::SessionId session, bool up, const Envelope& envelope) {
  Link& link = links_[host];
  if (link.session != session || partitioned_[host]) return;
  std::uint64_t& seen = up ? link.hub_seen : link.agent_seen;
  if (envelope.n <= seen) return;                // a duplicate
  if (envelope.n != seen + 1) return cut(host);  // a gap: the session is given up
  seen = envelope.n;
  if (up) step_hub(hub::SessionFrame{session, envelope});
  else hosts_[host]->deliver(agent::FrameIn{envelope});
}

// ---- commands and misfortunes
// ------------------------------------------------------------------------------------

void World::command(hub::Command command) {
  if (!hub_) return;
  hub::CallId id = ++next_call_;
  if (const auto* gone = std::get_if<hub::DeleteStack>(&command)) promised_.erase(gone->stack);
  calls_[id] = command;
  step_hub(hub::Call{id, somebody, std::move(command), std::nullopt});
}

void World::apply(const Stack& stack) { command(hub::ApplyStack{stack, std::nullopt}); }

void World::start_first(Service& service) {
  service.update.order = UpdateOrder::start_first;
  service.update.healthy_for = Duration(rng_.below(1'000'000));
  service.probes.start_timeout = 10s;
  for (Port& port : service.ports)
    if (port.published != 0 || rng_.percent(50)) port.pass = PortPass::listen_fds;
}

void World::with_canary(Service& service) {
  service.update.canary = std::uint32_t(1 + rng_.below(2));
  service.update.auto_promote = rng_.percent(50);
  for (Port& port : service.ports)
    if (port.published != 0) port.pass = PortPass::listen_fds;
}

void World::with_place(Service& service) {
  if (rng_.percent(40)) service.reserve["memory"] = double(1 + rng_.below(6)) * (1ull << 29);
  if (rng_.percent(20)) service.reserve["cpu"] = double(1 + rng_.below(8)) / 4;
  if (rng_.percent(20)) service.place.strategy = PlaceStrategy::binpack;
  if (rng_.percent(10)) service.place.max_per_node = std::uint32_t(1 + rng_.below(2));
  if (rng_.percent(10)) service.place.prefer = {"node.name == n2"};
  if (rng_.percent(10)) service.place.constraints = {"node.name != n3"};
}

Stack World::some_stack() {
  Stack stack{.name = rng_.percent(50) ? "shop" : "lab"};
  std::size_t services = 1 + rng_.below(4);
  for (std::size_t i = 0; i < services; ++i) {
    Service service;
    service.name = fmt::format("s{}", i);
    unsigned dice = unsigned(rng_.below(100));
    bool job = dice < 20 && i + 1 < services;
    service.kind = job ? ServiceKind::job : ServiceKind::service;
    service.restart.policy = job ? RestartPolicy::on_failure : RestartPolicy::always;
    service.restart.give_up = 3;
    service.spec = ProcessSpec{.command = {job         ? "job"
                                           : dice > 96 ? "missing"
                                           : dice > 92 ? "crash"
                                                       : "serve",
                                           fmt::format("v{}", rng_.below(4))},
                               .working_dir = "/"};
    service.stop.grace = Duration(rng_.below(2'000'000));
    service.logs.budget = (32ull + rng_.below(4)) << 20;
    if (!job && rng_.percent(60)) {
      service.probes.ready = Probe{.check = TcpCheck{"127.0.0.1:1"}, .interval = 500ms, .timeout = 1s};
      if (rng_.percent(30))
        service.probes.live =
            Probe{.check = TcpCheck{"127.0.0.1:1"}, .interval = 2s, .timeout = 1s, .failures = 5};
    }
    if (rng_.percent(40)) service.ports.push_back({.name = "http", .published = 0});
    if (rng_.percent(20))
      service.ports.push_back(
          {.name = "base", .published = std::uint16_t(9000 + 10 * i), .plus = "instance.index"});
    if (!job && rng_.percent(40)) start_first(service);
    if (!job && rng_.percent(25)) with_canary(service);
    with_place(service);
    if (!job && rng_.percent(20)) service.reload.signal = "SIGHUP";
    if (rng_.percent(30)) service.update.on_failure = UpdateFailure::rollback;
    if (rng_.percent(15)) service.scale = {ScaleKind::per_node, 1};
    else service.scale = {ScaleKind::count, std::uint32_t(rng_.below(4))};
    service.update.batch = std::uint32_t(1 + rng_.below(2));
    for (std::size_t d = 0; d < i; ++d)
      if (rng_.percent(40)) {
        bool dep_job = stack.services[d].kind == ServiceKind::job;
        service.depends_on.push_back({stack.services[d].name, dep_job            ? Condition::completed
                                                              : rng_.percent(50) ? Condition::ready
                                                                                 : Condition::started});
      }
    stack.services.push_back(std::move(service));
  }
  return stack;
}

void World::some_command() {
  if (!hub_) return;
  std::string stack = rng_.percent(50) ? "shop" : "lab";
  std::string service = fmt::format("s{}", rng_.below(4));
  std::string node = fmt::format("n{}", 1 + rng_.below(hosts_.size()));
  if (rng_.percent(25)) return some_task();
  switch (rng_.below(15)) {
    case 0:
    case 1:
    case 2: return apply(some_stack());
    case 3: return command(hub::DeleteStack{stack});
    case 4: return command(hub::ScaleService{stack, service, std::uint32_t(rng_.below(4))});
    case 5: return command(hub::ChangeRun{OperationKind::stop, false, {stack + "/" + service}});
    case 6: return command(hub::ChangeRun{OperationKind::start, true, {}});
    case 7: return command(hub::ChangeRun{OperationKind::restart, false, {stack}});
    case 8: return command(hub::CordonNode{node, rng_.percent(50)});
    case 9: return command(hub::DrainNode{node, rng_.percent(40)});
    case 10: return command(hub::RollbackStack{stack, 0});
    case 13:
    case 14: return some_deployment_command();
    case 12: return command(hub::ChangeRun{OperationKind::reload, false, {stack + "/" + service}});
    case 11: {
      const auto& tasks = hub_->state().tasks;
      if (!tasks.empty())
        command(hub::CancelTask{std::next(tasks.begin(), std::int64_t(rng_.below(tasks.size())))->first});
      return;
    }
  }
}

void World::some_deployment_command() {
  std::vector<DeploymentId> live;
  for (const auto& [id, deployment] : hub_->state().deployments)
    if (!is_final(deployment.state)) live.push_back(id);
  if (live.empty()) return;
  DeploymentId id = live[rng_.below(live.size())];
  switch (rng_.below(6)) {
    case 0: return command(hub::PauseDeployment{id, true});
    case 1: return command(hub::PauseDeployment{id, false});
    case 2:
    case 3: return command(hub::PromoteDeployment{id});
    case 4: return command(hub::AbortDeployment{id});
    case 5: return command(hub::CancelDeployment{id});
  }
}

/// What a person would have to say for them to end.
void World::end_deployments() {
  if (!hub_) return;
  std::vector<hub::Command> said;
  for (const auto& [id, deployment] : hub_->state().deployments) {
    if (deployment.state == DeploymentState::paused) said.emplace_back(hub::PauseDeployment{id, false});
    if (deployment.promotable) said.emplace_back(hub::PromoteDeployment{id});
  }
  for (hub::Command& one : said) command(std::move(one));
}

void World::some_task() {
  const auto& tasks = hub_->state().tasks;
  auto any = [&] {
    return tasks.empty() ? TaskId() : std::next(tasks.begin(), std::int64_t(rng_.below(tasks.size())))->first;
  };
  switch (rng_.below(10)) {
    case 0: return command(hub::PauseQueue{rng_.percent(50) ? "" : "n1", rng_.percent(50)});
    case 1: return command(hub::RequeueTasks{});
    case 2: return command(hub::RetryTask{any(), std::nullopt});
    case 3: {
      const auto& all = hub_->state().operations;
      if (!all.empty()) command(hub::UndoOperation{std::prev(all.end())->first});
      return;
    }
    default: break;
  }
  hub::AddTask add{.type = TaskType::exec, .priority = std::uint8_t(rng_.below(11))};
  std::size_t node = rng_.below(hosts_.size() + 1);
  add.nodes = {node == hosts_.size() ? "x1" : hosts_[node]->name()};
  if (rng_.percent(20)) add.nodes.push_back(hosts_[rng_.below(hosts_.size())]->name());
  add.errand.command = {"work"};
  add.errand.repeatable = rng_.percent(40);
  if (rng_.percent(30)) add.max_retries = std::uint32_t(rng_.below(3));
  if (rng_.percent(20)) add.timeout = Duration(500'000 + rng_.below(3'000'000));
  if (rng_.percent(20)) add.no_progress = 3s;
  if (rng_.percent(30) && !tasks.empty()) add.depends_on = {any()};
  command(std::move(add));
}

void World::misfortune(const Chaos& chaos) {
  if (rng_.percent(chaos.partition)) script_->sleep_long();
  std::size_t host = rng_.below(hosts_.size());
  if (rng_.percent(chaos.cut)) cut(host);
  if (rng_.percent(chaos.partition)) {
    partitioned_[host] = true;
    trace("partition " + hosts_[host]->name());
    at(now_.boot + Duration(1'000'000 + rng_.below(60'000'000)),
       [this, host] { partitioned_[host] = false; });
  }
  if (rng_.percent(chaos.crash_agent)) hosts_[rng_.below(hosts_.size())]->crash_agent();
  if (rng_.percent(chaos.reboot)) hosts_[rng_.below(hosts_.size())]->reboot();
  if (rng_.percent(chaos.kill_process)) hosts_[rng_.below(hosts_.size())]->kill_some_process();
  if (rng_.percent(chaos.crash_hub)) crash_hub();
  if (rng_.percent(chaos.disk_full)) {
    hosts_[host]->fill_disk(true);
    at(now_.boot + Duration(rng_.below(20'000'000)), [this, host] { hosts_[host]->fill_disk(false); });
  }
  if (rng_.percent(chaos.commands)) some_command();
}

void World::chaos(Duration length, Chaos chaos) {
  chaos_ = chaos;
  chaotic_ = true;
  for (Duration passed = 0s; passed < length && broken_.empty(); passed += 1s) {
    misfortune(chaos);
    run(1s);
  }
}

void World::heal(Duration length) {
  chaotic_ = false;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    partitioned_[i] = false;
    hosts_[i]->fill_disk(false);
    if (!hosts_[i]->up()) hosts_[i]->start_agent();
    else if (links_[i].session == 0) connect_later(i);
  }
  if (!hub_) start_hub();
  for (auto& host : hosts_) {
    command(hub::DrainNode{host->name(), false});
    command(hub::CordonNode{host->name(), false});
  }
  command(hub::PauseQueue{"", false});
  command(hub::PauseQueue{"n1", false});
  command(hub::ChangeRun{OperationKind::start, true, {}});
  for (Duration passed = 0s; passed < length && broken_.empty(); passed += 10s) {
    end_deployments();
    run(10s);
    if (unsettled().empty() && processes() == desired()) return;
  }
}

// ---- what is, and what should be
// ---------------------------------------------------------------------------------

/// Held up by what has failed, or by a lack of nodes: it may be old, or not there; not more than once (that
/// is checked at each spawn).
bool World::held_up(InstanceId id) const {
  auto found = hub_->state().slots.find(id);
  return found != hub_->state().slots.end() &&
         (!found->second.waits.empty() || !found->second.slot.blocked.empty());
}

std::string World::processes() const {
  if (!hub_) return "the hub is away";
  std::string out;
  for (const auto& host : hosts_)
    for (const auto& [id, run] : host->runs()) {
      const auto& command = std::get<ProcessSpec>(run.spawn.service.spec).command;
      if (run.empty || command[0] != "serve" || held_up(id)) continue;
      out += fmt::format("{} {}/{} {} {} {}\n", host->name(), run.spawn.stack, run.spawn.instance_name,
                         command[1], run.spawn.service.logs.budget, to_string(id));
    }
  return out;
}

std::size_t World::serving_all(const std::string& service) const {
  std::size_t count = 0;
  for (const auto& host : hosts_)
    for (const auto& [id, run] : host->runs())
      count += run.alive && run.spawn.service.name == service && run.ready_at <= now_.boot ? 1 : 0;
  return count;
}

std::size_t World::serving(const std::string& instance_name) const {
  std::size_t count = 0;
  for (const auto& host : hosts_)
    for (const auto& [id, run] : host->runs())
      count += run.alive && run.spawn.instance_name == instance_name && run.ready_at <= now_.boot ? 1 : 0;
  return count;
}

std::string World::desired() const {
  if (!hub_) return "the hub is away";
  const auto& state = hub_->state();
  std::string out;
  for (const auto& host : hosts_)
    for (const auto& [id, entry] : state.slots) {
      const Service* service = hub::wanted_service(state, entry.slot);
      if (!service || entry.slot.node != host->uid() || !hub::wanted_running(state, entry.slot) ||
          held_up(id))
        continue;
      const auto& command = std::get<ProcessSpec>(service->spec).command;
      if (command[0] != "serve") continue;
      out += fmt::format("{} {}/{} {} {} {}\n", host->name(), entry.slot.stack, entry.slot.name, command[1],
                         service->logs.budget, to_string(id));
    }
  return out;
}

/// Is there a reason to be held up: something of the stack has failed, or no node fits?
bool World::excused(const std::string& stack, const hub::SlotEntry& held) const {
  const auto& state = hub_->state();
  auto homeless = [](const std::string& waits) { return waits.find("no node fits") != std::string::npos; };
  if (homeless(held.waits)) return true;
  for (const auto& [id, entry] : state.slots) {
    if (entry.slot.stack != stack) continue;
    if (!entry.slot.blocked.empty() || homeless(entry.waits)) return true;
    if (hub::seen_state(state, entry).state == InstanceState::failed) return true;
  }
  // A dependency that is scaled to nothing never becomes ready.
  return held.waits.find("(0/0)") != std::string::npos ||
         std::ranges::any_of(state.slots, [&](const auto& pair) {
           return pair.second.slot.stack == stack && pair.second.waits.find("(0/0)") != std::string::npos;
         });
}

std::string World::unsettled() const {
  if (!hub_) return "the hub is away";
  std::string out;
  const auto& state = hub_->state();
  for (const auto& [id, entry] : state.tasks)
    if (!is_final(entry.task.state))
      out += fmt::format("task {} {}/{} is {}: {}\n", enum_name(entry.task.type), entry.task.stack,
                         entry.task.instance_name, enum_name(entry.task.state), entry.task.message);
  for (const auto& [id, deployment] : state.deployments)
    if (!is_final(deployment.state))
      out += fmt::format("deployment of {} revision {} is {}: {}\n", deployment.stack, deployment.revision,
                         enum_name(deployment.state), deployment.message);
  for (const auto& [id, operation] : state.operations)
    if (operation.state == OperationState::running) {
      out += fmt::format("operation {} {} is running:", enum_name(operation.kind), operation.scope);
      for (const auto& item : operation.items)
        if (!item.ok) out += fmt::format(" {}/{}", item.stack, item.instance_name);
      out += "\n";
    }
  for (const auto& [id, entry] : state.slots) {
    auto seen = hub::seen_state(state, entry);
    const Service* service = hub::wanted_service(state, entry.slot);
    const auto& stack = state.stacks.at(entry.slot.stack);
    bool held = hub::rollout_held(state, stack) || hub::canary_of(state, stack, entry.slot.service);
    if (!service && held && !entry.slot.removing && !entry.slot.node) continue;  // it was never let begin
    if (!service) {
      out += fmt::format("{}/{} is still there: {}\n", entry.slot.stack, entry.slot.name, entry.waits);
      continue;
    }
    if (held_up(id) && !excused(entry.slot.stack, entry))
      out += fmt::format("{}/{} is held up by nothing: {} (it is {}: {}; task {}, wanted {})\n",
                         entry.slot.stack, entry.slot.name, entry.waits, enum_name(seen.state), seen.reason,
                         entry.task.has_value(), hub::wanted_running(state, entry.slot));
    bool waits = !entry.slot.node && hub::wanted_running(state, entry.slot) && entry.waits.empty() &&
                 entry.slot.blocked.empty() && !entry.slot.finished;
    if (waits) out += fmt::format("{}/{} waits for nothing\n", entry.slot.stack, entry.slot.name);
    if (seen.state == InstanceState::unknown || seen.state == InstanceState::lost)
      out += fmt::format("{}/{} is {}\n", entry.slot.stack, entry.slot.name, enum_name(seen.state));
  }
  return out;
}

}  // namespace drover::sim
