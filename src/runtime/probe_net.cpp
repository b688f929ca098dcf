#include "runtime/probe_net.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <re2/re2.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "net/client.hpp"
#include "net/grpc_health.hpp"
#include "runtime/descriptor.hpp"

namespace drover::runtime {

namespace {
using Outcome = Result<std::string>;
constexpr std::size_t searched_body = 64 << 10;

// ---- http

bool wanted(const HttpCheck& check, int status) {
  if (check.status.empty()) return status >= 200 && status < 400;
  return std::find(check.status.begin(), check.status.end(), status) != check.status.end();
}

/// Where to connect, and what to say there.
struct HttpTarget {
  net::Url url;
  net::ClientRequest request;
};
Result<HttpTarget> http_target(const HttpCheck& check, const Lookup& words) {
  HttpTarget out;
  TRY(const auto text, fill(check.url, words));
  TRY(out.url, net::parse_url(text));
  out.request.target = out.url.target;
  for (const auto& [name, value] : check.headers) {
    TRY(auto filled, fill(value, words));
    out.request.headers.add(name, std::move(filled));
  }
  if (!out.request.headers.has("User-Agent")) out.request.headers.add("User-Agent", "drover-probe");
  out.request.headers.set("Connection", "close");
  if (check.socket.empty()) return out;
  if (!out.request.headers.has("Host")) out.request.headers.add("Host", out.url.authority());
  TRY(out.url.socket, fill(check.socket, words));
  out.url.scheme = "unix";
  return out;
}

/// The first 64 KiB, or what comes of them within the time.
net::Awaitable<Result<std::string>> head_of(net::ResponseStream& answer, Duration timeout) {
  std::string body;
  while (body.size() < searched_body) {
    CO_TRY(auto more, co_await answer.read(timeout));
    if (!more) break;
    body += *more;
  }
  body.resize(std::min(body.size(), searched_body));
  co_return body;
}

net::Awaitable<Outcome> exchange_http(HttpCheck check, HttpTarget target, Duration timeout) {
  net::ClientSettings settings;
  settings.connect = timeout;
  settings.max_body = 1 << 20;
  if (target.url.tls()) {
    CO_TRY(settings.tls, net::TlsClient::create({.trust = net::TrustSystem{}}));
  }
  net::HttpClient client(std::move(target.url), std::move(settings));
  CO_TRY(auto answer, co_await client.open(std::move(target.request), timeout));
  const auto detail = fmt::format("HTTP {}", answer.status());
  if (!wanted(check, answer.status())) co_return fail(Errc::unavailable, detail);
  if (check.body.empty()) co_return detail;
  CO_TRY(const auto body, co_await head_of(answer, timeout));
  const re2::RE2 pattern(check.body, re2::RE2::Quiet);
  if (!re2::RE2::PartialMatch(body, pattern))
    co_return fail(Errc::unavailable, fmt::format("{}, but the body does not match {}", detail, check.body));
  co_return detail + ", the body matches";
}

// ---- tcp and grpc

struct Resolved {
  sockaddr_storage address{};
  socklen_t size = 0;
};

Result<Resolved> resolve(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return fail(Errc::invalid, fmt::format("\"{}\" is not host:port", text));
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  const int rc = ::getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found);
  if (rc != 0) return fail(Errc::unavailable, fmt::format("{}: {}", host, ::gai_strerror(rc)));
  Resolved out;
  std::memcpy(&out.address, found->ai_addr, found->ai_addrlen);
  out.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return out;
}

net::Awaitable<Result<std::unique_ptr<Descriptor>>> connected(net::Executor files, std::string address) {
  std::optional<Result<Resolved>> target;
  co_await net::run_on(files, [&] { target.emplace(resolve(address)); });
  if (!*target) co_return fail(std::move(*target).error());
  const auto& to = **target;
  const int fd = ::socket(to.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(from_errno(errno, "socket"));
  auto socket = std::make_unique<Descriptor>(co_await net::current_executor(), fd);
  int error = 0;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to.address), to.size) != 0) {
    if (errno != EINPROGRESS) co_return fail(from_errno(errno, address));
    CO_TRYV(co_await socket->writable());
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0) co_return fail(from_errno(error, address));
  co_return socket;
}

net::Awaitable<Outcome> connect_only(net::Executor files, std::string address) {
  CO_TRYV(co_await connected(files, std::move(address)));
  co_return "connected";
}

net::Awaitable<Result<void>> send_all(Descriptor& socket, std::string bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const auto n = ::send(socket.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) co_return fail(from_errno(errno, "sending"));
    if (n > 0) sent += std::size_t(n);
    else {
      CO_TRYV(co_await socket.writable());
    }
  }
  co_return Result<void>();
}

net::Awaitable<Outcome> exchange_grpc(net::Executor files, std::string address, std::string service) {
  CO_TRY(auto socket, co_await connected(files, address));
  net::GrpcHealthCall call(address, service);
  std::array<char, 16 << 10> buffer;
  while (!call.finished()) {
    CO_TRYV(co_await send_all(*socket, call.output()));
    CO_TRYV(co_await socket->readable());
    const auto n = ::recv(socket->get(), buffer.data(), buffer.size(), 0);
    if (n == 0) break;
    if (n < 0 && errno != EAGAIN && errno != EINTR) co_return fail(from_errno(errno, address));
    if (n > 0) {
      CO_TRYV(call.input({buffer.data(), std::size_t(n)}));
    }
  }
  co_return call.outcome();
}
}  // namespace

net::Awaitable<Outcome> ask_http(HttpCheck check, Lookup words, Duration timeout) {
  CO_TRY(auto target, http_target(check, words));
  auto outcome = co_await net::within(timeout, exchange_http(std::move(check), std::move(target), timeout),
                                      "the answer");
  // "invalid" of the client is about what the server sent, not about the check.
  if (!outcome && outcome.error().code == Errc::invalid) outcome.error().code = Errc::unavailable;
  co_return outcome;
}

net::Awaitable<Outcome> ask_tcp(net::Executor files, TcpCheck check, Lookup words, Duration timeout) {
  CO_TRY(auto address, fill(check.address, words));
  co_return co_await net::within(timeout, connect_only(files, std::move(address)), "the connection");
}

net::Awaitable<Outcome> ask_grpc(net::Executor files, GrpcCheck check, Lookup words, Duration timeout) {
  CO_TRY(auto address, fill(check.address, words));
  co_return co_await net::within(timeout, exchange_grpc(files, std::move(address), std::move(check.service)),
                                 "the answer");
}

}  // namespace drover::runtime
