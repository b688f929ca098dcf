#include "cli/unit_file.hpp"

#include <gtest/gtest.h>

#include "cli/systemd.hpp"
#include "runtime/keeper_scope.hpp"

namespace drover {

TEST(UnitFile, WordsMeanThemselves) {
  EXPECT_EQ(cli::unit_word("/usr/bin/drover"), "/usr/bin/drover");
  EXPECT_EQ(cli::unit_word("/srv/my shop/a.yaml"), "\"/srv/my shop/a.yaml\"");
  EXPECT_EQ(cli::unit_word("50%$HOME\\\"x\""), "\"50%%$$HOME\\\\\\\"x\\\"\"");
  EXPECT_EQ(cli::unit_word(""), "\"\"");
}

TEST(UnitFile, StopsTheDaemonAloneAndStartsItAgain) {
  cli::UnitWish wish;
  wish.description = "Drover: hub";
  wish.command = {"/usr/bin/drover", "hub", "--state", "/var/lib/drover/hub"};
  wish.directory = "/";
  const auto text = cli::unit_text(wish);
  EXPECT_TRUE(cli::is_our_unit(text));
  EXPECT_FALSE(cli::is_our_unit("[Unit]\nDescription=mine\n"));
  for (const char* line :
       {"\nType=notify\n", "\nKillMode=process\n", "\nRestart=always\n", "\nWatchdogSec=60\n",
        "\nExecStart=/usr/bin/drover hub --state /var/lib/drover/hub\n", "\nWantedBy=multi-user.target\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line;
  wish.user = true;
  wish.ends = true;
  const auto own = cli::unit_text(wish);
  for (const char* line : {"\nRestart=on-failure\n", "\nWantedBy=default.target\n"})
    EXPECT_NE(own.find(line), std::string::npos) << line;
  EXPECT_EQ(own.find("network-online"), std::string::npos);
}

TEST(Systemd, TheJobOfAUnitTellsARestartFromAStop) {
  const std::string jobs = "12 drover-shop.service restart running\n13 other.service stop waiting\n";
  EXPECT_EQ(cli::job_of(jobs, "drover-shop.service"), "restart");
  EXPECT_EQ(cli::job_of(jobs, "other.service"), "stop");
  EXPECT_EQ(cli::job_of(jobs, "shop.service"), "");
  EXPECT_EQ(cli::job_of("", "shop.service"), "");
}

TEST(Systemd, TheOwnUnitIsTheLastPartOfThePath) {
  const auto unit = runtime::service_unit_in("0::/system.slice/drover-shop.service\n");
  ASSERT_TRUE(unit);
  EXPECT_EQ(unit->name, "drover-shop.service");
  EXPECT_FALSE(unit->user);
  EXPECT_TRUE(runtime::service_unit_in("4:memory:/x\n1:name=systemd:/system.slice/a.service\n0::/\n"));
  EXPECT_FALSE(runtime::service_unit_in("0::/user.slice/user-0.slice/session-3.scope\n"));
  EXPECT_FALSE(runtime::service_unit_in("0::/user.slice/user-7.slice/user@7.service\n"));
  EXPECT_FALSE(runtime::service_unit_in("0::/system.slice/drover-1-2-3.scope/_self\n"));
  EXPECT_FALSE(runtime::service_unit_in(""));
}

}  // namespace drover
