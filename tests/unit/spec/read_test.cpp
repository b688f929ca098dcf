#include "spec/read.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.hpp"

namespace drover {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

ReadOptions plain_options() {
  ReadOptions options;
  options.file = "stack.yaml";
  options.directory = "/srv";
  options.default_name = "srv";
  return options;
}

/// The one service `a`, given the lines of its map.
Service service_of(const std::string& lines) {
  auto read = read_stack("services: {a: {command: [x], " + lines + "}}", plain_options());
  EXPECT_TRUE(read) << (read ? "" : read.error().message);
  return read ? read->stack.services[0] : Service{};
}
const ProcessSpec& process(const Service& service) { return std::get<ProcessSpec>(service.spec); }

TEST(ReadStack, DefaultsAreThoseOfTheModel) {
  Service expected;
  expected.name = "a";
  ProcessSpec spec;
  spec.command = {"x"};
  spec.working_dir = "/srv";
  expected.spec = spec;
  EXPECT_EQ(service_of(""), expected);
}

TEST(ReadStack, AJobIsNotRestartedUnlessItSaysSo) {
  EXPECT_EQ(service_of("kind: job").restart.policy, RestartPolicy::no);
  EXPECT_EQ(service_of("kind: job, restart: on-failure").restart.policy, RestartPolicy::on_failure);
}

TEST(ReadStack, RestartInBothSpellings) {
  EXPECT_EQ(service_of("restart: no").restart.policy, RestartPolicy::no);
  EXPECT_EQ(service_of("restart: \"no\"").restart.policy, RestartPolicy::no);
  EXPECT_EQ(service_of("restart: unless-stopped").restart.policy, RestartPolicy::unless_stopped);
  Restart restart = service_of("restart: {backoff: 1s..60s, give_up: \"5 in 10m\"}").restart;
  EXPECT_EQ(restart, (Restart{RestartPolicy::on_failure, 1s, 60s, 5, 600s}));
  EXPECT_EQ(service_of("restart: {give_up: never}").restart.give_up, 0u);
  EXPECT_EQ(service_of("restart: {give_up: 3}").restart.give_up, 3u);
  EXPECT_EQ(service_of("restart: {backoff: 2m}").restart.backoff_max, 120s);
}

TEST(ReadStack, StopInBothSpellings) {
  EXPECT_EQ(service_of("stop: {signal: INT, grace: 1m}").stop, (Stop{"SIGINT", 60s}));
  EXPECT_EQ(service_of("stop_signal: 9, stop_grace_period: 5").stop, (Stop{"SIGKILL", 5s}));
}

TEST(ReadStack, ScaleInBothSpellings) {
  EXPECT_EQ(service_of("scale: per-node").scale.kind, ScaleKind::per_node);
  EXPECT_EQ(service_of("deploy: {mode: global}").scale.kind, ScaleKind::per_node);
  EXPECT_EQ(service_of("scale: 0").scale.count, 0u);
  EXPECT_EQ(service_of("deploy: {replicas: 4}, scale: 4").scale.count, 4u);
}

TEST(ReadStack, Ports) {
  auto ports = service_of(
                   "ports: [80, \"81\", 53/udp, {name: a, published: auto}, {published: \"90\", plus: "
                   "instance.index}]")
                   .ports;
  EXPECT_THAT(ports,
              ElementsAre(Port{"80", 80, "", "tcp"}, Port{"81", 81, "", "tcp"}, Port{"53-udp", 53, "", "udp"},
                          Port{"a", 0, "", "tcp"}, Port{"90", 90, "instance.index", "tcp"}));
}

TEST(ReadStack, Umask) {
  EXPECT_EQ(process(service_of("umask: 022")).umask, 022u);
  EXPECT_EQ(process(service_of("umask: \"0077\"")).umask, 077u);
  EXPECT_EQ(process(service_of("umask: 0o27")).umask, 027u);
}

TEST(ReadStack, PlaceAndUpdateComeFromTheTopUnlessTheServiceHasItsOwn) {
  auto read = read_stack(
      "place: {nodes: [one, two], constraints: [label.x]}\nupdate: {batch: 3, no_progress: 1m}\n"
      "services:\n  a: {command: [x]}\n  b: {command: [x], place: {strategy: spread}, update: {batch: 1}}\n",
      plain_options());
  ASSERT_TRUE(read) << read.error().message;
  const auto& services = read->stack.services;
  EXPECT_EQ(services[0].place, (Place{PlaceStrategy::manual, {"one", "two"}, {"label.x"}}));
  EXPECT_EQ(services[1].place, (Place{PlaceStrategy::spread, {}, {"label.x"}}));
  EXPECT_EQ(services[1].update, (Update{.batch = 1, .healthy_for = 0s, .no_progress = 60s}));
}

TEST(ReadStack, ReservationsInBothSpellings) {
  const std::map<std::string, double> both = {{"cpu", 0.5}, {"memory", 512.0 * (1 << 20)}};
  EXPECT_EQ(service_of("reserve: {cpu: 0.5, memory: 512MiB}").reserve, both);
  EXPECT_EQ(service_of("deploy: {resources: {reservations: {cpus: '0.5', memory: 512MiB}}}").reserve, both);
  EXPECT_EQ(service_of("mem_reservation: 512MiB, reserve: {cpu: 0.5}").reserve, both);
  EXPECT_EQ(service_of("deploy: {resources: {reservations: {generic_resources: "
                       "[{discrete_resource_spec: {kind: licence, value: 2}}]}}}")
                .reserve,
            (std::map<std::string, double>{{"licence", 2}}));
}

TEST(ReadStack, CanaryAndWishes) {
  EXPECT_EQ(service_of("update: {canary: 2, auto_promote: true}").update,
            (Update{.canary = 2, .auto_promote = true}));
  auto place =
      service_of("place: {strategy: binpack, prefer: label.ssd, spread_over: label.zone, max_per_node: 2}")
          .place;
  EXPECT_EQ(place.strategy, PlaceStrategy::binpack);
  EXPECT_EQ(place.prefer, (std::vector<std::string>{"label.ssd"}));
  EXPECT_EQ(place.spread_over, "label.zone");
  EXPECT_EQ(place.max_per_node, 2u);
}

TEST(ReadStack, ReloadAndUpdate) {
  EXPECT_EQ(service_of("reload: SIGHUP").reload, (Reload{"SIGHUP", {}}));
  EXPECT_EQ(service_of("reload: {signal: HUP}").reload, (Reload{"SIGHUP", {}}));
  EXPECT_EQ(service_of("reload: {command: [./ctl, reload]}").reload, (Reload{"", {"./ctl", "reload"}}));
  EXPECT_EQ(service_of("update: {order: start-first, on_failure: rollback}").update,
            (Update{.order = UpdateOrder::start_first, .on_failure = UpdateFailure::rollback}));
  EXPECT_EQ(service_of("update: {order: stop-first, on_failure: keep}").update, Update());
}

TEST(ReadStack, ServicesKeepTheOrderOfTheFile) {
  auto read = read_stack("services: {z: {command: x}, a: {command: x}, m: {command: x}}", plain_options());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->stack.services[0].name + read->stack.services[1].name + read->stack.services[2].name,
            "zam");
}

TEST(ReadStack, WithoutADirectoryPathsMustBeAbsolute) {
  ReadOptions options;
  options.default_name = "api";
  EXPECT_FALSE(read_stack("services: {a: {command: [x]}}", options));
  EXPECT_FALSE(read_stack("services: {a: {command: [x], working_dir: rel}}", options));
  EXPECT_FALSE(read_stack("services: {a: {command: [x], working_dir: /abs, env_file: .env}}", options));
  auto read = read_stack("services: {a: {command: [x], working_dir: /abs}}", options);
  ASSERT_TRUE(read);
  EXPECT_EQ(process(read->stack.services[0]).working_dir, "/abs");
}

TEST(ReadStack, EnvironmentWinsOverFiles) {
  ReadOptions options = plain_options();
  std::vector<std::string> asked;
  options.read_file = [&](const std::string& path) -> Result<std::string> {
    asked.push_back(path);
    return path.ends_with("one") ? "A=1\nB=1\nC=1" : "B=2\nC=2";
  };
  auto read =
      read_stack("services: {a: {command: [x], env_file: [one, /etc/two], environment: {C: 3}}}", options);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(process(read->stack.services[0]).environment,
            (std::map<std::string, std::string>{{"A", "1"}, {"B", "2"}, {"C", "3"}}));
  EXPECT_THAT(asked, ElementsAre("/srv/one", "/etc/two"));
}

TEST(ReadStack, ATruthValueFromAVariableNeedsNoQuotes) {
  ReadOptions options = plain_options();
  options.variables = {{"DEBUG", "true"}, {"N", "2"}};
  auto read = read_stack(
      "services: {a: {command: [x], scale: \"${N}\", environment: {D: \"${DEBUG}\", E: $DEBUG}}}", options);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(process(read->stack.services[0]).environment.at("E"), "true");
  EXPECT_EQ(read->stack.services[0].scale.count, 2u);
}

TEST(ReadStack, ANameIsMadeFitOrAskedFor) {
  ReadOptions options = plain_options();
  options.default_name = "_My Shop (2)";
  EXPECT_EQ(read_stack("services: {a: {command: x}}", options)->stack.name, "myshop2");
  options.default_name = "???";
  auto read = read_stack("services: {a: {command: x}}", options);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("no name"));
}

TEST(ReadStack, OneProblemOfASharedPieceIsToldOnce) {
  auto read =
      read_stack("x-a: &a {nice: 50}\nservices:\n  a: {<<: *a, command: x}\n  b: {<<: *a, command: x}\n",
                 plain_options());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().problems.size(), 1u);
  EXPECT_EQ(read.error().problems[0].line, 1u);
}

TEST(ReadStack, ProblemsAreBoundedHoweverWrongTheFileIs) {
  std::string text = "services: {a: {command: [x], ports: [";
  for (int i = 0; i < 150'000; ++i) text += "80,";
  auto read = read_stack(text + "]}}", plain_options());
  ASSERT_FALSE(read);
  EXPECT_LE(read.error().problems.size(), 200u);
  text = "services: {a: {command: [x], labels: {";
  for (int i = 0; i < 50'000; ++i) text += "k" + std::to_string(i) + ": true,";
  EXPECT_EQ(read_stack(text + "}}}", plain_options()).error().problems.size(), 200u);
}

TEST(Schema, DescribesEveryFieldThatIsRead) {
  auto schema = parse_json(stack_schema());
  ASSERT_TRUE(schema) << schema.error().message;
  const json::object& top = schema->as_object();
  const json::object& service =
      top.at("properties").at("services").at("additionalProperties").at("properties").as_object();
  for (const char* key :
       {"command", "ports", "probes", "restart", "stop", "depends_on", "scale", "place", "kind"})
    EXPECT_TRUE(service.contains(key)) << key;
  EXPECT_FALSE(top.at("additionalProperties").as_bool());
}

TEST(ShowProblem, PointsAtTheColumn) {
  Problem problem{"a.b", 2, 4, "wrong", "do this", "f.yaml"};
  EXPECT_EQ(show_problem(problem, "x\n\té: y\r\n"),
            "f.yaml:2:4: a.b: wrong\n     2 | \té: y\n       | \t  ^\n  hint: do this");
  EXPECT_EQ(show_problem({"", 0, 0, "wrong", "", ""}, "x"), "stack: wrong");
  EXPECT_EQ(show_problem({"", 1, 1, "\x1b[31m", "", "f"}, "\x1b]0;x\x07"),
            "f:1:1: ?[31m\n     1 | ?]0;x?\n       | ^")
      << "no escape sequences";
  EXPECT_EQ(show_problem({"", 9, 1, "wrong", "", "f"}, "x"), "f:9:1: wrong");
}

}  // namespace
}  // namespace drover
