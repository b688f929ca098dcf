#include "net/request_check.hpp"

#include <algorithm>

#include "net/http.hpp"

namespace drover::net {

namespace {

constexpr std::size_t max_fields = 100;

bool token_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), token_char);
}

bool digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// host or host:port; what a name, an IPv4 or a bracketed IPv6 address may hold.
bool host_value(std::string_view text) {
  if (text.empty() || text.size() > 262) return false;
  auto port_at = text.npos;
  if (text.front() == '[') {
    auto end = text.find(']');
    if (end == text.npos) return false;
    for (char c : text.substr(1, end - 1))
      if (!digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F') && c != ':' && c != '.')
        return false;
    if (end + 1 < text.size() && text[end + 1] != ':') return false;
    if (end + 1 < text.size()) port_at = end + 1;
  } else {
    port_at = text.find(':');
    for (char c : text.substr(0, port_at))
      if (!token_char(c) || std::string_view("#`^|").find(c) != std::string_view::npos) return false;
    if (port_at == 0) return false;
  }
  if (port_at == text.npos) return true;
  auto port = text.substr(port_at + 1);
  return !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), digit);
}

class HeadCheck {
 public:
  std::optional<HeadProblem> run(std::string_view head) {
    if (!bytes(head)) return problem_;
    auto line = next(head);
    if (!request_line(line)) return problem_;
    for (line = next(head); !line.empty(); line = next(head))
      if (!field(line)) return problem_;
    if (!framing()) return problem_;
    return std::nullopt;
  }

 private:
  bool no(std::string what, int status = 400) {
    problem_ = HeadProblem{status, std::move(what)};
    return false;
  }

  static std::string_view next(std::string_view& rest) {
    auto end = rest.find("\r\n");
    auto line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 2);
    return line;
  }

  bool bytes(std::string_view head) {
    for (std::size_t i = 0; i < head.size(); ++i) {
      auto c = static_cast<unsigned char>(head[i]);
      if (c == '\r' && (i + 1 == head.size() || head[i + 1] != '\n'))
        return no("a carriage return without line feed");
      if (c == '\n' && (i == 0 || head[i - 1] != '\r')) return no("a line feed without carriage return");
      if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
        return no("a control character in the header");
    }
    return true;
  }

  bool request_line(std::string_view line) {
    auto first = line.find(' ');
    auto last = line.rfind(' ');
    if (first == line.npos || first == last) return no("the request line is not METHOD TARGET VERSION");
    auto method = line.substr(0, first);
    auto target = line.substr(first + 1, last - first - 1);
    auto version = line.substr(last + 1);
    if (!token(method) || method.size() > 32) return no("the method is not a token");
    if (std::any_of(method.begin(), method.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
      return no("the method is not in upper case");
    if (version == "HTTP/1.0") http10_ = true;
    else if (version != "HTTP/1.1") return no("only HTTP/1.1 and HTTP/1.0 are spoken here", 505);
    if (target.empty() || target.find_first_of(" \t#") != target.npos)
      return no("the target has a blank or a fragment");
    if (target.front() != '/' && !(target == "*" && method == "OPTIONS"))
      return no("the target does not start with /");
    return true;
  }

  bool field(std::string_view line) {
    if (++fields_ > max_fields) return no("more than 100 header fields", 431);
    if (line.front() == ' ' || line.front() == '\t') return no("a folded header line");
    auto colon = line.find(':');
    if (colon == line.npos || !token(line.substr(0, colon))) return no("a header field is not NAME: VALUE");
    auto name = line.substr(0, colon);
    auto value = trim_blanks(line.substr(colon + 1));
    if (same_header(name, "Host")) return host(value);
    if (same_header(name, "Content-Length")) return length(value);
    if (same_header(name, "Transfer-Encoding")) return encoding(value);
    return true;
  }

  bool host(std::string_view value) {
    if (++hosts_ > 1) return no("two Host fields");
    return host_value(value) || no("Host is not a host name or address with an optional port");
  }

  bool length(std::string_view value) {
    if (++lengths_ > 1) return no("two Content-Length fields");
    bool fine = !value.empty() && value.size() <= 18 && std::all_of(value.begin(), value.end(), digit);
    return fine || no("Content-Length is not a number");
  }

  bool encoding(std::string_view value) {
    if (++encodings_ > 1) return no("two Transfer-Encoding fields");
    return same_header(value, "chunked") || no("the only Transfer-Encoding here is chunked", 501);
  }

  bool framing() {
    if (hosts_ == 0) return no("there is no Host field");
    if (encodings_ > 0 && lengths_ > 0) return no("Transfer-Encoding and Content-Length together");
    if (encodings_ > 0 && http10_) return no("Transfer-Encoding in HTTP/1.0");
    return true;
  }

  std::optional<HeadProblem> problem_;
  bool http10_ = false;
  std::size_t fields_ = 0;
  int hosts_ = 0;
  int lengths_ = 0;
  int encodings_ = 0;
};

}  // namespace

std::optional<HeadProblem> check_head(std::string_view head) { return HeadCheck().run(head); }

std::optional<std::size_t> end_of_head(std::string_view bytes) {
  // A bare "\n\n" ends it too, so that it is refused at once and does not wait for more until the time-out.
  for (auto at = bytes.find('\n'); at != bytes.npos; at = bytes.find('\n', at + 1)) {
    auto rest = bytes.substr(at + 1);
    if (rest.starts_with("\r\n")) return at + 3;
    if (rest.starts_with("\n")) return at + 2;
  }
  return std::nullopt;
}

}  // namespace drover::net
