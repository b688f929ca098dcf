// How long does it take to place very many instances? A hub core in process with connected nodes; stacks are
// applied until all instances have a node and a task. One JSON line a figure; 1/10 and full size.
//
// bench_placement [INSTANCES NODES]…   default: 100000 500, then 1000000 5000

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "core/hub/hub.hpp"

namespace {

using namespace drover;
using namespace drover::hub;

constexpr std::size_t replicas = 100, services = 10;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) / 1e9;
}

double resident() {
  std::ifstream in("/proc/self/statm");
  std::size_t all = 0, pages = 0;
  in >> all >> pages;
  return double(pages) * double(::sysconf(_SC_PAGESIZE));
}

struct Rig {
  Now now{BootTime(std::chrono::hours(1)), WallTime(std::chrono::hours(480'000))};
  Rng rng{1};
  HubCore core{{.version = "bench"}, image(), now};
  CallId calls = 0;
  double longest = 0;

  static Image image() {
    Image image;
    image.store = StoreId{*parse_uuid("01912d68-783e-7a03-8467-5661c1243ad4")};
    image.digest_key = "key";
    return image;
  }

  void call(Command command) {
    double begin = cpu_seconds();
    auto effects = core.step(now, rng, Call{++calls, {}, std::move(command), std::nullopt});
    longest = std::max(longest, cpu_seconds() - begin);
    if (effects.replies.at(0).result) return;
    fmt::print(stderr, "{}\n", effects.replies[0].result.error().message);
    std::exit(1);
  }

  /// 64 cores and 256 GiB; one of four has fast disks.
  void join(std::size_t number) {
    NodeId uid{make_uuid(now.wall, rng)};
    std::string name = fmt::format("n{:04}", number);
    call(RegisterNode{"token", uid, name, "serial", "pin"});
    Hello hello{.uid = uid, .name = name, .boot = "b"};
    hello.host.drivers = {"process"};
    hello.host.labels = {{"disk", number % 4 == 0 ? "fast" : "slow"},
                         {"zone", fmt::format("z{}", number % 3)}};
    hello.host.resources.quantities = {{"cpu", 64}, {"memory", 256.0 * (1ull << 30)}};
    core.step(now, rng, SessionOpened{number + 1, uid, "bench"});
    core.step(now, rng, SessionFrame{number + 1, Envelope{1, 0, 0, hello}});
    core.step(now, rng, SessionFrame{number + 1, Envelope{2, 0, 0, Inventory{}}});
  }
};

/// Ten services: spread, bin-packed, with constraints, with wishes, over zones.
Stack some_stack(std::size_t number) {
  Stack stack{.name = fmt::format("s{:05}", number)};
  for (std::size_t i = 0; i < services; ++i) {
    Service service{.name = fmt::format("w{}", i),
                    .spec = ProcessSpec{.command = {"serve"}, .working_dir = "/"},
                    .scale = {ScaleKind::count, replicas}};
    service.reserve = {{"cpu", 0.1}, {"memory", 256.0 * (1 << 20)}};
    if (i % 5 == 1) service.place.strategy = PlaceStrategy::binpack;
    if (i % 5 == 2) service.place.constraints = {"host.disk == slow"};
    if (i % 5 == 3) service.place.prefer = {"host.disk == fast"};
    if (i % 5 == 4) service.place.spread_over = "host.zone";
    stack.services.push_back(std::move(service));
  }
  return stack;
}

void check(const HubState& state, std::size_t instances) {
  std::size_t placed = 0;
  for (const auto& [id, entry] : state.slots) placed += entry.slot.node && entry.task ? 1 : 0;
  bool over = false;
  for (const Room& room : state.fleet.rooms())
    for (std::uint32_t i = 0; i < room.taken.size(); ++i) over |= room.free(i) < 0;
  if (placed == instances && !over) return;
  fmt::print(stderr, "{} of {} placed{}\n", placed, instances, over ? ", a node over its capacity" : "");
  std::exit(1);
}

void measure(std::size_t instances, std::size_t nodes) {
  const double empty = resident();
  Rig rig;
  JoinToken token{.hash = "token", .uses_left = std::uint32_t(nodes + 1)};
  token.expires_at = rig.now.wall + std::chrono::hours(1);
  rig.call(PutJoinToken{token});
  for (std::size_t i = 0; i < nodes; ++i) rig.join(i);
  rig.longest = 0;
  const std::size_t stacks = instances / (services * replicas);
  const double begin = cpu_seconds();
  for (std::size_t i = 0; i < stacks; ++i) rig.call(ApplyStack{some_stack(i), std::nullopt});
  const double took = cpu_seconds() - begin;
  check(rig.core.state(), instances);
  const auto conditions =
      fmt::format("{} instances of {} services on {} nodes, each with its row and its task, one core",
                  instances, stacks * services, nodes);
  auto print = [&](const char* name, double value, const char* unit) {
    fmt::print("{{\"name\":\"placement.{}\",\"value\":{:.4g},\"unit\":\"{}\",\"conditions\":\"{}\"}}\n", name,
               value, unit, conditions);
  };
  print("all", took, "s");
  print("each", took / double(instances) * 1e6, "µs");
  print("longest_step", rig.longest * 1e3, "ms");
  print("memory", (resident() - empty) / (1 << 20), "MiB");
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    measure(100'000, 500);
    measure(1'000'000, 5'000);
  }
  for (int i = 1; i + 1 < count; i += 2)
    measure(std::size_t(std::atoll(words[i])), std::size_t(std::atoll(words[i + 1])));
}
