#pragma once
// The web UI, embedded in the program: files, their types and hashes from a generated table (tools/embed.py).

#include <span>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace drover::hub {

struct Asset {
  std::string_view path;  // "/assets/index-….js"
  std::string_view type;  // Content-Type
  std::string_view etag;  // with quotes
  std::span<const unsigned char> content;
  std::span<const unsigned char> gzip;  // empty: not worth it
};
/// Generated. Empty where the program was built without the UI.
std::span<const Asset> assets();
/// Id of the UI's build; "" without one.
std::string_view ui_build();

/// GET of anything that is not the API's: a file, or the page itself (the UI routes by itself).
net::Response serve_asset(const net::Request& request);

/// Headers for every answer to a browser: what may not happen on our pages.
void add_security_headers(net::Response& response, std::string_view nonce);

}  // namespace drover::hub
