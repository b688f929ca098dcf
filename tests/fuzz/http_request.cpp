// Any bytes as an HTTP request: no crash; what passes our checks is read in one way only, wherever it is
// split.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "net/http.hpp"
#include "net/parser.hpp"
#include "net/request_check.hpp"
#include "net/url.hpp"

namespace {

using drover::net::MessageParser;

void insist(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "http_request: %s\n", what);
  std::abort();
}

struct Read {
  bool head = false;
  bool failed = false;
  bool done = false;
  std::size_t left = 0;
  std::string body;
  bool operator==(const Read&) const = default;
};

// As the server does it, with the bytes arriving in pieces of this size.
Read read_in_pieces(std::string_view head, std::string_view rest, std::size_t piece) {
  Read out;
  MessageParser parser(MessageParser::Kind::request, 16 << 10);
  auto fed = parser.feed(head);
  if (!fed || *fed != head.size() || !parser.head_done()) return out;
  out.head = true;
  parser.set_body_limit(4096);
  std::string buffer;
  while (!parser.done() && !out.failed) {
    auto used = parser.feed(buffer);
    out.failed = !used;
    if (!used || parser.done()) {
      if (used) buffer.erase(0, *used);
      break;
    }
    buffer.erase(0, *used);
    if (*used > 0) continue;
    if (rest.empty()) break;
    buffer += rest.substr(0, piece);
    rest.remove_prefix(std::min(piece, rest.size()));
  }
  out.done = parser.done();
  if (out.done) {
    out.body = parser.body();
    out.left = buffer.size() + rest.size();
  }
  return out;
}

void check_headers(std::string_view head) {
  MessageParser parser(MessageParser::Kind::request, 16 << 10);
  auto fed = parser.feed(head);
  if (!fed || !parser.head_done()) return;
  const auto& headers = parser.headers();
  insist(headers.count("Host") == 1, "passed without one Host");
  insist(headers.count("Content-Length") + headers.count("Transfer-Encoding") <= 1,
         "passed with two framings");
  for (const auto& [name, value] : headers.items())
    insist((name + value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
           "a line end in a field");
}

void check_target(std::string_view text) {
  auto target = drover::net::parse_target(text);
  if (!target) return;
  insist(target->path.starts_with('/'), "a path without /");
  auto plain = drover::net::percent_decode(target->path);
  insist(plain.has_value(), "a path that does not decode");
  insist((*plain + "/").find('\0') == std::string::npos, "a zero byte in a path");
  insist(target->path.find("/../") == std::string::npos && !target->path.ends_with("/.."),
         "a path that climbs");
  auto again = drover::net::parse_query(target->query.encode());
  insist(again.has_value(), "a query that does not encode");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_target(text);
  (void)drover::net::parse_url(text);
  auto end = drover::net::end_of_head(text);
  if (!end) return 0;
  auto head = text.substr(0, *end);
  if (drover::net::check_head(head)) return 0;
  check_headers(head);
  auto whole = read_in_pieces(head, text.substr(*end), size + 1);
  auto pieces = read_in_pieces(head, text.substr(*end), 1);
  insist(whole == pieces, "read differently when it comes in pieces");
  return 0;
}
