#pragma once
// A real hub in a temporary directory, and clients for its Unix socket, plain and TLS ports.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/json.hpp"
#include "hub/hub.hpp"
#include "net/client.hpp"

namespace drover::hub::test {

namespace fs = std::filesystem;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = fs::temp_directory_path() / "drover-hub-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string path() const { return path_; }

 private:
  fs::path path_;
};

struct Reply {
  int status = 0;
  json::value body;
  net::Headers headers;
  std::string text;
};

/// One request by a client of its own: its connection ends with the executor that it belongs to.
inline net::Awaitable<Result<net::ClientResponse>> ask(net::Url url, net::ClientSettings settings,
                                                       net::ClientRequest request) {
  net::HttpClient client(std::move(url), std::move(settings));
  co_return co_await client.request(std::move(request), 20s);
}

class World {
 public:
  explicit World(HubOptions options = {}) {
    options.state = directory.path() + "/state";
    if (options.listen.size() == 1 && options.listen[0].port == 3079) options.listen[0].port = 0;
    options.settings.heartbeat = 2s;
    options.settings.lost_after = 10s;
    options.settings.settle = 0s;
    options_ = options;
    start();
  }
  ~World() { stop(); }
  void start() {
    auto opened = Hub::open(options_, {pool, clock, log, 42, {}});
    if (!opened) throw std::runtime_error(opened.error().message + ": " + opened.error().cause);
    hub = std::move(*opened);
    hub->start();
  }
  void stop() {
    if (hub) net::wait_for(pool.executor(0), hub->stop(200ms));
    hub.reset();
  }

  /// Over the Unix socket: as admin.
  Reply call(std::string method, std::string path, std::string body = {}, net::Headers headers = {}) {
    return call_at(*net::parse_url("unix:" + hub->socket()), {}, {method, path, headers, body});
  }
  Reply call_at(net::Url url, net::ClientSettings settings, net::ClientRequest request) {
    if (!request.target.starts_with("/api") && !request.target.starts_with("!"))
      request.target = "/api/v1" + request.target;
    if (request.target.starts_with("!")) request.target.erase(0, 1);
    auto response = net::block_on(ask(std::move(url), std::move(settings), std::move(request)));
    if (!response)
      return {.status = -1,
              .body = {},
              .headers = {},
              .text = response.error().message + ": " + response.error().cause};
    auto parsed = parse_json(response->body);
    return {response->status, parsed ? *parsed : json::value(), response->headers, response->body};
  }
  net::Url plain() const { return *net::parse_url("http://127.0.0.1:" + std::to_string(hub->port())); }
  net::Url secure() const { return *net::parse_url("https://127.0.0.1:" + std::to_string(hub->port())); }

  TemporaryDirectory directory;
  RealClock clock;
  Log log{clock, 2, "hub", true};
  net::IoPool pool{2};
  std::unique_ptr<Hub> hub;

 private:
  HubOptions options_;
};

inline std::string at(const json::value& value, std::string_view key) {
  if (!value.is_object()) return {};
  auto found = value.get_object().find(key);
  if (found == value.get_object().end()) return {};
  return found->value().is_string() ? std::string(found->value().get_string()) : print_json(found->value());
}

constexpr const char* shop =
    "name: shop\nservices:\n  web:\n    command: [/bin/sleep, '1000']\n    working_dir: /tmp\n    scale: 2\n";

}  // namespace drover::hub::test
