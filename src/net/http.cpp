#include "net/http.hpp"

#include <algorithm>

namespace drover::net {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

bool same_header(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (same_header(key, name)) return value;
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  return std::size_t(
      std::count_if(items_.begin(), items_.end(), [&](auto& item) { return same_header(item.first, name); }));
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [key, value] : items_)
    if (same_header(key, name)) found.push_back(value);
  return found;
}

void Headers::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(items_, [&](auto& item) { return same_header(item.first, name); });
}

std::string_view Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters)
    if (key == name) return value;
  return {};
}

Response text_response(int status, std::string body, std::string content_type) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", std::move(content_type));
  response.body = std::move(body);
  return response;
}

Response json_response(int status, std::string json) {
  return text_response(status, std::move(json), "application/json");
}

Response upgrade_to(WebSocketHandler handler, WebSocketSettings settings) {
  Response response;
  response.status = 101;
  response.websocket = std::move(handler);
  response.websocket_settings = std::move(settings);
  return response;
}

bool from_other_site(const Request& request) {
  if (auto site = request.headers.get("Sec-Fetch-Site"); site && *site != "same-origin" && *site != "none")
    return true;
  auto origin = request.headers.get("Origin");
  if (!origin) return false;
  auto host = request.headers.get("Host");
  auto scheme = origin->find("://");
  return scheme == origin->npos || !host || !same_header(origin->substr(scheme + 3), *host);
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

}  // namespace drover::net
