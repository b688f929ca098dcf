// What the hub does not keep for ever.

#include "hub_harness.hpp"

namespace drover::hub::testing {
namespace {

TEST(HubHousekeeping, OperationsAndAnswersAreKeptInNumbers) {
  Harness hub;
  NodeId node = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  hub.obey(node);
  for (int i = 0; i < 2'500; ++i) {
    ASSERT_TRUE(hub.call(ChangeRun{OperationKind::restart, false, {"shop"}},
                         Idempotency{"k" + std::to_string(i), "f"}));
    hub.pass(10ms);
    hub.obey(node);
  }
  EXPECT_EQ(hub.state().operations.size(), 2'500u);
  hub.pass(120s);
  EXPECT_EQ(hub.state().operations.size(), 1'000u);
  EXPECT_EQ(hub.state().idempotency.size(), 2'000u);
  EXPECT_TRUE(hub.state().idempotency.contains("user:anna k2499"));
  EXPECT_FALSE(hub.state().idempotency.contains("user:anna k0"));
}

}  // namespace
}  // namespace drover::hub::testing
