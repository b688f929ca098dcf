#include "net/sse.hpp"

namespace drover::net {

namespace {

// A line feed inside an id or event name would end the field and forge the next one.
std::string one_line(std::string_view text) {
  std::string out;
  for (char c : text)
    if (c != '\n' && c != '\r' && c != '\0') out += c;
  return out;
}

}  // namespace

std::string format_sse(const SseEvent& event) {
  std::string out;
  if (!event.id.empty()) out += "id: " + one_line(event.id) + "\n";
  if (!event.event.empty()) out += "event: " + one_line(event.event) + "\n";
  std::string_view rest = event.data;
  for (;;) {
    auto end = rest.find_first_of("\r\n");
    out += "data: ";
    out += rest.substr(0, end);
    out += '\n';
    if (end == rest.npos) break;
    rest.remove_prefix(end + (rest.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return out + "\n";
}

std::string sse_ping() { return ": ping\n\n"; }

Response sse_response(StreamFunction stream) {
  Response response;
  response.headers = {
      {"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  response.stream = std::move(stream);
  response.endless = true;
  return response;
}

std::optional<SseEvent> SseReader::line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) {
    std::optional<SseEvent> complete;
    if (has_data_) complete = event_;
    event_.event.clear();  // the id stays: it is the position to resume at
    event_.data.clear();
    has_data_ = false;
    return complete;
  }
  auto colon = line.find(':');
  auto field = line.substr(0, colon);
  auto value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "id") event_.id = value;
  else if (field == "event") event_.event = value;
  else if (field == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  }
  return std::nullopt;
}

}  // namespace drover::net
