// What a change of each field does, and what the digests make of it.

#include "model/changes.hpp"

#include <gtest/gtest.h>

namespace drover {
namespace {

Service web() {
  Service service;
  service.name = "web";
  service.spec = ProcessSpec{.command = {"/bin/web"}, .working_dir = "/", .environment = {{"LEVEL", "1"}}};
  service.ports = {Port{.name = "http", .published = 80}};
  return service;
}
ProcessSpec& process(Service& service) { return std::get<ProcessSpec>(service.spec); }

std::vector<FieldChange> after(auto change) {
  Service now = web();
  change(now);
  return changes_between(web(), now);
}
using Changes = std::vector<FieldChange>;

TEST(Changes, OfNothingThereAreNone) {
  EXPECT_EQ(after([](Service&) {}), Changes{});
}

TEST(Changes, EachSaysWhereFromWhatToWhatAndWhatItDoes) {
  EXPECT_EQ(after([](Service& s) { process(s).environment["LEVEL"] = "2"; }),
            (Changes{{"web", "environment.LEVEL", "1", "2", ChangeEffect::restart}}));
  EXPECT_EQ(after([](Service& s) { process(s).environment["NEW"] = "x"; }),
            (Changes{{"web", "environment.NEW", "", "x", ChangeEffect::restart}}));
  EXPECT_EQ(after([](Service& s) { s.logs.budget = 1 << 20; }),
            (Changes{{"web", "logs.budget", "256MiB", "1MiB", ChangeEffect::live}}));
  EXPECT_EQ(after([](Service& s) { s.labels["a"] = "b"; }),
            (Changes{{"web", "labels.a", "", "b", ChangeEffect::none}}));
  EXPECT_EQ(after([](Service& s) { s.labels["a"] = ""; }),
            (Changes{{"web", "labels.a", "", "\"\"", ChangeEffect::none}}));
  EXPECT_EQ(after([](Service& s) { s.stop.grace = 90s; }),
            (Changes{{"web", "stop.grace", "10s", "1m30s", ChangeEffect::live}}));
  EXPECT_EQ(after([](Service& s) { process(s).limits.memory = 1 << 30; }),
            (Changes{{"web", "limits.memory", "", "1GiB", ChangeEffect::restart}}));
  EXPECT_EQ(after([](Service& s) { s.ports[0].published = 81; }),
            (Changes{{"web", "ports[0].published", "80", "81", ChangeEffect::restart}}));
}

TEST(Changes, AProcessThatWasStartedWithoutItsSocketCannotBeToldToNotify) {
  auto made = after([](Service& s) { s.probes.ready = Probe{.check = NotifyCheck{}}; });
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].path, "probes.ready");
  EXPECT_EQ(made[0].effect, ChangeEffect::restart);
}

/// The digests and the plan follow one table: what the plan calls live keeps the run, and so on.
TEST(Changes, TheDigestsAgreeWithThePlan) {
  auto digest = [](const Service& s) { return join_digest(run_text(s), live_text(s)); };
  auto agree = [&](auto change, ChangeEffect effect) {
    Service now = web();
    change(now);
    for (const FieldChange& made : changes_between(web(), now)) EXPECT_EQ(made.effect, effect) << made.path;
    EXPECT_EQ(run_text(web()) == run_text(now), effect != ChangeEffect::restart);
    EXPECT_EQ(live_text(web()) == live_text(now), effect != ChangeEffect::live);
    EXPECT_EQ(same_run(digest(web()), digest(now)), effect != ChangeEffect::restart);
  };
  agree([](Service& s) { s.scale.count = 20; }, ChangeEffect::none);
  agree([](Service& s) { s.update.batch = 2; }, ChangeEffect::none);
  agree([](Service& s) { s.place.constraints = {"label.gpu"}; }, ChangeEffect::none);
  agree([](Service& s) { s.restart.policy = RestartPolicy::always; }, ChangeEffect::live);
  agree([](Service& s) { s.stop.grace = 1s; }, ChangeEffect::live);
  agree([](Service& s) { s.reload.signal = "SIGHUP"; }, ChangeEffect::live);
  agree([](Service& s) { s.logs.on_full = LogFull::drop; }, ChangeEffect::live);
  agree([](Service& s) { process(s).limits.memory = 1; }, ChangeEffect::restart);
  agree([](Service& s) { process(s).command.push_back("-v"); }, ChangeEffect::restart);
  agree([](Service& s) { s.kind = ServiceKind::job; }, ChangeEffect::restart);
}

TEST(Changes, ADigestWithoutALivePartIsOfARunAlone) {
  EXPECT_TRUE(same_run("abc", "abc.1"));
  EXPECT_TRUE(same_run("abc.2", "abc.1"));
  EXPECT_FALSE(same_run("abd.1", "abc.1"));
  EXPECT_FALSE(same_run("", "abc.1"));
}

}  // namespace
}  // namespace drover
