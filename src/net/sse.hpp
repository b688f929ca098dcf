#pragma once
// Server-sent events: writing them and reading them.

#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace drover::net {

struct SseEvent {
  std::string id;
  std::string event;  // empty: "message"
  std::string data;   // lines are split as the format wants it
};

std::string format_sse(const SseEvent& event);
/// A comment that keeps proxies from closing an idle stream; send one every 15 s.
std::string sse_ping();
/// 200 with the headers that streams need (no caching, no buffering in nginx); endless.
Response sse_response(StreamFunction stream);

/// Fed with the lines of a stream (ResponseStream::line); returns an event when one is complete.
class SseReader {
 public:
  std::optional<SseEvent> line(std::string_view line);

 private:
  SseEvent event_;
  bool has_data_ = false;
};

}  // namespace drover::net
