#include "hub/assets.hpp"

#include <algorithm>

#include "hub/codes.hpp"

namespace drover::hub {

namespace {

constexpr std::string_view index_path = "/index.html";
constexpr std::string_view nonce_mark = "__CSP_NONCE__";

constexpr std::string_view plain_page =
    "<!doctype html><html lang=en><meta charset=utf-8><title>Drover</title><h1>Drover</h1>"
    "<p>This hub was built without its web UI. The API is at <a href=/api/v1/openapi.json>/api/v1</a>, and "
    "the "
    "command <code>drover</code> does everything.</p></html>";

const Asset* find(std::string_view path) {
  auto all = assets();
  auto found = std::ranges::find(all, path, &Asset::path);
  return found == all.end() ? nullptr : &*found;
}

std::string text_of(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool takes_gzip(const net::Request& request) {
  for (auto header : request.headers.all("Accept-Encoding"))
    if (header.find("gzip") != header.npos && header.find("gzip;q=0") == header.npos) return true;
  return false;
}

net::Response page() {
  auto nonce = random_trace();
  auto* index = find(index_path);
  std::string html = index ? text_of(index->content) : std::string(plain_page);
  for (std::size_t at = 0; (at = html.find(nonce_mark, at)) != html.npos; at += nonce.size())
    html.replace(at, nonce_mark.size(), nonce);
  auto response = net::text_response(200, std::move(html), "text/html; charset=utf-8");
  response.headers.set("Cache-Control", "no-cache");
  add_security_headers(response, nonce);
  return response;
}

}  // namespace

void add_security_headers(net::Response& response, std::string_view nonce) {
  auto style = nonce.empty() ? std::string("'self'") : "'self' 'nonce-" + std::string(nonce) + "'";
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src " + style +
                           "; connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; "
                           "form-action 'self'; frame-ancestors 'none'");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Referrer-Policy", "no-referrer");
  response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.set("Cross-Origin-Resource-Policy", "same-origin");
  response.headers.set("Permissions-Policy", "camera=(), microphone=(), geolocation=()");
}

net::Response serve_asset(const net::Request& request) {
  auto* asset = request.path == index_path ? nullptr : find(request.path);
  if (!asset) {
    if (request.path.starts_with("/assets/")) return net::text_response(404, "not found\n");
    return page();
  }
  net::Response response;
  response.headers.set("Content-Type", std::string(asset->type));
  response.headers.set("ETag", std::string(asset->etag));
  bool hashed = asset->path.starts_with("/assets/");
  response.headers.set("Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.set("Vary", "Accept-Encoding");
  add_security_headers(response, "");
  if (request.headers.get("If-None-Match") == asset->etag) {
    response.status = 304;
    return response;
  }
  bool zipped = !asset->gzip.empty() && takes_gzip(request);
  if (zipped) response.headers.set("Content-Encoding", "gzip");
  response.body = text_of(zipped ? asset->gzip : asset->content);
  return response;
}

}  // namespace drover::hub
