#include "protocol/session.hpp"

#include <gtest/gtest.h>

namespace drover::protocol {
namespace {

Envelope number(std::uint64_t n) { return {n, 0, 0, Heartbeat{}}; }

TEST(Receiver, EachOnceAndInOrder) {
  Receiver receiver;
  EXPECT_TRUE(*receiver.accept(number(1)));
  EXPECT_TRUE(*receiver.accept(number(2)));
  EXPECT_FALSE(*receiver.accept(number(2)));
  EXPECT_FALSE(*receiver.accept(number(1)));
  EXPECT_TRUE(*receiver.accept(number(3)));
  EXPECT_EQ(receiver.received(), 3u);
}

TEST(Receiver, AGapEndsTheSession) {
  Receiver receiver;
  EXPECT_TRUE(*receiver.accept(number(1)));
  auto gap = receiver.accept(number(4));
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code, Errc::conflict);
  EXPECT_EQ(gap.error().message, "frames 2 to 3 are missing");
  EXPECT_EQ(receiver.received(), 1u);
}

TEST(Receiver, AFrameWithoutANumberIsNone) { EXPECT_FALSE(Receiver().accept(number(0))); }

}  // namespace
}  // namespace drover::protocol
