#include "net/request_check.hpp"

#include <gtest/gtest.h>

namespace drover::net {
namespace {

int status_of(std::string head) {
  auto problem = check_head(head + "\r\n");
  return problem ? problem->status : 0;
}

TEST(CheckHead, LetsOrdinaryRequestsPass) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\n"), 0);
  EXPECT_EQ(status_of("GET /a?b=c HTTP/1.0\r\nHost: a:80\r\nAccept: */*\r\n"), 0);
  EXPECT_EQ(status_of("OPTIONS * HTTP/1.1\r\nhost: [::1]:3079\r\n"), 0);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"), 0);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX:\t y \r\n"), 0);
}

TEST(CheckHead, RefusesTheTraps) {
  const std::string start = "GET / HTTP/1.1\r\n", host = "Host: a\r\n";
  EXPECT_EQ(status_of(start), 400) << "no Host";
  EXPECT_EQ(status_of(start + host + host), 400) << "two Hosts";
  EXPECT_EQ(status_of(start + "Host: a b\r\n"), 400);
  EXPECT_EQ(status_of(start + "Host: a/b\r\n"), 400);
  EXPECT_EQ(status_of(start + "Host: a@b\r\n"), 400);
  EXPECT_EQ(status_of(start + "Host:\r\n"), 400);
  EXPECT_EQ(status_of(start + "Host: a:x\r\n"), 400);
  EXPECT_EQ(status_of(start + host + "X: a\r\n b\r\n"), 400) << "obs-fold";
  EXPECT_EQ(status_of(start + host + "X : a\r\n"), 400) << "blank before colon";
  EXPECT_EQ(status_of(start + host + "Transfer-Encoding: xchunked\r\n"), 501);
  EXPECT_EQ(status_of(start + host + "Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(status_of(start + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(status_of(start + host + "Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(status_of(start + host + "Content-Length: 5, 5\r\n"), 400);
  EXPECT_EQ(status_of(start + host + "Content-Length: +5\r\n"), 400);
  EXPECT_EQ(status_of(start + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n" + host), 505);
  EXPECT_EQ(status_of("GET http://a/ HTTP/1.1\r\n" + host), 400) << "absolute form";
  EXPECT_EQ(status_of("GET * HTTP/1.1\r\n" + host), 400);
  EXPECT_EQ(status_of("get / HTTP/1.1\r\n" + host), 400);
  EXPECT_EQ(status_of("GET  / HTTP/1.1\r\n" + host), 400);
  EXPECT_EQ(status_of("GET /a b HTTP/1.1\r\n" + host), 400);
  EXPECT_EQ(status_of("GET /\r\n" + host), 400);
  EXPECT_EQ(status_of(start + host + "X: a\nY: b\r\n"), 400) << "bare LF";
  EXPECT_EQ(status_of(start + host + "X: a\rb\r\n"), 400) << "bare CR";
  EXPECT_EQ(status_of(start + host + std::string("X: a\0b\r\n", 8)), 400) << "NUL";
  EXPECT_EQ(status_of(start + host + "nocolon\r\n"), 400);
  std::string many;
  for (int i = 0; i < 101; ++i) many += "X: 1\r\n";
  EXPECT_EQ(status_of(start + many), 431);
}

TEST(EndOfHead, FindsTheEmptyLine) {
  EXPECT_FALSE(end_of_head("GET / HTTP/1.1\r\nHost: a\r\n"));
  EXPECT_EQ(end_of_head("A\r\n\r\nbody"), 5u);
  EXPECT_EQ(end_of_head("A\n\nbody"), 3u);
}

}  // namespace
}  // namespace drover::net
