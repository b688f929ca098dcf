#include "model/stack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/instance.hpp"
#include "model/node.hpp"
#include "model/placeholder.hpp"
#include "model/signals.hpp"

namespace drover {
namespace {
using testing::ElementsAre;

Service make_service(const std::string& name, std::vector<Dependency> depends_on = {}) {
  Service service;
  service.name = name;
  ProcessSpec spec;
  spec.command = {"x"};
  spec.working_dir = "/";
  service.spec = spec;
  service.depends_on = std::move(depends_on);
  return service;
}

std::vector<std::string> paths(const Stack& stack) {
  std::vector<std::string> out;
  for (const Problem& problem : validate(stack)) out.push_back(problem.path);
  return out;
}

TEST(Validate, AcceptsWhatIsGood) {
  Stack stack{"s", {make_service("a"), make_service("b", {{"a", Condition::ready}})}};
  EXPECT_TRUE(validate(stack).empty());
  EXPECT_TRUE(validate(Stack{"empty", {}}).empty());
}

TEST(Validate, Ranges) {
  Service service = make_service("a");
  service.probes.live = Probe{
      .check = TcpCheck{"127.0.0.1:70000"}, .interval = 9ms, .timeout = 11min, .failures = 0, .successes = 0};
  service.restart.backoff = -1s;
  service.stop.grace = -1s;
  service.scale.count = 10'001;
  service.logs = {100, 4096, LogFull::drop};
  std::get<ProcessSpec>(service.spec).nice = 20;
  std::get<ProcessSpec>(service.spec).umask = 01000;
  EXPECT_THAT(paths({"s", {service}}),
              ElementsAre("services.a.umask", "services.a.nice", "services.a.probes.live.tcp",
                          "services.a.probes.live.interval", "services.a.probes.live.timeout",
                          "services.a.probes.live.failures", "services.a.probes.live.successes",
                          "services.a.restart.backoff", "services.a.stop.grace", "services.a.scale",
                          "services.a.logs.budget"));
}

TEST(Validate, PortsThatCollide) {
  Service a = make_service("a"), b = make_service("b");
  a.ports = {{"x", 8000, "instance.index", "tcp"}};
  a.scale.count = 3;
  b.ports = {{"x", 8002, "", "tcp"}};
  EXPECT_THAT(paths({"s", {a, b}}), ElementsAre("services.b.ports[0]"));
  b.ports[0].published = 8003;
  EXPECT_THAT(paths({"s", {a, b}}), ElementsAre());
  b.ports[0] = {"x", 8002, "", "udp"};
  EXPECT_THAT(paths({"s", {a, b}}), ElementsAre());
  b.ports[0].protocol = "tcp";
  a.place = {PlaceStrategy::manual, {"one"}, {}};
  b.place = {PlaceStrategy::manual, {"two"}, {}};
  EXPECT_THAT(paths({"s", {a, b}}), ElementsAre()) << "never on one node";
  a.ports[0].published = 65535;
  EXPECT_THAT(paths({"s", {a, b}}), ElementsAre("services.a.ports[0].published"));
}

TEST(Validate, StartFirstNeedsPortsThatTwoCanHave) {
  Service a = make_service("a");
  a.update.order = UpdateOrder::start_first;
  a.ports = {{"x", 8000, "", "tcp"}};
  EXPECT_THAT(paths({"s", {a}}), ElementsAre("services.a.update.order"));
  a.ports[0].pass = PortPass::listen_fds;
  EXPECT_THAT(paths({"s", {a}}), ElementsAre());
  a.ports = {{"x", 0, "", "udp"}};
  EXPECT_THAT(paths({"s", {a}}), ElementsAre());
  a.ports = {{"x", 53, "", "udp"}};
  EXPECT_THAT(paths({"s", {a}}), ElementsAre("services.a.update.order"));
  a.kind = ServiceKind::job;  // is never replaced
  EXPECT_THAT(paths({"s", {a}}), ElementsAre());
}

TEST(Validate, Reload) {
  Service a = make_service("a");
  a.reload.signal = "SIGHUP";
  EXPECT_THAT(paths({"s", {a}}), ElementsAre());
  a.reload.command = {"./ctl"};
  EXPECT_THAT(paths({"s", {a}}), ElementsAre("services.a.reload"));
  a.reload = {"SIGKILL", {}};
  EXPECT_THAT(paths({"s", {a}}), ElementsAre("services.a.reload.signal"));
  a.reload = {"HUP?", {}};
  EXPECT_THAT(paths({"s", {a}}), ElementsAre("services.a.reload.signal"));
}

TEST(Validate, CirclesAreNamedOnce) {
  Stack stack{"s",
              {make_service("a", {{"b", {}}}), make_service("b", {{"c", {}}, {"d", {}}}),
               make_service("c", {{"a", {}}}), make_service("d", {{"e", {}}}), make_service("e")}};
  auto problems = validate(stack);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].message, "these depend on each other in a circle: a → b → c → a");
}

TEST(Validate, LongChainsAndManyProblemsAreNoTrouble) {
  Stack stack{"s", {make_service("s0")}};
  for (int i = 1; i < 5'000; ++i)
    stack.services.push_back(make_service("s" + std::to_string(i), {{"s" + std::to_string(i - 1), {}}}));
  EXPECT_EQ(in_order(stack).size(), 5'000u);
  stack.services[0].depends_on = {{"s4999", {}}};
  EXPECT_FALSE(validate(stack).empty());
  EXPECT_EQ(in_order(stack).size(), 5'000u) << "ends, even where there is no order";
}

TEST(InOrder, DependenciesFirstThenTheOrderOfTheFile) {
  Stack stack{"s",
              {make_service("web", {{"api", {}}, {"db", {}}}), make_service("x"),
               make_service("api", {{"db", {}}}), make_service("db")}};
  std::vector<std::string> names;
  for (const Service* service : in_order(stack)) names.push_back(service->name);
  EXPECT_THAT(names, ElementsAre("db", "api", "web", "x"));
}

TEST(Constraints, AreReadAndHold) {
  auto parsed = parse_constraint("label.site == home");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->key, "label.site");
  EXPECT_EQ(parsed->test, Constraint::Test::equal);
  EXPECT_EQ(parsed->value, "home");
  EXPECT_EQ(parse_constraint(" node.name!=nas ")->test, Constraint::Test::not_equal);
  EXPECT_EQ(parse_constraint("host.os == \"Debian GNU/Linux 12\"")->value, "Debian GNU/Linux 12");
  EXPECT_EQ(parse_constraint("label.gpu")->test, Constraint::Test::exists);
  for (const char* bad : {"", "label.", "site == home", "label.a = b", "label.a ==", "label.a == b c",
                          "label.a > b", "label.a === b", "node.names == x", "label.a b", "!label.a"})
    EXPECT_FALSE(parse_constraint(bad)) << bad;
}

TEST(Constraints, CompareNumbersAndSizes) {
  auto holds_for = [](std::string_view text, std::optional<std::string> value) {
    return holds(*parse_constraint(text), value);
  };
  EXPECT_TRUE(holds_for("resource.memory >= 16GiB", "17179869184"));
  EXPECT_FALSE(holds_for("resource.memory > 16GiB", "17179869184"));
  EXPECT_TRUE(holds_for("label.generation >= 3", "10"));  // not as texts
  EXPECT_TRUE(holds_for("resource.cpu < 4", "3.5"));
  EXPECT_FALSE(holds_for("resource.cpu <= 4", std::nullopt));
  EXPECT_FALSE(holds_for("label.generation >= 3", "new"));
  EXPECT_EQ(print_constraint(*parse_constraint("resource.cpu<=4")), "resource.cpu <= 4");
}

TEST(Resources, AreDeclaredAsQuantitiesAndSets) {
  Resources resources;
  EXPECT_TRUE(declare_resource(resources, "slots", "1.5"));
  EXPECT_TRUE(declare_resource(resources, "disk", "200GiB"));
  EXPECT_TRUE(declare_resource(resources, "licence", "key1, key2"));
  EXPECT_EQ(resources.quantities,
            (std::map<std::string, double>{{"slots", 1.5}, {"disk", 200.0 * (1ull << 30)}}));
  EXPECT_EQ(resources.sets.at("licence"), (std::set<std::string>{"key1", "key2"}));
  EXPECT_FALSE(declare_resource(resources, "licence", " "));
  EXPECT_FALSE(declare_resource(resources, "a b", "1"));
}

TEST(Constraints, SeeLabelsAndFacts) {
  Node node;
  node.name = "pve1";
  node.labels = {{"site", "home"}};
  node.host.arch = "x86_64";
  node.host.labels = {{"rack", "2"}};
  EXPECT_EQ(attribute(node, "node.name"), "pve1");
  EXPECT_EQ(attribute(node, "label.site"), "home");
  EXPECT_EQ(attribute(node, "host.arch"), "x86_64");
  EXPECT_EQ(attribute(node, "host.rack"), "2");
  EXPECT_EQ(attribute(node, "host.os"), std::nullopt);
  EXPECT_EQ(attribute(node, "label.rack"), std::nullopt);
  EXPECT_EQ(attribute(node, "arch"), std::nullopt);
}

TEST(Placeholders, AreFilledInOnce) {
  Lookup lookup = [](std::string_view key) -> std::optional<std::string> {
    if (key == "port.http") return "8080";
    if (key == "node.name") return "{{port.http}}";
    return std::nullopt;
  };
  EXPECT_EQ(*fill("--port={{port.http}}{{ port.http }}", lookup), "--port=80808080");
  EXPECT_EQ(*fill("{{node.name}}", lookup), "{{port.http}}");
  EXPECT_EQ(*fill("{\"a\":{\"b\":1}} {{{{port.http}}", lookup), "{\"a\":{\"b\":1}} {{port.http}}");
  EXPECT_EQ(*fill("", lookup), "");
  EXPECT_FALSE(fill("{{gpu.index}}", lookup));
  EXPECT_FALSE(fill("{{port.http", lookup));
  EXPECT_FALSE(fill("{{ }}", lookup));
  auto found = placeholders("a{{b}}{{{{c}}{{d}}");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[1].key, "d");
  EXPECT_EQ((*found)[1].at, 13u);
}

TEST(Names, OfSlotsSignalsAndExits) {
  EXPECT_EQ(slot_name("web", 0), "web-1");
  EXPECT_EQ(slot_name("web", 4294967295u), "web-4294967296");
  EXPECT_EQ(node_slot_name("web", "pve1"), "web@pve1");
  EXPECT_EQ(signal_number("SIGTERM"), 15);
  EXPECT_EQ(signal_number("KILL"), 9);
  EXPECT_EQ(signal_number("SIG"), std::nullopt);
  EXPECT_EQ(signal_name(31), "SIGSYS");
  EXPECT_EQ(signal_name(32), "");
  EXPECT_EQ(signal_name(-1), "");
  EXPECT_EQ(describe(Exit{.code = 1}), "exit 1");
  EXPECT_EQ(describe(Exit{.code = -1, .signal = 9}), "signal 9 (SIGKILL)");
  EXPECT_EQ(describe(Exit{.code = -1, .signal = 40}), "signal 40");
  EXPECT_EQ(describe(Exit{.code = -1, .signal = 9, .oom = true}), "out of memory");
  EXPECT_EQ(describe(Exit{.known = false}), "ended unseen");
}

}  // namespace
}  // namespace drover
