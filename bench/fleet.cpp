// bench_fleet: agents as the hub sees them, over real connections, with nothing behind them: they join, keep
// their session, send heartbeats, and carry out every task at once. For bench/hub.py.
//
//   bench_fleet LINE AGENTS DIRECTORY
//
// LINE: a join line for that many uses. DIRECTORY: where their identities go (a tmpfs, best). One JSON line
// on stdout for each thing that happened to all of them: joined, connected (after a loss, too), and when
// stdin ends what the heartbeats took.

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <vector>

#include "agent/dialer.hpp"
#include "agent/join.hpp"
#include "base/json.hpp"
#include "base/rng.hpp"
#include "net/io_pool.hpp"

namespace {
using namespace drover;
using Steady = std::chrono::steady_clock;

double since_ms(Steady::time_point began) {
  return std::chrono::duration<double, std::milli>(Steady::now() - began).count();
}
std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Steady::now().time_since_epoch()).count();
}

/// What all agents have to say together; on one executor.
struct Totals {
  std::size_t agents = 0, connected = 0;
  std::uint64_t tasks = 0, dials = 0;
  Steady::time_point began = Steady::now();
  std::vector<std::int64_t> heartbeats_us;

  void up() {
    if (++connected != agents) return;
    std::printf("{\"event\":\"connected\",\"ms\":%.1f,\"dials\":%llu}\n", since_ms(began),
                static_cast<unsigned long long>(dials));
    std::fflush(stdout);
  }
  void down() {
    if (connected-- == agents) began = Steady::now(), dials = 0;
  }
};

class SimAgent {
 public:
  SimAgent(std::shared_ptr<agent::Dialer> dialer, NodeId uid, std::string name, Totals& totals,
           std::uint64_t seed)
      : dialer_(std::move(dialer)), uid_(uid), name_(std::move(name)), totals_(totals), rng_(seed) {}

  net::Awaitable<void> run() {
    for (Duration longest = 500ms;; longest = std::min<Duration>(longest * 2, 30s)) {
      ++totals_.dials;
      auto link = co_await net::within(30s, dialer_->dial(), "dialling");
      if (link && co_await serve(std::move(*link))) longest = 250ms;
      const Duration spread = spread_ > 0s && longest == 250ms ? spread_ : longest;
      co_await net::sleep_for(Duration(std::int64_t(rng_.unit() * double(spread.count()))));
    }
  }

 private:
  /// True: it was a session.
  net::Awaitable<bool> serve(std::shared_ptr<net::FrameLink> link) {
    link_ = link;
    sent_ = received_ = 0;
    outbox_ = std::make_shared<net::Mailbox<Envelope>>(4096);
    push(Hello{
        .uid = uid_, .name = name_, .boot = name_, .ticket = ticket_, .host = facts(), .store = store_});
    welcomed_ = false;
    co_await net::first_of(read(), write_and_beat());
    if (welcomed_) totals_.down();
    link->close("over");
    co_return welcomed_;
  }
  static HostFacts facts() {
    HostFacts facts;
    facts.hostname = "bench", facts.os = "linux", facts.arch = "x86_64", facts.version = "0.1.0";
    facts.level = "cgroup v2", facts.drivers = {"process"};
    return facts;
  }
  void push(Frame frame) {
    Envelope envelope{++sent_, received_, 0, std::move(frame)};
    outbox_->try_push(envelope);
  }
  net::Awaitable<void> write_and_beat() { co_await net::first_of(write(), beat()); }
  net::Awaitable<void> write() {
    while (auto envelope = co_await outbox_->pop())
      if (!co_await link_->send(std::move(*envelope))) co_return;
  }
  net::Awaitable<void> beat() {
    for (;;) {
      co_await net::sleep_for(Duration(std::int64_t(double(heartbeat_.count()) * (0.8 + 0.4 * rng_.unit()))));
      if (welcomed_) push(Heartbeat{now_us()});
    }
  }
  net::Awaitable<void> read() {
    for (;;) {
      auto envelope = co_await link_->receive();
      if (!envelope) co_return;
      received_ = envelope->n;
      if (!take(envelope->frame)) co_return;
    }
  }
  bool take(const Frame& frame) {
    if (const auto* welcome = std::get_if<Welcome>(&frame)) {
      ticket_ = welcome->ticket;
      store_ = welcome->store;
      heartbeat_ = welcome->heartbeat;
      spread_ = welcome->reconnect_spread;
      welcomed_ = true;
      push(Inventory{.applied = received_, .instances = {}, .attempts = {}});
      totals_.up();
    } else if (const auto* assign = std::get_if<Assign>(&frame)) {
      push(TaskStarted{assign->task, assign->attempt});
      push(TaskEnded{.task = assign->task, .attempt = assign->attempt, .error = {}, .output = {}});
      ++totals_.tasks;
    } else if (const auto* ack = std::get_if<HeartbeatAck>(&frame)) {
      if (totals_.heartbeats_us.size() < 1'000'000) totals_.heartbeats_us.push_back(now_us() - ack->sent);
    } else if (std::holds_alternative<InventoryWanted>(frame)) {
      push(Inventory{.applied = received_, .instances = {}, .attempts = {}});
    } else if (std::holds_alternative<Refuse>(frame)) {
      return false;
    }
    return true;
  }

  std::shared_ptr<agent::Dialer> dialer_;
  NodeId uid_;
  std::string name_, ticket_;
  std::optional<StoreId> store_;
  Totals& totals_;
  Rng rng_;
  std::shared_ptr<net::FrameLink> link_;
  std::shared_ptr<net::Mailbox<Envelope>> outbox_;
  std::uint64_t sent_ = 0, received_ = 0;
  Duration heartbeat_ = 5s, spread_ = 0s;
  bool welcomed_ = false;
};

struct Fleet {
  std::string line, directory;
  std::size_t count = 0, next = 0;
  Totals totals;
  std::vector<std::unique_ptr<SimAgent>> agents;
  std::string problem;

  std::string place(std::size_t i) const { return fmt::format("{}/{}", directory, i); }

  net::Awaitable<void> join_some() {
    while (next < count && problem.empty()) {
      const auto i = next++;
      std::filesystem::create_directories(place(i));
      const auto name = fmt::format("bench-{}", i);
      auto joined =
          co_await agent::join_hub({.line = line, .state = place(i), .name = name, .version = "0.1.0"});
      if (!joined) problem = joined.error().message + ": " + joined.error().cause;
    }
  }
  Result<void> make_agents() {
    for (std::size_t i = 0; i < count; ++i) {
      TRY(auto identity, agent::load_node_identity(place(i)));
      TRY(auto dialer, agent::hub_dialer(place(i), 30s));
      const auto uid = parse_uuid(identity.uid);
      if (!uid) return fail(Errc::invalid, "no uid in " + place(i));
      agents.push_back(std::make_unique<SimAgent>(std::move(dialer), NodeId{*uid}, identity.name, totals, i));
    }
    return {};
  }
  void print_heartbeats() {
    auto& all = totals.heartbeats_us;
    std::ranges::sort(all);
    const auto at = [&](double part) {
      return all.empty()
                 ? 0.0
                 : double(all[std::min(all.size() - 1, std::size_t(part * double(all.size())))]) / 1e3;
    };
    std::printf("{\"event\":\"ended\",\"heartbeats\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"tasks\":%llu}\n",
                all.size(), at(0.5), at(0.99), static_cast<unsigned long long>(totals.tasks));
  }
};

net::Awaitable<void> join_all(Fleet& fleet) {
  net::TaskGroup group(co_await net::current_executor(),
                       [&fleet](std::string_view, std::string_view what) { fleet.problem = what; });
  for (int i = 0; i < 16; ++i) group.spawn(fleet.join_some(), "join");
  co_await group.join();
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 0;  // there is nothing to measure here by itself
  ::signal(SIGPIPE, SIG_IGN);
  Fleet fleet{.line = argv[1], .directory = argv[3], .count = std::strtoul(argv[2], nullptr, 10)};
  fleet.totals.agents = fleet.count;
  net::IoPool pool(1);
  const auto executor = pool.executor(0);
  net::wait_for(executor, join_all(fleet));
  if (fleet.problem.empty())
    if (auto made = fleet.make_agents(); !made) fleet.problem = made.error().message;
  if (!fleet.problem.empty()) return std::fprintf(stderr, "%s\n", fleet.problem.c_str()), 1;
  std::printf("{\"event\":\"joined\",\"ms\":%.1f}\n", since_ms(fleet.totals.began));
  std::fflush(stdout);
  net::TaskGroup sessions(executor, [](std::string_view, std::string_view what) {
    std::fprintf(stderr, "%.*s\n", int(what.size()), what.data());
  });
  net::post(executor, [&] {
    fleet.totals.began = Steady::now();
    for (auto& each : fleet.agents) sessions.spawn(each->run(), "agent");
  });
  char byte = 0;
  while (::read(0, &byte, 1) > 0) continue;
  sessions.cancel();
  net::wait_for(executor,
                [](net::TaskGroup& group) -> net::Awaitable<void> { co_await group.join(); }(sessions));
  fleet.print_heartbeats();
  std::fflush(stdout);
  ::_exit(0);
}
