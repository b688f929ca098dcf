#include "net/url.hpp"

#include <array>
#include <charconv>

#include "base/text.hpp"

namespace drover::net {

namespace {

constexpr std::size_t max_parameters = 256;

bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::uint16_t default_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  if (scheme == "https" || scheme == "wss") return 443;
  return 0;
}

auto bad(std::string message, std::string_view text) {
  return fail(Errc::invalid, std::move(message), "\"" + valid_utf8(text.substr(0, 200)) + "\"");
}

Result<void> check_host(std::string_view host, bool bracketed) {
  if (host.empty() || host.size() > 253) return bad("the URL has no usable host", host);
  for (char c : host) {
    bool fine = bracketed ? hex_digit(c) >= 0 || c == ':' || c == '.' : unreserved(c);
    if (!fine) return bad("the host has a character that is not allowed", host);
  }
  return {};
}

// "host", "host:1", "[::1]:1" → url.host and url.port.
Result<void> read_authority(std::string_view authority, Url& url) {
  std::string_view rest;
  bool bracketed = authority.starts_with('[');
  if (bracketed) {
    auto end = authority.find(']');
    if (end == authority.npos) return bad("the address has no closing \"]\"", authority);
    url.host = authority.substr(1, end - 1);
    rest = authority.substr(end + 1);
  } else {
    auto colon = authority.find(':');
    url.host = authority.substr(0, colon);
    rest = colon == authority.npos ? std::string_view() : authority.substr(colon);
  }
  TRYV(check_host(url.host, bracketed));
  url.port = default_port(url.scheme);
  if (rest.empty()) return {};
  rest.remove_prefix(1);
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), url.port);
  if (authority[authority.size() - rest.size() - 1] != ':' || error != std::errc() ||
      end != rest.data() + rest.size() || url.port == 0)
    return bad("the port is not a number from 1 to 65535", authority);
  return {};
}

bool dot_segment(std::string_view segment) {
  auto plain = percent_decode(segment);
  return plain && (*plain == "." || *plain == "..");
}

}  // namespace

std::optional<std::string_view> Query::get(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (key == name) return value;
  return std::nullopt;
}

std::vector<std::string_view> Query::all(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [key, value] : items_)
    if (key == name) found.push_back(value);
  return found;
}

std::string Query::encode() const {
  std::string out;
  for (const auto& [key, value] : items_) {
    if (!out.empty()) out += '&';
    out += percent_encode(key) + "=" + percent_encode(value);
  }
  return out;
}

std::string Url::authority() const {
  std::string out = host.find(':') == host.npos ? host : "[" + host + "]";
  if (port != default_port(scheme)) out += ":" + std::to_string(port);
  return out;
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  if (text.starts_with("unix:")) {
    url.scheme = "unix";
    url.socket = text.substr(text.starts_with("unix://") ? 7 : 5);
    url.host = "localhost";
    if (url.socket.empty()) return bad("the URL names no socket", text);
    return url;
  }
  auto colon = text.find("://");
  if (colon == text.npos) return bad("a URL starts with http://, https://, ws://, wss:// or unix:", text);
  url.scheme = text.substr(0, colon);
  if (default_port(url.scheme) == 0)
    return bad("a URL starts with http://, https://, ws://, wss:// or unix:", text);
  auto rest = text.substr(colon + 3);
  auto slash = rest.find_first_of("/?#");
  auto authority = rest.substr(0, slash);
  if (authority.find('@') != authority.npos) return bad("a URL must not carry a user name or password", text);
  TRYV(read_authority(authority, url));
  if (slash == rest.npos) return url;
  auto target = rest.substr(slash);
  if (target.find('#') != target.npos) return bad("a URL must not have a fragment here", text);
  for (char c : target)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return bad("the URL has a space or control character", text);
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  return url;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (unreserved(c)) {
      out += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return bad("an escape is not %XX", text);
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return bad("a zero byte is not allowed", text);
    out += c;
  }
  if (valid_utf8(out) != out) return bad("the text is not UTF-8", text);
  return out;
}

Result<Query> parse_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    auto end = text.find('&');
    auto item = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (item.empty()) continue;
    if (query.items().size() == max_parameters) return bad("there are more than 256 query parameters", item);
    auto equals = item.find('=');
    TRY(auto key, percent_decode(item.substr(0, equals), true));
    std::string value;
    if (equals != item.npos) {
      TRY(value, percent_decode(item.substr(equals + 1), true));
    }
    query.add(std::move(key), std::move(value));
  }
  return query;
}

Result<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) return bad("the request target does not start with \"/\"", target);
  auto mark = target.find('?');
  Target out;
  out.path = target.substr(0, mark);
  std::string_view rest = std::string_view(out.path).substr(1);
  while (true) {
    auto end = rest.find('/');
    auto segment = rest.substr(0, end);
    if (auto decoded = percent_decode(segment); !decoded) return fail(std::move(decoded).error());
    if (dot_segment(segment)) return bad("the path has a \".\" or \"..\" segment", target);
    if (end == rest.npos) break;
    if (segment.empty()) return bad("the path has an empty segment", target);
    rest.remove_prefix(end + 1);
  }
  if (mark != target.npos) {
    TRY(out.query, parse_query(target.substr(mark + 1)));
  }
  return out;
}

}  // namespace drover::net
