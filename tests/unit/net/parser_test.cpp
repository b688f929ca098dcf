#include "net/parser.hpp"

#include <gtest/gtest.h>

namespace drover::net {
namespace {

// Beast's parser asserted here (boostorg/beast#2861): any client could end the hub.
TEST(Parser, AChunkedBodyWithoutDataMayComeByteByByte) {
  for (std::string body : {"0\r\n\r\n", "00;x=y\r\n\r\n", "0\r\nTrailer: x\r\n\r\n"}) {
    MessageParser parser(MessageParser::Kind::request, 1024);
    auto head = parser.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    ASSERT_TRUE(head);
    ASSERT_TRUE(parser.head_done());
    std::string buffer;
    for (char byte : body) {
      buffer += byte;
      for (std::size_t used = 1; used > 0 && !parser.done();) {
        auto fed = parser.feed(buffer);
        ASSERT_TRUE(fed) << fed.error().message;
        used = *fed;
        buffer.erase(0, used);
      }
    }
    EXPECT_TRUE(parser.done()) << body;
    EXPECT_EQ(parser.body(), "");
  }
}

}  // namespace
}  // namespace drover::net
