#pragma once
// A server with a few handlers, and a raw socket to misbehave with.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/client.hpp"
#include "net/io_pool.hpp"
#include "net/server.hpp"

namespace drover::net::test {

inline WallTime wall_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/drover-net-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

/// A blocking socket whose every wait is bounded.
class Raw {
 public:
  explicit Raw(std::uint16_t port, const char* host = "127.0.0.1") {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, host, &address.sin_addr);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Raw() { ::close(fd_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  bool connected() const { return connected_; }
  int fd() const { return fd_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(std::size_t(sent));
    }
    return true;
  }
  /// Up to the end of the connection, or to `limit`; closed() tells which.
  std::string read_all(int limit_ms = 5000) { return read_until({}, limit_ms); }
  std::string read_until(std::string_view end, int limit_ms = 5000) {
    std::string out;
    auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
    for (;;) {
      auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now())
              .count();
      pollfd look{fd_, POLLIN, 0};
      if (left <= 0 || ::poll(&look, 1, int(left)) <= 0) return out;
      char bytes[4096];
      auto got = ::recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) {
        closed_ = true;
        return out;
      }
      out.append(bytes, std::size_t(got));
      if (!end.empty() && out.find(end) != out.npos) return out;
    }
  }
  bool closed() const { return closed_; }

 private:
  int fd_;
  bool connected_ = false;
  bool closed_ = false;
};

class ServerTest : public testing::Test {
 protected:
  void serve(Handler handler, ServerSettings settings = {}) {
    settings.on_problem = [this](const Error& error) {
      std::lock_guard lock(mutex_);
      problems_.push_back(error.message + ": " + error.cause);
    };
    server_ = std::make_unique<HttpServer>(pool_, std::move(settings), std::move(handler));
  }
  std::uint16_t serve_plain(Handler handler, ServerSettings settings = {}) {
    serve(std::move(handler), std::move(settings));
    auto port = server_->listen(ListenTcp{}).value();
    server_->start();
    return port;
  }
  void TearDown() override { stop(200ms); }
  void stop(Duration grace) {
    if (!server_) return;
    wait_for(pool_.executor(0), server_->stop(grace));
    server_.reset();
  }
  std::vector<std::string> problems() {
    std::lock_guard lock(mutex_);
    return problems_;
  }
  template <class T>
  T run(Awaitable<T> work) {
    return wait_for(pool_.next(), std::move(work));
  }
  Url url(std::uint16_t port, std::string scheme = "http") {
    return parse_url(scheme + "://127.0.0.1:" + std::to_string(port)).value();
  }
  Result<ClientResponse> get(Url where, std::string target, ClientSettings settings = {}) {
    HttpClient client(std::move(where), std::move(settings));
    return run(client.request({.target = std::move(target)}, 10s));
  }

  IoPool pool_{2};
  std::unique_ptr<HttpServer> server_;
  std::mutex mutex_;
  std::vector<std::string> problems_;
};

inline Awaitable<Response> echo(Request* request) {
  co_return text_response(200, request->method + " " + request->path + " " + request->body);
}
inline Handler echo_handler() {
  return [](Request& request) { return echo(&request); };
}

}  // namespace drover::net::test
