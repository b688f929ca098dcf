// What guard and keeper report is kept like the output of a service.

#include "client.hpp"

namespace drover::keeper::testing {

class OwnLog : public KeeperTest {
 protected:
  std::vector<LogLine> own() const { return read_log(state() + "/own/keeper"); }
  bool said(const std::string& text) const {
    return eventually(
        [&] { return std::ranges::any_of(own(), [&](auto& l) { return l.text.contains(text); }); });
  }
};

TEST_F(OwnLog, TellsTheLifeOfAnInstanceWithItsCorrelation) {
  start();
  Client client(state());
  client.correlation = "0123abcd";
  ASSERT_EQ(client.spawn("web-1", 7, shell("exec sleep 1000")).header.status, Status::ok);
  ASSERT_TRUE(said("\"message\":\"started\""));
  ASSERT_EQ(client.stop("web-1", 7, 2000), Status::ok);
  client.wait_state("web-1", 7, State::emptied);
  ASSERT_TRUE(said("\"message\":\"ended\""));
  for (const auto& line : own())
    if (line.text.contains("started") || line.text.contains("told to stop") || line.text.contains("ended"))
      EXPECT_TRUE(line.text.contains("\"instance\":\"web-1\"") && line.text.contains("\"incarnation\":\"7\""))
          << line.text;
  EXPECT_TRUE(said("\"correlationId\":\"0123abcd\""));
  EXPECT_TRUE(said("\"exit\":\"signal 15\""));
}

TEST_F(OwnLog, GoesOnOverTheDeathOfKeeperAndGuardAndANewVersion) {
  start();
  kill_hard(keeper_pid());
  EXPECT_TRUE(said("\"message\":\"the keeper died\""));
  kill_hard(guard_pid());
  EXPECT_TRUE(said("\"message\":\"the guard died; this process takes its place\""));
  Client client(state());
  EXPECT_EQ(client.spawn("later", 1, shell("exit 3")).header.status, Status::ok);
  EXPECT_TRUE(said("\"exit\":\"code 3\""));
  EXPECT_EQ(client.reexec(binary()), Status::ok);
  EXPECT_TRUE(client.at_end());
  Client again(state());
  EXPECT_EQ(again.spawn("latest", 1, shell("exit 4")).header.status, Status::ok);
  EXPECT_TRUE(said("\"exit\":\"code 4\""));
}

TEST_F(OwnLog, TheLastWordsAreWrittenBeforeTheEnd) {
  start();
  {
    Client client(state());
    ASSERT_EQ(client.spawn("web", 1, shell("exec sleep 1000")).header.status, Status::ok);
    ASSERT_EQ(client.shutdown(2000), Status::ok);
    EXPECT_TRUE(client.at_end());
  }
  EXPECT_TRUE(eventually([&] { return !alive(guard_pid()) && !alive(keeper_pid()); }));
  EXPECT_TRUE(said("\"exit\":\"signal 15\""));
}

}  // namespace drover::keeper::testing
