// What lines say about themselves.
#include "runtime/log_shape.hpp"

#include <gtest/gtest.h>

namespace drover::runtime {

namespace {
LogRecord record(std::string line, LogStream stream = LogStream::out) {
  return {1'790'000'000'123'456'789, stream, std::move(line)};
}
Level level(std::string line) { return shape_of(record(std::move(line))).level; }
}  // namespace

TEST(LogShape, FindsLevels) {
  for (const char* line :
       {"ERROR no luck", "2026-11-21 11:20:00,123 ERROR app: no", "[error] 12#12: *1 open() failed",
        "error: no such file", "level=error msg=\"no\"", "time=now level=\"fatal\" msg=x",
        "E1121 10:20:30.123456 1 main.go:7] no", "<3>kernel said", "Traceback (most recent call last):",
        "panic: runtime error", "{\"level\":\"error\",\"msg\":\"no\"}", "{\"severity\":\"CRITICAL\"}",
        "{\"level\":50,\"msg\":\"pino\"}", "\x1b[31mERROR\x1b[0m no luck", "CRITICAL:root:no"})
    EXPECT_EQ(level(line), Level::error) << line;
  for (const char* line : {"WARN x", "warning: unused", "[WARNING] x", "W1121 10:20:30.1 1 a.go:7] x",
                           "{\"level\":40}", "lvl=warn", "[drover: dropped 12 lines / 120 bytes]"})
    EXPECT_EQ(level(line), Level::warn) << line;
  for (const char* line : {"DEBUG x", "{\"level\":\"trace\"}", "debug: x"})
    EXPECT_EQ(level(line), Level::debug) << line;
  for (const char* line : {"", "hello", "no error was found", "GET /error 200", "error_count=0",
                           "INFO 0 errors", "{broken", "{\"n\":1}", "<9>", "E112"})
    EXPECT_EQ(level(line), Level::info) << line;
}

TEST(LogShape, AStructuredLineIsTheRecordsFormat) {
  EXPECT_EQ(to_structured_line(record("plain \xff text", LogStream::err), "shop/web"),
            "{\"timestamp\":\"2026-09-21T14:13:20.123456789Z\",\"level\":\"info\",\"service\":\"shop/web\","
            "\"message\":\"plain \xEF\xBF\xBD text\",\"context\":{\"stream\":\"stderr\"}}");
  EXPECT_EQ(
      to_structured_line(record("{\"level\":\"warn\",\"msg\":\"hot\",\"gpu\":3,\"correlation_id\":\"c1\","
                                "\"degrees\":91}"),
                         "ml/train"),
      "{\"timestamp\":\"2026-09-21T14:13:20.123456789Z\",\"level\":\"warn\",\"service\":\"ml/train\","
      "\"gpu\":\"3\",\"message\":\"hot\",\"context\":{\"degrees\":91,\"stream\":\"stdout\"},"
      "\"correlationId\":\"c1\"}");
}

TEST(LogShape, PlainTextHasNoEscapes) {
  EXPECT_EQ(without_ansi("\x1b[1;31mred\x1b[0m \x1b]0;title\ax \x1b]8;;u\x1b\\y\x1b[2K\x1b"), "red x y");
}

}  // namespace drover::runtime
