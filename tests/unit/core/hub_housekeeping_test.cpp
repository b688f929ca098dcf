// What the hub does not keep for ever.

#include "hub_harness.hpp"

namespace drover::hub::testing {
namespace {

TEST(HubHousekeeping, OperationsAndAnswersAreKeptInNumbers) {
  Harness hub({.keep_operations = 3, .keep_answers = 5, .version = "test"});
  NodeId node = hub.node("n1");
  ASSERT_TRUE(hub.call(ApplyStack{one_service(), std::nullopt}));
  hub.obey(node);
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(hub.call(ChangeRun{OperationKind::restart, false, {"shop"}},
                         Idempotency{"k" + std::to_string(i), "f"}));
    hub.obey(node);
    hub.pass(2s);  // long enough to prove itself
  }
  EXPECT_EQ(hub.state().operations.size(), 8u);
  hub.pass(120s);
  EXPECT_EQ(hub.state().operations.size(), 3u);
  EXPECT_EQ(hub.state().idempotency.size(), 5u);
  EXPECT_TRUE(hub.state().idempotency.contains("user:anna k7"));
  EXPECT_FALSE(hub.state().idempotency.contains("user:anna k2"));
}

}  // namespace
}  // namespace drover::hub::testing
